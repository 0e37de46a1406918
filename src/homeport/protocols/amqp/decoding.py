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
        self._afford(1)
        return self._value(0)

    def more(self) -> bool:
        """Whether bytes are left."""
        return self._position < self._length

    def rest(self) -> bytes:
        """The bytes that are left."""
        return self._take(self._length - self._position)

    def _value(self, depth: int) -> object:
        """The next value, which has been paid for."""
        position = self._position
        if position == self._length:
            raise Malformed("a value ends beyond its bytes")
        self._position = position + 1
        return self._built(self._data[position], depth)

    def _built(self, code: int, depth: int) -> object:
        """The value behind a constructor's code (1.2). Most that devices send are constants."""
        if code in _CONSTANT:
            return _CONSTANT[code]
        reader = _READERS.get(code)
        if reader is None:
            raise Malformed(f"no type has the code {code:#04x}")
        return reader(self, code, depth)

    def _described(self, code: int, depth: int) -> object:
        self._enter(2, depth + 1)
        return Described(self._value(depth + 1), self._value(depth + 1))

    def _list(self, code: int, depth: int) -> object:
        end, count = self._bounds(code)
        self._enter(count, depth + 1)
        return self._ended(end, [self._value(depth + 1) for _ in range(count)])

    def _map(self, code: int, depth: int) -> object:
        end, count = self._bounds(code)
        self._enter(count, depth + 1)
        if count % 2:
            raise Malformed("a map with a key and no value")
        pairs = Map()
        for _ in range(count // 2):
            key, value = self._value(depth + 1), self._value(depth + 1)
            if isinstance(key, _COMPOUND) or key in pairs:
                raise Malformed("a map with a compound key, or with one twice")
            pairs[key] = value
        return self._ended(end, pairs)

    def _array(self, code: int, depth: int) -> object:
        end, count = self._bounds(code)
        self._enter(count, depth + 1)
        descriptor, constructor = None, self._byte()
        described = constructor == 0x00
        if described:
            self._afford(1)
            descriptor, constructor = self._value(depth + 1), self._byte()
            if constructor == 0x00:
                raise Malformed("an array of values that are described twice")
        items = [self._built(constructor, depth + 1) for _ in range(count)]
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

    def _enter(self, count: int, depth: int) -> None:
        """So many values are to be built at this depth."""
        if depth > MAX_DEPTH and count:
            raise Malformed("a value is nested too deeply")
        self._afford(count)

    def _afford(self, count: int) -> None:
        """Pay for so many values, before any of them is built."""
        if count > self._budget:
            raise Malformed("more values than are accepted")
        self._budget -= count

    def _byte(self) -> int:
        position = self._position
        if position == self._length:
            raise Malformed("a value ends beyond its bytes")
        self._position = position + 1
        return self._data[position]

    def _variable(self, code: int) -> bytes:
        """What stands behind a size of one byte or four; nearly always one."""
        return self._take(self._size(code) if code & 0x10 else self._byte())

    def _take(self, size: int) -> bytes:
        start = self._position
        end = start + size
        if end > self._length:
            raise Malformed("a value ends beyond its bytes")
        self._position = end
        return self._data[start:end]


_COMPOUND = list, Map, Described, Array
_Reader = Callable[[Values, int, int], object]


def _unsigned(kind: Callable[[int], object], width: int) -> _Reader:
    if width == 1:
        return lambda values, _code, _depth: kind(values._byte())
    return lambda values, _code, _depth: kind(int.from_bytes(values._take(width)))


def _signed(kind: Callable[[int], object], width: int) -> _Reader:
    return lambda values, _code, _depth: kind(int.from_bytes(values._take(width), signed=True))


def _fixed(build: Callable[[bytes], object], width: int) -> _Reader:
    return lambda values, _code, _depth: build(values._take(width))


def _variable(build: Callable[[bytes], object]) -> _Reader:
    return lambda values, code, _depth: build(values._variable(code))


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
_READERS: dict[int, _Reader] = {
    0x00: Values._described,
    0x45: lambda _values, _code, _depth: [],
    0x50: _unsigned(Ubyte, 1),
    0x51: _signed(Byte, 1),
    0x52: _unsigned(Uint, 1),
    0x53: _unsigned(Ulong, 1),
    0x54: _signed(Int, 1),
    0x55: _signed(Long, 1),
    0x56: _fixed(_boolean, 1),
    0x60: _unsigned(Ushort, 2),
    0x61: _signed(Short, 2),
    0x70: _unsigned(Uint, 4),
    0x71: _signed(Int, 4),
    0x72: _fixed(_float, 4),
    0x73: _unsigned(Char, 4),
    0x74: _fixed(Decimal, 4),
    0x80: _unsigned(Ulong, 8),
    0x81: _signed(Long, 8),
    0x82: _fixed(_double, 8),
    0x83: _signed(Timestamp, 8),
    0x84: _fixed(Decimal, 8),
    0x94: _fixed(Decimal, 16),
    0x98: _fixed(Uuid, 16),
    0xA0: _variable(bytes),
    0xA1: _variable(_text),
    0xA3: _variable(_symbol),
    0xB0: _variable(bytes),
    0xB1: _variable(_text),
    0xB3: _variable(_symbol),
    0xC0: Values._list,
    0xC1: Values._map,
    0xD0: Values._list,
    0xD1: Values._map,
    0xE0: Values._array,
    0xF0: Values._array,
}
