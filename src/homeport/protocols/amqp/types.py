"""AMQP's type system as Python values, each of a type that says how it is encoded (part 1, Types).

What Python has, is used: None, bool, float (a double), bytes, str and list. Integers exist in eight widths, texts in
two kinds; a subclass each keeps them apart, so that what was read is written back as it was. That matters: a reply
has to echo a correlation ID in the type in which it came. Counterparts: `decoding.py` and `encoding.py`.
"""

import msgspec


class Ubyte(int):
    """0 to 2^8 - 1."""


class Ushort(int):
    """0 to 2^16 - 1."""


class Uint(int):
    """0 to 2^32 - 1."""


class Ulong(int):
    """0 to 2^64 - 1."""


class Byte(int):
    """-2^7 to 2^7 - 1."""


class Short(int):
    """-2^15 to 2^15 - 1."""


class Int(int):
    """-2^31 to 2^31 - 1; what the C client wants a `retry-after` to be."""


class Long(int):
    """-2^63 to 2^63 - 1."""


class Float(float):
    """32 bits."""


class Decimal(bytes):
    """4, 8 or 16 bytes of IEEE 754 decimal, which nobody here reckons with."""


class Char(int):
    """A Unicode character as its number."""


class Timestamp(int):
    """Milliseconds since 1970."""


class Uuid(bytes):
    """16 bytes."""


class Symbol(str):
    """A name of the protocol's vocabulary, ASCII."""


class Array(tuple[object, ...]):
    """Values of one type. Which type an empty array is of, is forgotten."""


class Map(dict[object, object]):
    """Pairs. A symbol finds what a string of the same letters has put in, and the other way round."""


class Described(msgspec.Struct, frozen=True):
    """A value with a descriptor that names what it means (1.1.2)."""

    descriptor: object
    value: object
