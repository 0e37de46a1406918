"""Bytes to AMQP values (part 1), and every way in which they can be wrong.

Counterpart: `encoding.py`. What a peer can make us build is bounded: a value nests at most `MAX_DEPTH` deep and
consists of at most `MAX_VALUES` others, for an array of nothings takes no bytes for each. Whatever the bytes, the
outcome is a value or `Malformed`.
"""

import struct
from collections.abc import Callable

from homeport.protocols.amqp.conditions import Malformed
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

MAX_DEPTH = 16
MAX_VALUES = 2048


def decode(data: bytes) -> object:
    """The one value that the bytes are.

    Raises:
        Malformed: they are none, or more than one.
    """
    values = Values(data)
    value = values.next()
    if values.more():
        raise Malformed("bytes remain behind the value")
    return value


class Values:
    """The values in a piece of bytes, taken from its front."""

    __slots__ = ("_budget", "_data", "_length", "_position")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._length = len(data)
        self._position = 0
        self._budget = MAX_VALUES

    def next(self) -> object:
        """The next value.

        Raises:
            Malformed: there is none, or it breaks the standard or a limit.
        """
        return self._value(0)

    def more(self) -> bool:
        """Whether bytes are left."""
        return self._position < self._length

    def rest(self) -> bytes:
        """The bytes that are left."""
        return self._take(self._length - self._position)

    def _value(self, depth: int) -> object:
        return self._built(self._byte(), depth)

    def _built(self, code: int, depth: int) -> object:
        """The value behind a constructor's code (1.2). Constants and short texts are most of what devices send."""
        if not self._budget:
            raise Malformed("more values than are accepted")
        self._budget -= 1
        if depth > MAX_DEPTH:
            raise Malformed("a value is nested too deeply")
        if code in _CONSTANT:
            return _CONSTANT[code]
        if (variable := _VARIABLE.get(code)) is not None:
            return variable(self._take(self._size(code)))
        if (fixed := _FIXED.get(code)) is not None:
            width, read = fixed
            return read(self._take(width))
        if code == 0x00:
            return Described(self._value(depth + 1), self._value(depth + 1))
        if (compound := _COMPOUND.get(code)) is not None:
            return compound(self, code, depth + 1)
        raise Malformed(f"no type has the code {code:#04x}")

    def _list(self, code: int, depth: int) -> object:
        end, count = self._bounds(code)
        self._afford(count)
        return self._ended(end, [self._value(depth) for _ in range(count)])

    def _map(self, code: int, depth: int) -> object:
        end, count = self._bounds(code)
        self._afford(count)
        if count % 2:
            raise Malformed("a map with a key and no value")
        pairs = Map()
        for _ in range(count // 2):
            key, value = self._value(depth), self._value(depth)
            if isinstance(key, list | Map | Described | Array) or key in pairs:
                raise Malformed("a map with a compound key, or with one twice")
            pairs[key] = value
        return self._ended(end, pairs)

    def _array(self, code: int, depth: int) -> object:
        end, count = self._bounds(code)
        self._afford(count)
        descriptor, constructor = None, self._byte()
        described = constructor == 0x00
        if described:
            descriptor, constructor = self._value(depth), self._byte()
            if constructor == 0x00:
                raise Malformed("an array of values that are described twice")
        items = [self._built(constructor, depth) for _ in range(count)]
        return self._ended(end, Array([Described(descriptor, item) for item in items] if described else items))

    def _bounds(self, code: int) -> tuple[int, int]:
        """Where a compound ends, and how many values it says it has. Its size counts from behind itself."""
        size = self._size(code)
        end = self._position + size
        if end > self._length:
            raise Malformed("a compound ends beyond its bytes")
        return end, self._size(code)

    def _ended(self, end: int, value: object) -> object:
        if self._position != end:
            raise Malformed("a compound whose size is not that of its values")
        return value

    def _size(self, code: int) -> int:
        """One byte in the even subcategories (0xA0, 0xC0, 0xE0), four in the odd ones."""
        return int.from_bytes(self._take(4)) if code & 0x10 else self._byte()

    def _afford(self, count: int) -> None:
        """Whether so many values may still come."""
        if count > self._budget:
            raise Malformed("more values than are accepted")

    def _byte(self) -> int:
        position = self._position
        if position == self._length:
            raise Malformed("a value ends beyond its bytes")
        self._position = position + 1
        return self._data[position]

    def _take(self, size: int) -> bytes:
        start = self._position
        end = start + size
        if end > self._length:
            raise Malformed("a value ends beyond its bytes")
        self._position = end
        return self._data[start:end]


def _unsigned(kind: Callable[[int], object]) -> Callable[[bytes], object]:
    return lambda data: kind(int.from_bytes(data))


def _signed(kind: Callable[[int], object]) -> Callable[[bytes], object]:
    return lambda data: kind(int.from_bytes(data, signed=True))


def _boolean(data: bytes) -> object:
    if data[0] > 1:
        raise Malformed("a boolean that is neither true nor false")
    return data[0] == 1


def _float(data: bytes) -> object:
    return Float(struct.unpack(">f", data)[0])


def _double(data: bytes) -> object:
    return float(struct.unpack(">d", data)[0])


def _text(data: bytes) -> object:
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise Malformed("a string is not UTF-8") from None


def _symbol(data: bytes) -> object:
    try:
        return Symbol(data.decode("ascii"))
    except UnicodeDecodeError:
        raise Malformed("a symbol is not ASCII") from None


_CONSTANT: dict[int, object] = {0x40: None, 0x41: True, 0x42: False, 0x43: Uint(0), 0x44: Ulong(0)}
_FIXED: dict[int, tuple[int, Callable[[bytes], object]]] = {
    0x50: (1, _unsigned(Ubyte)),
    0x51: (1, _signed(Byte)),
    0x52: (1, _unsigned(Uint)),
    0x53: (1, _unsigned(Ulong)),
    0x54: (1, _signed(Int)),
    0x55: (1, _signed(Long)),
    0x56: (1, _boolean),
    0x60: (2, _unsigned(Ushort)),
    0x61: (2, _signed(Short)),
    0x70: (4, _unsigned(Uint)),
    0x71: (4, _signed(Int)),
    0x72: (4, _float),
    0x73: (4, _unsigned(Char)),
    0x74: (4, Decimal),
    0x80: (8, _unsigned(Ulong)),
    0x81: (8, _signed(Long)),
    0x82: (8, _double),
    0x83: (8, _signed(Timestamp)),
    0x84: (8, Decimal),
    0x94: (16, Decimal),
    0x98: (16, Uuid),
}
_VARIABLE: dict[int, Callable[[bytes], object]] = {
    0xA0: bytes,
    0xA1: _text,
    0xA3: _symbol,
    0xB0: bytes,
    0xB1: _text,
    0xB3: _symbol,
}
# Methods of one class under their codes; one code has neither size nor count.
_COMPOUND: dict[int, Callable[[Values, int, int], object]] = {
    0x45: lambda _values, _code, _depth: [],
    0xC0: Values._list,
    0xC1: Values._map,
    0xD0: Values._list,
    0xD1: Values._map,
    0xE0: Values._array,
    0xF0: Values._array,
}
