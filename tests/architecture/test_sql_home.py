"""SQL lives in `storage/sql/` and `storage/migrations/`; no Python string holds any."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[2] / "src" / "homeport"
FILES = sorted(SOURCE.rglob("*.py"))
# The service API's query language, which is a contract with callers and is never sent to a database.
OTHER_LANGUAGE = {"administration/query_language.py", "wire/query.py"}

STATEMENT = re.compile(
    r"""
      \b SELECT \s .* \b FROM \b
    | \b INSERT \s+ (OR \s+ \w+ \s+)? INTO \b
    | \b UPDATE \s+ \S+ \s+ SET \b
    | \b DELETE \s+ FROM \b
    | \b (CREATE|DROP|ALTER) \s+ (UNIQUE \s+)? (TABLE|INDEX|TRIGGER|VIEW) \b
    | ^ \s* (BEGIN|COMMIT|ROLLBACK|SAVEPOINT|RELEASE|PRAGMA|VACUUM|EXPLAIN) \b
    | \b (WHERE|ORDER \s+ BY|GROUP \s+ BY|LEFT \s+ JOIN|ON \s+ CONFLICT) \b
    """,
    re.VERBOSE | re.DOTALL,
)


def strings(tree: ast.Module) -> Iterator[ast.Constant]:
    """Every string that is not a docstring."""
    prose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in prose:
            yield node


@pytest.mark.parametrize("file", FILES, ids=lambda file: str(file.relative_to(SOURCE)))
def test_no_python_string_holds_sql(file: Path) -> None:
    if str(file.relative_to(SOURCE)) in OTHER_LANGUAGE:
        return
    found = [node.value for node in strings(ast.parse(file.read_text("utf-8"))) if STATEMENT.search(str(node.value))]
    assert found == []


@pytest.mark.parametrize(
    "text",
    [
        "SELECT a FROM b",
        "INSERT INTO a VALUES (1)",
        "INSERT OR REPLACE INTO a",
        "UPDATE a SET b = 1",
        "DELETE FROM a",
        "CREATE UNIQUE INDEX a",
        "BEGIN IMMEDIATE",
        "PRAGMA journal_mode",
        " WHERE a = ?",
    ],
)
def test_the_guard_knows_sql_when_it_sees_it(text: str) -> None:
    assert STATEMENT.search(text)


@pytest.mark.parametrize("text", ["DELETE", "Delete it, then begin again.", "UPDATE", "Where is it from?"])
def test_the_guard_lets_http_and_prose_pass(text: str) -> None:
    assert not STATEMENT.search(text)
