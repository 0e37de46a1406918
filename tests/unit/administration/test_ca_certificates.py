"""CA certificates: added, proven or stated, deleted; every verb against the real SQL."""

import pytest
from tests.pki import EXPIRED, Authority, make_key, make_root, make_self_signed
from tests.unit.administration.world import ME, STALE, World, group, in_world, refused

from homeport import errors
from homeport.administration.ca_certificates import CODE_LIFETIME, MAX_CA_CERTIFICATES, MAX_REASON
from homeport.administration.preconditions import PutCondition
from homeport.model.attestation import AttestationMechanism, AttestationType, X509Attestation, X509CaReferences
from homeport.model.ca_certificate import CaCertificate, Verification
from homeport.model.identifiers import ETag
from homeport.security.possession import sign_proof

ROOT = make_root("Acme Root")
STATED = "read off the HSM"


async def added(world: World, name: str = "factory", because: str | None = None) -> CaCertificate:
    certificate, _ = await world.authorities.add(world.service_id, name, ROOT.pem, because=because, actor=ME)
    return certificate


async def with_code(world: World) -> str:
    await added(world)
    asked, _ = await world.authorities.request_code(world.service_id, "factory", actor=ME)
    assert asked.verification_code is not None
    return asked.verification_code


def proof(world: World, code: str, authority: Authority = ROOT) -> bytes:
    return sign_proof(authority.certificate, authority.key, code, world.clock.now())


@in_world
async def test_what_is_added_is_listed_and_not_verified(world: World) -> None:
    certificate = await added(world)
    assert certificate.certificate == ROOT.der
    assert certificate.info.sha256_thumbprint == ROOT.sha256_thumbprint
    assert not certificate.is_verified
    shown, _ = await world.authorities.show(world.service_id, "factory")
    listed, _ = await world.authorities.list(world.service_id)
    assert [shown] == listed == [certificate]


@in_world
async def test_a_proof_for_the_open_code_verifies(world: World) -> None:
    code = await with_code(world)
    verified, _ = await world.authorities.verify(world.service_id, "factory", proof(world, code), actor=ME)
    assert verified.verified_by is Verification.PROOF
    shown, _ = await world.authorities.show(world.service_id, "factory")
    assert shown == verified
    assert (shown.verification_code, shown.verification_code_expires_at) == (None, None)


@in_world
async def test_a_code_serves_once(world: World) -> None:
    presented = proof(world, await with_code(world))
    await world.authorities.verify(world.service_id, "factory", presented, actor=ME)
    with refused(errors.PROOF_REFUSED) as caught:
        await world.authorities.verify(world.service_id, "factory", presented, actor=ME)
    assert caught.value.cause == "no_code"


@in_world
async def test_a_code_serves_until_it_expires_or_another_is_requested(world: World) -> None:
    first = proof(world, await with_code(world))
    asked, _ = await world.authorities.request_code(world.service_id, "factory", actor=ME)
    with refused(errors.PROOF_REFUSED) as caught:
        await world.authorities.verify(world.service_id, "factory", first, actor=ME)
    assert caught.value.cause == "not_proven"
    world.clock.advance(CODE_LIFETIME.total_seconds())
    with refused(errors.PROOF_REFUSED) as caught:
        second = proof(world, asked.verification_code or "")
        await world.authorities.verify(world.service_id, "factory", second, actor=ME)
    assert caught.value.cause == "expired"


@in_world
async def test_a_failed_proof_leaves_the_code_open(world: World) -> None:
    code = await with_code(world)
    with refused(errors.PROOF_REFUSED):
        stranger = proof(world, code, make_root("Acme Root"))
        await world.authorities.verify(world.service_id, "factory", stranger, actor=ME)
    verified, _ = await world.authorities.verify(world.service_id, "factory", proof(world, code), actor=ME)
    assert verified.is_verified


@in_world
async def test_a_proof_must_be_a_certificate_that_is_signed_strongly(world: World) -> None:
    code = await with_code(world)
    rsa = make_root("Acme Root", key=make_key("RSA-2048"))
    for presented in ("no certificate", rsa.with_sha1(rsa.leaf(code)).pem):
        with refused(errors.INVALID_BODY) as caught:
            await world.authorities.verify(world.service_id, "factory", presented, actor=ME)
        assert caught.value.info["field"] == "proof"


@in_world
async def test_an_administrator_may_state_a_reason_instead(world: World) -> None:
    at_once = await added(world, "first", because=STATED)
    assert (at_once.verified_by, at_once.verified_because) == (Verification.STATEMENT, STATED)
    await with_code(world)
    later, _ = await world.authorities.state_verified(world.service_id, "factory", because=STATED, actor=ME)
    assert (later.verified_by, later.verified_because) == (Verification.STATEMENT, STATED)
    assert later.verification_code is None


@in_world
async def test_a_reason_must_be_one(world: World) -> None:
    await added(world)
    for because in ("", "  ", "x" * (MAX_REASON + 1), "two\nlines"):
        with refused(errors.INVALID_REQUEST):
            await world.authorities.state_verified(world.service_id, "factory", because=because, actor=ME)
        with refused(errors.INVALID_REQUEST):
            await added(world, "other", because=because)


@in_world
async def test_names_are_plain_and_taken_once(world: World) -> None:
    for name in ("", "a b", "a/b", "x" * 65, "ü"):
        with refused(errors.INVALID_REQUEST):
            await added(world, name)
    await added(world, "Factory.1_a-b")
    with refused(errors.ALREADY_EXISTS):
        await added(world, "Factory.1_a-b")
    await added(world, "factory.1_a-b")


@pytest.mark.parametrize(
    "text", ["no certificate", make_self_signed("device").pem, make_root(key=make_key("RSA-1024")).pem]
)
def test_what_no_device_could_descend_from_is_refused(text: str) -> None:
    @in_world
    async def lived(world: World) -> None:
        with refused(errors.INVALID_BODY) as caught:
            await world.authorities.add(world.service_id, "factory", text, actor=ME)
        assert caught.value.info["field"] == "certificate"

    lived()


@in_world
async def test_a_ca_that_has_ended_may_be_added(world: World) -> None:
    ended = make_root(valid=EXPIRED)
    certificate, _ = await world.authorities.add(world.service_id, "old", ended.der, actor=ME)
    assert certificate.info.not_after_utc == EXPIRED[1]


@in_world
async def test_there_may_be_so_many_and_no_more(world: World) -> None:
    for number in range(MAX_CA_CERTIFICATES):
        await added(world, f"ca-{number}")
    with refused(errors.INVALID_REQUEST):
        await added(world, "one-more")


@in_world
async def test_every_change_wants_the_current_etag_if_one_is_given(world: World) -> None:
    first = await added(world)
    second, _ = await world.authorities.request_code(world.service_id, "factory", if_match=first.etag, actor=ME)
    presented = proof(world, second.verification_code or "")
    verbs, service_id = world.authorities, world.service_id
    for stale in (first.etag, STALE):
        with refused(errors.ETAG_MISMATCH):
            await verbs.request_code(service_id, "factory", if_match=stale, actor=ME)
        with refused(errors.ETAG_MISMATCH):
            await verbs.verify(service_id, "factory", presented, if_match=stale, actor=ME)
        with refused(errors.ETAG_MISMATCH):
            await verbs.state_verified(service_id, "factory", because=STATED, if_match=stale, actor=ME)
        with refused(errors.ETAG_MISMATCH):
            await verbs.delete(service_id, "factory", if_match=stale, actor=ME)
    await verbs.delete(service_id, "factory", if_match=ETag(second.etag), actor=ME)


@in_world
async def test_what_is_not_there_is_answered_with_what_is(world: World) -> None:
    await added(world)
    for verb in (world.authorities.delete, world.authorities.request_code):
        with refused(errors.CA_CERTIFICATE_NOT_FOUND) as caught:
            await verb(world.service_id, "Factory", actor=ME)
        assert "There are: factory." in caught.value.message


@in_world
async def test_deleting_tells_which_groups_still_name_it(world: World) -> None:
    await added(world, "factory", because=STATED)
    await added(world, "spare", because=STATED)
    for name, references in (
        ("line-1", X509CaReferences(primary="factory")),
        ("line-2", X509CaReferences(primary="spare", secondary="factory")),
        ("line-3", X509CaReferences(primary="spare")),
    ):
        attestation = AttestationMechanism(type=AttestationType.X509, x509=X509Attestation(ca_references=references))
        sent = group(name, attestation=attestation)
        await world.groups.put(world.service_id, sent, condition=PutCondition(), actor=ME)
    await world.groups.put(world.service_id, group("keys"), condition=PutCondition(), actor=ME)
    left, _ = await world.authorities.delete(world.service_id, "factory", actor=ME)
    assert left.groups == ("line-1", "line-2")
    listed, _ = await world.authorities.list(world.service_id)
    assert [each.name for each in listed] == ["spare"]


@in_world
async def test_the_audit_log_tells_who_verified_what_and_why(world: World) -> None:
    code = await with_code(world)
    await world.authorities.verify(world.service_id, "factory", proof(world, code), actor=ME)
    await world.authorities.state_verified(world.service_id, "factory", because=STATED, actor=ME)
    await world.authorities.delete(world.service_id, "factory", actor=ME)
    entries = [entry for entry in await world.audit() if entry["kind"].startswith("CaCertificate")]
    assert [entry["kind"].removeprefix("CaCertificate") for entry in entries] == [
        *("Added", "CodeRequested", "Verified", "Verified", "Deleted")
    ]
    assert all(entry["actor"] == ME and entry["detail"]["name"] == "factory" for entry in entries)
    assert entries[2]["detail"]["verifiedBy"] == "proof"
    assert entries[3]["detail"]["verifiedBecause"] == STATED
    assert code not in str(entries)
