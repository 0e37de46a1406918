"""Certificates in files, PEM or DER, as the service API wants to have them."""

import base64
from pathlib import Path

import click

EXISTING_FILE = click.Path(exists=True, dir_okay=False, path_type=Path)
"""The type of an argument that names a file to be read."""

_SEQUENCE = b"\x30"


def certificate_text(file: Path) -> str:
    """PEM as it is, DER in base64. Whether it is a certificate is the server's to say."""
    content = file.read_bytes()
    if content.startswith(_SEQUENCE):
        return base64.b64encode(content).decode("ascii")
    return content.decode("ascii", "replace")
