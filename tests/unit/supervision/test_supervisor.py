"""The supervisor's life: a signal or a death, what it reports, and who serves afterwards."""

import signal
from pathlib import Path

from tests.unit.supervision.node import running


def test_it_announces_once_and_stops_with_all_workers(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        heard = node.hear("ready")
        assert sorted(heard) == ["ready", "worker_ready 0", "worker_ready 1"]
        node.send(signal.SIGTERM)
        assert node.hear("supervisor_stopping") == ["supervisor_stopping False"]
        told = [*node.hear("worker_ended"), *node.hear("worker_ended")]
        assert sorted(told) == [
            *("worker 0 was told SIGTERM", "worker 1 was told SIGTERM"),
            *("worker_ended 0 0", "worker_ended 1 0"),
        ]
        assert node.end() == 0


def test_a_worker_that_dies_is_replaced_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.hear("ready")
        node.kill("1")
        assert node.hear("worker_ready") == ["worker_ended 1 -9", "worker_restarting 1 0.0", "worker_ready 1"]


def test_workers_that_die_young_are_restarted_ever_more_slowly(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.hear("ready")
        node.order("frail")
        node.kill("0")
        pauses = [node.hear("worker_restarting")[-1] for _ in range(3)]
        assert pauses == ["worker_restarting 0 0.0", "worker_restarting 0 0.1", "worker_restarting 0 0.2"]
        node.revoke("frail")
        node.hear("worker_ready 0")
        node.send(signal.SIGTERM)
        assert node.end() == 0


def test_a_hang_up_relieves_one_after_the_other(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.hear("ready")
        node.send(signal.SIGHUP)
        assert node.hear("rolled") == [
            "rolling",
            *("worker_ready 0b", "worker 0 was told SIGUSR1", "worker_ended 0 0"),
            *("worker_ready 1b", "worker 1 was told SIGUSR1", "worker_ended 1 0"),
            "rolled",
        ]
        node.send(signal.SIGHUP)
        assert "worker_ready 0" in node.hear("rolled")


def test_a_configuration_that_cannot_be_read_changes_nothing(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.hear("ready")
        node.order("unreadable")
        node.send(signal.SIGHUP)
        assert node.hear("configuration_refused") == ["configuration_refused it is unreadable"]
        node.kill("0")
        assert node.hear("worker_ready")[-1] == "worker_ready 0"


def test_a_relief_that_cannot_start_ends_the_roll(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.hear("ready")
        node.order("broken")
        node.send(signal.SIGHUP)
        assert node.hear("roll_given_up") == ["rolling", "worker_ended 0b 1 it is broken", "roll_given_up 0b"]
        node.revoke("broken")
        node.send(signal.SIGHUP)
        assert node.hear("rolled")[-1] == "rolled"


def test_the_relief_of_a_worker_that_dies_steps_in(tmp_path: Path) -> None:
    """And two living workers of a slot never have one name."""
    with running(tmp_path) as node:
        node.hear("ready")
        node.order("deaf")
        node.send(signal.SIGHUP)
        node.hear("worker_ready 0b")
        node.kill("0b")
        assert node.hear("worker_restarting 0b") == ["worker_ended 0b -9", "worker_restarting 0b 0.0"]
        assert node.hear("worker_ready 0b")[-1] == "worker_ready 0b"
        # The old one does not leave by itself, and is not waited for longer than its time.
        assert "worker_overdue 0" in node.hear("worker_ended 0")
        node.revoke("deaf")


def test_what_keeps_a_worker_from_starting_is_the_answer(tmp_path: Path) -> None:
    (tmp_path / "broken").touch()
    with running(tmp_path) as node:
        assert node.hear("cannot start")[-1] == "cannot start: it is broken"
        assert node.end() == 2


def test_a_worker_that_does_not_end_is_killed(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.hear("ready")
        node.order("deaf")
        node.send(signal.SIGTERM)
        heard = [*node.hear("worker_ended"), *node.hear("worker_ended")]
        assert {"worker_overdue 0", "worker_overdue 1", "worker_ended 0 -9", "worker_ended 1 -9"} <= set(heard)
        assert node.end() == 0


def test_a_second_signal_waits_for_nobody(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.hear("ready")
        node.order("deaf")
        node.send(signal.SIGINT)
        node.hear("supervisor_stopping False")
        node.send(signal.SIGTERM)
        assert node.hear("supervisor_stopping True")[-1] == "supervisor_stopping True"
        assert node.end() == 1


def test_a_worker_that_stands_still_is_replaced(tmp_path: Path) -> None:
    with running(tmp_path) as node:
        node.hear("ready")
        node.order("watched")
        node.send(signal.SIGHUP)
        node.hear("rolled")
        heard = node.hear("worker_ready 0")
        told = ["worker_silent 0b 3.5", "worker_overdue 0b", "worker_ended 0b -9", "worker_restarting 0b 0.0"]
        assert [line for line in heard if " 0b" in line] == told
        node.revoke("watched")


def test_silence_while_the_supervisor_was_stopped_is_nobodys_fault(tmp_path: Path) -> None:
    (tmp_path / "beating").touch()
    (tmp_path / "watched").touch()
    with running(tmp_path) as node:
        node.hear("ready")
        node.pause(seconds=5.0)
        node.send(signal.SIGTERM)
        assert not [line for line in node.hear("supervisor_stopping") if line.startswith("worker_silent")]
