"""What a deployment could do at best, and how cohorts see it."""

import pytest
from bench.storm.deployment import Deployment, Limit, ServiceTimes

TIMES = ServiceTimes(handshake=0.0004, register=0.0002, poll=0.0001, refusal=0.0001)


def test_the_processors_or_the_database_bound_the_capacity() -> None:
    two_nodes = Deployment(times=TIMES, nodes=2, workers_per_node=7)
    assert two_nodes.capacity == pytest.approx(20_000)
    assert Deployment(times=TIMES, nodes=20, partitions=3, database_rate=1_000).capacity == 3_000


def test_cohorts_see_the_same_capacity_in_units_of_themselves() -> None:
    deployment = Deployment(times=TIMES, database_rate=1_000, limit=Limit(per_second=500))
    cohorts = deployment.for_cohorts(100)
    assert cohorts.capacity == pytest.approx(deployment.capacity / 100)
    assert cohorts.times.commit == TIMES.commit
    assert cohorts.queue == deployment.queue / 100
    assert cohorts.limit == Limit(per_second=5)
    assert deployment.for_cohorts(1) is deployment
