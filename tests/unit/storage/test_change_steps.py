"""What each change does is tried on a database in tests/storage; here: that none was forgotten."""

from typing import get_args

from homeport.storage.change_steps import _APPLY
from homeport.storage.changes import Change


def test_every_change_has_its_function() -> None:
    assert set(_APPLY) == set(get_args(Change))
