"""What a server costs: processor time and memory of its whole process tree, read from /proc.

Processor time comes from `schedstat`, in nanoseconds; `/proc/PID/stat` moves in steps of 10 ms for each
process, which hides the cost of a helper process completely. A thread that ends between two readings
takes its time with it: the servers measured here keep theirs. Linux only.
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path

PROC = Path("/proc")


def process_tree(pid: int, *, proc: Path = PROC) -> set[int]:
    """The process and its descendants, as they are now."""
    parents = dict(_parents(proc))
    tree = {pid}
    while found := {child for child, parent in parents.items() if parent in tree} - tree:
        tree |= found
    return tree


def cpu_reading(pid: int, *, proc: Path = PROC) -> dict[int, int]:
    """Nanoseconds that each thread of the tree has been on a processor so far, by thread ID."""
    return {
        int(file.parent.name): int(text.split()[0])
        for process in process_tree(pid, proc=proc)
        for file in (proc / str(process) / "task").glob("*/schedstat")
        if (text := _read(file))
    }


def cpu_seconds_between(before: Mapping[int, int], after: Mapping[int, int]) -> float:
    """Processor time between two readings; a thread that is new in the second one counts from zero."""
    return sum(spent - before.get(thread, 0) for thread, spent in after.items()) / 1e9


def busy_seconds(*, proc: Path = PROC) -> float:
    """Processor time that the whole machine has spent so far, the hypervisor's share included."""
    user, nice, system, _idle, _waiting, irq, soft_irq, stolen, *_ = map(int, _read(proc / "stat").split()[1:11])
    return (user + nice + system + irq + soft_irq + stolen) / os.sysconf("SC_CLK_TCK")


def memory_bytes(pid: int, *, proc: Path = PROC) -> int:
    """Proportional set size of the tree: pages that processes share are counted once between them."""
    return sum(_proportional_set_size(proc / str(process)) for process in process_tree(pid, proc=proc))


def _parents(proc: Path) -> Iterator[tuple[int, int]]:
    for directory in proc.iterdir():
        # The command's name stands in parentheses and may hold spaces and parentheses of its own.
        if directory.name.isdigit() and (text := _read(directory / "stat")):
            yield int(directory.name), int(text.rpartition(")")[2].split()[1])


def _proportional_set_size(process: Path) -> int:
    for line in _read(process / "smaps_rollup").splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1]) * 1024
    return 0


def _read(file: Path) -> str:
    """The file's text, or nothing when the process has ended meanwhile."""
    try:
        return file.read_text()
    except (FileNotFoundError, ProcessLookupError):
        return ""
