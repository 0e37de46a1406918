-- The last failure of each registration ID, up to a limit.

-- name: put
-- The newest one takes the place of the one before.
INSERT INTO attestation_failures (
    service_id, folded_id, registration_id, occurred_at, is_known, error_code, cause, message, facts, transport,
    correlation_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (service_id, folded_id) DO UPDATE SET
    registration_id = excluded.registration_id,
    occurred_at = excluded.occurred_at,
    is_known = excluded.is_known,
    error_code = excluded.error_code,
    cause = excluded.cause,
    message = excluded.message,
    facts = excluded.facts,
    transport = excluded.transport,
    correlation_id = excluded.correlation_id;

-- name: trim
-- Drop those that are older than the last one within the limit; its own moment's stay together.
DELETE FROM attestation_failures
WHERE service_id = ? AND is_known = ? AND occurred_at < (
    SELECT occurred_at FROM attestation_failures
    WHERE service_id = ? AND is_known = ? ORDER BY occurred_at DESC LIMIT 1 OFFSET ?
);

-- name: delete
-- What it belongs to is gone.
DELETE FROM attestation_failures WHERE service_id = ? AND folded_id = ?;

-- name: delete_of_range
-- Those of the records that a batch of a purge deletes (registrations.sql, purge_range).
DELETE FROM attestation_failures WHERE service_id = ? AND folded_id IN (
    SELECT folded_id FROM registrations
    WHERE service_id = ? AND folded_group_id = ? AND folded_id > ? AND folded_id <= ? AND updated_at <= ?
);

-- name: failure
-- The last failure of one ID.
SELECT service_id, registration_id, occurred_at, is_known, error_code, cause, message, facts, transport,
       correlation_id
FROM attestation_failures WHERE service_id = ? AND folded_id = ?;
