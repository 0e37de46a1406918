-- The first schema, in PostgreSQL's words. What each table is for stands in the file of SQLite.
--
-- Every key is led by service_id and the identifier of its row, so that an engine that spreads rows over machines can
-- do so by the hash or the range of the key; only the audit log is led by its writer. IDs compare by their bytes
-- (COLLATE "C"), as they do in SQLite: a page has the same order everywhere.

CREATE TABLE services (
    service_id         BIGINT NOT NULL PRIMARY KEY,
    folded_id_scope    TEXT COLLATE "C" NOT NULL UNIQUE,
    id_scope           TEXT   NOT NULL,
    name               TEXT   NOT NULL,
    host_name          TEXT   NOT NULL,
    allocation_policy  TEXT   NOT NULL,
    created_at         BIGINT NOT NULL
);

CREATE TABLE linked_hubs (
    service_id               BIGINT NOT NULL REFERENCES services,
    host_name                TEXT COLLATE "C" NOT NULL,
    connector                TEXT   NOT NULL,
    allocation_weight        BIGINT NOT NULL,
    apply_allocation_policy  BIGINT NOT NULL,
    PRIMARY KEY (service_id, host_name)
);

CREATE TABLE policies (
    service_id       BIGINT NOT NULL REFERENCES services,
    hub_host_name    TEXT COLLATE "C" NOT NULL,
    folded_key_name  TEXT COLLATE "C" NOT NULL,
    key_name         TEXT   NOT NULL,
    rights           TEXT   NOT NULL,
    sealed_keys      BYTEA  NOT NULL,
    PRIMARY KEY (service_id, hub_host_name, folded_key_name)
);

CREATE TABLE group_versions (
    service_id  BIGINT NOT NULL PRIMARY KEY REFERENCES services,
    version     BIGINT NOT NULL
);

CREATE TABLE individual_enrollments (
    service_id   BIGINT NOT NULL REFERENCES services,
    folded_id    TEXT COLLATE "C" NOT NULL,
    etag         TEXT COLLATE "C" NOT NULL,
    document     BYTEA  NOT NULL,
    sealed_keys  BYTEA,
    PRIMARY KEY (service_id, folded_id)
);

CREATE TABLE enrollment_groups (
    service_id   BIGINT NOT NULL REFERENCES services,
    folded_id    TEXT COLLATE "C" NOT NULL,
    etag         TEXT COLLATE "C" NOT NULL,
    created_at   BIGINT NOT NULL,
    document     BYTEA  NOT NULL,
    sealed_keys  BYTEA,
    PRIMARY KEY (service_id, folded_id)
);

CREATE TABLE registrations (
    service_id           BIGINT NOT NULL,
    folded_id            TEXT COLLATE "C" NOT NULL,
    registration_id      TEXT   NOT NULL,
    subject_key          TEXT   NOT NULL,
    status               TEXT   NOT NULL,
    etag                 TEXT COLLATE "C" NOT NULL,
    created_at           BIGINT NOT NULL,
    updated_at           BIGINT NOT NULL,
    operation_id         TEXT   NOT NULL,
    attestation_type     TEXT   NOT NULL,
    folded_group_id      TEXT COLLATE "C",
    enrollment_group_id  TEXT,
    assigned_hub         TEXT,
    device_id            TEXT,
    substatus            TEXT,
    error_code           BIGINT,
    error_message        TEXT,
    payload              BYTEA,
    returned_payload     BYTEA,
    claimed_until        BIGINT,
    PRIMARY KEY (service_id, folded_id)
);

CREATE INDEX registrations_by_group ON registrations (service_id, folded_group_id, folded_id)
    WHERE folded_group_id IS NOT NULL;
CREATE INDEX registrations_open ON registrations (claimed_until)
    WHERE claimed_until IS NOT NULL;

CREATE TABLE subjects (
    service_id       BIGINT NOT NULL,
    folded_id        TEXT COLLATE "C" NOT NULL,
    registration_id  TEXT   NOT NULL,
    subject_key      TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (service_id, folded_id),
    UNIQUE (service_id, subject_key)
);

CREATE TABLE purges (
    service_id       BIGINT NOT NULL REFERENCES services,
    folded_group_id  TEXT COLLATE "C" NOT NULL,
    deleted_at       BIGINT NOT NULL,
    done_through     TEXT COLLATE "C" NOT NULL,
    PRIMARY KEY (service_id, folded_group_id, deleted_at)
);

CREATE TABLE audit (
    chain       TEXT COLLATE "C" NOT NULL,
    sequence    BIGINT NOT NULL,
    service_id  BIGINT NOT NULL,
    body        BYTEA  NOT NULL,
    hash        BYTEA  NOT NULL,
    PRIMARY KEY (chain, sequence)
);

CREATE FUNCTION refuse_to_change_the_audit_log() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
    RAISE EXCEPTION 'the audit log is append-only' USING ERRCODE = 'integrity_constraint_violation';
END
$$;

CREATE TRIGGER audit_refuses_change BEFORE UPDATE OR DELETE OR TRUNCATE ON audit
    FOR EACH STATEMENT EXECUTE FUNCTION refuse_to_change_the_audit_log();

CREATE TABLE hub_devices (
    service_id        BIGINT NOT NULL,
    hub_host_name     TEXT COLLATE "C" NOT NULL,
    device_id         TEXT COLLATE "C" NOT NULL,
    subject_key       TEXT   NOT NULL,
    generation_id     TEXT   NOT NULL,
    etag              TEXT COLLATE "C" NOT NULL,
    enabled           BIGINT NOT NULL,
    status_reason     TEXT,
    iot_edge          BIGINT NOT NULL,
    sealed_keys       BYTEA  NOT NULL,
    created_at        BIGINT NOT NULL,
    updated_at        BIGINT NOT NULL,
    twin_etag         TEXT COLLATE "C",
    twin_updated_at   BIGINT,
    tags              BYTEA,
    desired           BYTEA,
    reported          BYTEA,
    desired_version   BIGINT,
    reported_version  BIGINT,
    twin_version      BIGINT,
    PRIMARY KEY (service_id, hub_host_name, device_id)
);
