"""The worker's side: one report, beats, and an end with the supervisor's."""

import asyncio
import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from homeport.supervision import worker
from homeport.supervision.worker import MAX_REPORT, READY, Reports


def test_what_keeps_it_from_starting_is_the_last_word() -> None:
    reading, writing = os.pipe()
    Reports(writing, -1).cannot_start("the key is gone")
    with os.fdopen(reading, "rb") as pipe:
        assert pipe.read() == b"the key is gone"


def test_a_report_is_no_longer_than_a_pipe_takes_at_once() -> None:
    reading, writing = os.pipe()
    Reports(writing, -1).cannot_start("x" * 100_000)
    with os.fdopen(reading, "rb") as pipe:
        assert len(pipe.read()) == MAX_REPORT


def test_after_its_report_it_beats_as_long_as_its_loop_runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_BEAT_SECONDS", 0.01)
    reading, writing = os.pipe()

    async def live() -> bytes:
        reports = Reports(writing, -1)
        reports.ready()
        reports.beat(asyncio.get_running_loop())
        heard = b""
        while len(heard) < len(READY) + 3:
            heard += await asyncio.to_thread(os.read, reading, 64)
        return heard

    assert asyncio.run(live()).startswith(READY + b"...")
    for end in (reading, writing):
        os.close(end)


def test_a_supervisor_that_does_not_listen_stops_nobody(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "_BEAT_SECONDS", 0.01)
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))

    async def live() -> None:
        Reports(writing, -1).beat(asyncio.get_running_loop())
        await asyncio.sleep(0.05)

    asyncio.run(live())
    for end in (reading, writing):
        os.close(end)


LIVING = """
import asyncio, os, sys
from homeport.supervision.worker import Reports, die_with_parent
async def live():
    Reports(-1, int(sys.argv[1])).end_with_supervisor(asyncio.get_running_loop())
    print("alive", flush=True)
    await asyncio.sleep(60)
die_with_parent(os.getppid() + int(sys.argv[2]))
asyncio.run(live())
"""


def living(lifeline: int, other_parent: int = 0) -> subprocess.Popen[bytes]:
    call = [sys.executable, "-c", LIVING, str(lifeline), str(other_parent)]
    return subprocess.Popen(call, stdout=subprocess.PIPE, pass_fds=[lifeline])


def test_the_lifelines_end_is_the_workers() -> None:
    reading, writing = os.pipe()
    with living(reading) as living_worker:
        assert living_worker.stdout is not None
        assert living_worker.stdout.readline() == b"alive\n"
        os.close(writing)
        assert living_worker.wait(30) == -signal.SIGKILL
    os.close(reading)


def test_a_worker_whose_parent_has_gone_already_does_not_begin() -> None:
    reading, writing = os.pipe()
    with living(reading, other_parent=1) as living_worker:
        assert living_worker.wait(30) == -signal.SIGKILL
        assert living_worker.stdout is not None
        assert living_worker.stdout.read() == b""
    for end in (reading, writing):
        os.close(end)
