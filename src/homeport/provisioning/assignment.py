"""Assignment, the doing: choose a hub, plan, make it true at the hub, complete the record.

`Assigner.assign` is the fast path of a registration and returns what to write; where the hub does not answer
within the budget the record stays open, and `AssignmentWorker` claims and finishes it, also after a crash.
Decisions are elsewhere (`allocation/`, `reprovisioning.py`, `lifecycle.py`); this module only carries them out.
"""

import asyncio
from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import partial

import msgspec
from msgspec.structs import replace

from homeport import errors
from homeport.clock import Clock, Randomness
from homeport.errors import HomeportError
from homeport.hubs.port import (
    HubConnector,
    HubDirectory,
    HubPlan,
    HubRefused,
    HubUnavailable,
    TwinMigration,
    sharing_storage,
)
from homeport.model.attestation import AttestedIdentity, EnrollmentReference, HubCredential
from homeport.model.enrollment import IndividualEnrollment, InitialTwin
from homeport.model.events import AuditEvent, DeviceAssigned, RegistrationAttempted, ServiceEvent
from homeport.model.identifiers import DeviceId, new_etag
from homeport.model.registration import RegistrationRecord, RegistrationStatus
from homeport.provisioning import allocation, lifecycle, reprovisioning
from homeport.provisioning.admission import Admission, Admitted, DisabledEntry
from homeport.provisioning.hub_credentials import hub_access
from homeport.provisioning.linked_hubs import LinkedHubCache
from homeport.provisioning.reprovisioning import Movement, ReprovisioningPlan
from homeport.storage.changes import AppendAudit, Change, ChangedMeanwhile, PutRegistration
from homeport.storage.port import Storage

CLAIM = timedelta(seconds=30)
"""How long a worker has for one operation before another may take it over."""
PATIENCE = 20.0
"""The budget of a worker's attempt, in seconds: no device waits, so a slow hub gets time. Shorter than its claim."""


def _nothing() -> None:
    """What most hubs have to do after a commit."""


class Assignment(msgspec.Struct, frozen=True, kw_only=True):
    """What came of an attempt: the record to write, and what the hub wants written in the same transaction."""

    record: RegistrationRecord
    hub_changes: Sequence[Change] = ()
    committed: Callable[[], None] = _nothing
    """To be called once it is written."""

    def events(self) -> list[ServiceEvent]:
        """What to tell log and metrics once it is written."""
        record = self.record
        happened: list[ServiceEvent] = [
            RegistrationAttempted(
                service_id=record.service_id,
                status=record.status.value,
                subject_key=record.subject_key,
                hub_host_name=record.assigned_hub,
            )
        ]
        if record.status is RegistrationStatus.ASSIGNED and record.assigned_hub and record.substatus:
            happened.append(
                DeviceAssigned(
                    service_id=record.service_id,
                    subject_key=record.subject_key,
                    hub_host_name=record.assigned_hub,
                    substatus=record.substatus.value,
                )
            )
        return happened

    def audit(self) -> AppendAudit:
        """The entry that goes into the same transaction."""
        record = self.record
        detail: dict[str, str | int | bool] = {"status": record.status.value}
        if record.status is RegistrationStatus.ASSIGNED and record.assigned_hub and record.substatus:
            detail |= {"hub": record.assigned_hub, "substatus": record.substatus.value}
        if record.error_code is not None:
            detail["errorCode"] = record.error_code
        return AppendAudit(
            event=AuditEvent(
                service_id=record.service_id,
                occurred_at=record.updated_at,
                kind="RegistrationAttempted",
                actor="device",
                subject_key=record.subject_key,
                detail=detail,
            )
        )


class Assigner:
    """Carries one open record to its end, or as far as the hub lets it. `budget` is in seconds."""

    def __init__(self, storage: Storage, hubs: HubDirectory, *, randomness: Randomness, budget: float = 0.25) -> None:
        self._linked_hubs = LinkedHubCache(storage.settings)
        self._hubs = hubs
        self._randomness = randomness
        self._budget = budget

    async def assign(self, admitted: Admitted, record: RegistrationRecord) -> Assignment:
        """Try to finish the open `record` of an admitted device within the budget.

        The outcome's record is assigned, failed, or still open when the hub was too slow or did not answer.
        """
        try:
            plan = await self._plan(admitted)
            return await self._apply(admitted, record, plan)
        except HubUnavailable:
            return Assignment(record=record)
        except HubRefused as refusal:
            error = HomeportError(errors.HUB_REFUSED, str(refusal), cause="hub_refused")
            return Assignment(record=lifecycle.fail(record, error))
        except HomeportError as error:
            return Assignment(record=lifecycle.fail(record, error))

    async def _plan(self, admitted: Admitted) -> ReprovisioningPlan:
        hubs = await self._linked_hubs.of(admitted.service.service_id, admitted.context)
        chosen = allocation.choose(
            admitted.identity.registration_id,
            admitted.entry,
            hubs,
            default_policy=admitted.service.allocation_policy,
        )
        return reprovisioning.plan(
            admitted.context.record,
            admitted.entry.reprovision_policy,
            chosen_hub=chosen.host_name,
            device_id=_device_id(admitted),
        )

    async def _apply(self, admitted: Admitted, record: RegistrationRecord, plan: ReprovisioningPlan) -> Assignment:
        connector = self._hubs.connector(record.service_id, plan.hub_host_name)
        twin = await self._twin(admitted, plan)
        access = hub_access(admitted, f"{plan.hub_host_name}/devices/{plan.device_id}", self._randomness)
        hub_plan = _hub_plan(admitted, record, plan, twin=twin, credential=access.credential)
        done = lifecycle.complete(
            replace(record, evidence=access.evidence) if access.evidence else record,
            hub_host_name=plan.hub_host_name,
            device_id=plan.device_id,
            substatus=plan.substatus,
        )
        sharing = sharing_storage(connector)
        if sharing is not None:
            await self._leave(record, plan)
            changes = sharing.changes_for(hub_plan)
            if not _supersedes(admitted, plan):
                return Assignment(record=done, hub_changes=changes)
            return Assignment(record=done, hub_changes=changes, committed=partial(sharing.superseded, hub_plan))
        await self._within_budget(connector, hub_plan)
        await self._leave(record, plan)
        return Assignment(record=done)

    async def _within_budget(self, connector: HubConnector, plan: HubPlan) -> None:
        try:
            async with asyncio.timeout(self._budget):
                await connector.apply(plan)
        except TimeoutError as error:
            raise HubUnavailable("the hub did not answer within the budget") from error

    async def _twin(self, admitted: Admitted, plan: ReprovisioningPlan) -> InitialTwin | None:
        """The twin that the device takes along, or the one that its entry prescribes."""
        if plan.movement is Movement.MIGRATE and plan.leaves_hub and plan.leaves_device_id:
            old = self._hubs.connector(admitted.service.service_id, plan.leaves_hub)
            if isinstance(old, TwinMigration):
                return await old.export_twin(plan.leaves_device_id) or admitted.entry.initial_twin
        return admitted.entry.initial_twin

    async def _leave(self, record: RegistrationRecord, plan: ReprovisioningPlan) -> None:
        if plan.leaves_hub and plan.leaves_device_id:
            await self._hubs.connector(record.service_id, plan.leaves_hub).remove(plan.leaves_device_id)


class AssignmentWorker:
    """Finishes operations that the fast path left open, one at a time; `run_once` is its whole step.

    Its assigner has a budget of its own, `PATIENCE`: with that of the fast path, a slow hub would never be done.
    """

    def __init__(
        self, storage: Storage, admission: Admission, assigner: Assigner, *, clock: Clock, randomness: Randomness
    ) -> None:
        self._storage = storage
        self._admission = admission
        self._assigner = assigner
        self._clock = clock
        self._randomness = randomness

    async def run_once(self) -> tuple[bool, Sequence[ServiceEvent]]:
        """Claim one open operation and try to finish it; the first value is False when there was none."""
        now = self._clock.now()
        claimed = await self._storage.registrations.claim_next(now=now, claimed_until=now + CLAIM)
        if claimed is None:
            return False, ()
        assignment = await self._attempt(claimed)
        if assignment.record.status is RegistrationStatus.ASSIGNING:
            return True, ()
        try:
            await self._storage.apply(
                [
                    PutRegistration(record=assignment.record, expected=claimed.etag),
                    *assignment.hub_changes,
                    assignment.audit(),
                ]
            )
        except ChangedMeanwhile:
            return True, ()
        assignment.committed()
        return True, assignment.events()

    async def _attempt(self, claimed: RegistrationRecord) -> Assignment:
        record = replace(claimed, etag=new_etag(self._randomness), updated_at=self._clock.now())
        try:
            admitted = await self._admission.reread(
                await self._admission.service(claimed.service_id), _identity(claimed)
            )
        except DisabledEntry as disabled:
            return Assignment(record=lifecycle.disable(record, disabled.refusal))
        except HomeportError as error:
            return Assignment(record=lifecycle.fail(record, error))
        return await self._assigner.assign(admitted, record)


def _identity(record: RegistrationRecord) -> AttestedIdentity:
    return AttestedIdentity(
        service_id=record.service_id,
        registration_id=record.registration_id,
        attestation_type=record.attestation_type,
        enrollment=EnrollmentReference(enrollment_group_id=record.enrollment_group_id),
        evidence=record.evidence,
    )


def _supersedes(admitted: Admitted, plan: ReprovisioningPlan) -> bool:
    """Whether what the device has had until now opens its hub no longer, or is no longer its twin. Not whether it has
    another key or certificate: that is the rule where certificates are renewed, and the device's next connection ends
    the one before."""
    record = admitted.context.record
    if record is None or record.assigned_hub is None:
        return False
    return plan.movement is Movement.RESET or record.attestation_type is not admitted.identity.attestation_type


def _device_id(admitted: Admitted) -> DeviceId:
    """The hub's IDs are case-sensitive, ours are not: the first spelling stays, or one device would become two."""
    entry, record = admitted.entry, admitted.context.record
    if isinstance(entry, IndividualEnrollment):
        return DeviceId(entry.device_id or entry.registration_id)
    return DeviceId(record.registration_id if record else admitted.identity.registration_id)


def _hub_plan(
    admitted: Admitted,
    record: RegistrationRecord,
    plan: ReprovisioningPlan,
    *,
    twin: InitialTwin | None,
    credential: HubCredential,
) -> HubPlan:
    return HubPlan(
        service_id=record.service_id,
        operation_id=record.operation_id,
        hub_host_name=plan.hub_host_name,
        device_id=plan.device_id,
        subject_key=record.subject_key,
        credential=credential,
        initial_twin=twin,
        capabilities=admitted.entry.capabilities,
        reset_twin=plan.movement is Movement.RESET,
    )
