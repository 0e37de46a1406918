"""A clock that a test sets, of a server that it starts: libfaketime between the process and the kernel.

Only the time of day is set. Whatever measures how long something takes asks the monotonic clock, which no
administrator and no time server can set, and which is left alone here, too.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_LIBRARIES = "*/faketime/libfaketime.so.1"
_FOLDERS = (Path("/usr/lib"), Path("/usr/local/lib"))


class SteppedClock:
    """What the time of day is, for the processes that are started in `environment`."""

    def __init__(self, directory: Path) -> None:
        self._file = directory / "clock"
        self.step(0)

    def step(self, seconds: int) -> None:
        """Set it so many seconds ahead of the machine's, or behind; at once."""
        new = self._file.with_suffix(".new")
        new.write_text(f"{seconds:+d}\n")
        new.rename(self._file)

    @contextmanager
    def environment(self) -> Iterator[None]:
        """What is started in the block goes by this clock."""
        added = {
            "LD_PRELOAD": str(_library()),
            "FAKETIME_TIMESTAMP_FILE": str(self._file),
            "FAKETIME_NO_CACHE": "1",
            "FAKETIME_DONT_FAKE_MONOTONIC": "1",
            "DONT_FAKE_MONOTONIC": "1",
            "NO_FAKE_STAT": "1",
        }
        os.environ.update(added)
        try:
            yield
        finally:
            for name in added:
                del os.environ[name]


def _library() -> Path:
    found = [library for folder in _FOLDERS for library in sorted(folder.glob(_LIBRARIES))]
    assert found, "libfaketime is missing; ./scripts/install-components faults"
    return found[0]
