"""A page of a listing in the order of its keys: what is on it, and where the next one starts.

Keyset paging: the key of the last item is the place to go on from, so that a page costs the same wherever it is,
and neither insertions nor deletions shift it. How a place travels to a client is for `wire/paging.py`.
"""

from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import msgspec

T = TypeVar("T")


class Page(msgspec.Struct, Generic[T], frozen=True, kw_only=True):
    """`items` in order; `next_after` is the key behind which the next page starts, None on the last one."""

    items: tuple[T, ...]
    next_after: str | None = None


def page_of(rows: Sequence[T], *, limit: int, key: Callable[[T], str]) -> Page[T]:
    """The page of `limit` items from rows that were read with one more, if there is one more."""
    items = tuple(rows[:limit])
    return Page(items=items, next_after=key(items[-1]) if len(rows) > limit else None)
