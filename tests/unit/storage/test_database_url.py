"""A database URL is never shown with its password, whatever the password looks like."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.storage.database_url import DatabaseUrl


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        ("postgresql://db.example/homeport", "postgresql://db.example/homeport"),
        ("postgresql://me@db.example:5433/homeport", "postgresql://me@db.example:5433/homeport"),
        ("postgresql://me:secret@db.example/homeport", "postgresql://me:***@db.example/homeport"),
        ("postgres://me:s%40cret@a:1,b:2/d?sslmode=require", "postgres://me:***@a:1,b:2/d?sslmode=require"),
        ("postgresql://me:s/e:c?r#et@db.example/d", "postgresql://me:***@db.example/d"),
        ("postgresql://me:@db.example/d", "postgresql://me:***@db.example/d"),
        (
            "postgresql:///d?host=/run/pg&password=secret&sslPassword=s2",
            "postgresql:///d?host=/run/pg&password=***&sslPassword=***",
        ),
    ],
)
def test_a_url_is_shown_without_its_password(written: str, shown: str) -> None:
    url = DatabaseUrl(written)
    assert str(url) == shown
    assert repr(url) == f"DatabaseUrl({shown!r})"
    assert url.reveal() == written


@given(st.text(st.characters(codec="ascii", exclude_characters="*", categories=("L", "N", "P", "S")), min_size=6))
def test_no_password_shows(password: str) -> None:
    assert password not in str(DatabaseUrl(f"postgresql://u:{password}@h:1/d"))


@pytest.mark.parametrize("text", ["", "homeport.db", "mysql://me:secret@h/d", "me:secret@h"])
def test_what_is_no_such_url_is_refused_without_being_repeated(text: str) -> None:
    with pytest.raises(ValueError, match="starts with postgresql://") as refusal:
        DatabaseUrl(text)
    assert "secret" not in str(refusal.value)


def test_urls_are_values() -> None:
    assert DatabaseUrl("postgresql://h/d") == DatabaseUrl("postgresql://h/d")
    assert len({DatabaseUrl("postgresql://h/d"), DatabaseUrl("postgresql://h/d"), DatabaseUrl("postgresql://h/e")}) == 2
