"""The disk is full, read-only or gone: a clear 503, nothing acknowledged is lost, and service resumes by itself."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from tests.faults import outage
from tests.faults.disks import SmallDisk, as_root, small_disk
from tests.faults.injection import read_only
from tests.faults.locks import locked
from tests.loopback import Network, address
from tests.sockets.server_process import ServerProcess

ADDRESS = address(Network.DISKS)

pytestmark = pytest.mark.usefixtures("on_sqlite")


@as_root
def test_a_disk_that_is_full(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, ADDRESS)
    with small_disk(server.data_dir) as disk:
        outage.play(server, full(disk, server))


def test_a_disk_that_takes_no_writes(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, ADDRESS)
    outage.play(server, read_only(server))


def test_a_disk_that_is_away(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, ADDRESS)
    outage.play(server, moved(server.data_dir))


@as_root
def test_a_start_on_a_full_disk_says_so_and_harms_nothing(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path, ADDRESS)
    with small_disk(server.data_dir) as disk:
        try:
            server.start()
            server.stop()
            disk.fill()
            with pytest.raises(AssertionError, match=r"cannot be (written|opened)"):
                server.start()
            assert "Traceback" not in server.log()
            disk.free()
            server.start()
            server.stop()
        finally:
            server.end()


@contextmanager
def full(disk: SmallDisk, server: ServerProcess) -> Iterator[None]:
    """Filled while nobody writes, so that no half of a write has left room for a smaller one."""
    with locked(server.database):
        disk.fill()
    yield
    disk.free()


@contextmanager
def moved(directory: Path) -> Iterator[None]:
    """The directory is somewhere else, as after a disk was unmounted from under a server that has its files open."""
    away = directory.rename(directory.with_name("away"))
    yield
    away.rename(directory)
