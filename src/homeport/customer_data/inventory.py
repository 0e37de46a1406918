"""THE map of customer data: every column of every table, and every other place where data may come to rest.

Finding, exporting and erasing walk this map, so that they cannot differ; a test reads the real schema and fails
for a column that is not on it. A column is listed once, under the purpose that it serves. Data only: how a store
is searched or erased is named here and done elsewhere.
"""

import enum
from dataclasses import dataclass


class DataClass(enum.StrEnum):
    """What kind of data a column holds. `NOT_PERSONAL` says nothing about anybody's device."""

    NOT_PERSONAL = "not personal"
    IDENTIFIER = "identifier"
    PSEUDONYM = "pseudonym"
    CREDENTIAL = "credential"
    DEVICE_FACT = "device fact"
    FREE_CONTENT = "free content"


class Export(enum.StrEnum):
    """How a column leaves in an export. Credentials leave as a fingerprint only."""

    NONE = "not exported"
    VALUE = "as it is"
    FINGERPRINT = "as a fingerprint"


class Erasure(enum.StrEnum):
    """How a column is erased."""

    NOT_NEEDED = "nothing to erase"
    ROW = "the row is deleted"
    MAPPING = "kept; its subject key points at nobody once the row in `subjects` is deleted"


class Retention(enum.StrEnum):
    """How long a column is kept when nobody asks for its erasure."""

    DEPLOYMENT = "as long as the deployment"
    ENTRY = "until the enrollment or group is deleted"
    RECORD = "until the registration record, or the entry that it came through, is deleted"
    DEVICE = "until the device is deleted from the hub"
    MAPPING = "until the subject is erased"
    LOG = "as long as the audit log"
    NEWEST = "until newer ones push it out, or the registration record or its entry is deleted"
    PURGE = "until the purge is worked off"


class FoundBy(enum.StrEnum):
    """How the rows of a subject are found."""

    NOTHING = "not a subject's"
    REGISTRATION_ID = "service_id and the folded registration ID"
    DEVICE_ID = "service_id, every hub's host name and the device ID"
    SUBJECT_KEY = "the subject key"


@dataclass(frozen=True, kw_only=True, slots=True)
class Column:
    """One column of one table, classified."""

    table: str
    name: str
    data_class: DataClass
    purpose: str
    found_by: FoundBy
    export: Export
    erasure: Erasure
    retention: Retention

    @property
    def is_personal(self) -> bool:
        """Whether it says something about a subject."""
        return self.data_class is not DataClass.NOT_PERSONAL


@dataclass(frozen=True, kw_only=True, slots=True)
class Sink:
    """A place outside the tables to which data flow."""

    name: str
    data_class: DataClass
    holds: str
    erasure: str
    retention: str


@dataclass(frozen=True, slots=True)
class _Store:
    """What the columns of a table have in common."""

    table: str
    found_by: FoundBy
    erasure: Erasure
    retention: Retention

    def personal(self, data_class: DataClass, purpose: str, *names: str) -> tuple[Column, ...]:
        export = Export.FINGERPRINT if data_class is DataClass.CREDENTIAL else Export.VALUE
        return tuple(
            Column(
                table=self.table,
                name=name,
                data_class=data_class,
                purpose=purpose,
                found_by=self.found_by,
                export=export,
                erasure=self.erasure,
                retention=self.retention,
            )
            for name in names
        )

    def impersonal(self, purpose: str, *names: str) -> tuple[Column, ...]:
        return tuple(
            Column(
                table=self.table,
                name=name,
                data_class=DataClass.NOT_PERSONAL,
                purpose=purpose,
                found_by=FoundBy.NOTHING,
                export=Export.NONE,
                erasure=Erasure.NOT_NEEDED,
                retention=self.retention,
            )
            for name in names
        )


def _shared(table: str, retention: Retention = Retention.DEPLOYMENT) -> _Store:
    """A table that belongs to the deployment, not to any one device."""
    return _Store(table, FoundBy.NOTHING, Erasure.NOT_NEEDED, retention)


_INDIVIDUALS = _Store("individual_enrollments", FoundBy.REGISTRATION_ID, Erasure.ROW, Retention.ENTRY)
_REGISTRATIONS = _Store("registrations", FoundBy.REGISTRATION_ID, Erasure.ROW, Retention.RECORD)
_CHALLENGES = _Store("tpm_challenges", FoundBy.REGISTRATION_ID, Erasure.ROW, Retention.ENTRY)
_FAILURES = _Store("attestation_failures", FoundBy.REGISTRATION_ID, Erasure.ROW, Retention.NEWEST)
_SUBJECTS = _Store("subjects", FoundBy.REGISTRATION_ID, Erasure.ROW, Retention.MAPPING)
_HUB_DEVICES = _Store("hub_devices", FoundBy.DEVICE_ID, Erasure.ROW, Retention.DEVICE)
_AUDIT = _Store("audit", FoundBy.SUBJECT_KEY, Erasure.MAPPING, Retention.LOG)
_GROUPS = _shared("enrollment_groups", Retention.ENTRY)

COLUMNS: tuple[Column, ...] = (
    *_shared("schema_version").impersonal("which migrations have run", "version", "name", "applied_at"),
    *_shared("services").impersonal(
        "the provisioning service itself",
        *("service_id", "folded_id_scope", "id_scope", "name", "host_name", "allocation_policy", "created_at"),
    ),
    *_shared("linked_hubs").impersonal(
        "hubs that may be assigned",
        *("service_id", "host_name", "connector", "allocation_weight", "apply_allocation_policy"),
    ),
    *_shared("policies").impersonal(
        "rights of service callers; a policy belongs to a role, not to a person",
        *("service_id", "hub_host_name", "folded_key_name", "key_name", "rights", "sealed_keys"),
    ),
    *_shared("ca_certificates").impersonal(
        "CAs whose devices may register through groups; shared by all of them",
        *("service_id", "name", "etag", "document"),
    ),
    *_shared("group_versions").impersonal(
        "whether a cache of groups, CA certificates and linked hubs is current", "service_id", "version"
    ),
    *_shared("purges", Retention.PURGE).impersonal(
        "records of a deleted group that are still to be removed", "service_id", "folded_group_id", "deleted_at"
    ),
    *_Store("purges", FoundBy.REGISTRATION_ID, Erasure.ROW, Retention.PURGE).personal(
        DataClass.IDENTIFIER, "how far a purge has come: the ID of its last record", "done_through"
    ),
    *_GROUPS.impersonal("tenant, key and version of the group", "service_id", "folded_id", "etag", "created_at"),
    *_GROUPS.impersonal("what the group's devices prove and are given; shared by all", "document"),
    *_GROUPS.impersonal("the key that the devices' keys are derived from; shared by all of them", "sealed_keys"),
    *_INDIVIDUALS.impersonal("tenant and version of the entry", "service_id", "etag"),
    *_INDIVIDUALS.personal(DataClass.IDENTIFIER, "which device may register", "folded_id"),
    *_INDIVIDUALS.personal(
        DataClass.FREE_CONTENT,
        "what the device proves with certificates or a TPM, and is given: IDs, hub, twin, information",
        "document",
    ),
    *_INDIVIDUALS.personal(DataClass.CREDENTIAL, "how the device proves itself", "sealed_keys"),
    *_REGISTRATIONS.impersonal("tenant and version of the record", "service_id", "etag"),
    *_REGISTRATIONS.personal(DataClass.IDENTIFIER, "which device this is", "folded_id", "registration_id", "device_id"),
    *_REGISTRATIONS.personal(DataClass.PSEUDONYM, "its name in audit and log", "subject_key"),
    *_REGISTRATIONS.personal(DataClass.PSEUDONYM, "what the device polls, and who works on it", "operation_id"),
    *_REGISTRATIONS.personal(
        DataClass.DEVICE_FACT,
        "what became of its registration",
        *("status", "substatus", "error_code", "error_message", "assigned_hub", "claimed_until"),
        *("created_at", "updated_at"),
    ),
    *_REGISTRATIONS.personal(
        DataClass.DEVICE_FACT,
        "how it proved itself and through which group it came",
        *("attestation_type", "folded_group_id", "enrollment_group_id"),
    ),
    *_REGISTRATIONS.personal(DataClass.FREE_CONTENT, "what device and webhook said", "payload", "returned_payload"),
    *_REGISTRATIONS.personal(
        DataClass.DEVICE_FACT, "certificate or public keys that it proved itself with", "evidence"
    ),
    *_CHALLENGES.impersonal("tenant", "service_id"),
    *_CHALLENGES.personal(DataClass.IDENTIFIER, "whose TPM was challenged", "folded_id"),
    *_CHALLENGES.personal(DataClass.CREDENTIAL, "what the TPM has to answer", "sealed"),
    *_CHALLENGES.personal(DataClass.DEVICE_FACT, "whether it is still open", "expires_at", "spent_on"),
    *_FAILURES.impersonal("tenant", "service_id"),
    *_FAILURES.personal(DataClass.IDENTIFIER, "which device was refused", "folded_id", "registration_id"),
    *_FAILURES.personal(
        DataClass.DEVICE_FACT,
        "why it was last refused",
        *("occurred_at", "is_known", "error_code", "cause", "message", "transport"),
    ),
    *_FAILURES.personal(
        DataClass.FREE_CONTENT,
        "what was wrong: names out of the certificates that were shown, perhaps another device's",
        "facts",
    ),
    *_FAILURES.personal(DataClass.PSEUDONYM, "the name of the request in the log", "correlation_id"),
    *_SUBJECTS.impersonal("tenant", "service_id"),
    *_SUBJECTS.personal(DataClass.IDENTIFIER, "whom a subject key stands for", "folded_id", "registration_id"),
    *_SUBJECTS.personal(DataClass.PSEUDONYM, "the name in audit and log", "subject_key"),
    *_AUDIT.impersonal("the place of an entry, and the proof that nobody changed it", "chain", "sequence", "hash"),
    *_AUDIT.impersonal("tenant", "service_id"),
    *_AUDIT.personal(DataClass.PSEUDONYM, "what happened, to a subject known by its key only", "body"),
    *_HUB_DEVICES.impersonal("tenant, hub and versions", "service_id", "hub_host_name", "etag", "twin_etag"),
    *_HUB_DEVICES.impersonal(
        "how often parts of the twin have changed", "desired_version", "reported_version", "twin_version"
    ),
    *_HUB_DEVICES.personal(DataClass.IDENTIFIER, "which device this is", "device_id"),
    *_HUB_DEVICES.personal(DataClass.PSEUDONYM, "its name in audit and log", "subject_key", "generation_id"),
    *_HUB_DEVICES.personal(DataClass.CREDENTIAL, "how the device proves itself to the hub", "sealed_keys"),
    *_HUB_DEVICES.personal(
        DataClass.DEVICE_FACT, "its certificates, by thumbprint", "primary_thumbprint", "secondary_thumbprint"
    ),
    *_HUB_DEVICES.personal(
        DataClass.DEVICE_FACT,
        "state of the identity",
        *("enabled", "status_reason", "iot_edge", "created_at", "updated_at", "twin_updated_at"),
    ),
    *_HUB_DEVICES.personal(DataClass.FREE_CONTENT, "the twin", "tags", "desired", "reported"),
)
"""Every column of every table."""

SINKS: tuple[Sink, ...] = (
    Sink(
        name="log",
        data_class=DataClass.PSEUDONYM,
        holds="subject keys and correlation IDs; no registration ID, device ID or secret by design, and tested",
        erasure="none needed: the subject keys point at nobody once the row in `subjects` is deleted",
        retention="that of whoever collects standard error",
    ),
    Sink(
        name="metrics",
        data_class=DataClass.NOT_PERSONAL,
        holds="counts and durations, with no label that names a device",
        erasure="nothing to erase",
        retention="in memory until the process ends; that of whoever collects them",
    ),
    Sink(
        name="embedded hub's memory of its node",
        data_class=DataClass.FREE_CONTENT,
        holds=(
            "the newest messages of the hub's devices, bounded, and who is connected, by device ID; in memory, or with "
            "several workers in a file of the run directory that only their user can read"
        ),
        erasure="a device's messages are dropped with the device, on every node",
        retention="until newer messages push them out, or the server stops; what a killed one leaves goes at its start",
    ),
    Sink(
        name="write-ahead log of the database",
        data_class=DataClass.FREE_CONTENT,
        holds="pages as they were before the last checkpoint, deleted rows included; PostgreSQL's may be archived",
        erasure="a checkpoint after the erasure",
        retention="until it is overwritten after a checkpoint; that of the archive",
    ),
    Sink(
        name="unfinished copy into a PostgreSQL database",
        data_class=DataClass.FREE_CONTENT,
        holds="the rows that have arrived, and in `copy_progress` the key of each table's last one",
        erasure="the target database is dropped, or the copy is finished and the subject erased there",
        retention="until the copy is finished (`copy_progress` is dropped then) or the target database is",
    ),
    Sink(
        name="deleted rows of a PostgreSQL database",
        data_class=DataClass.FREE_CONTENT,
        holds="rows as they were before they were changed or deleted, in the database and on its standbys",
        erasure="a vacuum after the erasure",
        retention="until the server's autovacuum has passed and the place is written again",
    ),
)
"""Every place outside the tables."""


def columns_of(table: str) -> tuple[Column, ...]:
    """The columns of one table."""
    return tuple(column for column in COLUMNS if column.table == table)
