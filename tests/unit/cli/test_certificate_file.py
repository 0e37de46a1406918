"""Certificates in files become what the service API takes."""

from pathlib import Path

import pytest
from tests.pki import make_self_signed

from homeport.cli.certificate_file import certificate_text
from homeport.security.certificates import parse_certificate

DEVICE = make_self_signed("device-1")


@pytest.mark.parametrize("content", [DEVICE.der, DEVICE.pem.encode()])
def test_pem_and_der_arrive_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert parse_certificate(certificate_text(tmp_path / "file")).der == DEVICE.der


def test_what_is_neither_is_left_to_the_server_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe nonsense")
    assert "nonsense" in certificate_text(tmp_path / "file")
