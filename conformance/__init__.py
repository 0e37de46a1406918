"""Microsoft's own clients, unmodified, as judges of a running homeport.

Nothing here imports homeport: the suite knows the server only by its command line, its ready file and its ports,
as a stranger would. `matrix.toml` says what each client is expected to do; the tests prove it.
"""
