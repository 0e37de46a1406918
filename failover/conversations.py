"""What a device can say to the service, and the TLS stream below: register, and ask how the operation stands.

Implemented over HTTPS and MQTT by the two neighbours. When something is said, and what follows from an answer, is for
`devices.py`.
"""

import asyncio
import ssl
from dataclasses import dataclass
from typing import Any, Protocol

API_VERSION = "2021-06-01"
_CHUNK = 65_536


class CutOff(Exception):
    """The connection ended before the answer had come, or was refused; the text is one word for the report."""


@dataclass(frozen=True)
class Answer:
    """What the service answered, alike on both transports."""

    status: int
    body: dict[str, Any]
    retry_after: float | None


@dataclass(frozen=True, kw_only=True)
class Service:
    """Where devices find the service, and what they trust."""

    host: str
    id_scope: str
    tls: ssl.SSLContext


class Conversation(Protocol):
    """One connection of one device. All verbs raise CutOff."""

    async def register(self) -> Answer:
        """Ask to be registered."""
        ...

    async def ask(self, operation_id: str) -> Answer:
        """Ask how an operation stands."""
        ...

    def close(self) -> None:
        """Leave without a word."""
        ...


class Stream:
    """A TLS connection, its errors in the words of this module."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer

    @classmethod
    async def connect(cls, service: Service, port: int) -> "Stream":
        """A connection, its handshake done."""
        try:
            return cls(*await asyncio.open_connection(service.host, port, ssl=service.tls))
        except ConnectionRefusedError as error:
            raise CutOff("refused") from error
        except OSError as error:
            raise CutOff("cut off in the handshake") from error

    def send(self, data: bytes) -> None:
        self._writer.write(data)

    async def receive(self) -> bytes:
        """What has come next, at least a byte."""
        try:
            data = await self._reader.read(_CHUNK)
        except OSError as error:
            raise CutOff("cut off") from error
        if not data:
            raise CutOff("cut off")
        return data

    def close(self) -> None:
        """Leave without a word."""
        self._writer.transport.abort()
