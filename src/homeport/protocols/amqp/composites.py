"""Composite types (1.4): structs to described lists and back, by the order, types and defaults of their own fields.

Counterpart: `performatives.py`. A descriptor may come as a number or as its symbolic name. A described value that
is none of these stays what it is, wherever its field allows that.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, get_args

import msgspec
from msgspec.structs import astuple

from homeport.protocols.amqp import performatives
from homeport.protocols.amqp.conditions import Malformed
from homeport.protocols.amqp.encoding import encode, encode_described_list
from homeport.protocols.amqp.types import Described, Symbol, Ulong

_CODES: dict[type[msgspec.Struct], tuple[int, str]] = {
    performatives.Open: (0x10, "open"),
    performatives.Begin: (0x11, "begin"),
    performatives.Attach: (0x12, "attach"),
    performatives.Flow: (0x13, "flow"),
    performatives.Transfer: (0x14, "transfer"),
    performatives.Disposition: (0x15, "disposition"),
    performatives.Detach: (0x16, "detach"),
    performatives.End: (0x17, "end"),
    performatives.Close: (0x18, "close"),
    performatives.Error: (0x1D, "error"),
    performatives.Received: (0x23, "received"),
    performatives.Accepted: (0x24, "accepted"),
    performatives.Rejected: (0x25, "rejected"),
    performatives.Released: (0x26, "released"),
    performatives.Modified: (0x27, "modified"),
    performatives.Source: (0x28, "source"),
    performatives.Target: (0x29, "target"),
    performatives.SaslMechanisms: (0x40, "sasl-mechanisms"),
    performatives.SaslInit: (0x41, "sasl-init"),
    performatives.SaslChallenge: (0x42, "sasl-challenge"),
    performatives.SaslResponse: (0x43, "sasl-response"),
    performatives.SaslOutcome: (0x44, "sasl-outcome"),
    performatives.Header: (0x70, "header"),
    performatives.Properties: (0x73, "properties"),
}


class _Field(NamedTuple):
    name: str
    kinds: tuple[type, ...]


_STRUCT_FIELDS = {composite: msgspec.structs.fields(composite) for composite in _CODES}
_FIELDS = {
    composite: tuple(_Field(field.name, get_args(field.type) or (field.type,)) for field in fields)
    for composite, fields in _STRUCT_FIELDS.items()
}
_DEFAULTS: dict[type[msgspec.Struct], tuple[object, ...]] = {
    composite: tuple(None if field.required else field.default for field in fields)
    for composite, fields in _STRUCT_FIELDS.items()
}
_REQUIRED = {
    composite: tuple(field.name for field in fields if field.required) for composite, fields in _STRUCT_FIELDS.items()
}
_COMPOSITES: dict[object, type[msgspec.Struct]] = {
    **{Ulong(code): composite for composite, (code, _) in _CODES.items()},
    **{Symbol(f"amqp:{name}:list"): composite for composite, (_, name) in _CODES.items()},
}
_NAMES = int, str  # what a descriptor may be of which there are structs; a compound one could not even be looked up
_NULL = encode(None)


def encode_composite(value: msgspec.Struct) -> bytes:
    """The bytes of a struct of `performatives.py`, without its defaults and without what follows the last field set.

    Raises:
        TypeError, OverflowError, ValueError: as `encoding.encode`.
    """
    items = [
        _NULL if item is None or item == default else _ENCODERS.get(type(item), encode)(item)
        for default, item in zip(_DEFAULTS[type(value)], astuple(value), strict=True)
    ]
    while items and items[-1] is _NULL:
        items.pop()
    return encode_described_list(_CODES[type(value)][0], items)


def composed(value: object) -> object:
    """The struct that a decoded value describes, with the structs in it; any other value as it is.

    Raises:
        Malformed: it has the descriptor of a struct, and not its form.
    """
    if not isinstance(value, Described) or not isinstance(value.descriptor, _NAMES):
        return value
    composite = _COMPOSITES.get(value.descriptor)
    if composite is None:
        return value
    if not isinstance(value.value, list):
        raise Malformed(f"{composite.__name__} is not a list")
    return _struct(composite, value.value)


def _struct(composite: type[msgspec.Struct], items: list[object]) -> msgspec.Struct:
    fields = _FIELDS[composite]
    if len(items) > len(fields):
        raise Malformed(f"{composite.__name__} has more fields than are known")
    values = {}
    for (name, kinds), item in zip(fields, items, strict=False):
        if item is None:
            continue
        value = composed(item) if isinstance(item, Described) else item
        if not isinstance(value, kinds):
            raise Malformed(f"{name} of {composite.__name__} is of another type")
        values[name] = value
    for name in _REQUIRED[composite]:
        if name not in values:
            raise Malformed(f"{composite.__name__} lacks {name}")
    return composite(**values)


_ENCODERS: dict[type, Callable[[Any], bytes]] = dict.fromkeys(_CODES, encode_composite)
