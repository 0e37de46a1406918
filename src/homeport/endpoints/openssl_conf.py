"""OpenSSL's own configuration, written before OpenSSL is loaded.

A TLS 1.3 server sends two session tickets. A device that connects once a month never uses them, yet they cost
a fifth of a connection's CPU, and pyOpenSSL has no call to switch them off; OpenSSL's configuration file has.
The library reads it once, when it is first loaded: this module must run before anything imports it, and
therefore imports neither pyOpenSSL nor cryptography. Counterpart: `tls.py`.
"""

import os
from pathlib import Path

_VARIABLE = "OPENSSL_CONF"
_FILE = "openssl.cnf"
_CONTENT = """\
# Written by homeport at each start.
openssl_conf = homeport

[homeport]
ssl_conf = tls

[tls]
system_default = server

[server]
NumTickets = 0
"""


def disable_session_tickets(directory: Path) -> bool:
    """Have OpenSSL send no session tickets; the file goes into `directory`, which must exist.

    Returns False, and changes nothing, if the environment names a configuration already: an administrator's
    own (FIPS, engines) counts more than the tickets' cost.
    """
    if os.environ.get(_VARIABLE):
        return False
    file = directory / _FILE
    file.write_text(_CONTENT, encoding="ascii")
    os.environ[_VARIABLE] = str(file)
    return True
