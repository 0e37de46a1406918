"""What a server or the generator takes while a storm lasts: processors and memory of its process tree, each second."""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import pairwise

from bench.processes import cpu_reading, cpu_seconds_between, memory_bytes

INTERVAL_SECONDS = 1.0


@dataclass(frozen=True)
class Sample:
    """Processors kept busy since the sample before, and memory (proportional set size), at a time of the monotonic
    clock."""

    at: float
    processors: float
    memory_mib: float


@dataclass(frozen=True)
class Resources:
    """All samples."""

    samples: list[Sample] = field(default_factory=list)

    @property
    def cpu_seconds(self) -> float:
        """Processor time in all."""
        times = [sample.at for sample in self.samples]
        lengths = [later - earlier for earlier, later in pairwise(times)]
        return sum(sample.processors * length for sample, length in zip(self.samples[1:], lengths, strict=True))

    @property
    def busiest(self) -> float:
        """Processors kept busy in the busiest second."""
        return max((sample.processors for sample in self.samples), default=0.0)

    @property
    def first_memory_mib(self) -> float:
        """Before the storm."""
        return self.samples[0].memory_mib if self.samples else 0.0

    @property
    def peak_memory_mib(self) -> float:
        """The most."""
        return max((sample.memory_mib for sample in self.samples), default=0.0)


@contextmanager
def observed(pid: int) -> Iterator[Resources]:
    """Watch the process tree while the block runs."""
    resources, ended = Resources(), threading.Event()
    watcher = threading.Thread(target=_watch, args=(pid, resources.samples, ended), daemon=True)
    watcher.start()
    try:
        yield resources
    finally:
        ended.set()
        watcher.join()


def _watch(pid: int, samples: list[Sample], ended: threading.Event) -> None:
    before, then = cpu_reading(pid), time.monotonic()
    samples.append(Sample(then, 0.0, memory_bytes(pid) / 2**20))
    over = False
    while not over:
        over = ended.wait(INTERVAL_SECONDS)
        after, now = cpu_reading(pid), time.monotonic()
        busy = cpu_seconds_between(before, after) / (now - then)
        samples.append(Sample(now, busy, memory_bytes(pid) / 2**20))
        before, then = after, now
