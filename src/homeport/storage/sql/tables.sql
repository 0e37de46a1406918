-- Every table with all its columns, in the order of its key, a page at a time: to be copied, compared and looked
-- through.
-- A column's place counts: `storage/tables.py` says which are the key, and where a sealed one stands.

-- name: counts
-- How many rows each table has.
SELECT 'services', count(*) FROM services
UNION ALL SELECT 'linked_hubs', count(*) FROM linked_hubs
UNION ALL SELECT 'policies', count(*) FROM policies
UNION ALL SELECT 'group_versions', count(*) FROM group_versions
UNION ALL SELECT 'ca_certificates', count(*) FROM ca_certificates
UNION ALL SELECT 'individual_enrollments', count(*) FROM individual_enrollments
UNION ALL SELECT 'enrollment_groups', count(*) FROM enrollment_groups
UNION ALL SELECT 'subjects', count(*) FROM subjects
UNION ALL SELECT 'registrations', count(*) FROM registrations
UNION ALL SELECT 'hub_devices', count(*) FROM hub_devices
UNION ALL SELECT 'tpm_challenges', count(*) FROM tpm_challenges
UNION ALL SELECT 'attestation_failures', count(*) FROM attestation_failures
UNION ALL SELECT 'purges', count(*) FROM purges
UNION ALL SELECT 'audit', count(*) FROM audit;

-- name: services
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, folded_id_scope, id_scope, name, host_name, allocation_policy, created_at
FROM services WHERE service_id > ? ORDER BY service_id LIMIT ?;

-- name: linked_hubs
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, host_name, connector, allocation_weight, apply_allocation_policy
FROM linked_hubs WHERE (service_id, host_name) > (?, ?) ORDER BY service_id, host_name LIMIT ?;

-- name: policies
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, hub_host_name, folded_key_name, key_name, rights, sealed_keys
FROM policies WHERE (service_id, hub_host_name, folded_key_name) > (?, ?, ?)
ORDER BY service_id, hub_host_name, folded_key_name LIMIT ?;

-- name: group_versions
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, version
FROM group_versions WHERE service_id > ? ORDER BY service_id LIMIT ?;

-- name: ca_certificates
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, name, etag, document
FROM ca_certificates WHERE (service_id, name) > (?, ?) ORDER BY service_id, name LIMIT ?;

-- name: individual_enrollments
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, folded_id, etag, document, sealed_keys
FROM individual_enrollments WHERE (service_id, folded_id) > (?, ?) ORDER BY service_id, folded_id LIMIT ?;

-- name: enrollment_groups
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, folded_id, etag, created_at, document, sealed_keys
FROM enrollment_groups WHERE (service_id, folded_id) > (?, ?) ORDER BY service_id, folded_id LIMIT ?;

-- name: subjects
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, folded_id, registration_id, subject_key
FROM subjects WHERE (service_id, folded_id) > (?, ?) ORDER BY service_id, folded_id LIMIT ?;

-- name: registrations
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, folded_id, registration_id, subject_key, status, etag, created_at, updated_at, operation_id,
       attestation_type, folded_group_id, enrollment_group_id, assigned_hub, device_id, substatus, error_code,
       error_message, payload, returned_payload, claimed_until, evidence
FROM registrations WHERE (service_id, folded_id) > (?, ?) ORDER BY service_id, folded_id LIMIT ?;

-- name: hub_devices
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, hub_host_name, device_id, subject_key, generation_id, etag, enabled, status_reason, iot_edge,
       sealed_keys, created_at, updated_at, twin_etag, twin_updated_at, tags, desired, reported, desired_version,
       reported_version, twin_version, primary_thumbprint, secondary_thumbprint
FROM hub_devices WHERE (service_id, hub_host_name, device_id) > (?, ?, ?)
ORDER BY service_id, hub_host_name, device_id LIMIT ?;

-- name: tpm_challenges
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, folded_id, sealed, expires_at, spent_on
FROM tpm_challenges WHERE (service_id, folded_id) > (?, ?) ORDER BY service_id, folded_id LIMIT ?;

-- name: attestation_failures
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, folded_id, registration_id, occurred_at, is_known, error_code, cause, message, facts, transport,
       correlation_id
FROM attestation_failures WHERE (service_id, folded_id) > (?, ?) ORDER BY service_id, folded_id LIMIT ?;

-- name: purges
-- A page of its rows behind a key, the key's columns first.
SELECT service_id, folded_group_id, deleted_at, done_through
FROM purges WHERE (service_id, folded_group_id, deleted_at) > (?, ?, ?)
ORDER BY service_id, folded_group_id, deleted_at LIMIT ?;

-- name: audit
-- A page of its rows behind a key, the key's columns first.
SELECT chain, sequence, service_id, body, hash
FROM audit WHERE (chain, sequence) > (?, ?) ORDER BY chain, sequence LIMIT ?;
