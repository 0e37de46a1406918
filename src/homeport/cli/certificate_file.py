"""Certificates in files, PEM or DER: as the service API wants to have them, or read on this machine."""

import base64
from pathlib import Path

import click

from homeport.security.certificates import Certificate, CertificateMalformed, parse_certificate

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""The type of an argument that names a file to be read."""

_SEQUENCE = b"\x30"
_PEM_END = b"-----END CERTIFICATE-----"


def certificate_text(file: Path) -> str:
    """PEM as it is, DER in base64. Whether it is a certificate is the server's to say."""
    content = file.read_bytes()
    if content.startswith(_SEQUENCE):
        return base64.b64encode(content).decode("ascii")
    return content.decode("ascii", "replace")


def certificates_in(file: Path) -> list[Certificate]:
    """Every certificate of a PEM file, or the one of a DER file.

    Raises:
        click.ClickException: there is none, or one that cannot be read.
    """
    content = file.read_bytes()
    blocks = [content] if content.startswith(_SEQUENCE) else _pem_blocks(content)
    try:
        found = [parse_certificate(block) for block in blocks]
    except CertificateMalformed as error:
        raise click.ClickException(f"{file}: {error}") from error
    if not found:
        raise click.ClickException(f"{file} holds no certificate, neither PEM nor DER.")
    return found


def _pem_blocks(content: bytes) -> list[bytes]:
    return [block + _PEM_END for block in content.split(_PEM_END)[:-1]]
