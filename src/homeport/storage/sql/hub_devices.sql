-- The registries and twins of embedded hubs; a device and its twin are one row.

-- name: insert_device
-- A new device without a twin; fails if there is one.
INSERT INTO hub_devices (
    subject_key, generation_id, etag, enabled, status_reason, iot_edge, sealed_keys, primary_thumbprint,
    secondary_thumbprint, created_at, updated_at, service_id, hub_host_name, device_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ensure_device
-- A new device with its twin, or another credential and capabilities for the one that is there. Its twin is kept.
INSERT INTO hub_devices (
    twin_etag, twin_updated_at, tags, desired, reported, desired_version, reported_version, twin_version,
    subject_key, generation_id, etag, enabled, status_reason, iot_edge, sealed_keys, primary_thumbprint,
    secondary_thumbprint, created_at, updated_at, service_id, hub_host_name, device_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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

-- name: ensure_device_and_reset_twin
-- The same, but with a new twin in any case.
INSERT INTO hub_devices (
    twin_etag, twin_updated_at, tags, desired, reported, desired_version, reported_version, twin_version,
    subject_key, generation_id, etag, enabled, status_reason, iot_edge, sealed_keys, primary_thumbprint,
    secondary_thumbprint, created_at, updated_at, service_id, hub_host_name, device_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
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

-- name: replace_device
-- The device that has the expected etag; its twin is kept.
UPDATE hub_devices SET
    subject_key = ?, generation_id = ?, etag = ?, enabled = ?, status_reason = ?, iot_edge = ?, sealed_keys = ?,
    primary_thumbprint = ?, secondary_thumbprint = ?, created_at = ?, updated_at = ?
WHERE service_id = ? AND hub_host_name = ? AND device_id = ? AND etag = ?;

-- name: delete_device
-- The device that has the expected etag; its twin goes with it.
DELETE FROM hub_devices WHERE service_id = ? AND hub_host_name = ? AND device_id = ? AND etag = ?;

-- name: device
-- One identity with its keys.
SELECT service_id, hub_host_name, device_id, subject_key, generation_id, etag, enabled, status_reason, iot_edge,
       sealed_keys, primary_thumbprint, secondary_thumbprint, created_at, updated_at
FROM hub_devices WHERE service_id = ? AND hub_host_name = ? AND device_id = ?;

-- name: devices
-- The first identities of a hub with their keys.
SELECT service_id, hub_host_name, device_id, subject_key, generation_id, etag, enabled, status_reason, iot_edge,
       sealed_keys, primary_thumbprint, secondary_thumbprint, created_at, updated_at
FROM hub_devices WHERE service_id = ? AND hub_host_name = ? ORDER BY device_id LIMIT ?;

-- name: insert_twin
-- A twin for a device that has none.
UPDATE hub_devices SET
    twin_etag = ?, twin_updated_at = ?, tags = ?, desired = ?, reported = ?, desired_version = ?,
    reported_version = ?, twin_version = ?
WHERE service_id = ? AND hub_host_name = ? AND device_id = ? AND twin_etag IS NULL;

-- name: replace_twin
-- The twin that has the expected etag.
UPDATE hub_devices SET
    twin_etag = ?, twin_updated_at = ?, tags = ?, desired = ?, reported = ?, desired_version = ?,
    reported_version = ?, twin_version = ?
WHERE service_id = ? AND hub_host_name = ? AND device_id = ? AND twin_etag = ?;

-- name: twin
-- One twin.
SELECT service_id, hub_host_name, device_id, twin_etag, twin_updated_at, tags, desired, reported, desired_version,
       reported_version, twin_version
FROM hub_devices WHERE service_id = ? AND hub_host_name = ? AND device_id = ? AND twin_etag IS NOT NULL;
