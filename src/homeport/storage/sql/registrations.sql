-- Registration records, the names of their subjects, and purges of deleted groups' records.

-- name: context
-- All that one registration request needs: enrollment, subject, version of the groups, record.
SELECT e.document, e.sealed_keys, s.subject_key, v.version,
       r.service_id, r.registration_id, r.subject_key, r.status, r.etag, r.created_at, r.updated_at, r.operation_id,
       r.attestation_type, r.enrollment_group_id, r.assigned_hub, r.device_id, r.substatus, r.error_code,
       r.error_message, r.payload, r.returned_payload, r.evidence
FROM (SELECT CAST(? AS BIGINT) AS service_id, CAST(? AS TEXT) AS folded_id) AS q
LEFT JOIN individual_enrollments AS e ON e.service_id = q.service_id AND e.folded_id = q.folded_id
LEFT JOIN subjects AS s ON s.service_id = q.service_id AND s.folded_id = q.folded_id
LEFT JOIN group_versions AS v ON v.service_id = q.service_id
LEFT JOIN registrations AS r ON r.service_id = q.service_id AND r.folded_id = q.folded_id;

-- name: record
-- One record.
SELECT service_id, registration_id, subject_key, status, etag, created_at, updated_at, operation_id,
       attestation_type, enrollment_group_id, assigned_hub, device_id, substatus, error_code,
       error_message, payload, returned_payload, evidence
FROM registrations WHERE service_id = ? AND folded_id = ?;

-- name: of_group
-- A page of a group's records behind a folded ID.
SELECT service_id, registration_id, subject_key, status, etag, created_at, updated_at, operation_id,
       attestation_type, enrollment_group_id, assigned_hub, device_id, substatus, error_code,
       error_message, payload, returned_payload, evidence
FROM registrations WHERE service_id = ? AND folded_group_id = ? AND folded_id > ? ORDER BY folded_id LIMIT ?;

-- name: insert
-- A new record; fails if there is one.
INSERT INTO registrations (
    registration_id, subject_key, status, etag, created_at, updated_at, operation_id, attestation_type,
    folded_group_id, enrollment_group_id, assigned_hub, device_id, substatus, error_code, error_message,
    payload, returned_payload, evidence, claimed_until, service_id, folded_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: replace
-- The record that has the expected etag.
UPDATE registrations SET
    registration_id = ?, subject_key = ?, status = ?, etag = ?, created_at = ?, updated_at = ?, operation_id = ?,
    attestation_type = ?, folded_group_id = ?, enrollment_group_id = ?, assigned_hub = ?, device_id = ?,
    substatus = ?, error_code = ?, error_message = ?, payload = ?, returned_payload = ?, evidence = ?,
    claimed_until = ?
WHERE service_id = ? AND folded_id = ? AND etag = ?;

-- name: delete
-- The record that has the expected etag.
DELETE FROM registrations WHERE service_id = ? AND folded_id = ? AND etag = ?;

-- name: delete_of_individual
-- The record of an individual enrollment: one that came through a group is the group's.
DELETE FROM registrations WHERE service_id = ? AND folded_id = ? AND folded_group_id IS NULL;

-- name: claim_next
-- Claim the open operation whose claim has run out longest ago.
UPDATE registrations SET claimed_until = ?
WHERE (service_id, folded_id) IN (
    SELECT service_id, folded_id FROM registrations
    WHERE claimed_until IS NOT NULL AND claimed_until <= ? ORDER BY claimed_until LIMIT 1
)
RETURNING service_id, registration_id, subject_key, status, etag, created_at, updated_at, operation_id,
          attestation_type, enrollment_group_id, assigned_hub, device_id, substatus, error_code,
          error_message, payload, returned_payload, evidence;

-- name: claim_void
-- Claim an open operation whose claim lies too far ahead to be one: the clock has been set back since.
UPDATE registrations SET claimed_until = ?
WHERE (service_id, folded_id) IN (
    SELECT service_id, folded_id FROM registrations
    WHERE claimed_until IS NOT NULL AND claimed_until > ? ORDER BY claimed_until DESC LIMIT 1
)
RETURNING service_id, registration_id, subject_key, status, etag, created_at, updated_at, operation_id,
          attestation_type, enrollment_group_id, assigned_hub, device_id, substatus, error_code,
          error_message, payload, returned_payload, evidence;

-- name: put_subject
-- Name an identifier, unless it has a name.
INSERT INTO subjects (service_id, folded_id, registration_id, subject_key) VALUES (?, ?, ?, ?)
ON CONFLICT DO NOTHING;

-- name: subject_key
-- The name of an identifier.
SELECT subject_key FROM subjects WHERE service_id = ? AND folded_id = ?;

-- name: purge_batch
-- How far the next batch of a group's records reaches, and how many there are in it.
SELECT max(folded_id), count(*) FROM (
    SELECT folded_id FROM registrations
    WHERE service_id = ? AND folded_group_id = ? AND folded_id > ? ORDER BY folded_id LIMIT ?
) AS batch;

-- name: purge_range
-- Delete a batch, but spare the records that were written after the group was deleted.
DELETE FROM registrations
WHERE service_id = ? AND folded_group_id = ? AND folded_id > ? AND folded_id <= ? AND updated_at <= ?;

-- name: note_purge
-- The rest of a deleted group's records is to be removed.
INSERT INTO purges (service_id, folded_group_id, deleted_at, done_through) VALUES (?, ?, ?, ?)
ON CONFLICT (service_id, folded_group_id, deleted_at) DO UPDATE SET done_through = excluded.done_through;

-- name: next_purge
-- The oldest purge that is not done.
SELECT service_id, folded_group_id, deleted_at, done_through FROM purges ORDER BY deleted_at LIMIT 1;

-- name: end_purge
-- Nothing of it is left to do.
DELETE FROM purges WHERE service_id = ? AND folded_group_id = ? AND deleted_at = ?;

-- name: tpm_challenge
-- The newest challenge of a device's TPM.
SELECT sealed, expires_at, spent_on FROM tpm_challenges WHERE service_id = ? AND folded_id = ?;

-- name: put_tpm_challenge
-- A new challenge takes the place of the one before.
INSERT INTO tpm_challenges (service_id, folded_id, sealed, expires_at, spent_on) VALUES (?, ?, ?, ?, NULL)
ON CONFLICT (service_id, folded_id) DO UPDATE SET
    sealed = excluded.sealed,
    expires_at = excluded.expires_at,
    spent_on = excluded.spent_on;

-- name: spend_tpm_challenge
-- A challenge is good for one registration.
UPDATE tpm_challenges SET spent_on = ? WHERE service_id = ? AND folded_id = ? AND expires_at = ? AND spent_on IS NULL;

-- name: delete_tpm_challenge
-- The enrollment that it was issued for is gone.
DELETE FROM tpm_challenges WHERE service_id = ? AND folded_id = ?;
