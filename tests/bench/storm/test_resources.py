"""What a process takes, seen from outside."""

import os

import pytest
from bench.storm.resources import Resources, Sample, observed


def test_processor_time_adds_up_over_samples() -> None:
    resources = Resources([Sample(10, 0, 40), Sample(11, 0.5, 90), Sample(13, 1, 60)])
    assert resources.cpu_seconds == pytest.approx(0.5 + 2)
    assert resources.busiest == 1
    assert (resources.first_memory_mib, resources.peak_memory_mib) == (40, 90)


def test_a_process_is_watched_from_the_beginning_to_the_end() -> None:
    with observed(os.getpid()) as resources:
        sum(range(10_000))
    assert len(resources.samples) == 2
    assert resources.peak_memory_mib > 1
