"""The private CA and the server certificate: what is in them, when they are made anew, who may read the keys."""

import os
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from homeport.deployment.certificates import ensure_certificates, write_secret

NOW = datetime(2030, 1, 2, 3, 4, 5, tzinfo=UTC)
HOSTS = ["dps.test", "localhost", "127.0.0.1", "::1"]
FILES = ("ca.pem", "ca.key", "server.pem", "server.key")


@pytest.fixture
def made(tmp_path: Path) -> Path:
    ensure_certificates(tmp_path, HOSTS, NOW)
    return tmp_path


def server_chain(directory: Path) -> list[x509.Certificate]:
    return x509.load_pem_x509_certificates((directory / "server.pem").read_bytes())


def contents(directory: Path) -> dict[str, bytes]:
    return {name: (directory / name).read_bytes() for name in FILES}


def verify(directory: Path, subject: x509.DNSName | x509.IPAddress, when: datetime = NOW) -> None:
    """As a strict client would."""
    ca = x509.load_pem_x509_certificate((directory / "ca.pem").read_bytes())
    verifier = PolicyBuilder().store(Store([ca])).time(when).build_server_verifier(subject)
    leaf, *rest = server_chain(directory)
    verifier.verify(leaf, rest)


@pytest.mark.parametrize(
    "subject",
    [
        x509.DNSName("dps.test"),
        x509.DNSName("localhost"),
        x509.IPAddress(ip_address("127.0.0.1")),
        x509.IPAddress(ip_address("::1")),
    ],
)
def test_a_client_that_trusts_the_ca_trusts_every_host(made: Path, subject: x509.DNSName | x509.IPAddress) -> None:
    verify(made, subject)


def test_nobody_else_is_certified(made: Path) -> None:
    with pytest.raises(VerificationError):
        verify(made, x509.DNSName("other.test"))


def test_the_key_is_p256_and_fits(made: Path) -> None:
    leaf, ca = server_chain(made)
    key = serialization.load_pem_private_key((made / "server.key").read_bytes(), password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey)
    assert isinstance(key.curve, ec.SECP256R1)
    assert leaf.public_key() == key.public_key()
    assert ca == x509.load_pem_x509_certificate((made / "ca.pem").read_bytes())


def test_the_leaf_serves_and_signs_nothing(made: Path) -> None:
    leaf, ca = server_chain(made)
    assert leaf.subject.get_attributes_for_oid(NameOID.COMMON_NAME)[0].value == "dps.test"
    assert not leaf.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    usage = leaf.extensions.get_extension_for_class(x509.ExtendedKeyUsage).value
    assert list(usage) == [ExtendedKeyUsageOID.SERVER_AUTH]
    constraints = ca.extensions.get_extension_for_class(x509.BasicConstraints).value
    assert (constraints.ca, constraints.path_length) == (True, 0)


def test_a_certificate_lives_no_longer_than_clients_allow(made: Path) -> None:
    leaf, _ = server_chain(made)
    assert leaf.not_valid_after_utc - leaf.not_valid_before_utc <= timedelta(days=398)
    assert leaf.not_valid_before_utc < NOW, "a device's clock may be behind"


def test_a_long_name_fits_the_common_name(tmp_path: Path) -> None:
    host = ".".join(["a" * 60] * 3)
    ensure_certificates(tmp_path, [host], NOW)
    verify(tmp_path, x509.DNSName(host))


def test_keys_are_for_their_owner_only(made: Path) -> None:
    for name in ("ca.key", "server.key"):
        assert (made / name).stat().st_mode & 0o777 == 0o600


def test_nothing_is_made_twice(made: Path) -> None:
    before = contents(made)
    ensure_certificates(made, HOSTS[:2], NOW + timedelta(days=300))
    assert contents(made) == before


def test_a_new_host_needs_a_new_certificate_from_the_same_ca(made: Path) -> None:
    before = contents(made)
    ensure_certificates(made, [*HOSTS, "new.test"], NOW)
    after = contents(made)
    assert {name for name in FILES if before[name] != after[name]} == {"server.pem", "server.key"}
    verify(made, x509.DNSName("new.test"))


def test_a_certificate_near_its_end_is_renewed(made: Path) -> None:
    later = NOW + timedelta(days=370)
    ensure_certificates(made, HOSTS, later)
    verify(made, x509.DNSName("dps.test"), later + timedelta(days=380))


def test_a_secret_is_whole_and_private_whatever_the_mask(tmp_path: Path) -> None:
    file = tmp_path / "secret"
    mask = os.umask(0)
    try:
        write_secret(file, b"one")
        write_secret(file, b"two")
    finally:
        os.umask(mask)
    assert file.read_bytes() == b"two"
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["secret"]
