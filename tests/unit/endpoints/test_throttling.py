"""Who is counted, who pays when, and what whoever is refused is told."""

import heapq
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.throttles import SeededRandomness, SetClock, throttle

from homeport import errors
from homeport.endpoints.throttling import Throttle, ThrottleRates
from homeport.endpoints.token_buckets import Rate
from homeport.errors import HomeportError
from homeport.model.identifiers import ServiceId

SCOPE = "0ne00000001"


def on(clock: SetClock, **rates: Rate) -> Throttle:
    return throttle(ThrottleRates(**rates), clock=clock, randomness=SeededRandomness())


def register(limits: Throttle, device: str = "device", group: str | None = None, scope: str = SCOPE) -> int | None:
    """What a proven device is told: a time to come back, or None if it was admitted."""
    try:
        limits.registration(id_scope=scope, registration_id=device, enrollment_group_id=group)
    except HomeportError as refusal:
        return refusal.retry_after
    return None


def refused_as(limits: Throttle, device: str, group: str | None = None) -> str:
    with pytest.raises(HomeportError) as refusal:
        limits.registration(id_scope=SCOPE, registration_id=device, enrollment_group_id=group)
    return refusal.value.cause


def test_no_limits() -> None:
    limits = throttle()
    for _ in range(1_000):
        limits.asked_to_register("", SCOPE)
        limits.poll(id_scope=SCOPE, registration_id="device")
        limits.service_operation(ServiceId(1))
        assert register(limits) is None
    assert not limits.counts_addresses
    assert limits.registered == 1_000


def test_a_device_in_whatever_case_it_spells_itself() -> None:
    limits = on(SetClock(), registrations_of_device=Rate(2, 60))
    assert [register(limits, device) for device in ("Device", "dEVICE")] == [None, None]
    assert refused_as(limits, "device") == "registrations_of_device"
    assert register(limits, "another") is None
    assert register(limits, "device", scope="0ne00000002") is None


def test_a_device_comes_back_when_it_was_told_to() -> None:
    clock = SetClock()
    limits = on(clock, registrations_of_device=Rate(2, 60))
    assert [register(limits), register(limits)] == [None, None]
    told = register(limits)
    assert told is not None
    assert 30 <= told <= 34
    # However often it asks meanwhile: no request makes it wait longer.
    for _ in range(100):
        assert (register(limits) or 0) <= 34
    clock.seconds += told
    assert register(limits) is None


def test_a_group() -> None:
    limits = on(SetClock(), registrations_of_group=Rate(2, 60))
    assert [register(limits, device, "line-1") for device in "ab"] == [None, None]
    assert refused_as(limits, "c", "Line-1") == "registrations_of_group"
    assert register(limits, "c", "line-2") is None
    assert register(limits, "c") is None


def test_a_service_in_all() -> None:
    limits = on(SetClock(), registrations=Rate(2, 60))
    assert [register(limits, device) for device in "ab"] == [None, None]
    assert refused_as(limits, "c") == "registrations"
    assert register(limits, "c", scope="0ne00000002") is None


def test_what_one_limit_refuses_costs_nothing_at_the_others() -> None:
    clock = SetClock()
    limits = on(clock, registrations_of_device=Rate(2, 600), registrations=Rate(1, 10))
    assert register(limits, "other") is None
    for _ in range(10):
        assert refused_as(limits, "device") == "registrations"
    clock.seconds += 10
    assert register(limits, "device") is None
    clock.seconds += 10
    assert register(limits, "device") is None
    assert refused_as(limits, "device") == "registrations_of_device"


def test_before_the_proof_a_full_service_refuses_unseen() -> None:
    limits = on(SetClock(), registrations=Rate(1, 60))
    limits.asked_to_register("", SCOPE)
    assert register(limits) is None
    with pytest.raises(HomeportError) as refusal:
        limits.asked_to_register("", SCOPE.upper())
    assert (refusal.value.cause, refusal.value.row) == ("registrations", errors.THROTTLED)


def test_a_stranger_uses_nothing_up() -> None:
    limits = on(SetClock(), registrations=Rate(2, 60), registrations_of_device=Rate(1, 60))
    for _ in range(1_000):
        limits.asked_to_register("", SCOPE)
    assert register(limits) is None


def test_strangers_who_invent_services_are_not_remembered() -> None:
    limits = on(SetClock(), registrations=Rate(1, 60))
    for number in range(100):
        limits.asked_to_register("", f"0ne{number}")
    assert len(vars(vars(limits)["_registrations"])["_buckets"]) == 0


def test_an_address_pays_for_each_question() -> None:
    limits = on(SetClock(), requests_of_address=Rate(3, 60))
    here, there = limits.source("192.0.2.1"), limits.source("192.0.2.2")
    limits.asked_to_register(here, SCOPE)
    limits.asked(here)
    limits.asked(here)
    with pytest.raises(HomeportError) as refusal:
        limits.asked_to_register(here, SCOPE)
    assert refusal.value.cause == "requests_of_address"
    limits.asked(there)


def test_a_network_of_ipv6_is_one_address() -> None:
    limits = on(SetClock(), requests_of_address=Rate(1, 60))
    limits.asked(limits.source("2001:db8:0:1::1"))
    with pytest.raises(HomeportError):
        limits.asked(limits.source("2001:db8:0:1::2"))


def test_a_peer_whose_address_nobody_knows_is_not_counted() -> None:
    limits = on(SetClock(), requests_of_address=Rate(1, 60))
    for _ in range(10):
        limits.asked(limits.source(""))


def test_polls_are_counted_for_themselves() -> None:
    clock = SetClock()
    limits = on(clock, polls_of_device=Rate(5, 10), registrations_of_device=Rate(1, 60))
    assert register(limits) is None
    for _ in range(5):
        limits.poll(id_scope=SCOPE, registration_id="device")
    with pytest.raises(HomeportError) as refusal:
        limits.poll(id_scope=SCOPE, registration_id="Device")
    assert (refusal.value.cause, refusal.value.retry_after) in {("polls_of_device", seconds) for seconds in (2, 3, 4)}
    clock.seconds += refusal.value.retry_after or 0
    limits.poll(id_scope=SCOPE, registration_id="device")


def test_operations_of_a_service() -> None:
    limits = on(SetClock(), service_operations=Rate(1, 60))
    limits.service_operation(ServiceId(1))
    limits.service_operation(ServiceId(2))
    with pytest.raises(HomeportError) as refusal:
        limits.service_operation(ServiceId(1))
    assert refusal.value.cause == "service_operations"


def test_processes_share_what_is_limited_in_all() -> None:
    rates = ThrottleRates(registrations=Rate(1_000, 60), polls_of_device=Rate(5, 10))
    assert rates.divided(1) == rates
    assert rates.divided(4) == ThrottleRates(registrations=Rate(250, 60), polls_of_device=Rate(5, 10))


def test_following_what_the_server_manages() -> None:
    clock = SetClock()
    limits = on(clock)
    limits.follow(10.0)
    assert [register(limits, str(number)) for number in range(10)] == [None] * 10
    assert refused_as(limits, "one more") == "overload"
    with pytest.raises(HomeportError):
        limits.asked_to_register("", SCOPE)
    limits.follow(1.0)
    clock.seconds += 0.5
    assert refused_as(limits, "one more") == "overload"
    limits.follow(None)
    assert register(limits, "one more") is None


# --- a fleet comes all at once --------------------------------------------------------------------------------------


def fleet_returns(limits: Throttle, clock: SetClock, devices: int) -> tuple[Counter[int], Counter[int], list[int]]:
    """All come in the same second, and again when they are told to: how many came in each second, how many of them
    were admitted, and how often each device had to come."""
    start = clock.seconds
    due = [(start, number) for number in range(devices)]
    came: Counter[int] = Counter()
    admitted: Counter[int] = Counter()
    tries = [0] * devices
    while due:
        clock.seconds, number = heapq.heappop(due)
        second = int(clock.seconds - start)
        came[second] += 1
        tries[number] += 1
        told = register(limits, str(number))
        if told is None:
            admitted[second] += 1
        else:
            heapq.heappush(due, (clock.seconds + told, number))
    return came, admitted, tries


def test_ten_thousand_refused_at_once_come_back_evenly() -> None:
    clock = SetClock()
    limits = on(clock, registrations=Rate(6_000, 60))
    came, admitted, tries = fleet_returns(limits, clock, 16_000)
    assert (came.pop(0), admitted.pop(0)) == (16_000, 6_000)
    assert max(came.values()) <= 200
    assert max(came) <= 120
    assert sum(admitted.values()) == 10_000
    assert max(tries) <= 5


def test_a_fleet_that_is_too_large_for_the_longest_wait_comes_more_often() -> None:
    clock = SetClock()
    limits = throttle(
        ThrottleRates(registrations=Rate(100, 1), longest_wait=60), clock=clock, randomness=SeededRandomness()
    )
    came, admitted, tries = fleet_returns(limits, clock, 20_000)
    assert (came.pop(0), admitted.pop(0)) == (20_000, 100)
    # Nearly six thousand have places in sixty seconds, the others share the second half of them; nobody is forgotten.
    assert max(came.values()) <= 900
    assert sum(admitted.values()) == 19_900
    assert max(came) <= 20_000 / 100 * 1.5
    assert max(tries) <= 15


@settings(max_examples=30, deadline=None)
@given(st.integers(1, 50), st.integers(1, 60), st.integers(1, 300))
def test_whoever_does_as_he_is_told_gets_in(count: int, seconds: int, devices: int) -> None:
    clock = SetClock()
    limits = on(clock, registrations=Rate(count, seconds))
    _, admitted, tries = fleet_returns(limits, clock, devices)
    assert sum(admitted.values()) == devices
    # Of a queue that is longer than the longest wait, the rest comes once for each half of it.
    longest = ThrottleRates().longest_wait
    assert max(tries) <= 6 + devices * seconds / count / (longest / 2)
