"""Individual enrollments and groups: what is put is read, by whoever spells the ID, if the expectation holds."""

import pytest
from tests.storage.material import (
    SERVICE,
    attestation,
    group,
    individual,
    later,
    on_storage,
    put_group,
    put_individual,
)

from homeport.model.attestation import AttestationMechanism, AttestationType
from homeport.model.enrollment import DeviceCapabilities, InitialTwin, InitialTwinProperties
from homeport.model.identifiers import EnrollmentGroupId, RegistrationId, ServiceId
from homeport.model.registration import DeviceRegistrationState, RegistrationStatus
from homeport.storage.changes import ChangedMeanwhile, PutEnrollmentGroup, PutIndividualEnrollment
from homeport.storage.store import Store


@on_storage
async def test_an_individual_enrollment_comes_back_whole_with_its_keys(storage: Store) -> None:
    twin = InitialTwin(tags={"äöü": [1, None]}, properties=InitialTwinProperties(desired={"a": {"b": 1.5}}))
    entry = individual("Dev.1", initial_twin=twin, capabilities=DeviceCapabilities(iot_edge=True), device_id="other")
    await storage.apply([PutIndividualEnrollment(service_id=SERVICE, enrollment=entry, expected=None)])
    assert await storage.enrollments.individual(SERVICE, RegistrationId("Dev.1")) == entry


@on_storage
async def test_an_enrollment_without_keys_comes_back_without_them(storage: Store) -> None:
    entry = individual("tpm-1", attestation=AttestationMechanism(type=AttestationType.TPM))
    await storage.apply([PutIndividualEnrollment(service_id=SERVICE, enrollment=entry, expected=None)])
    assert await storage.enrollments.individual(SERVICE, RegistrationId("tpm-1")) == entry


@on_storage
async def test_the_registration_state_is_not_stored_with_the_enrollment(storage: Store) -> None:
    state = DeviceRegistrationState(registration_id="dev-1", status=RegistrationStatus.ASSIGNED)
    entry = individual("dev-1", registration_state=state)
    await storage.apply([PutIndividualEnrollment(service_id=SERVICE, enrollment=entry, expected=None)])
    read = await storage.enrollments.individual(SERVICE, RegistrationId("dev-1"))
    assert read is not None
    assert read.registration_state is None


@on_storage
async def test_ids_are_found_in_any_spelling_and_come_back_as_written(storage: Store) -> None:
    await storage.apply([put_individual("Dev-ONE"), put_group("Group-ONE")])
    entry = await storage.enrollments.individual(SERVICE, RegistrationId("dev-one"))
    found = await storage.enrollments.group(SERVICE, EnrollmentGroupId("GROUP-one"))
    assert entry is not None
    assert entry.registration_id == "Dev-ONE"
    assert found is not None
    assert found.enrollment_group_id == "Group-ONE"


@on_storage
async def test_what_is_not_there_is_none(storage: Store) -> None:
    assert await storage.enrollments.individual(SERVICE, RegistrationId("nobody")) is None
    assert await storage.enrollments.group(SERVICE, EnrollmentGroupId("nothing")) is None
    assert await storage.enrollments.candidate_groups(SERVICE) == []


@on_storage
async def test_an_entry_belongs_to_its_service_only(storage: Store) -> None:
    await storage.apply([put_individual("dev-1"), put_group("group-1")])
    assert await storage.enrollments.individual(ServiceId(2), RegistrationId("dev-1")) is None
    assert await storage.enrollments.group(ServiceId(2), EnrollmentGroupId("group-1")) is None


@on_storage
async def test_inserting_an_id_twice_is_refused_in_any_spelling(storage: Store) -> None:
    await storage.apply([put_individual("dev-1"), put_group("group-1")])
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([put_individual("DEV-1", "2")])
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([put_group("GROUP-1", "2")])


@on_storage
async def test_replacing_needs_the_etag_that_is_there(storage: Store) -> None:
    await storage.apply([put_individual("dev-1", "1"), put_group("group-1", "1")])
    await storage.apply([put_individual("dev-1", "2", expected="1"), put_group("group-1", "2", expected="1")])
    for stale in (put_individual("dev-1", "3", expected="1"), put_group("group-1", "3", expected="1")):
        with pytest.raises(ChangedMeanwhile):
            await storage.apply([stale])
    entry = await storage.enrollments.individual(SERVICE, RegistrationId("dev-1"))
    found = await storage.enrollments.group(SERVICE, EnrollmentGroupId("group-1"))
    assert entry == individual("dev-1", "2")
    assert found == group("group-1", "2")


@on_storage
async def test_an_entry_needs_its_service(storage: Store) -> None:
    orphan = PutIndividualEnrollment(service_id=ServiceId(9), enrollment=individual("dev-1"), expected=None)
    with pytest.raises(ChangedMeanwhile):
        await storage.apply([orphan])


@on_storage
async def test_pages_follow_each_other_in_the_order_of_the_folded_id_without_keys(storage: Store) -> None:
    names = ["c", "A", "b", "D"]
    await storage.apply([put_individual(name) for name in names] + [put_group(name) for name in names])
    first = await storage.enrollments.individuals(SERVICE, after="", limit=3)
    rest = await storage.enrollments.individuals(SERVICE, after=first[-1].registration_id, limit=3)
    groups = await storage.enrollments.groups(SERVICE, after="a", limit=9)
    assert [entry.registration_id for entry in first] == ["A", "b", "c"]
    assert [entry.registration_id for entry in rest] == ["D"]
    assert [entry.enrollment_group_id for entry in groups] == ["b", "c", "D"]
    assert all(entry.attestation.symmetric_key is None for entry in [*first, *rest, *groups])


@on_storage
async def test_candidate_groups_come_with_keys_and_the_oldest_first(storage: Store) -> None:
    young = PutEnrollmentGroup(service_id=SERVICE, group=group("a", created_at=later(1)), expected=None)
    await storage.apply([young, put_group("z")])
    candidates = await storage.enrollments.candidate_groups(SERVICE)
    assert [candidate.enrollment_group_id for candidate in candidates] == ["z", "a"]
    assert all(candidate.attestation == attestation() for candidate in candidates)
