"""Which api-versions are served, and as what."""

import pytest

from homeport import errors
from homeport.errors import HomeportError
from homeport.wire.api_versions import KNOWN, served_version


@pytest.mark.parametrize("version", KNOWN)
def test_known_ones_are_served_as_themselves(version: str) -> None:
    assert served_version(version) == version


@pytest.mark.parametrize(
    ("asked", "served"),
    [
        ("2099-12-31", KNOWN[-1]),
        ("2027-01-01-preview", KNOWN[-1]),
        ("2020-06-15", "2019-03-31"),
        ("2010-01-01", KNOWN[0]),
    ],
)
def test_others_are_served_as_the_newest_before_them(asked: str, served: str) -> None:
    assert served_version(asked) == served


@pytest.mark.parametrize(
    "text", [None, "", "latest", "2021-10", "2021-13-01", "2021-10-32", "2021-10-01-beta", "2021-10-01 ", "٢٠٢١-10-01"]
)
def test_missing_and_malformed_ones_are_refused(text: str | None) -> None:
    with pytest.raises(HomeportError) as caught:
        served_version(text)
    assert caught.value.row is errors.INVALID_API_VERSION
    assert KNOWN[-1] in caught.value.message


def test_known_ones_are_in_order() -> None:
    assert list(KNOWN) == sorted(KNOWN)
