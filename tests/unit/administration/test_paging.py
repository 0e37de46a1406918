"""Pages: whole, last, and the place of the next."""

import pytest

from homeport.administration.paging import page_of


@pytest.mark.parametrize(
    ("rows", "items", "next_after"),
    [
        ("", (), None),
        ("A", ("A",), None),
        ("AB", ("A", "B"), None),
        ("ABC", ("A", "B"), "b"),
    ],
)
def test_pages_of_two(rows: str, items: tuple[str, ...], next_after: str | None) -> None:
    page = page_of(rows, limit=2, key=str.lower)
    assert (page.items, page.next_after) == (items, next_after)
