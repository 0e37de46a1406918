"""OpenSSL's own configuration, written before OpenSSL is loaded: what pyOpenSSL has no call for.

The library reads it once, when it is first loaded: this module must run before anything imports it, and
therefore imports neither pyOpenSSL nor cryptography. Counterpart: `tls_context.py`.

- A TLS 1.3 server sends two session tickets. A device that connects once a month never uses them, yet they cost
  a fifth of a connection's CPU.
- Groups for the key exchange: the hybrid with ML-KEM first, where OpenSSL knows it (3.5 and later; `?` lets others
  pass over it, and before 3.3 the whole line). All are of one preference class: a client that has sent a share for
  any of them is not asked for another, which would be a round trip and a second key. P-521 is for client
  certificates with such a key: TLS 1.2 measures them by this list, too.
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
Groups = ?X25519MLKEM768:X25519:P-256:P-384:P-521
"""


def configure_openssl(directory: Path) -> bool:
    """Have OpenSSL read our configuration; the file goes into `directory`, which must exist.

    Returns False, and changes nothing, if the environment names a configuration already: an administrator's
    own (FIPS, engines) counts more than what tickets cost.
    """
    if os.environ.get(_VARIABLE):
        return False
    file = directory / _FILE
    file.write_text(_CONTENT, encoding="ascii")
    os.environ[_VARIABLE] = str(file)
    return True
