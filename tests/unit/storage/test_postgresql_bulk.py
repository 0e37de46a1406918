"""Which lists are written together, and what of them reaches the server. That it comes to the same as their steps is
tried in tests/storage/test_engines_agree.py."""

import asyncio
from collections.abc import Sequence
from typing import Any

import pytest
from tests.storage.material import (
    SEALER,
    append_audit,
    ensure_device,
    put_group,
    put_individual,
    put_record,
    put_subject,
    registration,
)

from homeport.storage.audit_chain import ChainHead, ChainMoved
from homeport.storage.changes import AppendAudit, Change
from homeport.storage.postgresql_bulk import Bulk, ExpectationMissed
from homeport.storage.rows import Row
from homeport.storage.sql import load, load_for
from homeport.storage.transaction import Transaction

NAMES = {text: name for name, text in load_for("postgresql", "bulk").items()} | {
    load("audit")["head"]: "head",
    load("registrations")["subject_key"]: "subject_key",
}


class Noted:
    """A server that notes statements by their names and touches as many rows as it is told, or all."""

    def __init__(self, **touched: int) -> None:
        self.touched = touched
        self.asked: list[tuple[str, Sequence[Any]]] = []
        self.rowcount = 0
        self.names: list[Row] = []

    async def execute(self, sql: str, parameters: Sequence[Any]) -> "Noted":
        name = NAMES[sql]
        self.asked.append((name, parameters))
        self.rowcount = self.touched.get(name, len(parameters[-1]) if parameters else 0)
        return self

    def fetchall(self) -> Sequence[Row]:
        return self.names

    @property
    def statements(self) -> list[str]:
        return [name for name, _ in self.asked]


def write(bulk: Bulk, server: Noted, head: ChainHead | None = None) -> Transaction:
    transaction = Transaction(server.execute, SEALER, "writer-0", head)
    asyncio.run(bulk.write(transaction))
    return transaction


def taken(*lists: Sequence[Change]) -> Bulk:
    bulk = Bulk(SEALER)
    assert all(bulk.take(changes) for changes in lists)
    return bulk


def test_many_registrations_are_a_statement_a_kind() -> None:
    server = Noted()
    write(taken(*(registration(f"dev-{number}") for number in range(40))), server)
    kinds = ["put_subjects", "insert_registrations", "ensure_devices", "head", "append_entries"]
    assert server.statements == kinds
    assert {len(parameters[-1]) for name, parameters in server.asked if name != "head"} == {40}


def test_rows_go_in_the_order_of_their_keys() -> None:
    server = Noted()
    write(taken([put_record("c"), put_record("a")], [put_record("B")]), server)
    assert server.asked[0][1][-1] == ("a", "b", "c")


def test_each_variant_has_its_statement() -> None:
    server = Noted()
    changes: list[Change] = [
        put_individual("a"),
        put_individual("b", "2", expected="1"),
        put_record("a"),
        put_record("b", "2", expected="1"),
        ensure_device("a"),
        ensure_device("b", reset_twin=True),
    ]
    write(taken(changes), server)
    assert server.statements == [
        *("insert_individuals", "replace_individuals"),
        *("insert_registrations", "replace_registrations"),
        *("ensure_devices", "ensure_devices_and_reset_twins"),
    ]
    assert [server.asked[number][1][-1] for number in (1, 3)] == [("1",), ("1",)]


def test_a_list_with_a_change_of_another_kind_is_not_taken() -> None:
    bulk, server = Bulk(SEALER), Noted()
    assert not bulk.take([put_record("a"), put_group("a")])
    write(bulk, server)
    assert server.statements == []


def test_of_lists_that_touch_the_same_row_only_the_first_is_taken() -> None:
    bulk = Bulk(SEALER)
    assert bulk.take([put_record("dev-1")])
    assert not bulk.take([put_record("DEV-1", "2", expected="1"), append_audit("E")])
    assert not bulk.take([put_record("dev-2"), put_record("Dev-2")])
    assert bulk.take([put_subject("dev-1", "s"), ensure_device("dev-1")])
    server = Noted()
    write(bulk, server)
    assert server.statements == ["put_subjects", "insert_registrations", "ensure_devices"]


@pytest.mark.parametrize("broken", ["no change", AppendAudit(event="no event")], ids=["no change", "no event"])
def test_what_makes_no_sense_is_left_to_fail_alone(broken: Any) -> None:
    bulk = Bulk(SEALER)
    assert not bulk.take([put_record("dev-1"), broken])
    assert bulk.take([put_record("dev-1")])


@pytest.mark.parametrize("statement", ["insert_registrations", "ensure_devices", "put_subjects"])
def test_a_row_too_few_is_noticed(statement: str) -> None:
    with pytest.raises(ExpectationMissed):
        write(taken(registration("a"), registration("b")), Noted(**{statement: 1}))


def test_a_subject_that_has_the_same_name_already_is_as_expected() -> None:
    server = Noted(put_subjects=0)
    server.names = [("s1",)]
    write(taken([put_subject("dev-1", "s1")], [put_subject("dev-2", "s1")]), server)
    assert server.statements == ["put_subjects", "subject_key", "subject_key"]
    server.names = [("another",)]
    with pytest.raises(ExpectationMissed):
        write(taken([put_subject("dev-1", "s1")]), server)


def test_entries_are_chained_behind_the_head_in_the_order_of_their_lists() -> None:
    server = Noted()
    head = ChainHead().next("writer-0", b"{}")
    transaction = write(taken([append_audit("A"), append_audit("B")], [append_audit("C")]), server, head)
    (_, (chain, sequences, _, bodies, hashes)) = server.asked[0]
    assert (server.statements, chain, sequences) == (["append_entries"], "writer-0", (2, 3, 4))
    for body in bodies:
        head = head.next("writer-0", body)
    assert transaction.head == head
    assert hashes[-1] == head.hash


def test_a_chain_that_has_moved_is_noticed() -> None:
    with pytest.raises(ChainMoved):
        write(taken([append_audit("A")]), Noted(append_entries=0), ChainHead(7, b"somebody's"))
