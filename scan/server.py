"""The homeport that is scanned: with an RSA certificate beside the ECDSA one, so that all that can be offered is."""

import datetime
import ipaddress
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

ADDRESS = "127.0.90.77"
_HOMEPORT = Path(sys.executable).with_name("homeport")
_READY_SECONDS = 30


@dataclass(frozen=True, kw_only=True)
class Server:
    """Where it listens, by the name of what is spoken there, and its CA."""

    ports: dict[str, int]
    ca_file: Path


@contextmanager
def run(directory: Path) -> Iterator[Server]:
    """A running server; its data and its log are in `directory`."""
    data, ready = directory / "data", directory / "ready.json"
    subprocess.run([_HOMEPORT, "init", "--data-dir", data, "--host", ADDRESS], check=True, stdout=subprocess.DEVNULL)
    _make_rsa_certificate(data)
    pair = {"HOMEPORT_TLS_RSA_CERTIFICATE": "rsa.pem", "HOMEPORT_TLS_RSA_PRIVATE_KEY": "rsa.key"}
    call: list[str | Path] = [
        _HOMEPORT,
        "up",
        "--data-dir",
        data,
        "--host",
        ADDRESS,
        "--bind",
        ADDRESS,
        "--ready-file",
        ready,
    ]
    with (directory / "homeport.log").open("w") as log:
        process = subprocess.Popen(call, env=os.environ | pair, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            _wait(process, ready)
            said = json.loads(ready.read_text())
            ports = {name: said[f"{name}Port"] for name in ("https", "mqtt", "amqp")}
            yield Server(ports=ports, ca_file=data / "ca.pem")
        finally:
            process.terminate()
            process.wait(_READY_SECONDS)


def _wait(process: subprocess.Popen[bytes], ready: Path) -> None:
    deadline = time.monotonic() + _READY_SECONDS
    while not ready.exists():
        if process.poll() is not None or time.monotonic() > deadline:
            raise RuntimeError(f"homeport up did not become ready; see homeport.log beside {ready}")
        time.sleep(0.05)


def _make_rsa_certificate(data: Path) -> None:
    """`rsa.pem` and `rsa.key`, of the CA that `homeport init` has made."""
    ca = x509.load_pem_x509_certificate((data / "ca.pem").read_bytes())
    ca_key = serialization.load_pem_private_key((data / "ca.key").read_bytes(), password=None)
    assert isinstance(ca_key, ec.EllipticCurvePrivateKey)
    key = rsa.generate_private_key(65_537, 2_048)
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(ADDRESS))])
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, ADDRESS)]))
        .issuer_name(ca.subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(hours=1))
        .not_valid_after(now + datetime.timedelta(days=90))
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
        .add_extension(names, critical=False)
        .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(ca_key.public_key()), critical=False)
        .sign(ca_key, hashes.SHA256())
    )
    pem = serialization.Encoding.PEM
    (data / "rsa.pem").write_bytes(certificate.public_bytes(pem) + ca.public_bytes(pem))
    form, how = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    (data / "rsa.key").write_bytes(key.private_bytes(pem, form, how))
