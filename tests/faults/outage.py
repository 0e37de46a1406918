"""The story of every fault of the database: who is told what before, in it and after it, and what is left.

A crowd registers throughout. In the outage every write is answered by a 503 that says when to come back, on each
transport, while reads go on; when it is over, service resumes by itself, on the connections of before. Whatever was
acknowledged is there then, and after another start.
"""

import json
from contextlib import AbstractContextManager
from typing import Any

from tests.durability.verification import verify_database, verify_group, verify_operations
from tests.faults.crowd import Crowd
from tests.faults.told import Told
from tests.faults.witnesses import GROUP, UNAVAILABLE, Witnesses
from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.server_process import Deployment, ServerProcess
from tests.workers.node import until

ENOUGH = 12
"""Devices of the crowd that must have had their way, or not, before the story goes on."""


def play(server: ServerProcess, fault: AbstractContextManager[object], *, reads_go_on: bool = True) -> None:
    """Play it with a server that is not running yet."""
    try:
        deployment = server.start()
        with Witnesses(deployment) as witnesses, Crowd(witnesses.device) as crowd:
            crowd.wait_for(assigned=ENOUGH)
            with fault:
                crowd.wait_for(refused=ENOUGH)
                check_outage(witnesses, reads_go_on=reads_go_on)
            until(lambda: witnesses.readiness().status == 200, "it is ready again", server)
            check_service(witnesses)
            crowd.wait_for(assigned=ENOUGH)
            until(lambda: is_told_as_over(server), "every worker has logged the end of the outage", server)
        check_nothing_is_lost(server, deployment, crowd.devices)
        check_log(server)
    finally:
        server.end()


def check_outage(witnesses: Witnesses, *, reads_go_on: bool) -> None:
    """What everybody is told while the database cannot write."""
    for who, told in {**witnesses.want_to_write(), "readiness": witnesses.readiness()}.items():
        _check_unavailable(who, told)
    for who, told in witnesses.want_to_read().items():
        if reads_go_on:
            assert told.status == 200, f"{who}: {told}"
        else:
            _check_unavailable(who, told)
    assert witnesses.liveness().status == 200


def check_service(witnesses: Witnesses) -> None:
    """What they are told when all is well."""
    told = witnesses.want_to_write() | witnesses.want_to_read()
    assert {who: each.status for who, each in told.items()} == {
        **{"HTTPS": 202, "MQTT": 202, "AMQP": 202, "service API": 200},
        **{"poll": 200, "entry": 200, "hub": 200},
    }


def check_nothing_is_lost(server: ServerProcess, deployment: Deployment, devices: list[Device]) -> None:
    """What was acknowledged is there, now and after another start."""
    _check_records(server, deployment, devices)
    server.stop()
    _check_records(server, server.start(), devices)
    server.stop()


def is_told_as_over(server: ServerProcess) -> bool:
    """Whether every worker that logged the outage has logged its end, for which each looks once a second."""
    return len(events(server, "storage_unavailable")) == len(events(server, "storage_available"))


def check_log(server: ServerProcess) -> None:
    """One line says that the database is away, and one that it is back, in each worker; nothing is a crash."""
    outages, ends = events(server, "storage_unavailable"), events(server, "storage_available")
    assert outages
    assert len(outages) == len(ends) == len({each.get("worker") for each in outages}), [*outages, *ends]
    assert all(each["reason"] for each in outages)
    assert "Traceback" not in server.log(), server.log()[-8000:]
    assert events(server, "crashed") == []


def events(server: ServerProcess, name: str) -> list[dict[str, Any]]:
    """What has been logged under a name."""
    lines = (json.loads(line) for line in server.log().splitlines() if line.startswith("{"))
    return [line for line in lines if line["event"] == name]


def _check_unavailable(who: str, told: Told) -> None:
    assert (told.status, told.code) == UNAVAILABLE, f"{who}: {told}"
    assert told.retry_after, f"{who} is not told when to come back"


def _check_records(server: ServerProcess, deployment: Deployment, devices: list[Device]) -> None:
    with Administrator(deployment) as administrator:
        assert verify_group(administrator, GROUP, devices)
    verify_operations(devices)
    verify_database(server)
