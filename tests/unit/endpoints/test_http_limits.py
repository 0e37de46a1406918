"""How large a head may be."""

import pytest

from homeport import errors
from homeport.endpoints.http_limits import MAX_HEAD, HeadMeter, body_too_large, parser_fault
from homeport.errors import HomeportError


@pytest.mark.parametrize("measure", ["parsed", "arrived"])
def test_head_is_bounded(measure: str) -> None:
    meter = HeadMeter()
    for _ in range(2):
        meter.begin()
        assert meter.open
        getattr(meter, measure)(MAX_HEAD - 1)
        getattr(meter, measure)(1)
    with pytest.raises(HomeportError) as refusal:
        getattr(meter, measure)(1)
    assert refusal.value.row is errors.HEADERS_TOO_LARGE


def test_both_measures_are_apart() -> None:
    """A head that comes in pieces counts once in each, and not twice in one."""
    meter = HeadMeter()
    meter.begin()
    meter.arrived(MAX_HEAD)
    meter.parsed(MAX_HEAD)


def test_refusals_name_the_limit() -> None:
    assert "96 KiB" in body_too_large(96 * 1024).message


def test_parser_fault() -> None:
    ours = HomeportError(errors.BODY_TOO_LARGE)
    theirs = ValueError()
    theirs.__context__ = ours
    assert parser_fault(theirs) is ours
    assert parser_fault(ValueError()).row is errors.INVALID_REQUEST
    assert parser_fault(None).row is errors.INVALID_REQUEST
