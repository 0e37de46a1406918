"""Why devices were refused is remembered, newest first, and strangers cannot push out those who are known."""

from tests.unit.provisioning.floor import Floor, on_floor

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation_failure import AttestationFailure
from homeport.model.identifiers import RegistrationId
from homeport.provisioning.failures import MAX_WAITING, AttestationFailures
from homeport.storage.change_steps import FAILURES_KEPT

ID = RegistrationId("Device-1")


def wrong(cause: str = "wrong_key", *, subject: str = "subject", **facts: str) -> HomeportError:
    return HomeportError(errors.ATTESTATION_FAILED, "It is wrong.", cause=cause, subject=subject, facts=facts)


def note(failures: AttestationFailures, floor: Floor, error: HomeportError, registration_id: str = ID) -> None:
    failures.note(
        error,
        id_scope=floor.id_scope,
        registration_id=RegistrationId(registration_id),
        transport="mqtt",
        correlation_id="c-1",
    )


async def kept(floor: Floor, registration_id: str = ID) -> AttestationFailure | None:
    return await floor.world.storage.registrations.failure(floor.world.service_id, RegistrationId(registration_id))


@on_floor
async def test_a_failure_is_kept_with_all_that_the_operator_needs(floor: Floor) -> None:
    failures = AttestationFailures(floor.world.storage, floor.world.clock)
    note(failures, floor, wrong(issuer="CN=Line 1"))
    assert await kept(floor) is None
    await failures.flush()
    assert await kept(floor, "DEVICE-1") == AttestationFailure(
        service_id=floor.world.service_id,
        registration_id=ID,
        occurred_at=floor.world.clock.now(),
        is_known=True,
        error_code=401002,
        cause="wrong_key",
        message="Unauthorized. It is wrong.",
        facts={"issuer": "CN=Line 1"},
        transport="mqtt",
        correlation_id="c-1",
    )


@on_floor
async def test_the_newest_failure_counts(floor: Floor) -> None:
    failures = AttestationFailures(floor.world.storage, floor.world.clock)
    for cause in ("wrong_key", "sas_expired"):
        note(failures, floor, wrong(cause))
    await failures.flush()
    note(failures, floor, wrong("disabled"))
    await failures.flush()
    found = await kept(floor)
    assert found is not None
    assert found.cause == "disabled"


@on_floor
async def test_what_is_no_failure_of_a_proof_is_not_kept(floor: Floor) -> None:
    failures = AttestationFailures(floor.world.storage, floor.world.clock)
    note(failures, floor, HomeportError(errors.OPERATION_NOT_FOUND))
    failures.note(wrong(), id_scope="0ne0nowhere", registration_id=ID, transport="mqtt", correlation_id="c-1")
    await failures.flush()
    assert await kept(floor) is None


@on_floor
async def test_strangers_push_out_strangers_only(floor: Floor) -> None:
    failures = AttestationFailures(floor.world.storage, floor.world.clock)
    note(failures, floor, wrong())
    await failures.flush()
    for batch in range(FAILURES_KEPT[False] // 100 + 2):
        floor.world.clock.advance(1)
        for number in range(100):
            note(failures, floor, wrong("no_entry_fits", subject=""), f"stranger-{batch}-{number}")
        await failures.flush()
    assert await kept(floor) is not None
    assert await kept(floor, "stranger-0-0") is None
    assert await kept(floor, f"stranger-{batch}-99") is not None


@on_floor
async def test_a_flood_between_two_flushes_has_its_limit(floor: Floor) -> None:
    failures = AttestationFailures(floor.world.storage, floor.world.clock)
    note(failures, floor, wrong())
    for number in range(MAX_WAITING + 1):
        note(failures, floor, wrong(subject=""), f"stranger-{number}")
    await failures.flush()
    assert await kept(floor) is not None
    assert await kept(floor, "stranger-0") is None
    assert await kept(floor, "stranger-1") is not None
    assert await kept(floor, f"stranger-{MAX_WAITING}") is not None


@on_floor
async def test_it_happened_when_it_was_noted(floor: Floor) -> None:
    failures = AttestationFailures(floor.world.storage, floor.world.clock)
    happened = floor.world.clock.now()
    note(failures, floor, wrong())
    floor.world.clock.advance(1)
    await failures.flush()
    found = await kept(floor)
    assert found is not None
    assert found.occurred_at == happened


@on_floor
async def test_facts_have_their_limit(floor: Floor) -> None:
    failures = AttestationFailures(floor.world.storage, floor.world.clock)
    note(failures, floor, wrong(**{f"fact{number}": "x" * 1000 for number in range(100)}))
    await failures.flush()
    found = await kept(floor)
    assert found is not None
    assert (len(found.facts), len(found.facts["fact0"])) == (16, 256)
