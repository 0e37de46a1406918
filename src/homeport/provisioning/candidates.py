"""The groups that may vouch for a device without an individual enrollment, prepared once for many devices.

Kept until a group or a CA certificate of the service changes; the read of each request says whether one has.
Counterparts: `attestation/` tries what is prepared here, `admission.py` asks for it.
"""

from collections.abc import Mapping

import msgspec

from homeport.model.enrollment import EnrollmentGroup
from homeport.model.identifiers import ServiceId
from homeport.provisioning.attestation import symmetric_key, x509
from homeport.provisioning.attestation.symmetric_key import CandidateGroup
from homeport.provisioning.attestation.x509 import TrustedGroups
from homeport.storage.port import RegistrationContext, Storage


class Candidates(msgspec.Struct, frozen=True, kw_only=True):
    """All groups of a service by their IDs, and as each mechanism wants them."""

    groups: Mapping[str, EnrollmentGroup]
    symmetric_key: tuple[CandidateGroup, ...]
    x509: TrustedGroups


class CandidateCache:
    """The candidates of every service, as they stood when last read."""

    def __init__(self, storage: Storage) -> None:
        self._storage = storage
        self._known: dict[ServiceId, tuple[int, Candidates]] = {}

    async def of(self, service_id: ServiceId, context: RegistrationContext) -> Candidates:
        """The candidates as of the read that gave `context`, or later."""
        known = self._known.get(service_id)
        if known is not None and known[0] == context.groups_version:
            return known[1]
        groups = await self._storage.enrollments.candidate_groups(service_id)
        certificates = await self._storage.enrollments.ca_certificates(service_id)
        candidates = Candidates(
            groups={group.enrollment_group_id: group for group in groups},
            symmetric_key=symmetric_key.candidates(groups),
            x509=x509.trusted_groups(groups, certificates),
        )
        self._known[service_id] = (context.groups_version, candidates)
        return candidates
