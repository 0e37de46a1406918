"""A small disk of a server's own: a file system in memory that is full when a test says so.

Mounting is for root. Who is not has the test played again by a root of a user namespace (user_namespaces(7)), so that
it runs everywhere; where neither is permitted it fails, since a test that is left out proves nothing.
"""

import errno
import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import wraps
from pathlib import Path
from typing import ParamSpec

P = ParamSpec("P")

_BALLAST = "ballast"
_CHUNK = 64 * 1024
_PLAY_SECONDS = 170


class SmallDisk:
    """A mounted file system of a few megabytes."""

    def __init__(self, mount_point: Path) -> None:
        self._ballast = mount_point / _BALLAST

    def fill(self) -> None:
        """Leave not a byte."""
        with self._ballast.open("ab", buffering=0) as ballast:
            for size in (_CHUNK, 1):
                _write_until_full(ballast.fileno(), size)

    def free(self) -> None:
        """Give the space back."""
        self._ballast.unlink()


@contextmanager
def small_disk(mount_point: Path, megabytes: int = 24) -> Iterator[SmallDisk]:
    """A disk on `mount_point` while the block runs."""
    mount_point.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={megabytes}m", "tmpfs", mount_point], check=True)
    try:
        yield SmallDisk(mount_point)
    finally:
        subprocess.run(["umount", "--lazy", mount_point], check=True)


def as_root(test: Callable[P, None]) -> Callable[P, None]:
    """Makes a test that needs to mount into one that may."""

    @wraps(test)
    def play(*arguments: P.args, **named: P.kwargs) -> None:
        if os.geteuid() == 0:
            test(*arguments, **named)
        else:
            _play_in_namespace(os.environ["PYTEST_CURRENT_TEST"].rpartition(" ")[0])

    return play


def _play_in_namespace(test: str) -> None:
    enter = ["unshare", "--map-root-user", "--mount"]
    call = [*enter, sys.executable, "-m", "pytest", "-q", "-p", "no:xdist", "-p", "no:cacheprovider", test]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=_PLAY_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


def _write_until_full(file: int, size: int) -> None:
    try:
        while True:
            os.write(file, bytes(size))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
