"""`homeport database copy` as a process of its own, that can be killed."""

import subprocess
from pathlib import Path

from tests.faults.deployment import HOMEPORT


class CopyProcess:
    """A copy from a deployment's directory to a URL."""

    def __init__(self, source: Path, target: str) -> None:
        call = [HOMEPORT, "database", "copy", "--from", source, "--to", target]
        self._process = subprocess.Popen(call, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)

    @property
    def is_running(self) -> bool:
        """Whether it has not ended yet."""
        return self._process.poll() is None

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()
        self._process.communicate()

    def finish(self) -> str:
        """Wait for its end, which must be a good one; what it has said."""
        code, said = self.end()
        assert code == 0, said
        return said

    def end(self) -> tuple[int, str]:
        """Wait for its end: exit code, and what it has said."""
        said, _ = self._process.communicate()
        return self._process.returncode, said
