"""Tests stand where the source stands: every module has its test file, and no test file outlives its module.

`src/homeport/a/b.py` is answered by `tests/unit/a/test_b.py`, a package's own code (`a/__init__.py`) by
`tests/unit/test_a.py`. A module that only declares (structs, protocols, names) has nothing to test.
"""

import ast
from pathlib import PurePosixPath

from tests.architecture.source import ROOT, SOURCE, Function, Module, modules

ELSEWHERE = {
    # Over real HTTP, against the whole surface.
    "endpoints/service_api.py": "tests/api/test_service_api.py",
    "endpoints/hub_api.py": "tests/api/test_hub_api.py",
    # The storage suite, which every engine has to pass.
    "storage/sqlite.py": "tests/storage/test_durability.py",
    "storage/readers.py": "tests/storage/test_queries.py",
}
"""Modules whose test stands elsewhere. This list may only shrink."""


def test_every_module_has_its_test() -> None:
    expected = {
        module.path: ELSEWHERE.get(module.path, home(module)) for module in modules() if not only_declares(module)
    }
    assert {path: test for path, test in expected.items() if not (ROOT / test).is_file()} == {}


def test_every_test_has_its_module() -> None:
    homes = {home(module) for module in modules()}
    tests = {file.relative_to(ROOT).as_posix() for file in (ROOT / "tests" / "unit").rglob("test_*.py")}
    assert tests - homes == set()


def test_the_list_of_exceptions_may_only_shrink() -> None:
    assert len(ELSEWHERE) <= 4
    for path in ELSEWHERE:
        assert (SOURCE / path).is_file(), f"{path} is gone; take it off the list"
        assert not (ROOT / home(Module(SOURCE / path))).exists(), f"{path} has its test at home; take it off the list"


def home(module: Module) -> str:
    """Where the module's test belongs."""
    path = PurePosixPath("tests/unit", module.path)
    if path.name == "__init__.py":
        path = path.parent
    return path.with_name(f"test_{path.stem}.py").as_posix()


def only_declares(module: Module) -> bool:
    """No function has a body."""
    return all(_is_stub(function) for function in module.functions())


def _is_stub(function: Function) -> bool:
    return all(isinstance(each, ast.Expr) and isinstance(each.value, ast.Constant) for each in function.body)
