"""What each change does to the tables, on every engine: one function a kind of change, one dispatch table.

Counterpart: `storage/changes.py` says what a change means. Runs inside a transaction that is not its own;
raises ChangedMeanwhile and leaves the undoing to the engine's batches.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime
from typing import Any

from homeport.clock import to_microseconds
from homeport.model.identifiers import ServiceId, folded
from homeport.model.registration import RegistrationRecord
from homeport.storage import changes, rows
from homeport.storage.audit_chain import ChainHead, ChainMoved, canonical
from homeport.storage.changes import Change, ChangedMeanwhile
from homeport.storage.sql import load
from homeport.storage.transaction import Transaction

PURGE_BATCH = 1000
"""Records of a deleted group that go in one transaction."""
FAILURES_KEPT = {True: 100_000, False: 10_000}
"""Last failures of a service that are kept: of known subjects, and of IDs without one: strangers, and new members."""
LIGHT = 32
"""Changes that one list may hold to be done on the event loop: about a third of a millisecond."""

_ENROLLMENTS = load("enrollments")
_CA_CERTIFICATES = load("ca_certificates")
_REGISTRATIONS = load("registrations")
_SETTINGS = load("settings")
_AUDIT = load("audit")
_HUB_DEVICES = load("hub_devices")
_FAILURES = load("attestation_failures")

_HEAVY = frozenset({changes.DeleteEnrollmentGroup, changes.PutAttestationFailures})


class Apply:
    """The work of `Storage.apply`: a list of changes, to be done whole or not at all."""

    __slots__ = ("changes",)

    def __init__(self, changes: Sequence[Change]) -> None:
        self.changes = changes

    async def __call__(self, transaction: Transaction) -> None:
        """Apply the list in order.

        Raises:
            ChangedMeanwhile: an expectation did not hold; the transaction holds a part of the list.
        """
        for change in self.changes:
            await _APPLY[type(change)](transaction, change)


def is_heavy(all_changes: Sequence[Change]) -> bool:
    """Whether a list would keep the event loop waiting."""
    return len(all_changes) > LIGHT or any(type(change) in _HEAVY for change in all_changes)


async def claim_next(transaction: Transaction, now: datetime, claimed_until: datetime) -> RegistrationRecord | None:
    """Claim the open operation whose claim has run out longest ago.

    If there is none, one whose claim ends later than twice the time that a claim has: it was made before the clock was
    set back, and would not run out for as long. The doubled time is for nodes whose clocks do not quite agree.
    """
    until = to_microseconds(claimed_until)
    latest = until + until - to_microseconds(now)
    for statement, bound in (("claim_next", to_microseconds(now)), ("claim_void", latest)):
        found = (await transaction.execute(_REGISTRATIONS[statement], (until, bound))).fetchall()
        if found:
            return rows.registration(found[0])
    return None


async def purge_next(transaction: Transaction) -> bool:
    """Work off one batch of the oldest purge; False if there is none."""
    found = (await transaction.execute(_REGISTRATIONS["next_purge"], ())).fetchall()
    if not found:
        return False
    service_id, folded_group_id, deleted_at, done_through = found[0]
    await _purge_batch(transaction, (service_id, folded_group_id), deleted_at, done_through)
    return True


async def _purge_batch(
    transaction: Transaction, group: tuple[ServiceId, str], deleted_at: int, done_through: str
) -> None:
    batch = (*group, done_through, PURGE_BATCH)
    reach, count = (await transaction.execute(_REGISTRATIONS["purge_batch"], batch)).fetchall()[0]
    if count:
        doomed = (*group, done_through, reach, deleted_at)
        await transaction.execute(_FAILURES["delete_of_range"], (group[0], *doomed))
        await transaction.execute(_REGISTRATIONS["purge_range"], doomed)
    if count == PURGE_BATCH:
        await transaction.execute(_REGISTRATIONS["note_purge"], (*group, deleted_at, reach))
    else:
        await transaction.execute(_REGISTRATIONS["end_purge"], (*group, deleted_at))


async def _put_subject(transaction: Transaction, change: changes.PutSubject) -> None:
    key = (change.service_id, folded(change.registration_id))
    named = (*key, change.registration_id, change.subject_key)
    if (await transaction.execute(_REGISTRATIONS["put_subject"], named)).rowcount == 1:
        return
    found = (await transaction.execute(_REGISTRATIONS["subject_key"], key)).fetchall()
    if not found or found[0][0] != change.subject_key:
        raise ChangedMeanwhile


async def _put_individual(transaction: Transaction, change: changes.PutIndividualEnrollment) -> None:
    columns = rows.individual_columns(change.service_id, change.enrollment, transaction.sealer)
    key = (change.service_id, folded(change.enrollment.registration_id))
    if change.expected is None:
        await transaction.expect_one(_ENROLLMENTS["insert_individual"], (*key, *columns))
    else:
        await transaction.expect_one(_ENROLLMENTS["replace_individual"], (*columns, *key, change.expected))


async def _delete_individual(transaction: Transaction, change: changes.DeleteIndividualEnrollment) -> None:
    key = (change.service_id, folded(change.registration_id))
    await transaction.expect_one(_ENROLLMENTS["delete_individual"], (*key, change.expected))
    await transaction.execute(_REGISTRATIONS["delete_tpm_challenge"], key)
    if not change.keep_records:
        await transaction.execute(_REGISTRATIONS["delete_of_individual"], key)
        await transaction.execute(_FAILURES["delete"], key)


async def _put_group(transaction: Transaction, change: changes.PutEnrollmentGroup) -> None:
    columns = rows.group_columns(change.service_id, change.group, transaction.sealer)
    key = (change.service_id, folded(change.group.enrollment_group_id))
    if change.expected is None:
        await transaction.expect_one(_ENROLLMENTS["insert_group"], (*key, *columns))
    else:
        await transaction.expect_one(_ENROLLMENTS["replace_group"], (*columns, *key, change.expected))
    await transaction.execute(_ENROLLMENTS["bump_groups_version"], (change.service_id,))


async def _delete_group(transaction: Transaction, change: changes.DeleteEnrollmentGroup) -> None:
    key = (change.service_id, folded(change.enrollment_group_id))
    await transaction.expect_one(_ENROLLMENTS["delete_group"], (*key, change.expected))
    await transaction.execute(_ENROLLMENTS["bump_groups_version"], (change.service_id,))
    if not change.keep_records:
        await _purge_batch(transaction, key, to_microseconds(change.deleted_at), "")


async def _put_ca_certificate(transaction: Transaction, change: changes.PutCaCertificate) -> None:
    parameters = rows.ca_certificate_parameters(change.certificate)
    if change.expected is None:
        await transaction.expect_one(_CA_CERTIFICATES["insert"], parameters)
    else:
        await transaction.expect_one(_CA_CERTIFICATES["replace"], (*parameters, change.expected))
    await transaction.execute(_ENROLLMENTS["bump_groups_version"], (change.certificate.service_id,))


async def _delete_ca_certificate(transaction: Transaction, change: changes.DeleteCaCertificate) -> None:
    await transaction.expect_one(_CA_CERTIFICATES["delete"], (change.service_id, change.name, change.expected))
    await transaction.execute(_ENROLLMENTS["bump_groups_version"], (change.service_id,))


async def _put_registration(transaction: Transaction, change: changes.PutRegistration) -> None:
    parameters = rows.registration_parameters(change.record, change.claimed_until)
    if change.expected is None:
        await transaction.expect_one(_REGISTRATIONS["insert"], parameters)
    else:
        await transaction.expect_one(_REGISTRATIONS["replace"], (*parameters, change.expected))


async def _delete_registration(transaction: Transaction, change: changes.DeleteRegistration) -> None:
    key = (change.service_id, folded(change.registration_id))
    await transaction.expect_one(_REGISTRATIONS["delete"], (*key, change.expected))
    await transaction.execute(_FAILURES["delete"], key)


async def _put_tpm_challenge(transaction: Transaction, change: changes.PutTpmChallenge) -> None:
    parameters = rows.challenge_parameters(change.challenge, transaction.sealer)
    await transaction.expect_one(_REGISTRATIONS["put_tpm_challenge"], parameters)


async def _spend_tpm_challenge(transaction: Transaction, change: changes.SpendTpmChallenge) -> None:
    challenge = change.challenge
    key = (challenge.service_id, folded(challenge.registration_id), to_microseconds(challenge.expires_at))
    await transaction.expect_one(_REGISTRATIONS["spend_tpm_challenge"], (change.spent_on, *key))


async def _put_attestation_failures(transaction: Transaction, change: changes.PutAttestationFailures) -> None:
    for failure in change.failures:
        await transaction.execute(_FAILURES["put"], rows.attestation_failure_parameters(failure))
    for service_id, is_known in {(failure.service_id, failure.is_known) for failure in change.failures}:
        kind = (service_id, int(is_known))
        await transaction.execute(_FAILURES["trim"], (*kind, *kind, FAILURES_KEPT[is_known] - 1))


async def _put_service(transaction: Transaction, change: changes.PutService) -> None:
    await transaction.expect_one(_SETTINGS["insert_service"], rows.service_parameters(change.service))


async def _put_linked_hub(transaction: Transaction, change: changes.PutLinkedHub) -> None:
    await transaction.expect_one(_SETTINGS["put_linked_hub"], rows.linked_hub_parameters(change.hub))
    await transaction.execute(_ENROLLMENTS["bump_groups_version"], (change.hub.service_id,))


async def _put_policy(transaction: Transaction, change: changes.PutPolicy) -> None:
    await transaction.expect_one(_SETTINGS["put_policy"], rows.policy_parameters(change.policy, transaction.sealer))


async def _delete_policy(transaction: Transaction, change: changes.DeletePolicy) -> None:
    key = rows.policy_key(change.service_id, change.key_name, change.hub_host_name)
    await transaction.expect_one(_SETTINGS["delete_policy"], key)


async def _ensure_hub_device(transaction: Transaction, change: changes.EnsureHubDevice) -> None:
    statement = "ensure_device_and_reset_twin" if change.reset_twin else "ensure_device"
    device = rows.hub_device_parameters(change.device, transaction.sealer)
    await transaction.expect_one(_HUB_DEVICES[statement], rows.hub_twin_columns(change.twin) + device)


async def _put_hub_device(transaction: Transaction, change: changes.PutHubDevice) -> None:
    parameters = rows.hub_device_parameters(change.device, transaction.sealer)
    if change.expected is None:
        await transaction.expect_one(_HUB_DEVICES["insert_device"], parameters)
    else:
        await transaction.expect_one(_HUB_DEVICES["replace_device"], (*parameters, change.expected))


async def _delete_hub_device(transaction: Transaction, change: changes.DeleteHubDevice) -> None:
    key = (change.service_id, change.hub_host_name, change.device_id)
    await transaction.expect_one(_HUB_DEVICES["delete_device"], (*key, change.expected))


async def _put_hub_twin(transaction: Transaction, change: changes.PutHubTwin) -> None:
    twin = change.twin
    parameters = (*rows.hub_twin_columns(twin), twin.service_id, twin.hub_host_name, twin.device_id)
    if change.expected is None:
        await transaction.expect_one(_HUB_DEVICES["insert_twin"], parameters)
    else:
        await transaction.expect_one(_HUB_DEVICES["replace_twin"], (*parameters, change.expected))


async def _append_audit(transaction: Transaction, change: changes.AppendAudit) -> None:
    event, chain = change.event, transaction.chain
    body = canonical(event)
    head = (transaction.head or await read_head(transaction)).next(chain, body)
    appended = await transaction.execute(_AUDIT["append"], (chain, head.sequence, event.service_id, body, head.hash))
    if appended.rowcount != 1:
        raise ChainMoved
    transaction.head = head


async def read_head(transaction: Transaction) -> ChainHead:
    """The end of the writer's audit chain, from the database."""
    found = (await transaction.execute(_AUDIT["head"], (transaction.chain,))).fetchall()
    return ChainHead(*found[0]) if found else ChainHead()


_APPLY: dict[type, Callable[[Transaction, Any], Awaitable[None]]] = {
    changes.PutSubject: _put_subject,
    changes.PutIndividualEnrollment: _put_individual,
    changes.DeleteIndividualEnrollment: _delete_individual,
    changes.PutEnrollmentGroup: _put_group,
    changes.DeleteEnrollmentGroup: _delete_group,
    changes.PutCaCertificate: _put_ca_certificate,
    changes.DeleteCaCertificate: _delete_ca_certificate,
    changes.PutRegistration: _put_registration,
    changes.DeleteRegistration: _delete_registration,
    changes.PutTpmChallenge: _put_tpm_challenge,
    changes.SpendTpmChallenge: _spend_tpm_challenge,
    changes.PutAttestationFailures: _put_attestation_failures,
    changes.PutService: _put_service,
    changes.PutLinkedHub: _put_linked_hub,
    changes.PutPolicy: _put_policy,
    changes.DeletePolicy: _delete_policy,
    changes.EnsureHubDevice: _ensure_hub_device,
    changes.PutHubDevice: _put_hub_device,
    changes.DeleteHubDevice: _delete_hub_device,
    changes.PutHubTwin: _put_hub_twin,
    changes.AppendAudit: _append_audit,
}
