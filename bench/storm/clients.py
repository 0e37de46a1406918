"""What each client does when it has to wait, is refused or hears nothing: one row for each SDK and transport.

The facts are those of reference page "DPS device-side protocols" (sections A and B), read from the clients' sources;
`source` says where. The table serves the model (`simulation.py`) and, as numbers, the real storm (`load/storm_plan.h`),
so they cannot disagree about a client. An SDK that gives up leaves the rest to the application around it, and no source
says what that does: `ApplicationLoop` follows Microsoft's guidance for large deployments.
"""

import random
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

Transport = Literal["https", "mqtt"]

_FOREVER = 1e9


@dataclass(frozen=True, kw_only=True)
class RetryRule:
    """A client's behaviour; times in seconds.

    A `Retry-After` from `shortest` to `longest` is obeyed; any other counts as `default`, and where there is none,
    up to `jitter` is added to it. A client that `resends_register` or `resends_poll` answers a 429 or 5xx by asking
    again on the same connection; any other gives up, as all do after `request_timeout` without an answer (None: never;
    `poll_timeout` is for polls, where it differs).
    """

    name: str
    transport: Transport
    source: str
    shortest: float = 0
    longest: float = _FOREVER
    default: float = 2
    jitter: float = 0
    first_poll: float | None = None
    request_timeout: float | None = None
    poll_timeout: float | None = None
    resends_register: bool = False
    resends_poll: bool = False

    def delay(self, retry_after: float | None, rng: random.Random) -> float:
        """How long it waits before it asks again."""
        if retry_after is None:
            return self.default + (rng.uniform(0, self.jitter) if self.jitter else 0)
        return retry_after if self.shortest <= retry_after <= self.longest else self.default

    def poll_delay(self, retry_after: float | None, rng: random.Random) -> float:
        """How long it waits between the answer to its registration and its first poll."""
        return self.delay(retry_after, rng) if self.first_poll is None else self.first_poll


@dataclass(frozen=True, kw_only=True)
class ApplicationLoop:
    """An application that starts its SDK again: after `first` seconds, then twice as long each time, up to `longest`,
    and each time up to as much again by chance.

    "First retry at least 5 s later, with back-off" is Microsoft's guidance (concepts-deploy-at-scale); doubling, limit
    and chance are ours.
    """

    first: float = 5
    longest: float = 150

    def delay(self, failures: int, rng: random.Random) -> float:
        """How long it waits after so many failures in a row."""
        base = min(self.longest, self.first * 2.0 ** min(failures - 1, 16))
        return base * (1 + rng.random())


_RULES = (
    RetryRule(
        name="python-mqtt",
        transport="mqtt",
        source="B: first poll always 2 s, later Retry-After; 30 s a request; resends after 429 and 500 [RUN]",
        first_poll=2,
        request_timeout=30,
        resends_register=True,
        resends_poll=True,
    ),
    RetryRule(
        name="node-mqtt",
        transport="mqtt",
        source="B: Retry-After, else 2 s; 30 s a request; resends after 429 and 500 [RUN]",
        request_timeout=30,
        resends_register=True,
        resends_poll=True,
    ),
    RetryRule(
        name="node-http",
        transport="https",
        source="A: Retry-After, else 2 s; 30 s for each register and poll; 429 and 5xx fail at once [RUN]",
        request_timeout=30,
    ),
    RetryRule(
        name="c-http",
        transport="https",
        source="A: Retry-After of 1 to 300, else 1 s; no time-out of its own; the same step again, for ever, after 429",
        shortest=1,
        longest=300,
        default=1,
        resends_register=True,
        resends_poll=True,
    ),
    RetryRule(
        name="c-mqtt",
        transport="mqtt",
        source="B: as over HTTP; 429 and above are transient",
        shortest=1,
        longest=300,
        default=1,
        resends_register=True,
        resends_poll=True,
    ),
    RetryRule(
        name="csharp-http",
        transport="https",
        source="A: Retry-After of at least 2 s, else 2 s and up to 5 s; the caller's token (here 60 s); a throttled "
        "register throws, a throttled poll is repeated",
        shortest=2,
        jitter=5,
        request_timeout=60,
        resends_poll=True,
    ),
    RetryRule(
        name="csharp-mqtt",
        transport="mqtt",
        source="B: at least 2 s; 60 s without a byte; 429 and 5xx fail",
        shortest=2,
        jitter=5,
        request_timeout=60,
    ),
    RetryRule(
        name="java-http",
        transport="https",
        source="A: Retry-After of 2 to 5 s, anything else is 2 s; 90 s to register, 10 s for each status; 429 and "
        "5xx fail",
        shortest=2,
        longest=5,
        request_timeout=90,
        poll_timeout=10,
    ),
    RetryRule(
        name="java-mqtt",
        transport="mqtt",
        source="B: integer Retry-After, else 2 s; 60 s; 429 and 5xx fail",
        shortest=2,
        longest=5,
        request_timeout=60,
    ),
    RetryRule(
        name="embedded-c-mqtt",
        transport="mqtt",
        source="B: reads retry-after, the rest is the application's; 60 s and giving up at 429 are taken as its rule",
        request_timeout=60,
    ),
)

CLIENTS: Mapping[str, RetryRule] = MappingProxyType({rule.name: rule for rule in _RULES})

MIXED: Mapping[str, float] = MappingProxyType(
    {
        "python-mqtt": 0.25,
        "node-mqtt": 0.10,
        "node-http": 0.10,
        "c-http": 0.05,
        "c-mqtt": 0.15,
        "csharp-http": 0.05,
        "csharp-mqtt": 0.10,
        "java-http": 0.05,
        "java-mqtt": 0.05,
        "embedded-c-mqtt": 0.10,
    }
)
"""Shares of a fleet of all kinds. Nobody has published such shares; these are a guess that leaves no client out."""


def shares(text: str) -> dict[str, float]:
    """The shares of a fleet: `mixed`, one client, or `python-mqtt=3,node-http=1`.

    Raises:
        ValueError: a client that the table does not have, or a share that is no positive number.
    """
    if text == "mixed":
        return dict(MIXED)
    parts = {name.strip(): float(share or 1) for name, _, share in (part.partition("=") for part in text.split(","))}
    if unknown := [name for name in parts if name not in CLIENTS]:
        raise ValueError(f"{', '.join(unknown)}: no such client; there are mixed, {', '.join(CLIENTS)}")
    if any(share <= 0 for share in parts.values()):
        raise ValueError("a share is a positive number")
    total = sum(parts.values())
    return {name: share / total for name, share in parts.items()}


def assigned(fleet_shares: Mapping[str, float], count: int, rng: random.Random) -> Iterator[RetryRule]:
    """A client for each device, in the given shares, by chance."""
    names = list(fleet_shares)
    chosen = rng.choices(names, weights=[fleet_shares[name] for name in names], k=count)
    return (CLIENTS[name] for name in chosen)
