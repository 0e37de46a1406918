-- The registries and twins of embedded hubs.

-- name: insert_device
-- A new device; fails if there is one.
INSERT INTO hub_devices (
    subject_key, generation_id, etag, enabled, status_reason, iot_edge, sealed_keys, created_at, updated_at,
    service_id, hub_host_name, device_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ensure_device
-- A new device, or other keys and capabilities for the one that is there.
INSERT INTO hub_devices (
    subject_key, generation_id, etag, enabled, status_reason, iot_edge, sealed_keys, created_at, updated_at,
    service_id, hub_host_name, device_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (service_id, hub_host_name, device_id) DO UPDATE SET
    subject_key = excluded.subject_key,
    etag = excluded.etag,
    iot_edge = excluded.iot_edge,
    sealed_keys = excluded.sealed_keys,
    updated_at = excluded.updated_at;

-- name: replace_device
-- The device that has the expected etag.
UPDATE hub_devices SET
    subject_key = ?, generation_id = ?, etag = ?, enabled = ?, status_reason = ?, iot_edge = ?, sealed_keys = ?,
    created_at = ?, updated_at = ?
WHERE service_id = ? AND hub_host_name = ? AND device_id = ? AND etag = ?;

-- name: delete_device
-- The device that has the expected etag; its twin goes with it.
DELETE FROM hub_devices WHERE service_id = ? AND hub_host_name = ? AND device_id = ? AND etag = ?;

-- name: device
-- One identity with its keys.
SELECT service_id, hub_host_name, device_id, subject_key, generation_id, etag, enabled, status_reason, iot_edge,
       sealed_keys, created_at, updated_at
FROM hub_devices WHERE service_id = ? AND hub_host_name = ? AND device_id = ?;

-- name: insert_twin
-- A new twin; fails if there is one, or if there is no device.
INSERT INTO hub_twins (
    etag, updated_at, tags, desired, reported, desired_version, reported_version, version,
    service_id, hub_host_name, device_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?);

-- name: ensure_twin
-- A new twin, unless the device has one.
INSERT INTO hub_twins (
    etag, updated_at, tags, desired, reported, desired_version, reported_version, version,
    service_id, hub_host_name, device_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (service_id, hub_host_name, device_id) DO NOTHING;

-- name: reset_twin
-- A new twin, in place of the one that the device may have.
INSERT INTO hub_twins (
    etag, updated_at, tags, desired, reported, desired_version, reported_version, version,
    service_id, hub_host_name, device_id
) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
ON CONFLICT (service_id, hub_host_name, device_id) DO UPDATE SET
    etag = excluded.etag, updated_at = excluded.updated_at,
    tags = excluded.tags, desired = excluded.desired, reported = excluded.reported,
    desired_version = excluded.desired_version, reported_version = excluded.reported_version,
    version = excluded.version;

-- name: replace_twin
-- The twin that has the expected etag.
UPDATE hub_twins SET
    etag = ?, updated_at = ?, tags = ?, desired = ?, reported = ?, desired_version = ?, reported_version = ?,
    version = ?
WHERE service_id = ? AND hub_host_name = ? AND device_id = ? AND etag = ?;

-- name: twin
-- One twin.
SELECT service_id, hub_host_name, device_id, etag, updated_at, tags, desired, reported, desired_version,
       reported_version, version
FROM hub_twins WHERE service_id = ? AND hub_host_name = ? AND device_id = ?;
