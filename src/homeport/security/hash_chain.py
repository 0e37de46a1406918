"""The rule by which audit entries hang together: each hash covers its entry and the hash before it.

Counterparts: `storage/change_steps.py` appends, `administration/audit_log.py` verifies; both by this one rule.
Whoever changes, removes, inserts or reorders an entry breaks every hash behind it.
"""

import hashlib

START = bytes(32)
"""Stands before the first entry of a chain."""


def link(previous: bytes, chain: str, sequence: int, body: bytes) -> bytes:
    """SHA-256 over the previous hash, the chain's name (with its length), the sequence number and the body."""
    name = chain.encode()
    place = len(name).to_bytes(2, "big") + name + sequence.to_bytes(8, "big")
    return hashlib.sha256(previous + place + body).digest()
