"""Last failures in the database: one for each ID, up to a limit for each kind, gone with what they belong to."""

import pytest
from tests.storage.material import NOW, SERVICE, later, on_storage, put_group, put_individual, put_record

from homeport.model.attestation_failure import AttestationFailure
from homeport.model.identifiers import EnrollmentGroupId, ETag, RegistrationId
from homeport.storage import change_steps
from homeport.storage.changes import (
    DeleteEnrollmentGroup,
    DeleteIndividualEnrollment,
    DeleteRegistration,
    PutAttestationFailures,
)
from homeport.storage.store import Store

GROUP = EnrollmentGroupId("group-1")


def failure(
    registration_id: str, *, after: float = 0, is_known: bool = True, cause: str = "wrong_key"
) -> AttestationFailure:
    return AttestationFailure(
        service_id=SERVICE,
        registration_id=RegistrationId(registration_id),
        occurred_at=later(after),
        is_known=is_known,
        error_code=401002,
        cause=cause,
        message="Unauthorized. It is wrong.",
        facts={"issuer": "CN=Line 1"},
        transport="mqtt",
        correlation_id="c-1",
    )


async def put(storage: Store, *failures: AttestationFailure) -> None:
    await storage.apply([PutAttestationFailures(failures=failures)])


async def found(storage: Store, *registration_ids: str) -> list[str]:
    """Those of the IDs that have a failure."""
    reader = storage.registrations
    return [each for each in registration_ids if await reader.failure(SERVICE, RegistrationId(each)) is not None]


@on_storage
async def test_it_reads_as_it_was_written_in_any_spelling_of_the_id(storage: Store) -> None:
    written = failure("Dev-1")
    await put(storage, written)
    assert await storage.registrations.failure(SERVICE, RegistrationId("dev-1")) == written


@on_storage
async def test_the_newest_takes_the_place_of_the_one_before(storage: Store) -> None:
    await put(storage, failure("dev-1"))
    newest = failure("DEV-1", after=1, is_known=False, cause="sas_expired")
    await put(storage, newest)
    assert await storage.registrations.failure(SERVICE, RegistrationId("dev-1")) == newest


def test_the_oldest_of_a_kind_go_beyond_its_limit(database: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(change_steps, "FAILURES_KEPT", {True: 3, False: 2})

    @on_storage
    async def scenario(storage: Store) -> None:
        for number in range(5):
            await put(storage, failure(f"known-{number}", after=number))
            await put(storage, failure(f"stranger-{number}", after=number, is_known=False))
        assert await found(storage, *(f"known-{number}" for number in range(5))) == [f"known-{n}" for n in (2, 3, 4)]
        assert await found(storage, *(f"stranger-{number}" for number in range(5))) == [f"stranger-{n}" for n in (3, 4)]

    scenario(database)


@pytest.mark.parametrize("keep_records", [True, False])
def test_it_goes_with_the_individual_enrollment_as_the_record_does(database: str, keep_records: bool) -> None:
    @on_storage
    async def scenario(storage: Store) -> None:
        await storage.apply([put_individual("dev-1"), put_record("dev-1")])
        await put(storage, failure("dev-1"), failure("dev-2"))
        gone = DeleteIndividualEnrollment(
            service_id=SERVICE,
            registration_id=RegistrationId("Dev-1"),
            expected=ETag("1"),
            keep_records=keep_records,
        )
        await storage.apply([gone])
        assert await found(storage, "dev-1", "dev-2") == (["dev-1", "dev-2"] if keep_records else ["dev-2"])

    scenario(database)


@on_storage
async def test_it_goes_with_the_registration_record(storage: Store) -> None:
    await storage.apply([put_record("dev-1")])
    await put(storage, failure("dev-1"))
    gone = DeleteRegistration(service_id=SERVICE, registration_id=RegistrationId("Dev-1"), expected=ETag("1"))
    await storage.apply([gone])
    assert await found(storage, "dev-1") == []


@on_storage
async def test_it_goes_with_the_group_through_which_the_device_came(storage: Store) -> None:
    await storage.apply([put_group("group-1"), put_record("member", group_id=GROUP), put_record("other")])
    await put(storage, failure("member"), failure("other"), failure("stranger", is_known=False))
    gone = DeleteEnrollmentGroup(
        service_id=SERVICE, enrollment_group_id=GROUP, expected=ETag("1"), deleted_at=NOW, keep_records=False
    )
    await storage.apply([gone])
    assert await found(storage, "member", "other", "stranger") == ["other", "stranger"]
