"""What admission costs a registration: `python -m bench.admission`, from the root of the repository.

No server and no sockets: the throttle alone, asked as `device_answers.py` and `registration.py` ask it. Aim: under 3 µs
for a registration with the limits of any profile, since every device pays it, also where nobody is ever refused.
"""

import time
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass

from homeport.clock import SystemClock, SystemRandomness
from homeport.endpoints.throttling import Throttle, ThrottleRates
from homeport.endpoints.token_buckets import Rate
from homeport.errors import HomeportError

ID_SCOPE = "0ne00000000"
ADDRESS = "192.0.2.1"
AIM_US = 3.0
_NEVER_MET = Rate(1e9, 60)
_OF_DEVICES = {"registrations_of_device": Rate(600, 60), "polls_of_device": Rate(600, 10)}
PROFILES: Mapping[str, ThrottleRates] = {
    "none": ThrottleRates(),
    "generous": ThrottleRates(**_OF_DEVICES),
    "hosted": ThrottleRates(registrations=_NEVER_MET, **_OF_DEVICES),
    "every limit": ThrottleRates(
        registrations=_NEVER_MET, registrations_of_group=_NEVER_MET, requests_of_address=_NEVER_MET, **_OF_DEVICES
    ),
}


@dataclass(frozen=True, kw_only=True)
class Cost:
    """Microseconds for one of each."""

    registration: float
    poll: float
    refusal: float


def measure(rates: ThrottleRates, devices: int) -> Cost:
    """So many devices register and poll once; as many are refused by a service that is full."""
    ids = [f"bench-{number:08d}" for number in range(devices)]
    throttle = Throttle(rates, clock=SystemClock(), randomness=SystemRandomness())
    source = throttle.source(ADDRESS) if throttle.counts_addresses else ""

    def register(device: str) -> None:
        throttle.asked_to_register(source, ID_SCOPE)
        throttle.registration(id_scope=ID_SCOPE, registration_id=device, enrollment_group_id="bench")

    def poll(device: str) -> None:
        throttle.asked(source)
        throttle.poll(id_scope=ID_SCOPE, registration_id=device)

    return Cost(registration=_each(register, ids), poll=_each(poll, ids), refusal=_each(_refuser(), ids))


def _refuser() -> Callable[[str], None]:
    full = Throttle(ThrottleRates(registrations=Rate(1, 60)), clock=SystemClock(), randomness=SystemRandomness())
    full.registration(id_scope=ID_SCOPE, registration_id="first", enrollment_group_id=None)

    def refuse(_: str) -> None:
        with suppress(HomeportError):
            full.asked_to_register("", ID_SCOPE)

    return refuse


def _each(act: Callable[[str], None], ids: list[str]) -> float:
    began = time.process_time()
    for each in ids:
        act(each)
    return (time.process_time() - began) / len(ids) * 1e6


def main(devices: int = 200_000) -> None:
    """Print a table."""
    print(f"{'limits':12} {'registration':>12} {'poll':>8} {'refusal':>8}   in µs; aim: {AIM_US} for a registration")
    for name, rates in PROFILES.items():
        cost = measure(rates, devices)
        print(f"{name:12} {cost.registration:12.2f} {cost.poll:8.2f} {cost.refusal:8.2f}")


if __name__ == "__main__":
    main()
