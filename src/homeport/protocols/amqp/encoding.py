"""AMQP values to bytes (part 1), each in its shortest form. Counterpart: `decoding.py`.

What is encoded is ours, the tests', or an echo of what was decoded; so nothing is judged here beyond what the
format itself cannot hold.
"""

import struct
from collections.abc import Callable
from types import NoneType
from typing import Any

from homeport.protocols.amqp.types import (
    Array,
    Byte,
    Char,
    Decimal,
    Described,
    Float,
    Int,
    Long,
    Map,
    Short,
    Symbol,
    Timestamp,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
    Uuid,
)

_DECIMALS = {4: b"\x74", 8: b"\x84", 16: b"\x94"}


def encode(value: object) -> bytes:
    """The value's bytes.

    Raises:
        TypeError: AMQP has no such type; a plain int is one of eight.
        OverflowError: a number is too large for its type.
        ValueError: an array of several types, or of described values.
    """
    encoder = _ENCODERS.get(type(value))
    if encoder is None:
        raise TypeError(f"AMQP has no type for {type(value).__name__}")
    return encoder(value)


def encode_described_list(code: int, items: list[bytes]) -> bytes:
    """A list of encoded values, described by a number below 256: how composite types are written (1.4)."""
    body = _compound(0xC0, len(items), b"".join(items)) if items else b"\x45"
    return bytes((0x00, 0x53, code)) + body


def _fixed(code: int, width: int, *, signed: bool = False) -> Callable[[int], bytes]:
    constructor = bytes((code,))
    return lambda value: constructor + value.to_bytes(width, signed=signed)


def _uint(value: Uint) -> bytes:
    if value < 256:
        return bytes((0x52, value)) if value else b"\x43"
    return b"\x70" + value.to_bytes(4)


def _ulong(value: Ulong) -> bytes:
    if value < 256:
        return bytes((0x53, value)) if value else b"\x44"
    return b"\x80" + value.to_bytes(8)


def _int(value: Int) -> bytes:
    small = -128 <= value < 128
    return b"\x54" + value.to_bytes(1, signed=True) if small else b"\x71" + value.to_bytes(4, signed=True)


def _long(value: Long) -> bytes:
    small = -128 <= value < 128
    return b"\x55" + value.to_bytes(1, signed=True) if small else b"\x81" + value.to_bytes(8, signed=True)


def _variable(code: int, data: bytes) -> bytes:
    if len(data) < 256:
        return bytes((code, len(data))) + data
    return bytes((code | 0x10,)) + len(data).to_bytes(4) + data


def _list(value: list[object]) -> bytes:
    return _compound(0xC0, len(value), b"".join(map(encode, value))) if value else b"\x45"


def _map(value: Map) -> bytes:
    return _compound(0xC1, 2 * len(value), b"".join(encode(key) + encode(item) for key, item in value.items()))


def _array(value: Array) -> bytes:
    """One constructor for all, so each in its longest form; an empty array is said to hold symbols."""
    kinds = {type(item) for item in value} or {Symbol}
    kind = kinds.pop()
    if kind is Symbol and not kinds:
        return _symbols([str(item).encode("ascii") for item in value])
    if kinds or kind not in _ELEMENTS:
        raise ValueError("an array of several types, or of one that is not written here")
    code, element = _ELEMENTS[kind]
    return _compound(0xE0, len(value), bytes((code,)) + b"".join(map(element, value)))


def _symbols(names: list[bytes]) -> bytes:
    """The only arrays that we send; short ones as every peer writes them."""
    width = 1 if all(len(name) < 256 for name in names) else 4
    body = b"".join(len(name).to_bytes(width) + name for name in names)
    return _compound(0xE0, len(names), (b"\xa3" if width == 1 else b"\xb3") + body)


def _compound(code: int, count: int, body: bytes) -> bytes:
    """Size and count take a byte each, or four; the size counts from behind itself."""
    if len(body) < 255 and count < 256:
        return bytes((code, len(body) + 1, count)) + body
    return bytes((code | 0x10,)) + (len(body) + 4).to_bytes(4) + count.to_bytes(4) + body


def _described(value: Described) -> bytes:
    return b"\x00" + encode(value.descriptor) + encode(value.value)


# Each function takes exactly the type under which it stands, which a dictionary's type cannot say.
_ENCODERS: dict[type, Callable[[Any], bytes]] = {
    NoneType: lambda _: b"\x40",
    bool: lambda value: b"\x41" if value else b"\x42",
    Ubyte: _fixed(0x50, 1),
    Ushort: _fixed(0x60, 2),
    Uint: _uint,
    Ulong: _ulong,
    Byte: _fixed(0x51, 1, signed=True),
    Short: _fixed(0x61, 2, signed=True),
    Int: _int,
    Long: _long,
    Float: lambda value: b"\x72" + struct.pack(">f", value),
    float: lambda value: b"\x82" + struct.pack(">d", value),
    Decimal: lambda value: _DECIMALS[len(value)] + value,
    Char: _fixed(0x73, 4),
    Timestamp: _fixed(0x83, 8, signed=True),
    Uuid: lambda value: b"\x98" + value,
    bytes: lambda value: _variable(0xA0, value),
    str: lambda value: _variable(0xA1, value.encode()),
    Symbol: lambda value: _variable(0xA3, value.encode("ascii")),
    list: _list,
    Map: _map,
    Array: _array,
    Described: _described,
}


def _wide(value: bytes) -> bytes:
    return len(value).to_bytes(4) + value


_ELEMENTS: dict[type, tuple[int, Callable[[Any], bytes]]] = {
    str: (0xB1, lambda value: _wide(value.encode())),
    bytes: (0xB0, _wide),
    Uint: (0x70, lambda value: value.to_bytes(4)),
    Ulong: (0x80, lambda value: value.to_bytes(8)),
    Int: (0x71, lambda value: value.to_bytes(4, signed=True)),
    Long: (0x81, lambda value: value.to_bytes(8, signed=True)),
}
