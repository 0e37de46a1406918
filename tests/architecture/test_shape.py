"""Sizes that a reader can hold: files, functions, parameters, nesting; and a header that says what a module is for.

Each test shows everything that is out of shape at once.
"""

import ast
from collections.abc import Callable

from tests.architecture.source import Function, modules

MODULES = [module for module in modules() if not module.is_empty]
BLOCKS = (ast.For, ast.AsyncFor, ast.While, ast.If, ast.With, ast.AsyncWith, ast.Try, ast.Match)


def test_every_module_opens_with_its_reason() -> None:
    assert [module.path for module in MODULES if len(module.docstring.partition("\n")[0]) < 20] == []


def test_no_header_has_become_a_chapter() -> None:
    assert [module.path for module in MODULES if len(module.docstring.splitlines()) > 20] == []


def test_files_are_short() -> None:
    lengths = {module.path: len(module.text.splitlines()) for module in MODULES}
    assert {path: length for path, length in lengths.items() if length > 400} == {}


def test_functions_are_short() -> None:
    assert _larger_than(50, _lines) == {}


def test_functions_take_few_positional_parameters() -> None:
    assert _larger_than(4, _positional) == {}


def test_nothing_is_nested_deeply() -> None:
    assert _larger_than(3, lambda function: _depth_of(function.body)) == {}


def test_everything_public_says_what_it_is() -> None:
    silent = [
        f"{module.path}: {node.name}"
        for module in MODULES
        for node in module.tree.body
        if isinstance(node, ast.ClassDef | Function)
        and not node.name.startswith("_")
        and ast.get_docstring(node) is None
    ]
    assert silent == []


def _larger_than(most: int, measure: Callable[[Function], int]) -> dict[str, int]:
    return {
        f"{module.path}: {function.name}": measure(function)
        for module in MODULES
        for function in module.functions()
        if measure(function) > most
    }


def _lines(function: Function) -> int:
    """From the `def` to the last line."""
    return (function.end_lineno or function.lineno) - function.lineno + 1


def _positional(function: Function) -> int:
    """Parameters that a caller may give by place, without `self`. Click fills a command's parameters by name."""
    if any("command" in ast.unparse(decorator) for decorator in function.decorator_list):
        return 0
    arguments = [*function.args.posonlyargs, *function.args.args]
    return len([each for each in arguments if each.arg not in {"self", "cls"}])


def _depth_of(body: list[ast.stmt]) -> int:
    """How deep blocks stand in blocks; `elif` stands beside its `if`, a nested function starts anew."""
    return max((_depth(statement) for statement in body), default=0)


def _depth(node: ast.AST) -> int:
    if isinstance(node, Function):
        return 0
    if isinstance(node, ast.If) and len(node.orelse) == 1 and isinstance(node.orelse[0], ast.If):
        return max(1 + _depth_of(node.body), _depth(node.orelse[0]))
    nested = (ast.stmt, ast.match_case, ast.ExceptHandler)
    below = (_depth(child) for child in ast.iter_child_nodes(node) if isinstance(child, nested))
    return max(below, default=0) + isinstance(node, BLOCKS)
