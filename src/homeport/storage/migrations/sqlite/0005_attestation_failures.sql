-- Why a device was last refused. Those of known subjects and those of strangers have each their own limit.

CREATE TABLE attestation_failures (
    service_id       INTEGER NOT NULL,
    folded_id        TEXT    NOT NULL,
    registration_id  TEXT    NOT NULL,
    occurred_at      INTEGER NOT NULL,
    is_known         INTEGER NOT NULL,
    error_code       INTEGER NOT NULL,
    cause            TEXT    NOT NULL,
    message          TEXT    NOT NULL,
    facts            BLOB    NOT NULL,
    transport        TEXT    NOT NULL,
    correlation_id   TEXT    NOT NULL,
    PRIMARY KEY (service_id, folded_id)
) STRICT, WITHOUT ROWID;

CREATE INDEX attestation_failures_by_age ON attestation_failures (service_id, is_known, occurred_at);
