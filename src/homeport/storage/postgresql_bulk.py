"""The changes that registering and enrolling are made of, gathered over many lists, written with a statement a kind.

A statement costs a journey to the server; a row in it next to nothing. A list is taken whole if all its changes are of
these kinds and touch no row that another list of the batch touches; every other list is done by its steps. What each
change means is in `change_steps.py`, which this must agree with: the tests do both.
"""

from collections import defaultdict
from collections.abc import Callable, Sequence
from operator import itemgetter
from typing import Any

from homeport.model.identifiers import ServiceId, folded
from homeport.security.sealing import Sealer
from homeport.storage import rows
from homeport.storage.audit_chain import ChainMoved, canonical
from homeport.storage.change_steps import read_head
from homeport.storage.changes import (
    AppendAudit,
    Change,
    EnsureHubDevice,
    PutIndividualEnrollment,
    PutRegistration,
    PutSubject,
)
from homeport.storage.rows import Parameters
from homeport.storage.sql import load, load_for
from homeport.storage.transaction import Transaction

_BULK = load_for("postgresql", "bulk")
_REGISTRATIONS = load("registrations")

Key = tuple[Any, ...]
"""A row of a table: its name, then the row's key. Rows are written in the order of their keys, so that two
transactions which touch the same rows wait for each other instead of dying of it."""
KeyedRow = tuple[Key, Parameters]


class ExpectationMissed(Exception):
    """One of the lists did not find its rows as it expected; which one, a statement over many cannot say."""


class Bulk:
    """Lists of changes, gathered to be written at once."""

    def __init__(self, sealer: Sealer) -> None:
        self._sealer = sealer
        self._taken: set[Key] = set()
        self._rows: dict[str, list[KeyedRow]] = defaultdict(list)
        self._entries: list[tuple[ServiceId, bytes]] = []

    def take(self, changes: Sequence[Change]) -> bool:
        """Take a list in, if all of it can be written so."""
        try:
            entries = [(each.event.service_id, canonical(each.event)) for each in changes if type(each) is AppendAudit]
            found = [_ROWS[type(each)](each, self._sealer) for each in changes if type(each) is not AppendAudit]
        except Exception:  # Another kind, or what cannot be stored: done by its steps, it fails alone.
            return False
        keys = {key for _, (key, _) in found}
        if len(keys) < len(found) or not self._taken.isdisjoint(keys):
            return False
        self._taken |= keys
        self._entries += entries
        for statement, row in found:
            self._rows[statement].append(row)
        return True

    async def write(self, transaction: Transaction) -> None:
        """Write all that was taken.

        Raises:
            ExpectationMissed: for at least one of the lists something was not as it expected.
            ChainMoved: another process has appended to the audit chain.
        """
        for statement in _STATEMENTS:
            if found := self._rows.get(statement):
                await _write(transaction, statement, sorted(found, key=itemgetter(0)))
        if self._entries:
            await self._append(transaction)

    async def _append(self, transaction: Transaction) -> None:
        head, chain = transaction.head or await read_head(transaction), transaction.chain
        links = []
        for service_id, body in self._entries:
            head = head.next(chain, body)
            links.append((head.sequence, service_id, body, head.hash))
        appended = await transaction.execute(_BULK["append_entries"], (chain, *_columns(links)))
        if appended.rowcount != len(links):
            raise ChainMoved
        transaction.head = head


async def _write(transaction: Transaction, statement: str, found: Sequence[KeyedRow]) -> None:
    parameters = _columns([row for _, row in found])
    touched = (await transaction.execute(_BULK[statement], parameters)).rowcount
    if touched == len(found) or (statement == "put_subjects" and await _are_named(transaction, found)):
        return
    raise ExpectationMissed


def _columns(table: Sequence[Parameters]) -> tuple[Any, ...]:
    return tuple(zip(*table, strict=True))


async def _are_named(transaction: Transaction, subjects: Sequence[KeyedRow]) -> bool:
    """Whether each has the name that it was to be given: a name may be put again, but not changed."""
    for _, (service_id, folded_id, _, subject_key) in subjects:
        found = (await transaction.execute(_REGISTRATIONS["subject_key"], (service_id, folded_id))).fetchall()
        if not found or found[0][0] != subject_key:
            return False
    return True


def _subject(change: PutSubject, sealer: Sealer) -> tuple[str, KeyedRow]:
    key = (change.service_id, folded(change.registration_id))
    return "put_subjects", (("subjects", *key), (*key, change.registration_id, change.subject_key))


def _individual(change: PutIndividualEnrollment, sealer: Sealer) -> tuple[str, KeyedRow]:
    key = (change.service_id, folded(change.enrollment.registration_id))
    row = (*key, *rows.individual_columns(change.service_id, change.enrollment, sealer))
    if change.expected is None:
        return "insert_individuals", (("individual_enrollments", *key), row)
    return "replace_individuals", (("individual_enrollments", *key), (*row, change.expected))


def _registration(change: PutRegistration, sealer: Sealer) -> tuple[str, KeyedRow]:
    row = rows.registration_parameters(change.record, change.claimed_until)
    key = ("registrations", *row[-2:])
    if change.expected is None:
        return "insert_registrations", (key, row)
    return "replace_registrations", (key, (*row, change.expected))


def _device(change: EnsureHubDevice, sealer: Sealer) -> tuple[str, KeyedRow]:
    statement = "ensure_devices_and_reset_twins" if change.reset_twin else "ensure_devices"
    row = rows.hub_twin_columns(change.twin) + rows.hub_device_parameters(change.device, sealer)
    return statement, (("hub_devices", *row[-3:]), row)


_ROWS: dict[type, Callable[[Any, Sealer], tuple[str, KeyedRow]]] = {
    PutSubject: _subject,
    PutIndividualEnrollment: _individual,
    PutRegistration: _registration,
    EnsureHubDevice: _device,
}
_STATEMENTS = (
    "put_subjects",
    "insert_individuals",
    "replace_individuals",
    "insert_registrations",
    "replace_registrations",
    "ensure_devices",
    "ensure_devices_and_reset_twins",
)
