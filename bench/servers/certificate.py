"""A self-signed ECDSA P-256 certificate for nginx and Mosquitto: the kind that homeport makes for itself."""

import datetime
import ipaddress
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec


@dataclass(frozen=True)
class CertificateFiles:
    """Where the two PEM files lie."""

    certificate: Path
    key: Path


def make_certificate(directory: Path, address: str) -> CertificateFiles:
    """Write a certificate for that IP address, good for a day, and its key."""
    key = ec.generate_private_key(ec.SECP256R1())
    files = CertificateFiles(directory / "certificate.pem", directory / "key.pem")
    files.certificate.write_bytes(_sign(key, address).public_bytes(serialization.Encoding.PEM))
    files.key.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return files


def _sign(key: ec.EllipticCurvePrivateKey, address: str) -> x509.Certificate:
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, address)])
    now = datetime.datetime.now(datetime.UTC)
    names = x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address(address))])
    builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    return builder.add_extension(names, critical=False).sign(key, hashes.SHA256())
