"""Certificates in files become what the service API takes."""

from pathlib import Path

import click
import pytest
from tests.pki import make_self_signed

from homeport.cli.certificate_file import certificate_text, certificates_in
from homeport.security.certificates import parse_certificate

DEVICE = make_self_signed("device-1")


@pytest.mark.parametrize("content", [DEVICE.der, DEVICE.pem.encode()])
def test_pem_and_der_arrive_whole(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    assert parse_certificate(certificate_text(tmp_path / "file")).der == DEVICE.der


def test_what_is_neither_is_left_to_the_server_to_refuse(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"\xff\xfe nonsense")
    assert "nonsense" in certificate_text(tmp_path / "file")


def test_a_file_of_several_is_read_in_their_order(tmp_path: Path) -> None:
    other = make_self_signed("device-2")
    (tmp_path / "file").write_text(f"around\n{DEVICE.pem}between\n{other.pem}")
    assert [each.der for each in certificates_in(tmp_path / "file")] == [DEVICE.der, other.der]
    (tmp_path / "file").write_bytes(DEVICE.der)
    assert [each.der for each in certificates_in(tmp_path / "file")] == [DEVICE.der]


@pytest.mark.parametrize("content", [b"", b"no certificate", DEVICE.pem.encode().replace(b"M", b"!")])
def test_a_file_without_a_certificate_is_named(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "file").write_bytes(content)
    with pytest.raises(click.ClickException, match="file"):
        certificates_in(tmp_path / "file")
