"""The retry rules, client by client, against what "DPS device-side protocols" (device-protocols.md) says in A and B."""

import random

import pytest
from bench.storm.clients import CLIENTS, MIXED, ApplicationLoop, assigned, shares

NOTHING = None
# Retry-After as it was sent, and how long each client then waits: its default is what it takes anything else for.
WAITS = {
    "python-mqtt": {NOTHING: 2, 1: 1, 7: 7, 400: 400},  # B: retry-after via int; default 2
    "node-mqtt": {NOTHING: 2, 1: 1, 7: 7, 400: 400},  # B: Node default 2 s
    "node-http": {NOTHING: 2, 1: 1, 7: 7, 400: 400},  # A: Retry-After x 1000, else 2 s
    "c-http": {NOTHING: 1, 0: 1, 1: 1, 300: 300, 301: 1},  # A: integer 1..300, else 1 s
    "c-mqtt": {NOTHING: 1, 0: 1, 1: 1, 300: 300, 301: 1},
    "csharp-http": {1: 2, 7: 7, 400: 400},  # A: min 2 s
    "csharp-mqtt": {1: 2, 7: 7, 400: 400},  # B: min 2 s
    "java-http": {NOTHING: 2, 1: 2, 5: 5, 6: 2},  # A: integer 2..5, anything else is 2 s
    "java-mqtt": {NOTHING: 2, 1: 2, 5: 5, 6: 2},
    "embedded-c-mqtt": {NOTHING: 2, 7: 7},
}
RESENDS_AFTER_429 = {"python-mqtt", "node-mqtt", "c-http", "c-mqtt"}  # A and B: the others fail
TIMEOUTS = {  # seconds for a registration, and for a poll where that differs
    "python-mqtt": (30, None),
    "node-mqtt": (30, None),
    "node-http": (30, None),
    "c-http": (None, None),
    "c-mqtt": (None, None),
    "csharp-http": (60, None),
    "csharp-mqtt": (60, None),
    "java-http": (90, 10),
    "java-mqtt": (60, None),
    "embedded-c-mqtt": (60, None),
}


@pytest.mark.parametrize("name", CLIENTS)
def test_how_long_each_client_waits(name: str) -> None:
    rng = random.Random(1)
    for sent, waits in WAITS[name].items():
        assert CLIENTS[name].delay(sent, rng) == waits


@pytest.mark.parametrize("name", CLIENTS)
def test_what_each_client_does_about_a_refusal_and_about_silence(name: str) -> None:
    rule = CLIENTS[name]
    assert rule.resends_register is (name in RESENDS_AFTER_429)
    assert (rule.request_timeout, rule.poll_timeout) == TIMEOUTS[name]


def test_without_retry_after_csharp_waits_two_to_seven_seconds() -> None:
    rng = random.Random(1)
    waits = [CLIENTS["csharp-http"].delay(None, rng) for _ in range(200)]
    assert min(waits) >= 2
    assert 6 < max(waits) <= 7


def test_python_polls_first_after_two_seconds_whatever_it_was_told() -> None:
    rng = random.Random(1)
    assert CLIENTS["python-mqtt"].poll_delay(9, rng) == 2
    assert CLIENTS["node-mqtt"].poll_delay(9, rng) == 9


def test_every_rule_says_where_it_was_read() -> None:
    for rule in CLIENTS.values():
        assert rule.source.startswith("A: " if rule.transport == "https" else "B: ")
        assert rule.name.endswith("http" if rule.transport == "https" else "mqtt")


def test_an_application_waits_five_seconds_at_least_then_twice_as_long_and_at_most_five_minutes() -> None:
    rng = random.Random(1)
    loop = ApplicationLoop()
    first = [loop.delay(1, rng) for _ in range(200)]
    assert 5 <= min(first) < max(first) <= 10
    assert 10 <= loop.delay(2, rng) <= 20
    assert 150 <= loop.delay(200, rng) <= 300


def test_shares_of_a_fleet() -> None:
    assert shares("mixed") == dict(MIXED)
    assert sum(MIXED.values()) == pytest.approx(1)
    assert set(MIXED) == set(CLIENTS)
    assert shares("python-mqtt=3, node-http=1") == {"python-mqtt": 0.75, "node-http": 0.25}
    assert shares("c-mqtt") == {"c-mqtt": 1}


@pytest.mark.parametrize(
    ("text", "complaint"), [("go-http", "no such client"), ("c-mqtt=-1", "positive"), ("c-mqtt=x", "could not convert")]
)
def test_shares_that_are_none(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        shares(text)


def test_clients_are_assigned_by_their_shares() -> None:
    chosen = list(assigned({"c-mqtt": 0.25, "c-http": 0.75}, 10_000, random.Random(1)))
    assert sum(rule.name == "c-mqtt" for rule in chosen) == pytest.approx(2_500, rel=0.1)
