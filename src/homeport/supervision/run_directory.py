"""The run directory: what a node's workers share while they run, and what nobody needs afterwards.

It is locked while its server lives, in all its processes; so the next start knows what killed servers have left
behind, and removes it. (`systemd-tmpfiles` leaves a locked directory alone, too, however old it is.)
"""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

_PREFIX = "homeport-run-"


@contextmanager
def run_directory() -> Iterator[Path]:
    """A fresh directory, private to its owner: where the service manager wants it (`RUNTIME_DIRECTORY`), else with the
    temporary files. Not with the data: it is no part of a backup, and the path of a socket has 107 bytes (unix(7))."""
    parent = Path(os.environ.get("RUNTIME_DIRECTORY", "").partition(":")[0] or tempfile.gettempdir())
    _remove_left(parent)
    directory, lock = _made(parent)
    try:
        yield directory
    finally:
        shutil.rmtree(directory, ignore_errors=True)
        os.close(lock)


def _made(parent: Path) -> tuple[Path, int]:
    """A directory and its lock. Another start may take one that is not locked yet for one that was left."""
    while True:
        directory = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=parent))
        with suppress(OSError):
            lock = _locked(directory)
            if directory.exists():
                return directory, lock
            os.close(lock)


def _remove_left(parent: Path) -> None:
    for left in parent.glob(f"{_PREFIX}*"):
        # Not another user's, and not one that lives.
        with suppress(OSError):
            lock = _locked(left)
            shutil.rmtree(left, ignore_errors=True)
            os.close(lock)


def _locked(directory: Path) -> int:
    """Raises OSError if it is gone, or somebody else has the lock."""
    lock = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(lock)
        raise
    return lock
