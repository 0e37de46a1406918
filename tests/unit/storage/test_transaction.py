import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.storage.material import SEALER

from homeport.storage.changes import ChangedMeanwhile
from homeport.storage.rows import Row
from homeport.storage.transaction import Transaction


class Touched:
    """A reply about so many rows."""

    def __init__(self, rowcount: int) -> None:
        self.rowcount = rowcount

    def fetchall(self) -> Sequence[Row]:
        return []


def transaction(rowcount: int, asked: list[tuple[str, Sequence[Any]]]) -> Transaction:
    async def execute(sql: str, parameters: Sequence[Any]) -> Touched:
        asked.append((sql, parameters))
        return Touched(rowcount)

    return Transaction(execute, SEALER, "writer-0")


def test_one_row_is_what_was_expected() -> None:
    asked: list[tuple[str, Sequence[Any]]] = []
    asyncio.run(transaction(1, asked).expect_one("statement", (1,)))
    assert asked == [("statement", (1,))]


@pytest.mark.parametrize("rowcount", [0, 2])
def test_none_or_several_are_not(rowcount: int) -> None:
    with pytest.raises(ChangedMeanwhile):
        asyncio.run(transaction(rowcount, []).expect_one("statement", ()))
