"""The rules of device twins: merge, limits, versions, etags. Pure.

Source: the hub's developer guide on twins (null deletes; sections of 8 and 32 KB; ten levels; key and value
rules). Sizes are measured as the section's compact JSON in UTF-8, which counts a little more than the hosted hub
does. Counterparts: `device_twins.py` stores what comes of this, `documents.py` shows it to operators.
"""

import base64
import hashlib
import math
import re
from datetime import datetime
from typing import Any

import msgspec
from msgspec.structs import replace

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.hub_device import HubTwin, JsonObject
from homeport.model.identifiers import ETag

MAX_TAGS = 8 * 1024
MAX_PROPERTIES = 32 * 1024
MAX_DEPTH = 10
"""Objects and arrays inside each other below the section itself."""
MAX_KEY = 1024
MAX_STRING = 4096
INTEGERS = range(-(2**52), 2**52)

# What the hub shows in a section and nobody can write; clients send it back when they write what they have read.
_SHOWN = ("$metadata", "$version")
# Control characters C0 and C1, space, dot and dollar sign.
_BAD_KEY = re.compile(r"[\x00-\x20.$\x7f-\x9f]")


class TwinPatch(msgspec.Struct, frozen=True, kw_only=True):
    """What is to be merged; an empty section says nothing."""

    tags: JsonObject = msgspec.field(default_factory=dict)
    desired: JsonObject = msgspec.field(default_factory=dict)
    reported: JsonObject = msgspec.field(default_factory=dict)

    @property
    def is_empty(self) -> bool:
        """Whether there is nothing to do."""
        return not (self.tags or self.desired or self.reported)


def merged(current: JsonObject, patch: JsonObject) -> JsonObject:
    """`current` after a merge patch (RFC 7396): null deletes, objects merge, all else replaces."""
    result = dict(current)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            inner = result.get(key)
            result[key] = merged(inner if isinstance(inner, dict) else {}, value)
        else:
            result[key] = value
    return result


def difference(old: JsonObject, new: JsonObject) -> JsonObject:
    """The smallest patch that makes `new` of `old`; neither holds a null outside of arrays."""
    patch: JsonObject = {key: None for key in old if key not in new}
    for key, value in new.items():
        before = old.get(key)
        if isinstance(before, dict) and isinstance(value, dict):
            if inner := difference(before, value):
                patch[key] = inner
        elif key not in old or not _same(before, value):
            patch[key] = value
    return patch


def without_shown(section: JsonObject) -> JsonObject:
    """A section as a client sent it, without what only the hub writes."""
    return {key: value for key, value in section.items() if key not in _SHOWN}


def patched(twin: HubTwin, patch: TwinPatch, *, etag: ETag, at: datetime) -> HubTwin:
    """The twin after a patch, with the versions of what it touches grown.

    Raises:
        HomeportError: INVALID_BODY if the patch, or what it would make, breaks a rule.
    """
    for name in ("tags", "desired", "reported"):
        _check_values(getattr(patch, name), name)
    return _checked(
        replace(
            twin,
            etag=etag,
            updated_at=at,
            tags=merged(twin.tags, patch.tags),
            desired=merged(twin.desired, patch.desired),
            reported=merged(twin.reported, patch.reported),
            desired_version=twin.desired_version + bool(patch.desired),
            reported_version=twin.reported_version + bool(patch.reported),
            version=twin.version + 1,
        )
    )


def replaced(twin: HubTwin, *, tags: JsonObject, desired: JsonObject, etag: ETag, at: datetime) -> HubTwin:
    """The twin with other tags and desired properties; nulls in them are dropped.

    Raises:
        HomeportError: INVALID_BODY if they break a rule.
    """
    emptied = replace(twin, tags={}, desired={}, desired_version=twin.desired_version + (not desired))
    return patched(emptied, TwinPatch(tags=tags, desired=desired), etag=etag, at=at)


def operators_etag(twin: HubTwin) -> ETag:
    """The etag that operators see: it stands for tags and desired properties, as that of the hosted hub does.

    So what a device reports between an operator's read and write does not spoil the write.
    """
    seen = msgspec.json.encode([twin.tags, twin.desired, twin.desired_version])
    return ETag(f'"{base64.b64encode(hashlib.sha256(seen).digest()[:12]).decode()}"')


def devices_document(twin: HubTwin) -> bytes:
    """What a device gets when it asks for its twin, as JSON."""
    return msgspec.json.encode(
        {
            "desired": {**twin.desired, "$version": twin.desired_version},
            "reported": {**twin.reported, "$version": twin.reported_version},
        }
    )


def _checked(twin: HubTwin) -> HubTwin:
    for name, section, limit in (
        ("tags", twin.tags, MAX_TAGS),
        ("desired", twin.desired, MAX_PROPERTIES),
        ("reported", twin.reported, MAX_PROPERTIES),
    ):
        if len(msgspec.json.encode(section)) > limit:
            raise _invalid(name, f"would have more than {limit // 1024} KiB of JSON")
    return twin


def _check_values(value: Any, section: str, depth: int = 0) -> None:
    if depth > MAX_DEPTH:
        raise _invalid(section, f"has more than {MAX_DEPTH} levels")
    if isinstance(value, dict):
        for key, member in value.items():
            _check_key(key, section)
            _check_values(member, section, depth + isinstance(member, dict | list))
    elif isinstance(value, list):
        for member in value:
            _check_values(member, section, depth + isinstance(member, dict | list))
    else:
        _check_scalar(value, section)


def _check_key(key: str, section: str) -> None:
    if not key or len(key.encode()) > MAX_KEY:
        raise _invalid(section, f"has a key that is empty or longer than {MAX_KEY} bytes")
    if _BAD_KEY.search(key):
        raise _invalid(section, "has a key with a dot, a dollar sign, a space or a control character")


def _check_scalar(value: Any, section: str) -> None:
    if isinstance(value, str) and len(value.encode()) > MAX_STRING:
        raise _invalid(section, f"has a string longer than {MAX_STRING} bytes")
    if isinstance(value, int) and value not in INTEGERS:
        raise _invalid(section, "has a whole number outside of -2^52 to 2^52 - 1")
    if isinstance(value, float) and not math.isfinite(value):
        raise _invalid(section, "has a number that JSON cannot write")


def _same(one: Any, other: Any) -> bool:
    # Python's == takes true for 1, and 1 for 1.0; as JSON they differ.
    return msgspec.json.encode(one) == msgspec.json.encode(other)


def _invalid(section: str, what: str) -> HomeportError:
    return HomeportError(errors.INVALID_BODY, f"The section {section} {what}.", info={"section": section})
