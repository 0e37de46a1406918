"""The worker's side: one report, and an end with the supervisor's."""

import os
import signal
import subprocess
import sys

from homeport.supervision.worker import MAX_REPORT, READY, Reports


def report_of(tell: str, *arguments: str) -> bytes:
    reading, writing = os.pipe()
    getattr(Reports(writing, -1), tell)(*arguments)
    with os.fdopen(reading, "rb") as pipe:
        return pipe.read()


def test_a_report_is_told_once_and_whole() -> None:
    assert report_of("ready") == READY
    assert report_of("cannot_start", "the key is gone") == b"the key is gone"
    assert len(report_of("cannot_start", "x" * 100_000)) == MAX_REPORT


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
    with living(reading) as worker:
        assert worker.stdout is not None
        assert worker.stdout.readline() == b"alive\n"
        os.close(writing)
        assert worker.wait(30) == -signal.SIGKILL
    os.close(reading)


def test_a_worker_whose_parent_has_gone_already_does_not_begin() -> None:
    reading, writing = os.pipe()
    with living(reading, other_parent=1) as worker:
        assert worker.wait(30) == -signal.SIGKILL
        assert worker.stdout is not None
        assert worker.stdout.read() == b""
    for end in (reading, writing):
        os.close(end)
