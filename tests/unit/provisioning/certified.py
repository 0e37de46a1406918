"""Entries that attest by X.509, as the administrator's verbs complete them, and their way into a floor's storage."""

import base64
from typing import Any

from tests.pki import Identity
from tests.unit.administration.world import group, individual
from tests.unit.provisioning.floor import Floor

from homeport.model.attestation import (
    AttestationMechanism,
    AttestationType,
    X509Attestation,
    X509CaReferences,
    X509Certificates,
    X509CertificateWithInfo,
)
from homeport.model.ca_certificate import CaCertificate, Verification
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.identifiers import ETag, RegistrationId
from homeport.security.certificates import certificate_info, parse_certificate
from homeport.storage.changes import PutCaCertificate, PutEnrollmentGroup, PutIndividualEnrollment


def slot(identity: Identity | None) -> X509CertificateWithInfo | None:
    """A certificate as it is stored."""
    if identity is None:
        return None
    return X509CertificateWithInfo(
        certificate=base64.b64encode(identity.der).decode(), info=certificate_info(parse_certificate(identity.der))
    )


def x509_mechanism(
    *,
    client: Identity | None = None,
    signing: Identity | None = None,
    reference: str | None = None,
    secondary: Identity | str | None = None,
    allow_expired: bool = False,
) -> AttestationMechanism:
    """A mechanism by one of the three; `secondary` is its second slot."""
    other = slot(secondary) if isinstance(secondary, Identity) else None
    name = secondary if isinstance(secondary, str) else None
    return AttestationMechanism(
        type=AttestationType.X509,
        x509=X509Attestation(
            client_certificates=X509Certificates(primary=slot(client), secondary=other) if client else None,
            signing_certificates=X509Certificates(primary=slot(signing), secondary=other) if signing else None,
            ca_references=X509CaReferences(primary=reference, secondary=name) if reference else None,
            allow_expired_certificates=allow_expired,
        ),
    )


def x509_individual(registration_id: str, **slots: Any) -> IndividualEnrollment:
    """An individual enrollment by client certificate."""
    return individual(registration_id, attestation=x509_mechanism(**slots))


def x509_group(group_id: str, **slots: Any) -> EnrollmentGroup:
    """A group by signing certificate or CA reference."""
    return group(group_id, attestation=x509_mechanism(**slots))


def ca_certificate(name: str, identity: Identity, *, service_id: Any = 1, verified: bool = True) -> CaCertificate:
    """A CA certificate of the service."""
    parsed = parse_certificate(identity.der)
    return CaCertificate(
        service_id=service_id,
        name=name,
        certificate=identity.der,
        info=certificate_info(parsed),
        etag=ETag("e1"),
        created_at=parsed.parsed.not_valid_before_utc,
        updated_at=parsed.parsed.not_valid_before_utc,
        verified_by=Verification.STATEMENT if verified else None,
        verified_because="a test says so" if verified else None,
    )


async def store_individual(
    floor: Floor, registration_id: str, mechanism: AttestationMechanism, *, replaces: bool = False, **fields: Any
) -> None:
    """Straight into storage: what the administrator's verbs allow is tested with them."""
    world = floor.world
    known = await world.storage.enrollments.individual(world.service_id, RegistrationId(registration_id))
    now = world.clock.now()
    entry = individual(
        registration_id, attestation=mechanism, etag="e2", created_date_time_utc=now, last_updated_date_time_utc=now
    )
    expected = ETag(known.etag) if replaces and known and known.etag else None
    await world.storage.apply(
        [PutIndividualEnrollment(service_id=world.service_id, enrollment=entry, expected=expected)]
    )


async def store_group(floor: Floor, group_id: str, mechanism: AttestationMechanism, **fields: Any) -> None:
    """As `store_individual`, a group."""
    world = floor.world
    now = world.clock.now()
    entry = group(
        group_id,
        attestation=mechanism,
        etag="e1",
        created_date_time_utc=now,
        last_updated_date_time_utc=now,
        **fields,
    )
    await world.storage.apply([PutEnrollmentGroup(service_id=world.service_id, group=entry, expected=None)])


async def store_ca_certificate(floor: Floor, name: str, identity: Identity) -> None:
    """A verified CA certificate."""
    certificate = ca_certificate(name, identity, service_id=floor.world.service_id)
    await floor.world.storage.apply([PutCaCertificate(certificate=certificate, expected=None)])
