"""Every word that says why a device was refused has its row, and every row is said somewhere."""

import ast
from collections.abc import Iterator

from tests.architecture.source import modules

from homeport.model.causes import CAUSES
from homeport.security.chain_refusals import ChainCause

ROOMS = ("provisioning/attestation", "provisioning/admission.py", "provisioning/tpm_challenges.py")
# Rows that are named elsewhere: assignment and allocation speak of them after the proof.
AFTER_THE_PROOF = {"hub_refused", "no_hub"}


def words() -> Iterator[str]:
    """The word in `cause="…"`, and the second argument of a module's own `_refused`."""
    for module in modules(*ROOMS):
        for call in ast.walk(module.tree):
            if isinstance(call, ast.Call):
                yield from _in_keywords(call)
                if isinstance(call.func, ast.Name) and call.func.id == "_refused":
                    yield from _texts(call.args[1:2])
                if isinstance(call.func, ast.Name) and call.func.id == "_check_usable":
                    yield from _texts(call.args[2:3])


def _in_keywords(call: ast.Call) -> Iterator[str]:
    yield from _texts([keyword.value for keyword in call.keywords if keyword.arg == "cause"])


def _texts(arguments: list[ast.expr]) -> Iterator[str]:
    return (node.value for node in arguments if isinstance(node, ast.Constant) and isinstance(node.value, str))


def test_every_word_has_its_row() -> None:
    said = {*words(), *(cause.value for cause in ChainCause)}
    assert said - set(CAUSES) == set()
    assert set(CAUSES) - said == AFTER_THE_PROOF


def test_a_row_says_what_and_what_to_do() -> None:
    for word, cause in CAUSES.items():
        for text in (cause.meaning, cause.remedy):
            assert text[0].isupper(), word
            assert text.endswith("."), word
