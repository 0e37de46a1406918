"""Unix datagrams among the workers of a node: the channel on which their hubs announce changes to each other.

Implements `hubs/embedded/announcements.Channel`. Each worker has a socket in the run directory, named for its slot and
process, so that a worker and the one that relieves it are both reached. Who is there is what the directory lists at
each payload. Nobody waits: what a busy worker does not take at once waits for it in a short queue, whose oldest are
lost; a socket that nobody reads any more is removed. The directory's permissions are what keeps strangers out.
"""

import asyncio
import errno
import os
import socket
from collections import deque
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from pathlib import Path

from homeport.hubs.embedded.announcements import MAX_PAYLOAD

MAX_QUEUE = 256
"""Payloads that wait for one worker, up to a MiB; the kernel itself holds ten, or what `max_dgram_qlen` says."""
_READ_AT_ONCE = 64
_PREFIX, _SUFFIX = "worker-", ".sock"
_OTHERS = 0o077
_FULL = {errno.EAGAIN, errno.ENOBUFS}


class WorkerDatagrams:
    """One worker's end. `start` before it hears anything; `close` to be gone for the others."""

    def __init__(self, directory: Path, *, slot: int) -> None:
        self._directory = directory
        self._name = f"{_PREFIX}{slot}-{os.getpid()}{_SUFFIX}"
        self._socket: socket.socket | None = None
        self._peers: dict[str, _Peer] = {}
        self._receivers: list[Callable[[bytes], None]] = []

    def start(self) -> None:
        """Be there for the others.

        Raises:
            PermissionError: others than the owner may enter the directory.
            OSError: no socket can be made there.
        """
        if self._directory.stat().st_mode & _OTHERS:
            raise PermissionError(errno.EPERM, "others may enter the run directory", str(self._directory))
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        self._socket.bind(str(self._directory / self._name))
        asyncio.get_running_loop().add_reader(self._socket, self._read, self._socket)
        self._look_around()

    def close(self) -> None:
        """Hear and send nothing more."""
        for name in list(self._peers):
            self._drop(name)
        if self._socket is not None:
            asyncio.get_running_loop().remove_reader(self._socket)
            self._socket.close()
            self._socket = None
            (self._directory / self._name).unlink(missing_ok=True)

    def subscribe(self, receive: Callable[[bytes], None], missed: Callable[[], None] = lambda: None) -> None:
        """Have `receive` called with what others publish. What is missed here, nobody learns of."""
        self._receivers.append(receive)

    async def publish(self, payload: bytes) -> None:
        """Send to every other worker; to a busy one a little later, to a dead one not at all."""
        if len(payload) > MAX_PAYLOAD:
            raise ValueError(f"A payload has at most {MAX_PAYLOAD} bytes.")
        self._look_around()
        for name, peer in list(self._peers.items()):
            try:
                peer.send(payload)
            except OSError:
                self._bury(name)

    def _look_around(self) -> None:
        """Know whom the directory lists, and nobody else. A few names: to list them costs less than to watch."""
        names = os.listdir(self._directory)
        present = {name for name in names if name.startswith(_PREFIX) and name.endswith(_SUFFIX)} - {self._name}
        for name in self._peers.keys() - present:
            self._drop(name)
        for name in present - self._peers.keys():
            try:
                self._peers[name] = _Peer(self._directory / name, lost=partial(self._bury, name))
            except OSError as error:
                if error.errno == errno.ECONNREFUSED:
                    self._bury(name)

    def _bury(self, name: str) -> None:
        """Whoever had the socket is gone, and names are not used twice."""
        self._drop(name)
        with suppress(OSError):
            (self._directory / name).unlink()

    def _drop(self, name: str) -> None:
        peer = self._peers.pop(name, None)
        if peer is not None:
            peer.close()

    def _read(self, own: socket.socket) -> None:
        for _ in range(_READ_AT_ONCE):
            try:
                payload = own.recv(MAX_PAYLOAD + 1)
            except OSError:
                return
            if len(payload) <= MAX_PAYLOAD:
                for receive in self._receivers:
                    receive(payload)


class _Peer:
    """Another worker. A socket for each, or one that does not read would use up what a socket may have under way."""

    def __init__(self, path: Path, *, lost: Callable[[], None]) -> None:
        self._lost = lost
        self._queue: deque[bytes] = deque(maxlen=MAX_QUEUE)
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK)
        try:
            self._socket.connect(str(path))
        except OSError:
            self._socket.close()
            raise

    def send(self, payload: bytes) -> None:
        """Raises OSError if nobody is there any more."""
        if self._queue or not self._taken(payload):
            if not self._queue:
                asyncio.get_running_loop().add_writer(self._socket, self._send_queued)
            self._queue.append(payload)

    def close(self) -> None:
        if self._queue:
            self._queue.clear()
            asyncio.get_running_loop().remove_writer(self._socket)
        self._socket.close()

    def _send_queued(self) -> None:
        try:
            while self._queue and self._taken(self._queue[0]):
                self._queue.popleft()
        except OSError:
            self._lost()
            return
        if not self._queue:
            asyncio.get_running_loop().remove_writer(self._socket)

    def _taken(self, payload: bytes) -> bool:
        try:
            self._socket.send(payload)
        except OSError as error:
            if error.errno in _FULL:
                return False
            raise
        return True
