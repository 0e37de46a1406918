"""What an enrollment may say."""

from typing import Any

import pytest
from tests.unit.administration.world import group, individual, refused

from homeport import errors
from homeport.administration.enrollment_rules import (
    MAX_FREE_FORM_BYTES,
    MAX_NESTING,
    checked,
    names_hubs,
)
from homeport.errors import ErrorRow
from homeport.model.enrollment import InitialTwin, InitialTwinProperties
from homeport.model.identifiers import ServiceId
from homeport.model.linked_hub import AllocationPolicy, LinkedHub

HUBS = [LinkedHub(service_id=ServiceId(1), host_name=name, connector="x") for name in ("Hub-1.test", "hub-2.test")]


def nested(levels: int) -> dict[str, Any]:
    value: dict[str, Any] = {}
    for _ in range(levels - 1):
        value = {"a": value}
    return value


@pytest.mark.parametrize(
    ("entry", "row", "fact"),
    [
        (individual(allocation_policy=AllocationPolicy.GEO_LATENCY), errors.NOT_OFFERED, "hashed and static"),
        (individual(allocation_policy=AllocationPolicy.CUSTOM), errors.NOT_OFFERED, "hashed and static"),
        (individual(allocation_policy=AllocationPolicy.STATIC), errors.INVALID_BODY, "exactly one"),
        (
            individual(allocation_policy=AllocationPolicy.STATIC, iot_hubs=("hub-1.test", "hub-2.test")),
            errors.INVALID_BODY,
            "exactly one",
        ),
        (individual(iot_hubs=("hub-1.test", "stranger.test")), errors.INVALID_BODY, "stranger.test"),
        (individual(iot_hub_host_name="stranger.test"), errors.INVALID_BODY, "stranger.test"),
        (individual(optional_device_information=nested(MAX_NESTING + 1)), errors.INVALID_BODY, "nested"),
        (group(initial_twin=InitialTwin(tags=nested(MAX_NESTING + 1))), errors.INVALID_BODY, "nested"),
    ],
)
def test_refusals_name_what_is_wrong(entry: Any, row: ErrorRow, fact: str) -> None:
    with refused(row) as caught:
        checked(entry, HUBS)
    assert fact in caught.value.message
    assert caught.value.info["field"] in ("allocationPolicy", "iotHubs", "iotHubHostName") or (fact == "nested")


@pytest.mark.parametrize(
    "entry",
    [
        individual(),
        group(),
        individual(allocation_policy=AllocationPolicy.HASHED),
        individual(allocation_policy=AllocationPolicy.STATIC, iot_hubs=("hub-1.test",)),
        individual(allocation_policy=AllocationPolicy.STATIC, iot_hubs=("hub-1.test", "HUB-1.test")),
        individual(allocation_policy=AllocationPolicy.STATIC, iot_hub_host_name="hub-2.test"),
        individual(optional_device_information=nested(MAX_NESTING)),
        individual(initial_twin=InitialTwin(properties=InitialTwinProperties(desired=nested(MAX_NESTING)))),
    ],
)
def test_what_is_allowed(entry: Any) -> None:
    checked(entry, HUBS)


def test_hubs_are_spelled_as_they_are_linked_and_an_empty_list_is_none() -> None:
    entry = checked(individual(iot_hubs=(" HUB-1.TEST", "hub-1.test", "Hub-2.test")), HUBS)
    assert entry.iot_hubs == ("Hub-1.test", "hub-2.test")
    assert checked(individual(iot_hubs=()), HUBS).iot_hubs is None
    assert checked(individual(iot_hub_host_name="HUB-2.test"), HUBS).iot_hub_host_name == "hub-2.test"


def test_hubs_are_needed_only_where_they_are_named() -> None:
    assert names_hubs(individual(iot_hubs=("a",)))
    assert names_hubs(group(iot_hub_host_name="a"))
    assert not names_hubs(individual(iot_hubs=()))


def test_free_form_parts_are_bounded_together() -> None:
    half = {"a": "x" * (MAX_FREE_FORM_BYTES // 2)}
    checked(individual(optional_device_information=half), ())
    with refused(errors.INVALID_BODY):
        checked(individual(optional_device_information=half, initial_twin=InitialTwin(tags=half)), ())
