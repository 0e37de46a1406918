"""The project's source as syntax trees, for the tests that guard its shape."""

import ast
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "src" / "homeport"

Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One file of the source."""

    file: Path

    @property
    def path(self) -> str:
        """The file's place below `src/homeport`, as people write it."""
        return self.file.relative_to(SOURCE).as_posix()

    @cached_property
    def text(self) -> str:
        return self.file.read_text(encoding="utf-8")

    @cached_property
    def tree(self) -> ast.Module:
        return ast.parse(self.text)

    @property
    def is_empty(self) -> bool:
        """A package marker without content."""
        return not self.tree.body

    @property
    def docstring(self) -> str:
        return ast.get_docstring(self.tree) or ""

    def functions(self) -> Iterator[Function]:
        """Every function and method, nested ones too."""
        return (node for node in ast.walk(self.tree) if isinstance(node, Function))

    def imports(self) -> Iterator[str]:
        """The names of the modules that are imported, wherever in the file."""
        for node in ast.walk(self.tree):
            if isinstance(node, ast.Import):
                yield from (alias.name for alias in node.names)
            elif isinstance(node, ast.ImportFrom):
                yield node.module or ""


def modules(*rooms: str) -> list[Module]:
    """Every module, or those of the rooms: a file or a folder each, relative to `src/homeport`."""
    found: list[Module] = []
    for room in rooms or (".",):
        place = SOURCE / room
        assert place.exists(), f"{room} has moved; tell this test where to"
        found += [Module(file) for file in ([place] if place.is_file() else sorted(place.rglob("*.py")))]
    return found
