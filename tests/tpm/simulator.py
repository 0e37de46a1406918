"""A TPM 2.0 of one's own: swtpm, with its state in a directory that nobody else sees, spoken to over a socket pair.

Each start is another TPM, with other seeds and so with another endorsement key. Counterparts: `commands.py`, which
makes the bytes; `device.py`, which has a use for them. Needs no homeport.
"""

import shutil
import socket
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

_HEADER = 10
"""Tag, size, and response code (TPM 2.0 Library, part 1, section 18)."""
_SIZE = slice(2, 6)
_PATIENCE_SECONDS = 30.0
INSTALL = "the TPM tests need swtpm: run `scripts/install-components tpm`, or install your system's package swtpm"


class Simulator:
    """One running TPM."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection

    def exchange(self, command: bytes) -> bytes:
        """Send a command; the response to it, header included."""
        self._connection.sendall(command)
        header = self._receive(_HEADER)
        return header + self._receive(int.from_bytes(header[_SIZE], "big") - _HEADER)

    def _receive(self, size: int) -> bytes:
        data = b""
        while len(data) < size:
            more = self._connection.recv(size - len(data))
            assert more, "the TPM simulator has ended"
            data += more
        return data


@contextmanager
def running() -> Iterator[Simulator]:
    """A fresh TPM, powered on and not yet started up (TPM2_Startup is the first command that it expects)."""
    with tempfile.TemporaryDirectory(prefix="tpm-") as directory, powered(Path(directory)) as chip:
        yield chip


@contextmanager
def powered(directory: Path) -> Iterator[Simulator]:
    """The TPM whose state is in this directory, a fresh one if there is none; powered off in the end."""
    ours, theirs = socket.socketpair()
    ours.settimeout(_PATIENCE_SECONDS)
    with ours:
        with theirs:
            process = _start(directory, theirs)
        try:
            yield Simulator(ours)
        finally:
            process.kill()
            process.wait()


def _start(directory: Path, connection: socket.socket) -> subprocess.Popen[bytes]:
    program = shutil.which("swtpm")
    assert program is not None, INSTALL
    call = [program, "socket", "--tpm2", "--tpmstate", f"dir={directory}", "--fd", str(connection.fileno())]
    return subprocess.Popen([*call, "--flags", "not-need-init"], pass_fds=[connection.fileno()])
