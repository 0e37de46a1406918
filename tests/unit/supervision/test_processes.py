"""A fork: the child does its work and nothing else, and the parent learns how it went."""

import subprocess
import sys

PRELUDE = """
import os, signal, sys, time
from homeport.supervision.processes import HANDLED, LEAVE, WorkerProcess, fork
from homeport.supervision.seat import Seat
lifeline = os.pipe()
def start(work):
    return fork(work, Seat(slot=2), lifeline=lifeline[0], let_go=lambda: os.close(lifeline[1]), times=(1.0, 2.0))
def end(worker):
    while (code := worker.reap()) is None:
        time.sleep(0.01)
    return code
"""


def run(program: str) -> tuple[str, str]:
    """What a program that forks says: a process of its own, since the tests' own may have threads."""
    call = [sys.executable, "-c", PRELUDE + program]
    done = subprocess.run(call, capture_output=True, text=True, timeout=60, check=True)
    return done.stdout, done.stderr


def test_a_worker_reports_and_its_exit_code_is_told() -> None:
    out, _ = run(
        """
def work(seat, reports):
    reports.ready()
    return 3 + seat.slot
worker = start(work)
worker.hear(7.0)
print(worker.is_ready, worker.overdue_at, worker.heard_at, repr(worker.reason), end(worker))
"""
    )
    assert out == "True None 7.0 '' 5\n"


def test_why_it_cannot_start_is_told() -> None:
    out, _ = run(
        """
def work(seat, reports):
    reports.cannot_start("no key")
    return 1
worker = start(work)
worker.hear(7.0)
print(worker.is_ready, worker.overdue_at, worker.heard_at, worker.report, worker.reason, end(worker))
"""
    )
    assert out == "False 2.0 None None no key 1\n"


def test_a_crash_is_printed_and_does_not_go_on_in_the_parents_stack() -> None:
    out, err = run(
        """
def work(seat, reports):
    raise ValueError("lost")
try:
    worker = start(work)
    worker.hear(7.0)
    print("parent", repr(worker.reason), end(worker))
finally:
    print("finally")
"""
    )
    assert out == "parent '' 1\nfinally\n"
    assert "ValueError: lost" in err


def test_the_supervisors_signals_are_not_the_workers() -> None:
    """A terminal's are not its either; the supervisor decides."""
    out, _ = run(
        """
for number in HANDLED[1:]:
    signal.signal(number, lambda *_: print("parent's"))
def work(seat, reports):
    print(*(signal.getsignal(number).name for number in HANDLED), flush=True)
    print(signal.pthread_sigmask(signal.SIG_BLOCK, ()), flush=True)
    return 0
worker = start(work)
print(end(worker))
"""
    )
    assert out.splitlines() == ["SIG_DFL SIG_IGN SIG_IGN SIG_DFL", "set()", "0"]


def test_orders_are_signals() -> None:
    out, _ = run(
        """
def work(seat, reports):
    signal.signal(LEAVE, lambda *_: os._exit(8))
    signal.signal(signal.SIGTERM, lambda *_: os._exit(9))
    reports.ready()
    time.sleep(60)
def ready():
    worker = start(work)
    worker.hear(7.0)
    return worker
leaving, stopping, killed = ready(), ready(), ready()
leaving.leave(overdue_at=7.0)
stopping.stop(overdue_at=7.0)
killed.kill()
print(leaving.overdue_at, end(leaving), end(stopping), end(killed))
"""
    )
    assert out == "7.0 8 9 -9\n"


def test_a_worker_that_serves_is_silent_once_it_has_not_been_heard_for_long() -> None:
    out, _ = run(
        """
def work(seat, reports):
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTERM})
    reports.ready()
    signal.sigwait({signal.SIGTERM})
    os.write(reports._report, b".")
    return 0
worker = start(work)
print(worker.is_silent(99.0, 10.0))
worker.hear(7.0)
print(worker.is_silent(16.0, 10.0), worker.is_silent(17.0, 10.0))
os.kill(worker.pid, signal.SIGTERM)
worker.hear(20.0)
print(worker.is_silent(29.0, 10.0), worker.is_silent(30.0, 10.0))
worker.stop(overdue_at=40.0)
print(worker.is_silent(99.0, 10.0), end(worker))
"""
    )
    assert out.splitlines() == ["False", "False True", "False True", "False 0"]


def test_a_worker_tells_where_it_is_stuck_and_goes_on() -> None:
    out, err = run(
        """
def stuck(reports):
    reports.ready()
    time.sleep(1)
def work(seat, reports):
    stuck(reports)
    return 0
worker = start(work)
worker.hear(7.0)
worker.tell_stacks(overdue_at=9.0)
print(worker.overdue_at, worker.heard_at, end(worker))
"""
    )
    assert out == "9.0 None 0\n"
    assert "in stuck" in err
