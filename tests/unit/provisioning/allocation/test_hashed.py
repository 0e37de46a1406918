"""Evenly weighted distribution: every device has its hub, by weight, and stays when hubs come and go.

The draw is a hash, so the outcome is the same in each run; the bounds are far wider than four standard deviations.
"""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from homeport.model.identifiers import RegistrationId, ServiceId
from homeport.model.linked_hub import LinkedHub
from homeport.provisioning.allocation import hashed

DEVICES = [RegistrationId(f"device-{number}") for number in range(6000)]


def hub(name: str, weight: int = 1) -> LinkedHub:
    return LinkedHub(service_id=ServiceId(1), host_name=name, connector="embedded", allocation_weight=weight)


def placed(*hubs: LinkedHub) -> dict[RegistrationId, str]:
    return {device: hashed.choose(device, hubs).host_name for device in DEVICES}


def shares(*hubs: LinkedHub) -> Counter[str]:
    return Counter(placed(*hubs).values())


def test_equal_weights_share_evenly() -> None:
    found = shares(hub("a.test"), hub("b.test"), hub("c.test"))
    assert all(1800 < count < 2200 for count in found.values())


def test_the_share_is_in_proportion_to_the_weight() -> None:
    found = shares(hub("a.test", 1), hub("b.test", 2), hub("c.test", 9))
    assert 400 < found["a.test"] < 600
    assert 850 < found["b.test"] < 1150
    assert 4300 < found["c.test"] < 4700


def test_a_weight_is_relative() -> None:
    assert placed(hub("a.test", 1), hub("b.test", 3)) == placed(hub("a.test", 300), hub("b.test", 900))


def test_a_hub_that_joins_moves_only_the_devices_that_it_gains() -> None:
    before = placed(hub("a.test"), hub("b.test"))
    after = placed(hub("a.test"), hub("b.test"), hub("new.test"))
    moved = {device for device in DEVICES if before[device] != after[device]}
    assert {after[device] for device in moved} == {"new.test"}
    assert 1800 < len(moved) < 2200


def test_a_hub_that_leaves_moves_only_its_own_devices() -> None:
    before = placed(hub("a.test"), hub("b.test"), hub("c.test"))
    after = placed(hub("a.test"), hub("b.test"))
    assert {before[device] for device in DEVICES if before[device] != after[device]} == {"c.test"}


def test_a_hub_that_grows_only_gains() -> None:
    before = placed(hub("a.test", 1), hub("b.test", 1))
    after = placed(hub("a.test", 2), hub("b.test", 1))
    assert {after[device] for device in DEVICES if before[device] != after[device]} == {"a.test"}


@given(
    registration_id=st.from_regex(r"[A-Za-z0-9.:_-]{0,40}[a-z0-9]", fullmatch=True),
    names=st.lists(st.sampled_from("abcdefgh"), min_size=1, max_size=8, unique=True),
    data=st.data(),
)
def test_neither_order_nor_case_decides(registration_id: str, names: list[str], data: st.DataObject) -> None:
    hubs = [hub(f"{name}.test") for name in names]
    shuffled = [hub(each.host_name.upper()) for each in data.draw(st.permutations(hubs))]
    chosen = hashed.choose(RegistrationId(registration_id), hubs).host_name
    again = hashed.choose(RegistrationId(registration_id.swapcase()), shuffled).host_name
    assert again == chosen.upper()
