"""JSON bodies of the service API: bytes to plain values to structs, with errors that say where and what.

Counterpart: `wire/error_body.py`. Knows JSON and its limits, none of the API's nouns.
"""

import re
from typing import Any, TypeVar

import msgspec

from homeport import errors
from homeport.errors import HomeportError

T = TypeVar("T")

_PLACE = re.compile(r" - at `(?P<path>\$[^`]*)`$")


def read_json(body: bytes) -> Any:
    """The value of a JSON text in UTF-8.

    Raises:
        HomeportError: INVALID_BODY if it is none, or nested deeper than the parser goes.
    """
    try:
        return msgspec.json.decode(body)
    except RecursionError:
        raise invalid("It is nested too deeply.", path="$", remedy="flatten the objects") from None
    except (msgspec.DecodeError, UnicodeDecodeError) as error:
        raise invalid(f"It is not JSON in UTF-8: {_without_full_stop(error)}.", remedy="send a JSON object") from error


def read_object(body: bytes) -> dict[str, Any]:
    """As `read_json`, of a JSON object; an INVALID_BODY error for anything else."""
    value = read_json(body)
    if not isinstance(value, dict):
        raise invalid("It must be a JSON object.", path="$", remedy="send a JSON object")
    return value


def read_as(value: Any, type_: type[T]) -> T:
    """A plain value as a struct; unknown properties are dropped.

    Raises:
        HomeportError: INVALID_BODY naming the JSON path and what was expected there.
    """
    try:
        return msgspec.convert(value, type_)
    except msgspec.ValidationError as error:
        text = str(error)
        place = _PLACE.search(text)
        path = place["path"] if place else "$"
        what = _PLACE.sub("", text).replace(" | null", "")
        raise invalid(f"{what} at {path}.", path=path, remedy=what) from error


def without_nulls(value: Any, *, free_form: frozenset[str]) -> Any:
    """`value` without members that are null: an SDK's way of saying nothing.

    Members named in `free_form` are taken as they are: there a null is the caller's own data.
    """
    if isinstance(value, list):
        return [without_nulls(item, free_form=free_form) for item in value]
    if not isinstance(value, dict):
        return value
    return {
        name: member if name in free_form else without_nulls(member, free_form=free_form)
        for name, member in value.items()
        if member is not None
    }


def invalid(detail: str, *, path: str = "", remedy: str = "") -> HomeportError:
    """INVALID_BODY with, as machine-readable facts, where in the body and what to do about it."""
    facts = {"path": path, "expected": remedy}
    return HomeportError(errors.INVALID_BODY, detail, info={name: fact for name, fact in facts.items() if fact})


def _without_full_stop(error: Exception) -> str:
    return str(error).rstrip(".")
