"""How often a device may ask, a group, an address, an administrator: who is counted when, and what he is told.

A stranger must not be able to use up what belongs to a device. So what is paid for is paid after the proof, by the
registration, its group and its service. Before the proof there are two cheap looks: an address pays for each question,
and a service that is at its limit refuses unseen, without taking anything. (A registration over MQTT or AMQP is asked
with a proof that the connection has brought already; there both come at the same time.)

A refusal is THROTTLED (429001) on every transport, with a time that was chosen for this one device: `return_times.py`.
Knows no socket; counterparts: `device_answers.py` and `questions.py` ask before the proof, and
`provisioning/registration.py` after it, by the shape that `provisioning/throttle.py` gives it.
"""

import msgspec

from homeport import errors
from homeport.clock import Clock, Randomness
from homeport.endpoints.admission import counted_address
from homeport.endpoints.return_times import ReturnTimes
from homeport.endpoints.token_buckets import Rate, TokenBuckets
from homeport.errors import HomeportError
from homeport.model.identifiers import ServiceId, folded

Key = str | bytes | int

# How much may come at once where the rate follows what the server manages, in seconds.
_CEILING_BURST = 1.0


class ThrottleRates(msgspec.Struct, frozen=True, kw_only=True):
    """Every limit; None where there is none. `keys` is how many devices, and how many addresses, are remembered."""

    registrations: Rate | None = None
    registrations_of_group: Rate | None = None
    registrations_of_device: Rate | None = None
    requests_of_address: Rate | None = None
    polls_of_device: Rate | None = None
    service_operations: Rate | None = None
    longest_wait: int = 300
    keys: int = 100_000

    def divided(self, processes: int) -> "ThrottleRates":
        """What one of several processes may admit of what is limited in all; a device keeps its own limits on each."""
        in_all = ("registrations", "registrations_of_group", "requests_of_address", "service_operations")
        shares = {name: rate.divided(processes) for name in in_all if (rate := getattr(self, name)) is not None}
        return msgspec.structs.replace(self, **shares)


class _Limit:
    """One limit, whatever it counts. Of a `shared` one many are refused at once, and are told one after the other."""

    def __init__(
        self, name: str, rate: Rate, *, rates: ThrottleRates, randomness: Randomness, shared: bool = True
    ) -> None:
        self._name = name
        self._shared = shared
        self._buckets: TokenBuckets[Key] = TokenBuckets(rate, keys=rates.keys)
        self._returns: ReturnTimes[Key] = ReturnTimes(
            longest=rates.longest_wait, randomness=randomness, keys=rates.keys
        )

    def check(self, key: Key, now: float) -> None:
        """Raises THROTTLED if there is no token; takes none."""
        wait = self._buckets.wait(key, now)
        if wait:
            raise self._refusal(key, wait, now)

    def take(self, key: Key, now: float) -> None:
        """Take the token that was there."""
        self._buckets.take(key, now)

    def charge(self, key: Key, now: float) -> None:
        """Take a token; raises THROTTLED if there is none."""
        self.check(key, now)
        self._buckets.take(key, now)

    def change_rate(self, rate: Rate) -> None:
        """From now on this rate."""
        self._buckets.change_rate(rate)

    def _refusal(self, key: Key, wait: float, now: float) -> HomeportError:
        returns, interval = self._returns, self._buckets.interval
        seconds = returns.next(key, wait=wait, interval=interval, now=now) if self._shared else returns.alone(wait)
        return HomeportError(
            errors.THROTTLED, f"Ask again in {seconds} seconds.", cause=self._name, retry_after=seconds
        )


class Throttle:
    """All limits of one process. Every method that refuses raises THROTTLED, its `cause` the limit's name."""

    def __init__(self, rates: ThrottleRates, *, clock: Clock, randomness: Randomness) -> None:
        self._rates = rates
        self._clock = clock
        self._randomness = randomness
        self._registrations = self._limit("registrations", rates.registrations)
        self._of_group = self._limit("registrations_of_group", rates.registrations_of_group)
        self._of_device = self._limit("registrations_of_device", rates.registrations_of_device, shared=False)
        self._of_address = self._limit("requests_of_address", rates.requests_of_address)
        self._polls = self._limit("polls_of_device", rates.polls_of_device, shared=False)
        self._operations = self._limit("service_operations", rates.service_operations)
        self._ceiling: _Limit | None = None
        self.registered = 0
        """Registrations that were admitted since the start."""

    @property
    def counts_addresses(self) -> bool:
        """Whether it matters where a question comes from."""
        return self._of_address is not None

    def source(self, address: str) -> str | bytes:
        """What is counted of a peer's address."""
        return counted_address(address)

    def asked(self, source: str | bytes) -> None:
        """Before the proof: somebody at that source asks something."""
        if self._of_address is not None and source:
            self._of_address.charge(source, self._clock.monotonic())

    def asked_to_register(self, source: str | bytes, id_scope: str) -> None:
        """Before the proof of a registration: is there room at all? An ID scope that nobody has always has.

        Strangers who ask a full service lengthen what others are told, up to the longest wait, and nothing else; how
        many they can be is bounded by what their addresses may ask.
        """
        self.asked(source)
        if self._registrations is not None:
            self._registrations.check(folded(id_scope), self._clock.monotonic())
        if self._ceiling is not None:
            self._ceiling.check(0, self._clock.monotonic())

    def registration(self, *, id_scope: str, registration_id: str, enrollment_group_id: str | None) -> None:
        """After the proof: the device registers. All limits are looked at before any is charged."""
        now = self._clock.monotonic()
        scope = folded(id_scope)
        due: list[tuple[_Limit, Key]] = []
        if self._of_device is not None:
            due.append((self._of_device, f"{scope} {folded(registration_id)}"))
        if self._of_group is not None and enrollment_group_id is not None:
            due.append((self._of_group, f"{scope} {folded(enrollment_group_id)}"))
        if self._registrations is not None:
            due.append((self._registrations, scope))
        if self._ceiling is not None:
            due.append((self._ceiling, 0))
        for limit, key in due:
            limit.check(key, now)
        for limit, key in due:
            limit.take(key, now)
        self.registered += 1

    def poll(self, *, id_scope: str, registration_id: str) -> None:
        """After the proof: the device asks for its operation, or for its last result."""
        if self._polls is not None:
            self._polls.charge(f"{folded(id_scope)} {folded(registration_id)}", self._clock.monotonic())

    def service_operation(self, service_id: ServiceId) -> None:
        """After authorization: an administrator's program uses the service API."""
        if self._operations is not None:
            self._operations.charge(service_id, self._clock.monotonic())

    def follow(self, per_second: float | None) -> None:
        """Admit no more registrations than this from now on, whatever else is configured; None ends it."""
        rate = None if per_second is None else Rate(per_second * _CEILING_BURST, _CEILING_BURST)
        if rate is not None and self._ceiling is not None:
            self._ceiling.change_rate(rate)
        else:
            self._ceiling = self._limit("overload", rate)

    def _limit(self, name: str, rate: Rate | None, *, shared: bool = True) -> _Limit | None:
        if rate is None:
            return None
        return _Limit(name, rate, rates=self._rates, randomness=self._randomness, shared=shared)
