-- Registration records, where PostgreSQL must be told more.

-- name: claim_next
-- Claim the open operation whose claim has run out longest ago, and that nobody else is claiming just now.
UPDATE registrations SET claimed_until = ?
WHERE (service_id, folded_id) IN (
    SELECT service_id, folded_id FROM registrations
    WHERE claimed_until IS NOT NULL AND claimed_until <= ? ORDER BY claimed_until LIMIT 1
    FOR UPDATE SKIP LOCKED
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
    FOR UPDATE SKIP LOCKED
)
RETURNING service_id, registration_id, subject_key, status, etag, created_at, updated_at, operation_id,
          attestation_type, enrollment_group_id, assigned_hub, device_id, substatus, error_code,
          error_message, payload, returned_payload, evidence;
