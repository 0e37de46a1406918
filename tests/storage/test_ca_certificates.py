"""CA certificates in the database: written under their etags, read by service, and counted with the groups."""

from dataclasses import dataclass

import pytest
from msgspec.structs import replace
from tests.storage.material import NOW, SERVICE, later, on_storage, put_service

from homeport.model.attestation import X509CertificateInfo
from homeport.model.ca_certificate import CaCertificate, Verification
from homeport.model.identifiers import ETag, RegistrationId, ServiceId
from homeport.storage.changes import ChangedMeanwhile, DeleteCaCertificate, PutCaCertificate
from homeport.storage.store import Store

OTHER = ServiceId(2)


def certificate(name: str, etag: str = "1", service_id: ServiceId = SERVICE) -> CaCertificate:
    info = X509CertificateInfo(
        subject_name=f"CN={name}",
        sha1_thumbprint="00" * 20,
        sha256_thumbprint="00" * 32,
        issuer_name=f"CN={name}",
        not_before_utc=NOW,
        not_after_utc=later(3600),
        serial_number="01",
        version=3,
    )
    return CaCertificate(
        service_id=service_id,
        name=name,
        certificate=b"\x30\x82",
        info=info,
        etag=ETag(etag),
        created_at=NOW,
        updated_at=NOW,
    )


def put(certificate: CaCertificate, expected: str | None = None) -> PutCaCertificate:
    return PutCaCertificate(certificate=certificate, expected=None if expected is None else ETag(expected))


@dataclass(frozen=True)
class Version:
    """The version of the groups, as a registration sees it."""

    storage: Store

    async def now(self) -> int:
        return (await self.storage.registrations.context(SERVICE, RegistrationId("any"))).groups_version


@on_storage
async def test_ca_certificates_come_back_as_they_were_written(storage: Store) -> None:
    proven = replace(
        certificate("factory"),
        verified_by=Verification.STATEMENT,
        verified_because="read off the HSM",
        verification_code="C0DE",
        verification_code_expires_at=later(60),
    )
    await storage.apply([put(proven), put(certificate("alpha"))])
    assert await storage.enrollments.ca_certificates(SERVICE) == [certificate("alpha"), proven]


@on_storage
async def test_each_service_has_its_own(storage: Store) -> None:
    await storage.apply([put_service(OTHER), put(certificate("factory", service_id=OTHER))])
    assert await storage.enrollments.ca_certificates(SERVICE) == []
    assert len(await storage.enrollments.ca_certificates(OTHER)) == 1


@on_storage
async def test_names_are_compared_as_written(storage: Store) -> None:
    await storage.apply([put(certificate("factory")), put(certificate("Factory"))])
    assert [found.name for found in await storage.enrollments.ca_certificates(SERVICE)] == ["Factory", "factory"]


@on_storage
async def test_a_change_needs_the_etag_that_is_stored(storage: Store) -> None:
    await storage.apply([put(certificate("factory"))])
    await storage.apply([put(certificate("factory", "2"), expected="1")])
    for stale in (
        put(certificate("factory", "3"), expected="1"),
        put(certificate("factory", "3")),
        DeleteCaCertificate(service_id=SERVICE, name="factory", expected=ETag("1")),
    ):
        with pytest.raises(ChangedMeanwhile):
            await storage.apply([stale])
    assert [found.etag for found in await storage.enrollments.ca_certificates(SERVICE)] == ["2"]


@on_storage
async def test_every_change_makes_caches_of_the_groups_old(storage: Store) -> None:
    version = Version(storage)
    seen = [await version.now()]
    for change in (
        put(certificate("factory")),
        put(certificate("factory", "2"), expected="1"),
        DeleteCaCertificate(service_id=SERVICE, name="factory", expected=ETag("2")),
    ):
        await storage.apply([change])
        seen.append(await version.now())
    assert seen == sorted(set(seen))
    assert await storage.enrollments.ca_certificates(SERVICE) == []
