"""Devices of the benchmark: who signed them, what they are called, and the file that the generator reads."""

from pathlib import Path

from bench.device_certificates import make_authority, make_devices, make_self_signed, write_credentials
from cryptography import x509
from cryptography.x509.oid import NameOID


def common_name(certificate: x509.Certificate) -> str | bytes:
    return certificate.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value


def test_a_device_is_called_by_the_registration_id_that_the_generator_gives_it() -> None:
    devices = make_devices("round-1-", 2, make_self_signed)
    assert list(devices) == ["round-1-00000000", "round-1-00000001"]
    assert [common_name(device.certificate) for device in devices.values()] == list(devices)


def test_a_self_signed_device_vouches_for_itself_with_a_key_of_its_own() -> None:
    first, second = make_devices("d-", 2, make_self_signed).values()
    first.certificate.verify_directly_issued_by(first.certificate)
    assert first.certificate.public_key() != second.certificate.public_key()


def test_a_device_of_an_authority_presents_the_intermediate_and_leaves_the_root_out() -> None:
    authority = make_authority()
    device = authority.device("device-1")
    assert device.above == (authority.line.certificate,)
    device.certificate.verify_directly_issued_by(authority.line.certificate)
    authority.line.certificate.verify_directly_issued_by(authority.root.certificate)


def test_the_file_holds_certificate_key_and_intermediates_of_each_device_in_turn(tmp_path: Path) -> None:
    devices = make_devices("d-", 2, make_authority().device)
    file = write_credentials(tmp_path / "devices.pem", devices)
    kinds = [line.strip("-") for line in file.read_text().splitlines() if line.startswith("-----BEGIN")]
    assert kinds == ["BEGIN CERTIFICATE", "BEGIN EC PRIVATE KEY", "BEGIN CERTIFICATE"] * 2
