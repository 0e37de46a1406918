"""Certificates of simulated devices, self-signed or below a root and an intermediate, in a file for the generator.

Its counterpart is `load/credentials.h`, which says what the file looks like. All keys are ECDSA P-256, and each device
has one of its own, so that neither server can profit from having seen it before. Knows no server.
"""

import datetime
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

_CA_USAGE = x509.KeyUsage(
    digital_signature=False,
    content_commitment=False,
    key_encipherment=False,
    data_encipherment=False,
    key_agreement=False,
    key_cert_sign=True,
    crl_sign=True,
    encipher_only=False,
    decipher_only=False,
)

Issue = Callable[[str], "Identity"]
"""Makes a device of its registration ID."""


@dataclass(frozen=True)
class Identity:
    """A certificate, its key, and what is presented above it."""

    certificate: x509.Certificate
    key: ec.EllipticCurvePrivateKey
    above: tuple[x509.Certificate, ...] = ()

    @property
    def pem(self) -> str:
        """The certificate alone."""
        return self.certificate.public_bytes(Encoding.PEM).decode()

    @property
    def credential(self) -> bytes:
        """Certificate, key and what is above, as the load generator reads them; it takes keys in this form only."""
        key = self.key.private_bytes(Encoding.PEM, PrivateFormat.TraditionalOpenSSL, NoEncryption())
        return self.pem.encode() + key + b"".join(each.public_bytes(Encoding.PEM) for each in self.above)


@dataclass(frozen=True)
class Authority:
    """A root, which stands in an enrollment group, and the intermediate that signs devices."""

    root: Identity
    line: Identity

    def device(self, registration_id: str) -> Identity:
        """A device that presents its certificate and the intermediate."""
        return _issued(registration_id, signed_by=self.line, above=(self.line.certificate,))


def make_authority() -> Authority:
    """A fresh root and intermediate, good for a day."""
    root = _issued("Benchmark Root", extensions=(x509.BasicConstraints(ca=True, path_length=1), _CA_USAGE))
    constraints = x509.BasicConstraints(ca=True, path_length=0)
    return Authority(root, _issued("Benchmark Line", signed_by=root, extensions=(constraints, _CA_USAGE)))


def make_self_signed(registration_id: str) -> Identity:
    """A device that vouches for itself."""
    return _issued(registration_id)


def registration_ids(prefix: str, count: int) -> Iterator[str]:
    """The devices of a turn, named as the load generator names them."""
    return (f"{prefix}{number:08d}" for number in range(count))


def make_devices(prefix: str, count: int, issue: Issue) -> Mapping[str, Identity]:
    """So many devices, by registration ID, in the generator's order."""
    return {registration_id: issue(registration_id) for registration_id in registration_ids(prefix, count)}


def write_credentials(file: Path, devices: Mapping[str, Identity]) -> Path:
    """The file that the load generator is given."""
    file.write_bytes(b"".join(device.credential for device in devices.values()))
    return file


def _issued(
    common_name: str,
    *,
    signed_by: Identity | None = None,
    above: tuple[x509.Certificate, ...] = (),
    extensions: tuple[x509.ExtensionType, ...] = (),
) -> Identity:
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, common_name)])
    issuer = subject if signed_by is None else signed_by.certificate.subject
    now = datetime.datetime.now(datetime.UTC)
    builder = x509.CertificateBuilder(issuer, subject, key.public_key(), x509.random_serial_number())
    builder = builder.not_valid_before(now - datetime.timedelta(hours=1))
    builder = builder.not_valid_after(now + datetime.timedelta(days=1))
    for extension in extensions:
        builder = builder.add_extension(extension, critical=True)
    signer = key if signed_by is None else signed_by.key
    return Identity(builder.sign(signer, hashes.SHA256()), key, above)
