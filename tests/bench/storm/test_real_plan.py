"""The plan's file says of a rule what the table says."""

from array import array
from pathlib import Path

from bench.storm.clients import CLIENTS, ApplicationLoop
from bench.storm.fleet import Fleet
from bench.storm.real_plan import write_plan


def test_rules_come_once_and_devices_in_order(tmp_path: Path) -> None:
    clients = [CLIENTS[name] for name in ("c-http", "python-mqtt", "java-http", "c-http")]
    fleet = Fleet(arrivals=array("d", [0, 0.5, 1, 2]), clients=clients)
    ports = {"https": 443, "mqtt": 8883}
    file = write_plan(
        tmp_path / "plan", fleet, ports=ports, seed=7, deadline=60, application=ApplicationLoop(first=5, longest=9)
    )
    assert file.read_text().splitlines() == [
        "storm 7 60 5 9",
        "rule 443 https 1 300 1 0 -1 -1 -1 1 1",
        "rule 8883 mqtt 0 1e+09 2 0 2 30 30 1 1",
        "rule 443 https 2 5 2 0 -1 90 10 0 0",
        "device 0.000000 0",
        "device 0.500000 1",
        "device 1.000000 2",
        "device 2.000000 0",
    ]
