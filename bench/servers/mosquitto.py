"""Mosquitto, the reference for MQTT: TLS, no authentication, nothing stored.

With `set_tcp_nodelay`: without it, Nagle's algorithm and delayed acknowledgements make it both slower and
dearer, and the comparison would flatter homeport. Without session tickets, as homeport, by an OpenSSL
configuration of its own. It does not ask for a client certificate, since it has no way to ask for one and
accept none; homeport does ask, at its own expense. Given a CA, it demands a certificate of everybody, has OpenSSL
check the chain up to the root at each handshake, and takes the common name for the user name: the way to run it
with certificates.
"""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from bench.failures import BenchError
from bench.servers.certificate import CertificateFiles, make_certificate
from bench.servers.process import Endpoint, Server, refuse_answering, running

TLS = Endpoint("127.77.0.2", 18883)

CONFIGURATION = """
listener {tls.port} {tls.address}
certfile {files.certificate}
keyfile {files.key}
allow_anonymous true
set_tcp_nodelay true
persistence false
max_connections -1
log_dest none
"""

CERTIFICATES_DEMANDED = """
cafile {client_ca}
require_certificate true
use_identity_as_username true
"""

OPENSSL_CONFIGURATION = """
openssl_conf = initialization
[initialization]
ssl_conf = tls
[tls]
system_default = without_tickets
[without_tickets]
NumTickets = 0
"""


@contextmanager
def mosquitto(directory: Path, *, client_ca: str | None = None) -> Iterator[Server]:
    """Mosquitto while the block runs, for devices below that CA certificate (PEM), or for devices without one.

    Raises `BenchError` when it is not installed or its port is taken.
    """
    binary = shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin:/usr/bin:/usr/local/bin")
    if binary is None:
        raise BenchError("Mosquitto is the reference for MQTT: install it (Debian: mosquitto).")
    refuse_answering([TLS])
    directory.mkdir(parents=True)
    file = directory / "mosquitto.conf"
    file.write_text(configuration(directory, make_certificate(directory, TLS.address), client_ca))
    openssl = directory / "openssl.cnf"
    openssl.write_text(OPENSSL_CONFIGURATION)
    command = ["env", f"OPENSSL_CONF={openssl}", binary, "-c", str(file)]
    with running(command, log=directory / "mosquitto.log", is_ready=TLS.answers) as pid:
        yield Server("Mosquitto", pid, TLS)


def configuration(directory: Path, files: CertificateFiles, client_ca: str | None) -> str:
    """The text of mosquitto.conf."""
    text = CONFIGURATION.format(tls=TLS, files=files)
    if client_ca is not None:
        ca_file = directory / "client-ca.pem"
        ca_file.write_text(client_ca)
        text += CERTIFICATES_DEMANDED.format(client_ca=ca_file)
    # Started as root it would change to a user that cannot read the key of this directory.
    return text + ("user root\n" if os.geteuid() == 0 else "")
