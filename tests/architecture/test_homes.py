"""What has one home only: the name of the SAS scheme, and the rows of the error catalogue."""

import ast

from tests.architecture.source import modules

from homeport import errors
from homeport.errors import ErrorRow

ROWS = {name: row for name, row in vars(errors).items() if isinstance(row, ErrorRow)}


def test_only_one_module_spells_the_name_of_sas_tokens() -> None:
    spelling = [module.path for module in modules() if "SharedAccessSignature" in module.text]
    assert spelling == ["security/sas.py"]


def test_every_row_of_the_catalogue_is_used() -> None:
    used = {
        node.attr
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name) and node.value.id == "errors"
    }
    assert set(ROWS) - used == set(), "raise these rows, or take them away"
    assert {name for name in used if name.isupper()} - set(ROWS) == set()


def test_no_module_invents_a_row() -> None:
    makers = [
        module.path
        for module in modules()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "ErrorRow"
    ]
    assert makers == ["errors.py"]
