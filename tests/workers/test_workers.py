"""Several workers on one set of ports: all of them serve, one may die, the supervisor may die, and it is one server."""

import os
import signal
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from tests.durability.verification import verify_database, verify_group
from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.peer import HTTPS, Peer, connect, handshake_with
from tests.sockets.raw_http import ConnectionEnded, exchange, read_answer, request
from tests.sockets.server_process import ServerProcess
from tests.workers.load import Load
from tests.workers.node import ADDRESS, Node, is_alive, running, until


def health(node: Node) -> bytes:
    return request("GET", "/healthz", [("Host", node.deployment.host)])


def metric(node: Node, sample: str) -> float:
    """A sample, as whichever worker answers shows it."""
    page = exchange(node.deployment, request("GET", "/metrics", [("Host", node.deployment.host)])).body.decode()
    return sum(float(line.rpartition(" ")[2]) for line in page.splitlines() if line.startswith(sample))


def group(node: Node, name: str) -> str:
    with Administrator(node.deployment) as administrator:
        return administrator.enroll_group(name)


def test_the_ready_file_tells_of_the_supervisor_and_both_workers_serve(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        assert set(node.workers()) == {"0", "1"}
        key = group(node, "both")
        for number in range(24):
            Device(node.deployment, f"both-{number}", key).register_over_https()
        served = {event["worker"] for event in node.events("registration")}
    assert served == {"0", "1"}
    names = sorted(event["worker"] for event in node.events("stopped"))
    assert names == ["0", "1"]


def test_any_worker_shows_the_metrics_of_all(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        for _ in range(24):
            assert exchange(node.deployment, health(node)).status == 200
        for _ in range(8):
            assert metric(node, 'homeport_requests_total{operation="healthz"') == 24
        assert metric(node, "homeport_connections{") == 1
        assert metric(node, 'process_resident_memory_bytes{worker="1"}') > 0


def test_a_worker_that_is_killed_is_replaced_and_the_others_devices_notice_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        before = node.workers()
        kept = [Peer(node.deployment, HTTPS) for _ in range(24)]
        node.kill(before["0"])
        until(lambda: node.workers().get("0", before["0"]) != before["0"], "another worker has slot 0", node.server)
        alive = [_answers(peer, health(node)) for peer in kept]
        assert 0 < sum(alive) < len(kept)
        assert node.workers()["1"] == before["1"]
        assert metric(node, 'homeport_worker_restarts_total{worker="0"}') == 1
        # Whatever the dead worker had open is counted no more.
        for peer in kept:
            peer.close()
        until(lambda: metric(node, "homeport_connections{") == 1, "only the one that asks is open", node.server)


def _answers(peer: Peer, data: bytes) -> bool:
    peer.send(data)
    try:
        return read_answer(peer).status == 200
    except ConnectionEnded:
        return False


def test_what_knocks_at_a_dead_worker_is_served_by_the_next(tmp_path: Path) -> None:
    """The worker is stopped, not dead, while clients connect: so they wait in its queue when it is killed."""
    with running(tmp_path) as node:
        frozen = node.workers()["1"]
        os.kill(frozen, signal.SIGSTOP)
        waiting = [connect(node.deployment, HTTPS) for _ in range(24)]
        node.kill(frozen)
        with ThreadPoolExecutor(len(waiting)) as crowd:
            shake_hands = handshake_with(node.deployment.tls, node.deployment.host)
            for each in crowd.map(shake_hands, waiting):
                each.sendall(health(node))
                assert each.recv(1000).startswith(b"HTTP/1.1 200 ")
                each.close()


def test_nothing_acknowledged_is_lost_when_a_worker_dies_in_a_storm(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        key = group(node, "storm")
        with Load(node.deployment, "storm", key) as load:
            for slot in ("0", "1", "0"):
                load.wait_for(40)
                killed = node.workers()[slot]
                node.kill(killed)
                until(lambda: node.workers().get(slot, killed) != killed, f"{slot} is back", node.server)  # noqa: B023
            load.wait_for(40)
        print(f"{load.assigned} devices, {len(load.cut_off)} had to try again")
        with Administrator(node.deployment) as administrator:
            assert verify_group(administrator, "storm", load.devices) == len(load.devices)
        verify_database(node.server)


def test_no_worker_outlives_its_supervisor(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        workers = list(node.workers().values())
        node.kill(node.supervisor)
        until(lambda: not any(map(is_alive, workers)), "no worker is left", node.server)
        node.server.end()
        # Its data are whole, and what it left behind is removed.
        node.deployment = node.server.start()
        assert exchange(node.deployment, health(node)).status == 200


def test_a_second_signal_ends_at_once(tmp_path: Path) -> None:
    """A frozen worker would never drain."""
    server = ServerProcess(tmp_path, ADDRESS, workers=2)
    try:
        node = Node(server)
        workers, supervisor = node.workers(), node.supervisor
        os.kill(workers["0"], signal.SIGSTOP)
        os.kill(supervisor, signal.SIGTERM)
        until(lambda: node.events("supervisor_stopping"), "the first signal has come", server)
        os.kill(supervisor, signal.SIGINT)
        until(lambda: not any(map(is_alive, [*workers.values(), supervisor])), "all have ended", server)
    finally:
        server.end()
