"""A storm as a discrete-event model: devices with their clients' rules, workers with a queue each, admission.

What a worker does it does in order of arrival and without a pause, so the moment at which a step will be done is known
when it is asked for (Lindley's recursion), and a client that will not wait so long is known as well. So a step costs
one event, and a million devices about a minute. A step whose client has gone is done all the same: the server learns
that too late. Knows no socket; its counterpart in the flesh is `real.py`.
"""

import heapq
import random
from array import array
from collections import Counter, deque
from collections.abc import Callable
from typing import Final

from bench.storm.clients import ApplicationLoop, RetryRule
from bench.storm.deployment import Deployment
from bench.storm.fleet import Fleet
from bench.storm.outcome import Outcome
from bench.storm.token_bucket import TokenBucket

CONNECT, KNOCK, GATE, REGISTER, REGISTER_AGAIN, POLL, RELEASE = range(7)
_KINDS: Final = 8  # room for a kind in the lowest bits of an event's number

_NEVER: Final = 1e12
_TCP_GIVES_UP: Final = 127.0
"""Linux repeats a SYN six times; the wait of a client without a time-out of its own."""
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
        self._connected = array("d", bytes(8 * count))
        self._admitted = array("d", bytes(8 * count))
        self._served_so_far = array("d", bytes(8 * count))
        self._events = [(time, device * _KINDS + CONNECT) for device, time in enumerate(self._fleet.arrivals)]
        heapq.heapify(self._events)

    def _prepare_workers(self) -> None:
        deployment = self._deployment
        workers = deployment.workers
        self._free_at = [0.0] * workers
        self._handshaking = [0] * workers
        self._partition_free_at = [0.0] * deployment.partitions
        self._waiting: list[deque[int]] = [deque() for _ in range(workers)]
        self._gate_scheduled = bytearray(workers)
        self._target_lag = _NEVER if deployment.target_lag is None else deployment.target_lag
        self._queue = deployment.queue_of_worker
        limit = deployment.limit
        self._buckets = limit and [TokenBucket(limit, workers=workers, rng=self._rng) for _ in range(workers)]

    def _prepare_counts(self) -> None:
        self._provisioned_at = array("d")
        self._connecting, self._queued = array("d"), array("d")
        self._served, self._answered = array("d"), array("d")
        self._attempts = self._handshakes = self._wasted = self._refused = 0
        self._handshakes_by_second: Counter[int] = Counter()

    def run(self, *, until: float = _NEVER, report: Callable[[int, float], None] | None = None) -> Outcome:
        """Until all are provisioned or that time has come; `report` hears how many are, and the time of the storm."""
        steps = {
            CONNECT: self._connect,
            KNOCK: self._knock,
            GATE: self._open_gate,
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
            connecting=array("d", sorted(self._connecting)),
            queued=array("d", sorted(self._queued)),
            served=array("d", sorted(self._served)),
            answered=array("d", sorted(self._answered)),
            attempts=self._attempts * weight,
            handshakes=self._handshakes * weight,
            wasted_handshakes=self._wasted * weight,
            refused=self._refused * weight,
            peak_handshakes=max(self._handshakes_by_second.values(), default=0) * weight,
            peak_provisioned=max(by_second.values(), default=0) * weight,
        )

    # --- what a device does -----------------------------------------------------------------------------------

    def _connect(self, now: float, device: int) -> None:
        self._attempts += 1
        self._worker[device] = self._rng.randrange(self._deployment.workers)
        self._began[device] = now
        self._schedule(now + self._deployment.round_trip, KNOCK, device)

    def _knock(self, now: float, device: int) -> None:
        worker = self._worker[device]
        waiting = self._waiting[worker]
        self._connected[device] = now
        if not waiting and self._may_begin(worker, now):
            self._shake_hands(now, device, worker)
        elif len(waiting) < self._queue:
            waiting.append(device)
            self._schedule_gate(worker, now)
        elif self._deployment.closes:
            self._give_up(self._work(worker, now, self._deployment.times.reset), device)
        else:
            self._knock_again(now, device)

    def _knock_again(self, now: float, device: int) -> None:
        """After 1, 3, 7, 15 … seconds, as Linux repeats a SYN."""
        began, gone = self._began[device], self._gone(device)
        again = began + 2 * (now - began) + 1
        if again > gone:
            self._give_up(gone, device)
        else:
            self._schedule(again, KNOCK, device)

    def _shake_hands(self, now: float, device: int, worker: int) -> None:
        deployment = self._deployment
        self._handshaking[worker] += 1
        if self._free_at[worker] - now > deployment.handshake_timeout:
            self._schedule(now + deployment.handshake_timeout, RELEASE, worker)
            self._give_up(min(now + deployment.handshake_timeout, self._gone(device)), device)
            return
        self._handshakes += 1
        self._handshakes_by_second[int(now)] += 1
        self._admitted[device] = max(now, self._free_at[worker])
        done = self._work(worker, now, deployment.times.handshake)
        if done > self._gone(device):
            self._wasted += 1
            self._schedule(done, RELEASE, worker)
            self._give_up(self._gone(device), device)
        else:
            self._schedule(done + deployment.round_trip, REGISTER, device)

    def _gone(self, device: int) -> float:
        """When the device will have waited long enough."""
        return self._began[device] + (self._fleet.clients[device].request_timeout or _TCP_GIVES_UP)

    def _register_first(self, now: float, device: int) -> None:
        self._release(now, self._worker[device])
        self._register(now, device)

    def _register(self, now: float, device: int) -> None:
        worker, rule = self._worker[device], self._fleet.clients[device]
        retry_after = self._buckets[worker].take(now) if self._buckets else 0.0
        if retry_after:
            self._refuse(now, device, rule, retry_after)
            return
        answered = self._durable(device, self._work(worker, now, self._deployment.times.register))
        if answered > now + (rule.request_timeout or _NEVER):
            self._wasted += 1
            self._give_up(now + (rule.request_timeout or 0), device)
            return
        self._served_so_far[device] = answered - self._admitted[device]
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
        self._began[device] = self._connected[device] = self._admitted[device] = again
        self._schedule(again, CONNECT if closed else REGISTER_AGAIN, device)

    def _poll(self, now: float, device: int) -> None:
        rule = self._fleet.clients[device]
        answered = self._work(self._worker[device], now, self._deployment.times.poll) + self._deployment.round_trip
        timeout = rule.poll_timeout or rule.request_timeout or _NEVER
        if answered > now + timeout:
            self._wasted += 1
            self._give_up(now + timeout, device)
            return
        self._provisioned_at.append(answered)
        self._note_waits(device, self._served_so_far[device] + answered - now)

    def _note_waits(self, device: int, served: float) -> None:
        queued = self._admitted[device] - self._connected[device]
        self._connecting.append(self._connected[device] - self._began[device])
        self._queued.append(queued)
        self._served.append(served)
        self._answered.append(queued + served)

    def _give_up(self, now: float, device: int) -> None:
        failures = self._failures[device] = min(255, self._failures[device] + 1)
        self._schedule(now + self._application.delay(failures, self._rng), CONNECT, device)

    # --- what the server does ---------------------------------------------------------------------------------

    def _may_begin(self, worker: int, now: float) -> bool:
        in_time = self._free_at[worker] - now <= self._target_lag
        return in_time and self._handshaking[worker] < self._deployment.handshakes

    def _schedule_gate(self, worker: int, now: float) -> None:
        """Look again when the worker will be in time; one that has too many handshakes looks when one is over."""
        if not self._gate_scheduled[worker] and self._handshaking[worker] < self._deployment.handshakes:
            self._gate_scheduled[worker] = 1
            self._schedule(max(now, self._free_at[worker] - self._target_lag + 1e-9), GATE, worker)

    def _open_gate(self, now: float, worker: int) -> None:
        self._gate_scheduled[worker] = 0
        waiting = self._waiting[worker]
        while waiting and self._may_begin(worker, now):
            device = waiting.popleft()
            if self._gone(device) < now:  # it has hung up, which costs us nothing
                self._give_up(now, device)
            else:
                self._shake_hands(now, device, worker)
        if waiting:
            self._schedule_gate(worker, now)

    def _release(self, now: float, worker: int) -> None:
        self._handshaking[worker] -= 1
        if self._waiting[worker]:
            self._schedule_gate(worker, now)

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
