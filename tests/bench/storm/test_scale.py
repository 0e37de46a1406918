"""The rows of the page about internet scale, by their smallest."""

from bench.storm.__main__ import simulate
from bench.storm.deployment import Deployment
from bench.storm.scale import FLEETS, HEADINGS, page, row, scenarios
from bench.storm.service_times import PUBLISHED


def test_every_fleet_meets_every_number_of_nodes_with_and_without_a_database_that_bounds_it() -> None:
    rows = list(scenarios(Deployment(times=PUBLISHED, workers_per_node=8)))
    assert len(rows) == 3 * sum(map(len, FLEETS.values()))
    for scenario in rows:
        limit, capacity = scenario.storm.deployment.limit, scenario.storm.deployment.capacity
        assert limit is None or limit.per_second < capacity


def test_a_row_tells_what_the_headings_say() -> None:
    scenario = next(scenarios(Deployment(times=PUBLISHED, workers_per_node=8)))
    cells = row(scenario, simulate(scenario.storm, "a row"))
    assert len(cells) == len(HEADINGS)
    assert cells[:3] == ["1,000,000", "1", "processors"]
    assert page([cells]).count("| 1,000,000 | 1 |") == 1
