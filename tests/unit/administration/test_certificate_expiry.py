"""The daily look at what devices descend from."""

from datetime import timedelta

from tests.pki import VALID, Authority, make_root
from tests.unit.administration.world import ME, World, group, in_world

from homeport.administration.certificate_expiry import NOTICE, CertificateExpiry
from homeport.administration.preconditions import PutCondition
from homeport.model.attestation import (
    AttestationMechanism,
    AttestationType,
    X509Attestation,
    X509Certificates,
    X509CertificateWithInfo,
)
from homeport.model.events import CertificateUse, ExpiringCertificate

DAY = timedelta(days=1)


def ending(world: World, after: timedelta) -> Authority:
    return make_root(valid=(VALID[0], world.clock.now() + after))


async def expiring(world: World) -> tuple[ExpiringCertificate, ...]:
    (event,) = await CertificateExpiry(storage=world.storage, clock=world.clock).check()
    return event.expiring


async def add(world: World, name: str, authority: Authority) -> None:
    await world.authorities.add(world.service_id, name, authority.der, actor=ME)


@in_world
async def test_nothing_to_warn_of_is_said_too(world: World) -> None:
    await add(world, "young", ending(world, NOTICE + DAY))
    assert await expiring(world) == ()


@in_world
async def test_ca_certificates_that_end_within_the_notice_or_have_ended_the_next_first(world: World) -> None:
    soon, past = ending(world, NOTICE), ending(world, -DAY)
    await add(world, "soon", soon)
    await add(world, "past", past)
    found = await expiring(world)
    assert [each.holder for each in found] == ["past", "soon"]
    assert found[0].sha256_thumbprint == past.sha256_thumbprint
    assert {each.use for each in found} == {CertificateUse.CA_CERTIFICATE}


@in_world
async def test_signing_certificates_of_groups_in_both_slots(world: World) -> None:
    primary, secondary = (X509CertificateWithInfo(certificate=ending(world, DAY).pem) for _ in range(2))
    signing = X509Attestation(signing_certificates=X509Certificates(primary=primary, secondary=secondary))
    by_x509 = AttestationMechanism(type=AttestationType.X509, x509=signing)
    for sent in (group("line-1", attestation=by_x509), group("keys")):
        await world.groups.put(world.service_id, sent, condition=PutCondition(), actor=ME)
    found = await expiring(world)
    assert [(each.use, each.holder) for each in found] == [(CertificateUse.SIGNING_CERTIFICATE, "line-1")] * 2
