"""AMQP 1.0 by hand: values and frames as bytes, and back, with a codec that shares nothing with the server's.

Values are Python's where that is unambiguous (`None`, `bool`, `str`, `bytes`, `list`, `dict`), else one of the classes
below. A performative is a `Described` list. Source: OASIS AMQP 1.0, part 1 (types), 2.3 (frames), 5.3.3 (SASL).
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

AMQP_HEADER, SASL_HEADER = b"AMQP\x00\x01\x00\x00", b"AMQP\x03\x01\x00\x00"

OPEN, BEGIN, ATTACH, FLOW, TRANSFER, DISPOSITION, DETACH, END, CLOSE = range(0x10, 0x19)
ERROR = 0x1D
RECEIVED, ACCEPTED, REJECTED = 0x23, 0x24, 0x25
SOURCE, TARGET = 0x28, 0x29
MECHANISMS, INIT, CHALLENGE, RESPONSE, OUTCOME = range(0x40, 0x45)
PROPERTIES, APPLICATION_PROPERTIES, DATA, AMQP_VALUE = 0x73, 0x74, 0x75, 0x77


class Symbol(str):
    """A symbol."""


class Ubyte(int):
    """An unsigned byte."""


class Ushort(int):
    """An unsigned number of 16 bits."""


class Uint(int):
    """An unsigned number of 32 bits."""


class Ulong(int):
    """An unsigned number of 64 bits."""


class Int(int):
    """A signed number of 32 bits."""


@dataclass(frozen=True)
class Described:
    """A value with a numeric descriptor: performatives, sections, outcomes, termini."""

    code: int
    value: Any

    def field(self, index: int) -> Any:
        """A field of a described list; trailing ones may be left out, which is null."""
        return self.value[index] if index < len(self.value) else None


def encode(value: Any) -> bytes:
    """A value, each in its shortest form."""
    if isinstance(value, Described):
        return b"\x00\x53" + bytes((value.code,)) + encode(value.value)
    if value is None:
        return b"\x40"
    if isinstance(value, bool):
        return b"\x41" if value else b"\x42"
    if isinstance(value, int):
        return _number(value)
    if isinstance(value, list):
        return b"\x45" if not value else _compound(0xC0, [encode(each) for each in value])
    if isinstance(value, dict):
        return _compound(0xC1, [encode(each) for pair in value.items() for each in pair])
    if isinstance(value, Symbol):
        return _variable(0xA3, value.encode("ascii"))
    return _variable(0xA1, value.encode()) if isinstance(value, str) else _variable(0xA0, value)


def frame(performative: Described, payload: bytes = b"") -> bytes:
    """A frame on channel 0; of SASL if the performative is."""
    body = encode(performative) + payload
    kind = 1 if performative.code in (MECHANISMS, INIT, CHALLENGE, RESPONSE, OUTCOME) else 0
    return struct.pack("!IBBH", len(body) + 8, 2, kind, 0) + body


def decode_all(data: bytes) -> list[Any]:
    """The values that lie one behind the other, as the sections of a message do."""
    values, at = [], 0
    while at < len(data):
        value, at = _decode(data, at)
        values.append(value)
    return values


@dataclass
class Frames:
    """Headers and frames out of a stream of bytes; the rest of a frame behind its performative is its payload."""

    _data: bytearray = field(default_factory=bytearray)

    def feed(self, data: bytes) -> None:
        self._data += data

    def __iter__(self) -> Iterator[bytes | tuple[Described, bytes]]:
        """What is complete: headers as they are, frames without the empty ones. Nothing is given again."""
        while len(self._data) >= 8:
            if self._data.startswith(b"AMQP"):
                yield self._take(8)
                continue
            size = int.from_bytes(self._data[:4])
            if len(self._data) < size:
                return
            body = self._take(size)[8:]
            if body:
                performative, end = _decode(body, 0)
                yield performative, body[end:]

    def _take(self, size: int) -> bytes:
        taken = bytes(self._data[:size])
        del self._data[:size]
        return taken


def _number(value: int) -> bytes:
    if isinstance(value, Ubyte):
        return struct.pack("!BB", 0x50, value)
    if isinstance(value, Ushort):
        return struct.pack("!BH", 0x60, value)
    if isinstance(value, Int):
        return struct.pack("!Bb", 0x54, value) if -128 <= value < 128 else struct.pack("!Bi", 0x71, value)
    small, wide, shape = (0x53, 0x80, "!BQ") if isinstance(value, Ulong) else (0x52, 0x70, "!BI")
    if value == 0:
        return b"\x44" if isinstance(value, Ulong) else b"\x43"
    return struct.pack("!BB", small, value) if value < 256 else struct.pack(shape, wide, value)


def _variable(code: int, data: bytes) -> bytes:
    if len(data) < 256:
        return struct.pack("!BB", code, len(data)) + data
    return struct.pack("!BI", code + 0x10, len(data)) + data


def _compound(code: int, items: list[bytes]) -> bytes:
    data = b"".join(items)
    if len(data) < 255 and len(items) < 256:
        return struct.pack("!BBB", code, len(data) + 1, len(items)) + data
    return struct.pack("!BII", code + 0x10, len(data) + 4, len(items)) + data


_EMPTY: dict[int, Any] = {0x40: None, 0x41: True, 0x42: False, 0x43: Uint(0), 0x44: Ulong(0)}
_FIXED: dict[int, tuple[str, Any]] = {
    **{0x50: ("!B", Ubyte), 0x52: ("!B", Uint), 0x53: ("!B", Ulong), 0x54: ("!b", Int), 0x56: ("!?", bool)},
    **{0x60: ("!H", Ushort), 0x70: ("!I", Uint), 0x71: ("!i", Int), 0x80: ("!Q", Ulong), 0x83: ("!q", int)},
}
_VARIABLE: dict[int, Any] = {0xA0: bytes, 0xA1: bytes.decode, 0xA3: lambda data: Symbol(data.decode("ascii"))}


def _decode(data: bytes, at: int) -> tuple[Any, int]:
    code, at = data[at], at + 1
    if code == 0:
        descriptor, at = _decode(data, at)
        value, at = _decode(data, at)
        return Described(descriptor, value), at
    if code in _EMPTY:
        return _EMPTY[code], at
    if code == 0x45:
        return [], at
    if code in _FIXED:
        shape, kind = _FIXED[code]
        return kind(struct.unpack_from(shape, data, at)[0]), at + struct.calcsize(shape)
    width = 4 if code & 0x10 else 1
    size, start = int.from_bytes(data[at : at + width]), at + width
    return _sized(code & 0xEF, data[start : start + size], width), start + size


def _sized(code: int, data: bytes, width: int) -> Any:
    if code in _VARIABLE:
        return _VARIABLE[code](data)
    count, at = int.from_bytes(data[:width]), width
    if code == 0xE0:
        return _array(data, at, count)
    items = []
    for _ in range(count):
        item, at = _decode(data, at)
        items.append(item)
    assert code in (0xC0, 0xC1), hex(code)
    return items if code == 0xC0 else dict(zip(items[::2], items[1::2], strict=True))


def _array(data: bytes, at: int, count: int) -> list[Any]:
    """The elements of an array share one constructor."""
    constructor, at = data[at : at + 1], at + 1
    items = []
    for _ in range(count):
        item, end = _decode(constructor + data[at:], 0)
        items.append(item)
        at += end - 1
    return items
