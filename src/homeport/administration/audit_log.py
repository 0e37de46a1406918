"""The audit log for people: read it, follow one subject through it, prove that nobody has touched it.

Appending happens in storage, inside the transaction of the change (`storage/audit_chain.py`); both follow the
one rule of `security/hash_chain.py`. Entries know subjects only by their random keys. What a chain cannot show
by itself is that its newest entries were cut off: compare its head with one noted elsewhere.
"""

from collections.abc import AsyncIterator, Sequence

import msgspec

from homeport.model.events import AuditEvent
from homeport.model.identifiers import SubjectKey
from homeport.security import hash_chain
from homeport.storage.port import AuditEntry, AuditReader

_PAGE = 1000
_decode = msgspec.json.Decoder(AuditEvent).decode


class LoggedEvent(msgspec.Struct, frozen=True, kw_only=True):
    """An event at its place in the log."""

    chain: str
    sequence: int
    event: AuditEvent


class ChainVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """What became of a chain: `entries` hold, up to `head`; `broken_at` is the first that does not, and why."""

    chain: str
    entries: int
    head: bytes
    broken_at: int | None = None
    reason: str = ""

    @property
    def is_whole(self) -> bool:
        """Whether every entry holds."""
        return self.broken_at is None

    def __str__(self) -> str:
        if self.broken_at is None:
            return f"whole: {self.entries} entries, head {self.head.hex()}"
        return f"broken at entry {self.broken_at}: {self.reason} ({self.entries} entries before it hold)"


async def verify(reader: AuditReader, chain: str) -> ChainVerdict:
    """Walk a chain from its first entry; stops at the first that does not hold."""
    count, head = 0, hash_chain.START
    async for entry in _walk(reader, chain):
        reason = _flaw(entry, count + 1, head)
        if reason:
            return ChainVerdict(chain=chain, entries=count, head=head, broken_at=count + 1, reason=reason)
        count, head = count + 1, entry.hash
    return ChainVerdict(chain=chain, entries=count, head=head)


async def of_subject(reader: AuditReader, subject_key: SubjectKey) -> Sequence[LoggedEvent]:
    """What happened to one subject, in all chains, in the order of time.

    Reads the whole log: an index over random keys would cost every registration more than this costs the few
    who ask.
    """
    found = [logged async for logged in _events(reader) if logged.event.subject_key == subject_key]
    return sorted(found, key=lambda logged: (logged.event.occurred_at, logged.chain, logged.sequence))


def decoded(entry: AuditEntry) -> LoggedEvent:
    """An entry with its event decoded; raises msgspec.ValidationError or DecodeError if it holds none."""
    return LoggedEvent(chain=entry.chain, sequence=entry.sequence, event=_decode(entry.body))


async def _events(reader: AuditReader) -> AsyncIterator[LoggedEvent]:
    for chain in await reader.chains():
        async for entry in _walk(reader, chain):
            yield decoded(entry)


async def _walk(reader: AuditReader, chain: str) -> AsyncIterator[AuditEntry]:
    page = await reader.entries(chain, after=0, limit=_PAGE)
    while page:
        for entry in page:
            yield entry
        page = await reader.entries(chain, after=page[-1].sequence, limit=_PAGE)


def _flaw(entry: AuditEntry, expected: int, previous: bytes) -> str:
    """What is wrong with an entry; empty if nothing is."""
    if entry.sequence != expected:
        return f"entry {entry.sequence} stands in its place"
    if entry.hash != hash_chain.link(previous, entry.chain, entry.sequence, entry.body):
        return "its hash does not cover its content and the entry before it"
    try:
        _decode(entry.body)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return "it holds no event"
    return ""
