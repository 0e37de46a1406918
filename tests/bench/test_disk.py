"""The shim counts a process' waits for the disk, and makes each as much slower as it is told."""

import os
import subprocess
import sys
from pathlib import Path

from bench.disk import Disk, make_disk

SYNC_THREE_TIMES = """
import os, sys, time
file = os.open(sys.argv[1], os.O_CREAT | os.O_RDWR)
began = time.monotonic()
for sync in (os.fsync, os.fdatasync, os.fsync):
    sync(file)
print(time.monotonic() - began)
"""


def sync_three_times(disk: Disk, directory: Path) -> float:
    call = [sys.executable, "-c", SYNC_THREE_TIMES, str(directory / "file")]
    done = subprocess.run(call, env=os.environ | disk.environment, capture_output=True, text=True, check=True)
    return float(done.stdout)


def test_waits_of_several_processes_add_up(tmp_path: Path) -> None:
    disk = make_disk(tmp_path)
    for _ in range(2):
        sync_three_times(disk, tmp_path)
    assert disk.waits == 6


def test_each_wait_takes_the_longer(tmp_path: Path) -> None:
    """A lower bound cannot be missed for want of speed."""
    assert sync_three_times(make_disk(tmp_path, delay_ms=50), tmp_path) >= 0.150
