"""Datagrams among workers: everyone else hears, nobody waits for anybody, and the dead leave no socket behind."""

import asyncio
import os
import socket
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import uvloop

from homeport.endpoints.worker_datagrams import MAX_QUEUE, WorkerDatagrams
from homeport.hubs.embedded.announcements import MAX_PAYLOAD


class Workers:
    """Workers of one node, all in this process, so each in a slot of its own."""

    def __init__(self, directory: Path) -> None:
        self.directory = directory
        self._started: list[WorkerDatagrams] = []

    def worker(self) -> tuple[WorkerDatagrams, list[bytes]]:
        """One more, and what it hears."""
        heard: list[bytes] = []
        worker = WorkerDatagrams(self.directory, slot=len(self._started))
        worker.subscribe(heard.append)
        worker.start()
        self._started.append(worker)
        return worker, heard

    def sockets(self) -> list[str]:
        return sorted(path.name for path in self.directory.glob("*.sock"))

    def close(self) -> None:
        for worker in self._started:
            worker.close()


Live = Callable[[Callable[[Workers], Awaitable[None]]], None]


@pytest.fixture(params=[asyncio.new_event_loop, uvloop.new_event_loop], ids=["asyncio", "uvloop"])
def live(tmp_path: Path, request: pytest.FixtureRequest) -> Live:
    """Run a coroutine with workers; afterwards no socket is left."""

    def run(scenario: Callable[[Workers], Awaitable[None]]) -> None:
        async def lived() -> None:
            workers = Workers(tmp_path)
            await scenario(workers)
            workers.close()
            assert workers.sockets() == []

        tmp_path.chmod(0o700)
        with asyncio.Runner(loop_factory=request.param) as runner:
            runner.run(lived())

    return run


async def until(condition: Callable[[], bool]) -> None:
    """Let the loop run until something is so."""
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 (what a worker has not heard is no event)
            await asyncio.sleep(0.001)


def test_all_others_hear(live: Live) -> None:
    async def scenario(workers: Workers) -> None:
        (one, heard_by_one), (two, heard_by_two), (_, heard_by_three) = (workers.worker() for _ in range(3))
        await one.publish(b"from one")
        await two.publish(b"from two")
        await until(lambda: len(heard_by_three) == 2)
        assert (heard_by_one, heard_by_two) == ([b"from two"], [b"from one"])
        assert sorted(heard_by_three) == [b"from one", b"from two"]

    live(scenario)


def test_who_comes_later_is_found_and_who_leaves_is_missed_by_nobody(live: Live) -> None:
    async def scenario(workers: Workers) -> None:
        one, _ = workers.worker()
        await one.publish(b"to nobody")
        two, heard = workers.worker()
        await one.publish(b"hello")
        await until(lambda: heard == [b"hello"])
        two.close()
        await one.publish(b"to nobody again")
        assert workers.sockets() == [f"worker-0-{os.getpid()}.sock"]

    live(scenario)


def test_a_killed_worker_s_socket_is_removed(live: Live) -> None:
    async def scenario(workers: Workers) -> None:
        one, _ = workers.worker()
        killed = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        killed.bind(str(workers.directory / "worker-7-1.sock"))
        await one.publish(b"taken")
        killed.close()
        await one.publish(b"refused")
        assert workers.sockets() == [f"worker-0-{os.getpid()}.sock"]
        left = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        left.bind(str(workers.directory / "worker-8-1.sock"))
        left.close()
        workers.worker()
        assert len(workers.sockets()) == 2

    live(scenario)


def test_a_worker_that_does_not_read_holds_up_nobody_and_gets_the_newest_later(live: Live) -> None:
    async def scenario(workers: Workers) -> None:
        stuck = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        stuck.bind(str(workers.directory / "worker-9-1.sock"))
        one, _ = workers.worker()
        _, heard = workers.worker()
        sent = [b"%d" % number + bytes(MAX_PAYLOAD - 10) for number in range(3 * MAX_QUEUE)]
        for number, payload in enumerate(sent, start=1):
            await one.publish(payload)
            await until(lambda number=number: len(heard) == number)  # type: ignore[misc]
        late: list[bytes] = []
        asyncio.get_running_loop().add_reader(stuck, lambda: late.append(stuck.recv(MAX_PAYLOAD)))
        await until(lambda: sent[-1] in late)
        assert late[-MAX_QUEUE:] == sent[-MAX_QUEUE:]
        assert len(late) < len(sent)
        asyncio.get_running_loop().remove_reader(stuck)
        stuck.close()
        await one.publish(b"to the other")

    live(scenario)


def test_a_worker_that_dies_with_a_full_queue_is_buried(live: Live) -> None:
    async def scenario(workers: Workers) -> None:
        stuck = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        stuck.bind(str(workers.directory / "worker-9-1.sock"))
        one, _ = workers.worker()
        for number in range(600):
            await one.publish(b"%d" % number)
        stuck.close()
        await until(lambda: len(workers.sockets()) == 1)

    live(scenario)


def test_payloads_are_bounded_both_ways(live: Live) -> None:
    async def scenario(workers: Workers) -> None:
        (one, _), (_, heard) = workers.worker(), workers.worker()
        with pytest.raises(ValueError, match="at most"):
            await one.publish(bytes(MAX_PAYLOAD + 1))
        stranger = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        stranger.sendto(bytes(MAX_PAYLOAD + 1), str(workers.directory / f"worker-1-{os.getpid()}.sock"))
        stranger.close()
        await one.publish(bytes(MAX_PAYLOAD))
        await until(lambda: heard == [bytes(MAX_PAYLOAD)])

    live(scenario)


def test_a_directory_that_others_may_enter_is_refused(tmp_path: Path) -> None:
    async def scenario() -> None:
        with pytest.raises(PermissionError, match="others may enter"):
            WorkerDatagrams(tmp_path, slot=0).start()

    tmp_path.chmod(0o755)
    asyncio.run(scenario())
