"""The SQL, in files: one per store, each query a named block with a line of purpose.

A block starts with `-- name: <name>`, goes on with its purpose as comment, and ends with the next block.
Python never builds SQL; it calls a query by name. Both engines run the same text; where PostgreSQL needs another, a
block of the same name stands in `postgresql/`.
"""

import re
from collections.abc import Mapping
from importlib import resources
from types import MappingProxyType

_BLOCK = re.compile(r"^-- name: (?P<name>[a-z_]+)\n(?P<body>.*?)(?=^-- name: |\Z)", re.MULTILINE | re.DOTALL)
_COMMENT = re.compile(r"^\s*--[^\n]*\n", re.MULTILINE)


def load(store: str) -> Mapping[str, str]:
    """The queries of `<store>.sql` by name, without their comments.

    Raises:
        ValueError: a name stands twice, or a block is empty.
    """
    return MappingProxyType(parse(resources.files(__name__).joinpath(f"{store}.sql").read_text("utf-8")))


def load_for(engine: str, store: str) -> Mapping[str, str]:
    """What an engine has in place of, or beside, the queries of `<store>.sql`; nothing if it has no such file."""
    file = resources.files(__name__).joinpath(engine, f"{store}.sql")
    return MappingProxyType(parse(file.read_text("utf-8")) if file.is_file() else {})


def parse(text: str) -> dict[str, str]:
    """The named blocks of a file's text."""
    queries: dict[str, str] = {}
    for block in _BLOCK.finditer(text):
        name, statement = block["name"], _COMMENT.sub("", block["body"]).strip().removesuffix(";")
        if name in queries or not statement:
            raise ValueError(f"The query {name!r} stands twice or is empty.")
        queries[name] = statement
    return queries
