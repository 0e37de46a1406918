"""Certificates that are replaced while the server runs: what is taken, what is refused, what is told."""

import asyncio
import os
import shutil
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from tests import pki
from tests.unit.endpoints.memory_tls import client_context, shake_hands

from homeport.endpoints.server_certificates import ServerCertificateError, ServerCertificates
from homeport.endpoints.tls_context import KeyPair

NOW = datetime(2026, 6, 1, tzinfo=UTC)


@dataclass
class Reports:
    """Remembers what it was told."""

    said: list[str] = field(default_factory=list)
    in_use: dict[str, datetime] = field(default_factory=dict)

    def server_certificate_in_use(self, *, key_type: str, not_after: datetime) -> None:
        self.in_use[key_type] = not_after

    def server_certificate_expiring(self, *, key_type: str, not_after: datetime) -> None:
        self.said.append(f"expiring: {key_type}")

    def server_certificates_reloaded(self) -> None:
        self.said.append("reloaded")

    def server_certificates_refused(self, reason: str) -> None:
        self.said.append(reason)


class HandClock:
    """Stands still until it is turned."""

    def __init__(self) -> None:
        self.time = NOW

    def now(self) -> datetime:
        return self.time

    def monotonic(self) -> float:
        return self.time.timestamp()


class Server:
    """Certificate files in a directory, and what the server makes of them."""

    def __init__(self, directory: Path, identity: pki.Identity, rsa: pki.Identity | None = None) -> None:
        self.directory = directory
        self.clock, self.reports = HandClock(), Reports()
        pairs = [self.write("server", identity)]
        if rsa is not None:
            pairs.append(self.write("rsa", rsa))
        self.certificates = ServerCertificates(pairs, clock=self.clock, reports=self.reports)

    def write(self, name: str, identity: pki.Identity) -> KeyPair:
        pair = KeyPair(self.directory / f"{name}.pem", self.directory / f"{name}.key")
        replace(pair.certificate, identity.chain_pem)
        replace(pair.private_key, identity.key_pem)
        return pair

    def poll(self, times: int = 1) -> None:
        for _ in range(times):
            assert asyncio.run(self.certificates.poll()) is False

    def shown(self, ciphers: str = "") -> x509.Certificate | None:
        """The certificate that a new connection gets."""
        shaken = shake_hands(self.certificates.context(), client_context("1.2", ciphers=ciphers))
        assert shaken.error is None
        return shaken.client.get_peer_certificate(as_cryptography=True)


def replace(file: Path, text: str) -> None:
    """As tools do it: whole, under another name first."""
    draft = file.with_suffix(".new")
    draft.write_text(text)
    draft.replace(file)


def identity(valid: pki.Validity = pki.VALID, key: str = "P-256") -> pki.Identity:
    return pki.make_self_signed("dps.test", key=pki.make_key(key), valid=valid)


OLD, NEW, RSA = identity(), identity(), identity(key="RSA-2048")


@pytest.fixture
def server(tmp_path: Path) -> Server:
    return Server(tmp_path, OLD)


def test_new_files_are_for_new_connections(server: Server) -> None:
    before = server.certificates.context()
    server.write("server", NEW)
    server.certificates.reload()
    assert server.shown() == NEW.certificate
    assert shake_hands(before, client_context()).client.get_peer_certificate(as_cryptography=True) == OLD.certificate
    assert server.reports.said == ["reloaded"]
    assert server.reports.in_use == {"ecdsa": NEW.certificate.not_valid_after_utc}


def test_an_rsa_certificate_is_replaced_beside_the_other(tmp_path: Path) -> None:
    server = Server(tmp_path, OLD, RSA)
    server.write("rsa", renewed := identity(key="RSA-2048"))
    server.certificates.reload()
    assert server.shown("ECDHE-RSA-AES128-GCM-SHA256") == renewed.certificate
    assert server.shown() == OLD.certificate
    assert set(server.reports.in_use) == {"ecdsa", "rsa"}


def test_files_that_do_not_change_are_left_alone(server: Server) -> None:
    context = server.certificates.context()
    server.poll(5)
    assert server.certificates.context() is context
    assert server.reports.said == []


def test_changed_files_are_loaded_once_they_rest(server: Server) -> None:
    replace(server.directory / "server.pem", NEW.chain_pem)
    server.poll()
    replace(server.directory / "server.key", NEW.key_pem)
    server.poll()
    assert (server.shown(), server.reports.said) == (OLD.certificate, [])
    server.poll(3)
    assert (server.shown(), server.reports.said) == (NEW.certificate, ["reloaded"])


def test_a_link_that_points_elsewhere_is_a_change(tmp_path: Path) -> None:
    """As ACME clients and Kubernetes do it."""
    for name, each in (("one", OLD), ("two", NEW)):
        (tmp_path / name).mkdir()
        (tmp_path / name / "tls.pem").write_text(each.chain_pem)
        (tmp_path / name / "tls.key").write_text(each.key_pem)
        for file in (tmp_path / name).iterdir():
            os.utime(file, (0, 0))
    live = tmp_path / "live"
    live.symlink_to("one")
    server = Server(tmp_path, OLD)
    pair = KeyPair(live / "tls.pem", live / "tls.key")
    server.certificates = ServerCertificates([pair], clock=server.clock, reports=server.reports)
    (tmp_path / "next").symlink_to("two")
    (tmp_path / "next").rename(live)
    server.poll(2)
    assert server.shown() == NEW.certificate


def test_what_cannot_be_used_is_refused_once_with_its_reason_and_the_old_stays(server: Server) -> None:
    replace(server.directory / "server.key", NEW.key_pem)
    server.poll(5)
    assert server.shown() == OLD.certificate
    assert server.reports.said == [f"{server.directory}/server.key is not the key of {server.directory}/server.pem."]
    replace(server.directory / "server.pem", NEW.chain_pem)
    server.poll(2)
    assert server.shown() == NEW.certificate


def test_a_certificate_that_has_ended_does_not_replace_one_that_has_not(server: Server) -> None:
    server.write("server", identity(valid=pki.EXPIRED))
    server.certificates.reload()
    assert server.shown() == OLD.certificate
    assert server.reports.said == [f"{server.directory}/server.pem ended at 2025-01-01T00:00:00+00:00."]


def test_a_server_starts_with_a_certificate_that_has_ended_and_complains(tmp_path: Path) -> None:
    server = Server(tmp_path, identity(valid=pki.EXPIRED))
    server.poll()
    assert server.reports.said == ["expiring: ecdsa"]


def test_of_several_workers_one_complains(tmp_path: Path) -> None:
    server = Server(tmp_path, identity(valid=pki.EXPIRED))
    pair = KeyPair(tmp_path / "server.pem", tmp_path / "server.key")
    server.certificates = ServerCertificates([pair], clock=server.clock, reports=server.reports, warns=False)
    server.poll()
    assert server.reports.said == []


def test_the_end_of_a_certificate_is_warned_of_daily_and_not_after_its_renewal(tmp_path: Path) -> None:
    soon = identity(valid=(pki.VALID[0], NOW + timedelta(days=31)))
    server = Server(tmp_path, soon, RSA)
    server.poll()
    assert server.reports.said == []
    for _ in range(2):
        server.clock.time += timedelta(days=1, seconds=1)
        server.poll(3)
    assert server.reports.said == ["expiring: ecdsa"] * 2
    server.write("server", NEW)
    server.clock.time += timedelta(days=1)
    server.certificates.reload()
    server.poll(3)
    assert server.reports.said == ["expiring: ecdsa"] * 2 + ["reloaded"]


def no_pem(directory: Path) -> str:
    (directory / "server.pem").write_text("no certificate")
    return "server.pem holds no certificate in PEM"


def no_key(directory: Path) -> str:
    (directory / "server.key").write_text("no key")
    return "server.key holds no private key in PEM"


def encrypted_key(directory: Path) -> str:
    form, how = serialization.PrivateFormat.PKCS8, serialization.BestAvailableEncryption(b"secret")
    (directory / "server.key").write_bytes(OLD.key.private_bytes(serialization.Encoding.PEM, form, how))
    return "server.key is encrypted"


def lost_file(directory: Path) -> str:
    (directory / "server.key").unlink()
    return r"server.key cannot be read \(No such file or directory\)"


def broken_chain(directory: Path) -> str:
    cut = "-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----\n"
    (directory / "server.pem").write_text(OLD.chain_pem + cut)
    return "OpenSSL does not take .*server.pem"


def second_without_rsa(directory: Path) -> str:
    for kind in ("pem", "key"):
        shutil.copy(directory / f"server.{kind}", directory / f"rsa.{kind}")
    return "rsa.pem has no RSA key"


def first_with_rsa(directory: Path) -> str:
    for kind in ("pem", "key"):
        shutil.copy(directory / f"rsa.{kind}", directory / f"server.{kind}")
    return "server.pem has an RSA key already"


@pytest.mark.parametrize(
    "broken", [no_pem, no_key, encrypted_key, lost_file, broken_chain, second_without_rsa, first_with_rsa]
)
def test_each_mistake_is_named_at_a_start_and_at_a_reload(tmp_path: Path, broken: object) -> None:
    server = Server(tmp_path, OLD, RSA)
    said = broken(tmp_path)  # type: ignore[operator]
    pairs = [KeyPair(tmp_path / f"{name}.pem", tmp_path / f"{name}.key") for name in ("server", "rsa")]
    with pytest.raises(ServerCertificateError, match=said):
        ServerCertificates(pairs, clock=server.clock, reports=server.reports)
    server.certificates.reload()
    assert server.shown() == OLD.certificate
    assert len(server.reports.said) == 1
