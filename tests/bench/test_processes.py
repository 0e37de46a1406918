"""Processor time and memory of a process tree, from a /proc made of files."""

import os
from pathlib import Path

import pytest
from bench.processes import busy_seconds, cpu_reading, cpu_seconds_between, memory_bytes, process_tree


def add_process(proc: Path, pid: int, *, parent: int, threads: dict[int, int], kib: int, name: str = "server") -> None:
    directory = proc / str(pid)
    for thread, nanoseconds in threads.items():
        (directory / "task" / str(thread)).mkdir(parents=True)
        (directory / "task" / str(thread) / "schedstat").write_text(f"{nanoseconds} 5 7\n")
    (directory / "stat").write_text(f"{pid} ({name}) S {parent} 1 1 0\n")
    (directory / "smaps_rollup").write_text(f"00400000-7fff [rollup]\nRss: 9999 kB\nPss: {kib} kB\nPss_Anon: 1 kB\n")


@pytest.fixture
def proc(tmp_path: Path) -> Path:
    """A master (10) with two workers (11, 12), one of which has a child (13); 20 is somebody else's."""
    add_process(tmp_path, 10, parent=1, threads={10: 1_000}, kib=100)
    add_process(tmp_path, 11, parent=10, threads={11: 2_000, 111: 3_000}, kib=20)
    add_process(tmp_path, 12, parent=10, threads={12: 4_000}, kib=3, name="a (very) odd) name")
    add_process(tmp_path, 13, parent=12, threads={13: 5_000}, kib=4)
    add_process(tmp_path, 20, parent=1, threads={20: 900_000}, kib=5_000)
    (tmp_path / "sys").mkdir()
    return tmp_path


def test_the_tree_holds_descendants_of_every_generation_and_nobody_else(proc: Path) -> None:
    assert process_tree(10, proc=proc) == {10, 11, 12, 13}


def test_a_reading_holds_every_thread_of_the_tree(proc: Path) -> None:
    assert cpu_reading(10, proc=proc) == {10: 1_000, 11: 2_000, 111: 3_000, 12: 4_000, 13: 5_000}


def test_a_process_that_has_just_ended_is_passed_over(proc: Path) -> None:
    (proc / "13" / "task" / "13" / "schedstat").unlink()
    (proc / "13" / "smaps_rollup").unlink()
    assert 13 not in cpu_reading(10, proc=proc)
    assert memory_bytes(10, proc=proc) == 123 * 1024


def test_memory_is_the_proportional_size_of_the_whole_tree(proc: Path) -> None:
    assert memory_bytes(10, proc=proc) == 127 * 1024


def test_the_machine_is_busy_with_everything_but_idling_and_waiting_for_disks(proc: Path) -> None:
    (proc / "stat").write_text("cpu  100 200 300 99999 88888 10 20 70 5 5\ncpu0 1 1 1 1 1 1 1 1 1 1\n")
    assert busy_seconds(proc=proc) * os.sysconf("SC_CLK_TCK") == pytest.approx(700)


def test_time_between_counts_new_threads_from_zero_and_forgets_ended_ones() -> None:
    before = {1: 1_000_000_000, 2: 5_000_000_000}
    after = {1: 1_500_000_000, 3: 250_000_000}
    assert cpu_seconds_between(before, after) == 0.75


def test_the_real_proc_is_read_as_well() -> None:
    before = cpu_reading(1)
    assert before
    assert cpu_seconds_between(before, before) == 0
