"""What counts as lost, as told otherwise, as twice; and which lines of a log are no node's right."""

import random

from bench.storm.clients import CLIENTS
from failover.devices import Assignment, Device
from failover.verification import at_hub, compare, log_faults

TOLD = Assignment("operation", "hub.example", "d")


def device(registration_id: str = "d", *, told: Assignment | None = TOLD, refusal: str | None = None) -> Device:
    found = Device(registration_id=registration_id, token="", rule=CLIENTS["c-http"], rng=random.Random(1))
    found.assignment, found.refusal = told, refusal
    return found


def test_a_record_that_says_what_the_device_was_told_is_right() -> None:
    assert compare([device()], {"d": [TOLD]}) == []


def test_a_device_without_its_record_is_lost() -> None:
    [fault] = compare([device()], {})
    assert fault.startswith("d is lost: it was told")


def test_another_hub_device_or_operation_than_told_is_wrong() -> None:
    others = [Assignment("o", "hub.example", "d"), Assignment("operation", "h", "d"), Assignment("operation", "h", "e")]
    for other in others:
        [fault] = compare([device()], {"d": [other]})
        assert "the database says" in fault


def test_a_second_record_is_wrong() -> None:
    [fault] = compare([device()], {"d": [TOLD, TOLD]})
    assert "the database says" in fault


def test_a_device_that_was_never_provisioned_or_refused_is_named() -> None:
    [never, refused] = compare([device("a", told=None), device("b", told=None, refusal="404")], {})
    assert never.startswith("a was never provisioned")
    assert refused == "b was refused: 404"


def test_a_device_is_once_at_its_hub() -> None:
    assert at_hub([device()], ["d", "somebody-else"]) == []
    assert at_hub([device()], ["d", "d"]) == ["d is 2 times at its hub"]
    assert at_hub([device()], []) == ["d is 0 times at its hub"]


def test_a_device_that_was_told_nothing_need_not_be_at_a_hub() -> None:
    assert at_hub([device(told=None)], []) == []


def test_a_traceback_is_found_a_database_that_is_away_is_nothing() -> None:
    log = '{"event":"storage_unavailable","level":"warning"}\nTraceback (most recent call last):\n'
    assert log_faults("node-1", log) == ["node-1 logged: Traceback (most recent call last):"]
