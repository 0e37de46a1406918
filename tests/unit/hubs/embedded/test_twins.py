"""Twin rules: merge by property, limits by table, versions and etags by example."""

import math
from datetime import UTC, datetime
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.unit.administration.world import refused

from homeport import errors
from homeport.hubs.embedded.twins import (
    INTEGERS,
    MAX_PROPERTIES,
    MAX_TAGS,
    TwinPatch,
    devices_document,
    difference,
    merged,
    operators_etag,
    patched,
    replaced,
    without_shown,
)
from homeport.model.hub_device import HubTwin
from homeport.model.identifiers import DeviceId, ETag, ServiceId

THEN = datetime(2030, 1, 1, tzinfo=UTC)
NOW = datetime(2030, 1, 2, tzinfo=UTC)
NEW = ETag('"new"')
TWIN = HubTwin(
    service_id=ServiceId(1),
    hub_host_name="hub.test",
    device_id=DeviceId("dev-1"),
    etag=ETag('"old"'),
    updated_at=THEN,
    tags={},
    desired={},
    reported={},
)

keys = st.text("abcd", min_size=1, max_size=2)
scalars = st.booleans() | st.integers(-3, 3) | st.sampled_from([0.0, 1.0, 1.5]) | st.text("xyz", max_size=2)
values = st.recursive(
    scalars | st.lists(scalars, max_size=2), lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8
)
sections = st.dictionaries(keys, values, max_size=4)
patch_values = st.recursive(st.none() | scalars, lambda inner: st.dictionaries(keys, inner, max_size=3), max_leaves=8)
patches = st.dictionaries(keys, patch_values, max_size=4)


def apply(twin: HubTwin, **sections: dict[str, Any]) -> HubTwin:
    return patched(twin, TwinPatch(**sections), etag=NEW, at=NOW)


def as_json(value: Any) -> bytes:
    """Equal JSON only: Python takes true, 1 and 1.0 for the same."""
    return msgspec.json.encode(value, order="deterministic")


def has_null(value: Any) -> bool:
    return value is None or (isinstance(value, dict) and any(map(has_null, value.values())))


# --- merge ----------------------------------------------------------------------------------------------------


@given(sections, patches)
def test_merging_twice_is_merging_once(section: dict[str, Any], patch: dict[str, Any]) -> None:
    once = merged(section, patch)
    assert as_json(merged(once, patch)) == as_json(once)


@given(sections, patches)
def test_a_merge_leaves_no_null_and_its_arguments_alone(section: dict[str, Any], patch: dict[str, Any]) -> None:
    before = as_json(section), as_json(patch)
    assert not has_null(merged(section, patch))
    assert (as_json(section), as_json(patch)) == before


@given(sections, keys)
def test_null_deletes_and_nothing_else_changes(section: dict[str, Any], key: str) -> None:
    rest = {name: value for name, value in section.items() if name != key}
    assert as_json(merged(section, {key: None})) == as_json(rest)


@given(sections, sections)
def test_the_difference_makes_the_new_of_the_old(old: dict[str, Any], new: dict[str, Any]) -> None:
    assert as_json(merged(old, difference(old, new))) == as_json(new)


@given(sections)
def test_nothing_differs_from_itself(section: dict[str, Any]) -> None:
    assert difference(section, section) == {}


def test_the_difference_is_small() -> None:
    old = {"keep": 1, "gone": 2, "deep": {"same": [1], "other": True, "gone": {}}}
    new = {"keep": 1, "deep": {"same": [1], "other": 1}, "fresh": {"a": 1}}
    assert difference(old, new) == {"gone": None, "deep": {"other": 1, "gone": None}, "fresh": {"a": 1}}


def test_an_object_takes_the_place_of_a_value_and_the_other_way_round() -> None:
    assert merged({"a": 1, "b": {"c": 1}}, {"a": {"d": 1, "e": None}, "b": 2}) == {"a": {"d": 1}, "b": 2}


# --- versions -------------------------------------------------------------------------------------------------


@given(st.lists(st.tuples(patches, patches, patches), max_size=4))
def test_versions_grow_with_what_is_touched_and_never_otherwise(
    steps: list[tuple[dict[str, Any], dict[str, Any], dict[str, Any]]],
) -> None:
    twin = TWIN
    for tags, desired, reported in steps:
        after = apply(twin, tags=tags, desired=desired, reported=reported)
        assert after.desired_version == twin.desired_version + bool(desired)
        assert after.reported_version == twin.reported_version + bool(reported)
        assert after.version == twin.version + 1
        assert (after.etag, after.updated_at) == (NEW, NOW)
        twin = after


def test_a_replacement_drops_what_is_not_in_it_and_keeps_what_the_device_reported() -> None:
    before = apply(TWIN, tags={"a": 1}, desired={"b": 1, "c": 2}, reported={"d": 1})
    after = replaced(before, tags={}, desired={"b": 3, "none": None}, etag=NEW, at=NOW)
    assert (after.tags, after.desired, after.reported) == ({}, {"b": 3}, {"d": 1})
    assert (after.desired_version, after.reported_version, after.version) == (3, 2, 3)


def test_a_replacement_by_nothing_is_a_version_too() -> None:
    after = replaced(apply(TWIN, desired={"b": 1}), tags={}, desired={}, etag=NEW, at=NOW)
    assert (after.desired, after.desired_version) == ({}, 3)


def test_operators_etag_stands_for_tags_and_desired_properties_only() -> None:
    assert operators_etag(apply(TWIN, reported={"a": 1})) == operators_etag(TWIN)
    assert operators_etag(apply(TWIN, tags={"a": 1})) != operators_etag(TWIN)
    desired = apply(TWIN, desired={"a": 1})
    assert operators_etag(desired) != operators_etag(TWIN)
    # The same content, written again, is another version.
    assert operators_etag(apply(desired, desired={"a": 1})) != operators_etag(desired)
    assert operators_etag(TWIN)[0] == operators_etag(TWIN)[-1] == '"'


def test_the_devices_document() -> None:
    twin = apply(TWIN, tags={"secret": 1}, desired={"rate": 5}, reported={"rate": 4})
    assert msgspec.json.decode(devices_document(twin)) == {
        "desired": {"rate": 5, "$version": 2},
        "reported": {"rate": 4, "$version": 2},
    }


def test_what_only_the_hub_writes_is_dropped_at_the_top_alone() -> None:
    assert without_shown({"$metadata": {}, "$version": 3, "a": {"$version": 1}}) == {"a": {"$version": 1}}


# --- limits ---------------------------------------------------------------------------------------------------


def nested(levels: int, innermost: Any) -> Any:
    for _ in range(levels):
        innermost = {"x": innermost}
    return innermost


@pytest.mark.parametrize(
    "section",
    [
        {"a": nested(10, 1)},
        {"a": [[[[[[[[[[1]]]]]]]]]]},
        {"k" * 1024: "v" * 4096},
        {"a": INTEGERS[0], "b": INTEGERS[-1], "c": 1.5, "d": True, "e": "", "f": [], "g": {}, "ü-/_": "☂"},
        {"a": [None]},
    ],
)
def test_what_is_allowed(section: dict[str, Any]) -> None:
    assert apply(TWIN, desired=section).desired == section


@pytest.mark.parametrize(
    "section",
    [
        {"a": nested(11, 1)},
        {"a": nested(9, [[1]])},
        {"a": nested(900, 1)},
        {"": 1},
        {"k" * 1025: 1},
        {"ü" * 513: 1},
        {"a.b": 1},
        {"a b": 1},
        {"$a": 1},
        {"a\n": 1},
        {"a\x7f": 1},
        {"a\x9f": 1},
        {"a": {"b": {"$c": None}}},
        {"a": [{"b.c": 1}]},
        {"a": "v" * 4097},
        {"a": [INTEGERS[-1] + 1]},
        {"a": INTEGERS[0] - 1},
        {"a": math.inf},
        {"a": math.nan},
    ],
)
@pytest.mark.parametrize("name", ["tags", "desired", "reported"])
def test_what_is_refused(name: str, section: dict[str, Any]) -> None:
    with refused(errors.INVALID_BODY) as caught:
        apply(TWIN, **{name: section})
    assert caught.value.info == {"section": name}


@pytest.mark.parametrize(
    ("name", "limit"), [("tags", MAX_TAGS), ("desired", MAX_PROPERTIES), ("reported", MAX_PROPERTIES)]
)
def test_a_section_may_grow_to_its_limit(name: str, limit: int) -> None:
    filled = apply(TWIN, **{name: {f"k{number}": "v" * 4000 for number in range(limit // 4096)}})
    room = limit - len(msgspec.json.encode(getattr(filled, name))) - len(',"r":""')
    assert len(msgspec.json.encode(getattr(apply(filled, **{name: {"r": "v" * room}}), name))) == limit
    with refused(errors.INVALID_BODY):
        apply(filled, **{name: {"r": "v" * (room + 1)}})
