import pytest

from homeport.storage.sql import load, load_for, parse


def test_blocks_become_literal_statements_without_their_comments() -> None:
    text = "-- A store.\n-- name: one\n-- Purpose.\nSELECT 1\n-- why\nFROM a;\n\n-- name: two_b\n-- More.\nSELECT 2;\n"
    assert parse(text) == {"one": "SELECT 1\nFROM a", "two_b": "SELECT 2"}


def test_a_name_that_stands_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="'one'"):
        parse("-- name: one\nSELECT 1;\n-- name: one\nSELECT 2;\n")


def test_an_empty_block_is_refused() -> None:
    with pytest.raises(ValueError, match="'one'"):
        parse("-- name: one\n-- Purpose.\n")


def test_a_loaded_store_cannot_be_changed() -> None:
    queries = load("settings")
    assert "policy" in queries
    with pytest.raises(TypeError):
        queries["policy"] = ""  # type: ignore[index]


def test_an_engine_may_have_its_own_text_for_a_query_or_none() -> None:
    assert "claim_next" in load_for("postgresql", "registrations")
    assert load_for("postgresql", "settings") == {}
