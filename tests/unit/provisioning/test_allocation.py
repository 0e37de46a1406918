"""The dispatch: which hubs are candidates, which policy chooses, and what is refused."""

from typing import Any

import pytest
from tests.unit.administration.world import individual, refused

from homeport import errors
from homeport.model.identifiers import RegistrationId, ServiceId
from homeport.model.linked_hub import AllocationPolicy, LinkedHub
from homeport.provisioning import allocation

ID = RegistrationId("dev-1")
HASHED, STATIC = AllocationPolicy.HASHED, AllocationPolicy.STATIC


def linked(*names: str, **fields: Any) -> list[LinkedHub]:
    return [LinkedHub(service_id=ServiceId(1), host_name=name, connector="embedded", **fields) for name in names]


def chosen(hubs: list[LinkedHub], *, default: AllocationPolicy = HASHED, **entry: Any) -> str:
    return allocation.choose(ID, individual(ID, **entry), hubs, default_policy=default).host_name


def test_an_entrys_hubs_are_the_candidates_whatever_their_case() -> None:
    assert chosen(linked("a.test", "B.test", "c.test"), iot_hubs=("b.TEST",)) == "B.test"


def test_the_pinned_hub_goes_before_the_list() -> None:
    assert chosen(linked("a.test", "b.test"), iot_hubs=("a.test",), iot_hub_host_name="B.test") == "b.test"


@pytest.mark.parametrize("hubs", [None, ()])
def test_without_names_every_linked_hub_is_a_candidate(hubs: tuple[str, ...] | None) -> None:
    everywhere = linked("a.test", "b.test", "c.test")
    found = {
        allocation.choose(
            RegistrationId(f"d{number}"), individual(iot_hubs=hubs), everywhere, default_policy=HASHED
        ).host_name
        for number in range(60)
    }
    assert found == {"a.test", "b.test", "c.test"}


def test_a_drained_hub_receives_nobody() -> None:
    hubs = [*linked("a.test", apply_allocation_policy=False), *linked("b.test")]
    assert chosen(hubs) == "b.test"


@pytest.mark.parametrize(
    ("hubs", "entry"),
    [
        ([], {}),
        (linked("a.test", apply_allocation_policy=False), {"iot_hubs": ("a.test",)}),
        (linked("a.test"), {"iot_hubs": ("gone.test",)}),
    ],
)
def test_no_candidate_no_hub(hubs: list[LinkedHub], entry: dict[str, Any]) -> None:
    with refused(errors.NO_HUB) as refusal:
        chosen(hubs, **entry)
    assert refusal.value.cause == "no_hub"


def test_an_entrys_policy_goes_before_the_services() -> None:
    hubs = linked("a.test", "b.test")
    assert chosen(hubs, default=STATIC, allocation_policy=HASHED) in {"a.test", "b.test"}
    with refused(errors.NO_HUB):
        chosen(hubs, default=STATIC)
    with refused(errors.NO_HUB):
        chosen(hubs, default=HASHED, allocation_policy=STATIC)


@pytest.mark.parametrize("policy", [each for each in AllocationPolicy if each not in allocation.POLICIES])
def test_a_policy_without_a_file_is_not_offered(policy: AllocationPolicy) -> None:
    with refused(errors.NOT_OFFERED) as refusal:
        chosen(linked("a.test"), allocation_policy=policy)
    assert policy in refusal.value.message
