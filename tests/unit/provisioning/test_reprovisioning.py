"""The decision of a second registration: stay, move with the data, move without."""

from typing import Any

import pytest
from tests.unit.provisioning.records import record

from homeport.model.enrollment import ReprovisionPolicy
from homeport.model.identifiers import DeviceId
from homeport.model.registration import RegistrationRecord, RegistrationStatus, Substatus
from homeport.provisioning.reprovisioning import Movement, ReprovisioningPlan, plan

MIGRATE = ReprovisionPolicy()
RESET = ReprovisionPolicy(update_hub_assignment=True, migrate_device_data=False)
NEVER = ReprovisionPolicy(update_hub_assignment=False, migrate_device_data=False)
POLICIES = [None, MIGRATE, RESET, NEVER]

AT_OLD = record(assigned_hub="old.test", device_id=DeviceId("dev"), substatus=Substatus.DEVICE_DATA_RESET)


def decide(previous: RegistrationRecord | None, policy: ReprovisionPolicy | None, **wanted: Any) -> ReprovisioningPlan:
    return plan(previous, policy, **{"chosen_hub": "new.test", "device_id": DeviceId("dev"), **wanted})


@pytest.mark.parametrize("policy", POLICIES)
@pytest.mark.parametrize("previous", [None, record(assigned_hub=None), record(assigned_hub="old.test", device_id=None)])
def test_a_device_without_a_place_gets_its_first(
    previous: RegistrationRecord | None, policy: ReprovisionPolicy | None
) -> None:
    decided = decide(previous, policy)
    assert (decided.movement, decided.hub_host_name) == (Movement.FIRST, "new.test")
    assert (decided.substatus, decided.leaves_hub) == (Substatus.INITIAL_ASSIGNMENT, None)


@pytest.mark.parametrize("policy", POLICIES)
def test_a_device_whose_hub_is_chosen_again_stays(policy: ReprovisionPolicy | None) -> None:
    decided = decide(AT_OLD, policy, chosen_hub="old.test")
    assert (decided.movement, decided.hub_host_name) == (Movement.KEEP, "old.test")
    assert (decided.substatus, decided.leaves_hub) == (Substatus.DEVICE_DATA_RESET, None)


def test_a_stay_after_a_failure_counts_as_initial() -> None:
    failed = record(status=RegistrationStatus.FAILED, assigned_hub="old.test", device_id=DeviceId("dev"))
    assert decide(failed, MIGRATE, chosen_hub="old.test").substatus is Substatus.INITIAL_ASSIGNMENT


def test_a_new_device_id_on_the_same_hub_removes_nothing() -> None:
    decided = decide(AT_OLD, MIGRATE, chosen_hub="old.test", device_id=DeviceId("renamed"))
    assert (decided.device_id, decided.leaves_hub, decided.leaves_device_id) == ("renamed", None, None)


@pytest.mark.parametrize("policy", [None, MIGRATE])
def test_migration_is_the_default_and_keeps_the_device_id(policy: ReprovisionPolicy | None) -> None:
    decided = decide(AT_OLD, policy, device_id=DeviceId("renamed"))
    assert (decided.movement, decided.hub_host_name, decided.device_id) == (Movement.MIGRATE, "new.test", "dev")
    assert decided.substatus is Substatus.DEVICE_DATA_MIGRATED
    assert (decided.leaves_hub, decided.leaves_device_id) == ("old.test", "dev")


def test_a_reset_starts_anew_under_todays_device_id() -> None:
    decided = decide(AT_OLD, RESET, device_id=DeviceId("renamed"))
    assert (decided.movement, decided.hub_host_name, decided.device_id) == (Movement.RESET, "new.test", "renamed")
    assert decided.substatus is Substatus.DEVICE_DATA_RESET
    assert (decided.leaves_hub, decided.leaves_device_id) == ("old.test", "dev")


def test_never_keeps_hub_and_device_id_whatever_is_chosen() -> None:
    decided = decide(AT_OLD, NEVER, device_id=DeviceId("renamed"))
    assert (decided.movement, decided.hub_host_name, decided.device_id) == (Movement.KEEP, "old.test", "dev")
    assert decided.substatus is Substatus.REPROVISIONED_TO_INITIAL_ASSIGNMENT
