"""The servers under measurement, each on a loopback address of its own: one file per server."""
