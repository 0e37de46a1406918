-- The first schema.
--
-- Every row is led by its service_id. `folded_id` is the form of an ID in which two spellings are equal; the
-- written form stands beside it, in a column or in the document. Times are microseconds since 1970. `sealed_keys`
-- holds what security/sealing.py sealed, never a key. Rows that are wide or inserted in random order have a rowid,
-- so that the index stays small enough to be kept in memory; narrow ones have none.

CREATE TABLE services (
    service_id         INTEGER NOT NULL PRIMARY KEY,
    folded_id_scope    TEXT    NOT NULL UNIQUE,
    id_scope           TEXT    NOT NULL,
    name               TEXT    NOT NULL,
    host_name          TEXT    NOT NULL,
    allocation_policy  TEXT    NOT NULL,
    created_at         INTEGER NOT NULL
) STRICT;

CREATE TABLE linked_hubs (
    service_id               INTEGER NOT NULL REFERENCES services,
    host_name                TEXT    NOT NULL,
    connector                TEXT    NOT NULL,
    allocation_weight        INTEGER NOT NULL,
    apply_allocation_policy  INTEGER NOT NULL,
    PRIMARY KEY (service_id, host_name)
) STRICT, WITHOUT ROWID;

-- A policy of the service itself has the empty hub_host_name.
CREATE TABLE policies (
    service_id       INTEGER NOT NULL REFERENCES services,
    hub_host_name    TEXT    NOT NULL,
    folded_key_name  TEXT    NOT NULL,
    key_name         TEXT    NOT NULL,
    rights           TEXT    NOT NULL,
    sealed_keys      BLOB    NOT NULL,
    PRIMARY KEY (service_id, hub_host_name, folded_key_name)
) STRICT, WITHOUT ROWID;

-- Grows with every change of a group: a cache of the groups knows by it whether it is current.
CREATE TABLE group_versions (
    service_id  INTEGER NOT NULL PRIMARY KEY REFERENCES services,
    version     INTEGER NOT NULL
) STRICT;

CREATE TABLE individual_enrollments (
    service_id   INTEGER NOT NULL REFERENCES services,
    folded_id    TEXT    NOT NULL,
    etag         TEXT    NOT NULL,
    document     BLOB    NOT NULL,
    sealed_keys  BLOB,
    UNIQUE (service_id, folded_id)
) STRICT;

CREATE TABLE enrollment_groups (
    service_id   INTEGER NOT NULL REFERENCES services,
    folded_id    TEXT    NOT NULL,
    etag         TEXT    NOT NULL,
    created_at   INTEGER NOT NULL,
    document     BLOB    NOT NULL,
    sealed_keys  BLOB,
    UNIQUE (service_id, folded_id)
) STRICT;

-- One row a device, its newest operation included. `claimed_until` is set while that operation is open: until
-- then it belongs to whoever wrote it, afterwards to the worker that claims it.
CREATE TABLE registrations (
    service_id           INTEGER NOT NULL,
    folded_id            TEXT    NOT NULL,
    registration_id      TEXT    NOT NULL,
    subject_key          TEXT    NOT NULL,
    status               TEXT    NOT NULL,
    etag                 TEXT    NOT NULL,
    created_at           INTEGER NOT NULL,
    updated_at           INTEGER NOT NULL,
    operation_id         TEXT    NOT NULL,
    attestation_type     TEXT    NOT NULL,
    folded_group_id      TEXT,
    enrollment_group_id  TEXT,
    assigned_hub         TEXT,
    device_id            TEXT,
    substatus            TEXT,
    error_code           INTEGER,
    error_message        TEXT,
    payload              BLOB,
    returned_payload     BLOB,
    claimed_until        INTEGER,
    UNIQUE (service_id, folded_id)
) STRICT;

CREATE INDEX registrations_by_group ON registrations (service_id, folded_group_id, folded_id)
    WHERE folded_group_id IS NOT NULL;
CREATE INDEX registrations_open ON registrations (claimed_until)
    WHERE claimed_until IS NOT NULL;

-- The only place that ties a subject key to an identifier. Erasing a subject deletes its row here, and the audit
-- log points at nobody.
CREATE TABLE subjects (
    service_id       INTEGER NOT NULL,
    folded_id        TEXT    NOT NULL,
    registration_id  TEXT    NOT NULL,
    subject_key      TEXT    NOT NULL UNIQUE,
    PRIMARY KEY (service_id, folded_id)
) STRICT, WITHOUT ROWID;

-- Records of a deleted group that are still to be removed: those behind `done_through` that were last written at
-- `deleted_at` or before.
CREATE TABLE purges (
    service_id       INTEGER NOT NULL REFERENCES services,
    folded_group_id  TEXT    NOT NULL,
    deleted_at       INTEGER NOT NULL,
    done_through     TEXT    NOT NULL,
    PRIMARY KEY (service_id, folded_group_id, deleted_at)
) STRICT, WITHOUT ROWID;

-- One chain a writer. `hash` is what security/hash_chain.py says.
CREATE TABLE audit (
    chain       TEXT    NOT NULL,
    sequence    INTEGER NOT NULL,
    service_id  INTEGER NOT NULL,
    body        BLOB    NOT NULL,
    hash        BLOB    NOT NULL,
    PRIMARY KEY (chain, sequence)
) STRICT, WITHOUT ROWID;

CREATE TRIGGER audit_refuses_update BEFORE UPDATE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

CREATE TRIGGER audit_refuses_delete BEFORE DELETE ON audit
BEGIN
    SELECT RAISE(ABORT, 'the audit log is append-only');
END;

-- A device of an embedded hub and its twin, in one row: they come and go together, and a registration writes both.
-- The twin's columns are all NULL while a device has none.
CREATE TABLE hub_devices (
    service_id        INTEGER NOT NULL,
    hub_host_name     TEXT    NOT NULL,
    device_id         TEXT    NOT NULL,
    subject_key       TEXT    NOT NULL,
    generation_id     TEXT    NOT NULL,
    etag              TEXT    NOT NULL,
    enabled           INTEGER NOT NULL,
    status_reason     TEXT,
    iot_edge          INTEGER NOT NULL,
    sealed_keys       BLOB    NOT NULL,
    created_at        INTEGER NOT NULL,
    updated_at        INTEGER NOT NULL,
    twin_etag         TEXT,
    twin_updated_at   INTEGER,
    tags              BLOB,
    desired           BLOB,
    reported          BLOB,
    desired_version   INTEGER,
    reported_version  INTEGER,
    twin_version      INTEGER,
    UNIQUE (service_id, hub_host_name, device_id)
) STRICT;
