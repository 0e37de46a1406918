"""A blocking TLS socket to the server: bytes out, bytes in, and the end of either side as a value.

What speaks on it is `raw_http.py`, `raw_mqtt.py`, or a test that means no good.
"""

import socket
import ssl
from collections.abc import Callable
from contextlib import suppress
from types import TracebackType
from typing import Protocol, Self

from tests.sockets.server_process import Deployment

HTTPS, MQTT, AMQP = 443, 8883, 5671
# Longer than any time that a server gives a silent client.
_SECONDS = 60
_CHUNK = 65_536


class TlsSocket(Protocol):
    """What a peer needs of its socket; raises as `ssl.SSLSocket` does."""

    def sendall(self, data: bytes, /) -> object: ...
    def recv(self, size: int, /) -> bytes: ...
    def close(self) -> None: ...


Handshake = Callable[[socket.socket], TlsSocket]
"""Turns a TCP connection into a TLS one."""


class Peer:
    """One connection, its handshake done: without a client certificate, unless `handshake` says otherwise."""

    def __init__(self, deployment: Deployment, port: int, handshake: Handshake | None = None) -> None:
        plain = connect(deployment, port)
        try:
            self._socket = (handshake or handshake_with(deployment.tls, deployment.host))(plain)
        except BaseException:
            plain.close()
            raise

    def send(self, data: bytes) -> None:
        """Send; a server that has already refused may be gone, and what it said is still to be read."""
        with suppress(BrokenPipeError, ConnectionResetError, ssl.SSLError):
            self._socket.sendall(data)

    def receive(self) -> bytes:
        """What has come; empty once the server has closed."""
        try:
            return self._socket.recv(_CHUNK)
        except (ConnectionResetError, ssl.SSLError):
            return b""

    def finish(self) -> None:
        """Say below TLS that nothing more comes, and keep listening."""
        with suppress(OSError):
            assert isinstance(self._socket, socket.socket)
            # The method of the TLS socket would end TLS in both directions.
            socket.socket.shutdown(self._socket, socket.SHUT_WR)

    def close(self) -> None:
        """Leave without a word."""
        self._socket.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, _: TracebackType | None) -> None:
        self.close()


def handshake_with(context: ssl.SSLContext, host: str) -> Handshake:
    """The handshake of a context, which may hold a client certificate."""
    return lambda plain: context.wrap_socket(plain, server_hostname=host)


def connect(deployment: Deployment, port: int) -> socket.socket:
    """A TCP connection on which nothing has been said."""
    plain = socket.create_connection((deployment.host, port), timeout=_SECONDS)
    plain.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return plain
