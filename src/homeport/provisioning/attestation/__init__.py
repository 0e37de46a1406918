"""Is this device who it says? Pure, one file per mechanism."""
