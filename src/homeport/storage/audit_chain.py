"""The audit chain's growing end, inside one write transaction.

The head is read from the database when a transaction appends its first entry. An engine whose reads cost a journey may
keep it for the next transaction, until one is rolled back: an entry is only appended behind the one that it names, so
a head that another process of the same name has left behind is noticed (`ChainMoved`), read anew, and forks nothing.
Counterpart: `administration/audit_log.py`, which verifies.
"""

from collections.abc import Mapping
from typing import Any

import msgspec

from homeport.model.events import AuditEvent
from homeport.security import hash_chain


class ChainMoved(Exception):
    """Somebody else has appended to the chain; read its head and do the transaction again."""


def canonical(event: AuditEvent) -> bytes:
    """The event as JSON with its members sorted: one event, one sequence of bytes."""
    return _encode(event)


class ChainHead(msgspec.Struct, frozen=True):
    """The last entry's number and hash."""

    sequence: int = 0
    hash: bytes = hash_chain.START

    def next(self, chain: str, body: bytes) -> "ChainHead":
        """The head after an entry with this body."""
        sequence = self.sequence + 1
        return ChainHead(sequence, hash_chain.link(self.hash, chain, sequence, body))


def _as_dict(value: Any) -> dict[str, Any]:
    if isinstance(value, Mapping):
        return dict(value)
    raise TypeError(f"An audit event cannot hold a {type(value).__name__}.")


_encode = msgspec.json.Encoder(enc_hook=_as_dict, order="sorted").encode
