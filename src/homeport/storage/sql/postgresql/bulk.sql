-- What registrations and enrolling are made of, many rows a statement: each parameter is a column of all of them.
--
-- The number of rows touched tells whether every expectation held; if not, the lists are done one by one.

-- name: contexts
-- What many registration requests need (registrations.sql, context); each row ends with the number of its key.
SELECT e.document, e.sealed_keys, s.subject_key, v.version,
       r.service_id, r.registration_id, r.subject_key, r.status, r.etag, r.created_at, r.updated_at, r.operation_id,
       r.attestation_type, r.enrollment_group_id, r.assigned_hub, r.device_id, r.substatus, r.error_code,
       r.error_message, r.payload, r.returned_payload, r.evidence, q.number
FROM unnest($1::bigint[], $2::text[]) WITH ORDINALITY AS q (service_id, folded_id, number)
LEFT JOIN individual_enrollments AS e ON e.service_id = q.service_id AND e.folded_id = q.folded_id
LEFT JOIN subjects AS s ON s.service_id = q.service_id AND s.folded_id = q.folded_id
LEFT JOIN group_versions AS v ON v.service_id = q.service_id
LEFT JOIN registrations AS r ON r.service_id = q.service_id AND r.folded_id = q.folded_id;

-- name: put_subjects
-- Name identifiers, unless they have names.
INSERT INTO subjects (service_id, folded_id, registration_id, subject_key)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::text[])
ON CONFLICT DO NOTHING;

-- name: insert_individuals
-- New entries; inserts none where there is one.
INSERT INTO individual_enrollments (service_id, folded_id, etag, document, sealed_keys)
SELECT * FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::bytea[])
ON CONFLICT (service_id, folded_id) DO NOTHING;

-- name: replace_individuals
-- The entries that have the expected etags.
UPDATE individual_enrollments SET etag = n.etag, document = n.document, sealed_keys = n.sealed_keys
FROM unnest($1::bigint[], $2::text[], $3::text[], $4::bytea[], $5::bytea[], $6::text[])
    AS n (service_id, folded_id, etag, document, sealed_keys, expected)
WHERE individual_enrollments.service_id = n.service_id AND individual_enrollments.folded_id = n.folded_id
    AND individual_enrollments.etag = n.expected;

-- name: insert_registrations
-- New records; inserts none where there is one.
INSERT INTO registrations (
    registration_id, subject_key, status, etag, created_at, updated_at, operation_id, attestation_type,
    folded_group_id, enrollment_group_id, assigned_hub, device_id, substatus, error_code, error_message, payload,
    returned_payload, evidence, claimed_until, service_id, folded_id
) SELECT * FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[], $16::bytea[], $17::bytea[],
    $18::bytea[], $19::bigint[], $20::bigint[], $21::text[]
)
ON CONFLICT (service_id, folded_id) DO NOTHING;

-- name: replace_registrations
-- The records that have the expected etags.
UPDATE registrations SET
    registration_id = n.registration_id, subject_key = n.subject_key, status = n.status, etag = n.etag,
    created_at = n.created_at, updated_at = n.updated_at, operation_id = n.operation_id,
    attestation_type = n.attestation_type, folded_group_id = n.folded_group_id,
    enrollment_group_id = n.enrollment_group_id, assigned_hub = n.assigned_hub, device_id = n.device_id,
    substatus = n.substatus, error_code = n.error_code, error_message = n.error_message, payload = n.payload,
    returned_payload = n.returned_payload, evidence = n.evidence, claimed_until = n.claimed_until
FROM unnest(
    $1::text[], $2::text[], $3::text[], $4::text[], $5::bigint[], $6::bigint[], $7::text[], $8::text[], $9::text[],
    $10::text[], $11::text[], $12::text[], $13::text[], $14::bigint[], $15::text[], $16::bytea[], $17::bytea[],
    $18::bytea[], $19::bigint[], $20::bigint[], $21::text[], $22::text[]
) AS n (
    registration_id, subject_key, status, etag, created_at, updated_at, operation_id, attestation_type,
    folded_group_id, enrollment_group_id, assigned_hub, device_id, substatus, error_code, error_message, payload,
    returned_payload, evidence, claimed_until, service_id, folded_id, expected
)
WHERE registrations.service_id = n.service_id AND registrations.folded_id = n.folded_id
    AND registrations.etag = n.expected;

-- name: ensure_devices
-- New devices with their twins, or other credentials and capabilities for those that are there. Their twins are kept.
INSERT INTO hub_devices (
    twin_etag, twin_updated_at, tags, desired, reported, desired_version, reported_version, twin_version,
    subject_key, generation_id, etag, enabled, status_reason, iot_edge, sealed_keys, primary_thumbprint,
    secondary_thumbprint, created_at, updated_at, service_id, hub_host_name, device_id
) SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::bigint[], $15::bytea[], $16::text[],
    $17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::text[], $22::text[]
)
ON CONFLICT (service_id, hub_host_name, device_id) DO UPDATE SET
    subject_key = excluded.subject_key,
    etag = excluded.etag,
    iot_edge = excluded.iot_edge,
    sealed_keys = excluded.sealed_keys,
    primary_thumbprint = excluded.primary_thumbprint,
    secondary_thumbprint = excluded.secondary_thumbprint,
    updated_at = excluded.updated_at,
    twin_etag = coalesce(hub_devices.twin_etag, excluded.twin_etag),
    twin_updated_at = coalesce(hub_devices.twin_updated_at, excluded.twin_updated_at),
    tags = coalesce(hub_devices.tags, excluded.tags),
    desired = coalesce(hub_devices.desired, excluded.desired),
    reported = coalesce(hub_devices.reported, excluded.reported),
    desired_version = coalesce(hub_devices.desired_version, excluded.desired_version),
    reported_version = coalesce(hub_devices.reported_version, excluded.reported_version),
    twin_version = coalesce(hub_devices.twin_version, excluded.twin_version);

-- name: ensure_devices_and_reset_twins
-- The same, but with new twins in any case.
INSERT INTO hub_devices (
    twin_etag, twin_updated_at, tags, desired, reported, desired_version, reported_version, twin_version,
    subject_key, generation_id, etag, enabled, status_reason, iot_edge, sealed_keys, primary_thumbprint,
    secondary_thumbprint, created_at, updated_at, service_id, hub_host_name, device_id
) SELECT * FROM unnest(
    $1::text[], $2::bigint[], $3::bytea[], $4::bytea[], $5::bytea[], $6::bigint[], $7::bigint[], $8::bigint[],
    $9::text[], $10::text[], $11::text[], $12::bigint[], $13::text[], $14::bigint[], $15::bytea[], $16::text[],
    $17::text[], $18::bigint[], $19::bigint[], $20::bigint[], $21::text[], $22::text[]
)
ON CONFLICT (service_id, hub_host_name, device_id) DO UPDATE SET
    subject_key = excluded.subject_key,
    etag = excluded.etag,
    iot_edge = excluded.iot_edge,
    sealed_keys = excluded.sealed_keys,
    primary_thumbprint = excluded.primary_thumbprint,
    secondary_thumbprint = excluded.secondary_thumbprint,
    updated_at = excluded.updated_at,
    twin_etag = excluded.twin_etag,
    twin_updated_at = excluded.twin_updated_at,
    tags = excluded.tags,
    desired = excluded.desired,
    reported = excluded.reported,
    desired_version = excluded.desired_version,
    reported_version = excluded.reported_version,
    twin_version = excluded.twin_version;

-- name: append_entries
-- The next entries of a chain, in order; fewer if somebody else has appended meanwhile.
INSERT INTO audit (chain, sequence, service_id, body, hash)
SELECT $1::text, * FROM unnest($2::bigint[], $3::bigint[], $4::bytea[], $5::bytea[])
ON CONFLICT (chain, sequence) DO NOTHING;
