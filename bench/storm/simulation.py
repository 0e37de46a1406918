"""A storm as a discrete-event model: devices with their clients' rules, workers with a queue each, admission.

What a worker does it does in order of arrival and without a pause, so the moment at which a step will be done is known
when it is asked for (Lindley's recursion), and a client that will not wait so long is known as well. So a step costs
one event, and a million devices about a minute. A step whose client has gone is done all the same: the server learns
that too late. Knows no socket; its counterpart in the flesh is `real.py`.
"""

import heapq
import random
from array import array
from collections import Counter
from collections.abc import Callable
from typing import Final

from bench.storm.clients import ApplicationLoop, RetryRule
from bench.storm.deployment import Deployment
from bench.storm.fleet import Fleet
from bench.storm.outcome import Outcome
from bench.storm.token_bucket import TokenBucket

CONNECT, REGISTER, REGISTER_AGAIN, POLL, RELEASE = range(5)
_KINDS: Final = 8  # room for a kind in the lowest bits of an event's number

REPORT_EVENTS: Final = 20_000
RETRY_SOON: Final = 1.0
"""homeport's Retry-After on 202, when the result is ready already."""

_DEFAULT_LOOP = ApplicationLoop()


class Simulation:
    """One storm. `run` may be interrupted, and `outcome` asked for at any time."""

    def __init__(
        self,
        fleet: Fleet,
        deployment: Deployment,
        *,
        seed: int,
        weight: float = 1,
        application: ApplicationLoop = _DEFAULT_LOOP,
    ) -> None:
        self._fleet = fleet
        self._weight = weight
        self._deployment = deployment.for_cohorts(weight)
        self._application = application
        self._rng = random.Random(seed)
        self._prepare_devices()
        self._prepare_workers()
        self._prepare_counts()

    def _prepare_devices(self) -> None:
        count = len(self._fleet)
        self._failures = bytearray(count)
        self._worker = array("l", bytes(8 * count))
        self._began = array("d", bytes(8 * count))
        self._served_so_far = array("d", bytes(8 * count))
        self._events = [(time, device * _KINDS + CONNECT) for device, time in enumerate(self._fleet.arrivals)]
        heapq.heapify(self._events)

    def _prepare_workers(self) -> None:
        deployment = self._deployment
        workers = deployment.workers
        self._free_at = [0.0] * workers
        self._handshaking = [0] * workers
        self._partition_free_at = [0.0] * deployment.partitions
        admission, rate = deployment.admission, 1 / deployment.times.provisioning
        self._buckets = admission and [TokenBucket(admission, rate, self._rng) for _ in range(workers)]
        self._handshake_limit = min(deployment.handshakes, admission.handshakes if admission else deployment.handshakes)

    def _prepare_counts(self) -> None:
        self._provisioned_at = array("d")
        self._served = array("d")
        self._attempts = self._handshakes = self._wasted = self._refused = 0
        self._handshakes_by_second: Counter[int] = Counter()

    def run(self, *, until: float = 1e12, report: Callable[[int, float], None] | None = None) -> Outcome:
        """Until all are provisioned or that time has come; `report` hears how many are, and the time of the storm."""
        steps = {
            CONNECT: self._connect,
            REGISTER: self._register_first,
            REGISTER_AGAIN: self._register,
            POLL: self._poll,
            RELEASE: self._release,
        }
        events, countdown = self._events, REPORT_EVENTS
        while events and events[0][0] <= until:
            now, number = heapq.heappop(events)
            device, kind = divmod(number, _KINDS)
            steps[kind](now, device)
            countdown -= 1
            if countdown == 0 and report is not None:
                report(len(self._provisioned_at), now)
                countdown = REPORT_EVENTS
        return self.outcome()

    def outcome(self) -> Outcome:
        """What has come of it so far."""
        weight = self._weight
        by_second = Counter(map(int, self._provisioned_at))
        return Outcome(
            devices=len(self._fleet) * weight,
            weight=weight,
            provisioned_at=array("d", sorted(self._provisioned_at)),
            served=array("d", sorted(self._served)),
            attempts=self._attempts * weight,
            handshakes=self._handshakes * weight,
            wasted_handshakes=self._wasted * weight,
            refused=self._refused * weight,
            peak_handshakes=max(self._handshakes_by_second.values(), default=0) * weight,
            peak_provisioned=max(by_second.values(), default=0) * weight,
        )

    # --- what a device does -----------------------------------------------------------------------------------

    def _connect(self, now: float, device: int) -> None:
        deployment = self._deployment
        self._attempts += 1
        worker = self._worker[device] = self._rng.randrange(deployment.workers)
        self._began[device] = now
        arrives = now + deployment.round_trip
        if self._handshaking[worker] >= self._handshake_limit:
            self._give_up(self._work(worker, arrives, deployment.times.reset), device)
        elif self._free_at[worker] - arrives > deployment.handshake_timeout:
            self._handshaking[worker] += 1
            self._schedule(arrives + deployment.handshake_timeout, RELEASE, worker)
            self._give_up(arrives + deployment.handshake_timeout, device)
        else:
            self._shake_hands(arrives, device, worker)

    def _shake_hands(self, arrives: float, device: int, worker: int) -> None:
        self._handshaking[worker] += 1
        self._handshakes += 1
        self._handshakes_by_second[int(arrives)] += 1
        done = self._work(worker, arrives, self._deployment.times.handshake)
        timeout = self._fleet.clients[device].request_timeout
        gone = self._began[device] + (timeout or 1e12)
        if done > gone:
            self._wasted += 1
            self._schedule(done, RELEASE, worker)
            self._give_up(gone, device)
        else:
            self._schedule(done + self._deployment.round_trip, REGISTER, device)

    def _release(self, now: float, worker: int) -> None:
        self._handshaking[worker] -= 1

    def _register_first(self, now: float, device: int) -> None:
        self._handshaking[self._worker[device]] -= 1
        self._register(now, device)

    def _register(self, now: float, device: int) -> None:
        worker, rule = self._worker[device], self._fleet.clients[device]
        retry_after = self._buckets[worker].take(now) if self._buckets else 0.0
        if retry_after:
            self._refuse(now, device, rule, retry_after)
            return
        answered = self._durable(device, self._work(worker, now, self._deployment.times.register))
        if answered > now + (rule.request_timeout or 1e12):
            self._wasted += 1
            self._give_up(now + (rule.request_timeout or 0), device)
            return
        self._served_so_far[device] = answered - self._began[device]
        self._schedule(answered + rule.poll_delay(RETRY_SOON, self._rng), POLL, device)

    def _refuse(self, now: float, device: int, rule: RetryRule, retry_after: float) -> None:
        self._refused += 1
        answered = self._work(self._worker[device], now, self._deployment.times.refusal) + self._deployment.round_trip
        if not rule.resends_register:
            self._wasted += 1
            self._give_up(answered, device)
            return
        again = answered + rule.delay(retry_after, self._rng)
        closed = rule.transport == "https" and again - answered > self._deployment.idle_timeout
        self._wasted += closed
        self._began[device] = again
        self._schedule(again, CONNECT if closed else REGISTER_AGAIN, device)

    def _poll(self, now: float, device: int) -> None:
        rule = self._fleet.clients[device]
        answered = self._work(self._worker[device], now, self._deployment.times.poll) + self._deployment.round_trip
        timeout = rule.poll_timeout or rule.request_timeout or 1e12
        if answered > now + timeout:
            self._wasted += 1
            self._give_up(now + timeout, device)
            return
        self._provisioned_at.append(answered)
        self._served.append(self._served_so_far[device] + answered - now)

    def _give_up(self, now: float, device: int) -> None:
        failures = self._failures[device] = min(255, self._failures[device] + 1)
        self._schedule(now + self._application.delay(failures, self._rng), CONNECT, device)

    # --- what the server does ---------------------------------------------------------------------------------

    def _work(self, worker: int, arrives: float, seconds: float) -> float:
        """When a step that arrives now will be done."""
        free_at = self._free_at[worker]
        done = self._free_at[worker] = (arrives if arrives > free_at else free_at) + seconds
        return done

    def _durable(self, device: int, done: float) -> float:
        """When the registration is on disk and its answer with the device."""
        deployment = self._deployment
        if deployment.database_rate is not None:
            partition = device % deployment.partitions
            begins = max(done, self._partition_free_at[partition])
            done = self._partition_free_at[partition] = begins + 1 / deployment.database_rate
        return done + deployment.times.commit + deployment.round_trip

    def _schedule(self, time: float, kind: int, subject: int) -> None:
        heapq.heappush(self._events, (time, subject * _KINDS + kind))
