"""How a query is paged over HTTP: the page size, and the continuation token.

Source: REST headers `x-ms-max-item-count` and `x-ms-continuation`. A token holds the kind of the listing and
the last ID of the page before, so that it survives restarts and needs no memory; to clients it is opaque.
"""

import base64
import binascii

from homeport import errors
from homeport.errors import HomeportError

PAGE_SIZE = 100
"""The default and the most; the hosted service answers no more either, whatever is asked."""

_FORMAT = "1"
_SEPARATOR = "\n"


def read_page_size(text: str | None) -> int:
    """The number of items on a page. 0, a client's way of leaving it open, is the default.

    Raises:
        HomeportError: INVALID_REQUEST if it is no whole number.
    """
    bare = (text or "").strip()
    if not bare:
        return PAGE_SIZE
    if not (bare.isascii() and bare.isdigit()):
        raise HomeportError(
            errors.INVALID_REQUEST,
            f"x-ms-max-item-count must be a whole number from 1 to {PAGE_SIZE}, or 0 for the default.",
            info={"header": "x-ms-max-item-count"},
        )
    # Never parse a long run of digits: more than nine are more than a page anyway.
    wanted = int(bare) if len(bare) <= 9 else PAGE_SIZE
    return min(wanted, PAGE_SIZE) or PAGE_SIZE


def write_continuation(listing: str, after: str) -> str:
    """A token for the page of `listing` that starts behind the ID `after`."""
    return base64.urlsafe_b64encode(_SEPARATOR.join((_FORMAT, listing, after)).encode()).decode()


def read_continuation(text: str | None, listing: str) -> str:
    """The ID behind which the page starts; "" for the first page, when there is no token.

    Raises:
        HomeportError: INVALID_CONTINUATION if this server did not make it for this listing.
    """
    if not text or not text.strip():
        return ""
    match _decoded(text.strip()).split(_SEPARATOR):
        case [version, kind, after] if version == _FORMAT and kind == listing and after:
            return after
    raise _invalid()


def _decoded(text: str) -> str:
    try:
        return base64.b64decode(text, altchars=b"-_", validate=True).decode()
    except (binascii.Error, ValueError) as error:
        raise _invalid() from error


def _invalid() -> HomeportError:
    return HomeportError(
        errors.INVALID_CONTINUATION, "Send it back as x-ms-continuation gave it, to the same query, or start again."
    )
