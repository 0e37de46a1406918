"""Proofs that held a moment ago: a device that polls over HTTP shows its credential again, and it is judged once.

The key holds all that the verdict depends on but the time: the credential itself, and the version of the entries that
it was judged by, which the read of each request brings. So nothing needs to be forgotten when an entry changes; and
whether the entry is disabled is looked at each time (`admission.py`). What a TPM signs counts once, and is not kept.
Belongs to one event loop; takes no lock.
"""

from datetime import datetime

import msgspec

from homeport.model.attestation import AttestedIdentity, Evidence, PresentedCredential, X509Evidence
from homeport.model.identifiers import RegistrationId, ServiceId
from homeport.storage.port import RegistrationContext

MEMORY = 30.0
"""Seconds for which a proof is remembered: devices poll every one to three."""

ProofKey = tuple[ServiceId, RegistrationId, str | int | None, PresentedCredential]


class HeldProof(msgspec.Struct, frozen=True, kw_only=True):
    """Whom a proof has shown, and until when it would (Unix seconds)."""

    identity: AttestedIdentity
    until: float


class HeldProofs:
    """The proofs of the last half minute. Bounded; the oldest goes first."""

    def __init__(self, *, most: int = 4096) -> None:
        self._most = most
        self._held: dict[ProofKey, HeldProof] = {}

    def recall(self, key: ProofKey, context: RegistrationContext, now: datetime) -> AttestedIdentity | None:
        """Whom this proof has shown, if it would still, and by the entry that the record names since."""
        held = self._held.get(key)
        if held is None or now.timestamp() >= held.until:
            return None
        last = context.record.enrollment_group_id if context.record else None
        return held.identity if last in (None, held.identity.enrollment.enrollment_group_id) else None

    def remember(self, key: ProofKey, proof: HeldProof, now: datetime) -> None:
        """Keep a proof that held, for a while but not beyond its own end."""
        until = min(proof.until, now.timestamp() + MEMORY)
        self._held.pop(key, None)
        self._held[key] = HeldProof(identity=proof.identity, until=until)
        if len(self._held) > self._most:
            del self._held[next(iter(self._held))]


def proof_key(
    service_id: ServiceId, registration_id: RegistrationId, context: RegistrationContext, proof: PresentedCredential
) -> ProofKey:
    """What a verdict on `proof` depends on: the individual enrollment, or else all groups."""
    version = context.groups_version if context.enrollment is None else context.enrollment.etag
    return service_id, registration_id, version, proof


def end_of(evidence: Evidence) -> float:
    """When a certificate, or the group's that vouches for it, runs out; at once for other evidence.

    Where an entry lets in what has run out, that is the past: such a proof is judged each time.
    """
    if not isinstance(evidence, X509Evidence):
        return 0.0
    shown = (evidence.certificate, evidence.signing_certificate)
    return min(info.not_after_utc.timestamp() for info in shown if info is not None)
