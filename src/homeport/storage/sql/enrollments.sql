-- Individual enrollments and groups. Keyed by service and folded ID.

-- name: insert_individual
-- A new entry; fails if there is one.
INSERT INTO individual_enrollments (service_id, folded_id, etag, document, sealed_keys) VALUES (?, ?, ?, ?, ?);

-- name: replace_individual
-- The entry that has the expected etag.
UPDATE individual_enrollments SET etag = ?, document = ?, sealed_keys = ?
WHERE service_id = ? AND folded_id = ? AND etag = ?;

-- name: delete_individual
-- The entry that has the expected etag.
DELETE FROM individual_enrollments WHERE service_id = ? AND folded_id = ? AND etag = ?;

-- name: individual
-- One entry with its keys.
SELECT document, sealed_keys FROM individual_enrollments WHERE service_id = ? AND folded_id = ?;

-- name: individuals
-- A page behind a folded ID, without keys.
SELECT document FROM individual_enrollments WHERE service_id = ? AND folded_id > ? ORDER BY folded_id LIMIT ?;

-- name: insert_group
-- A new group; fails if there is one.
INSERT INTO enrollment_groups (service_id, folded_id, etag, created_at, document, sealed_keys)
VALUES (?, ?, ?, ?, ?, ?);

-- name: replace_group
-- The group that has the expected etag.
UPDATE enrollment_groups SET etag = ?, created_at = ?, document = ?, sealed_keys = ?
WHERE service_id = ? AND folded_id = ? AND etag = ?;

-- name: delete_group
-- The group that has the expected etag.
DELETE FROM enrollment_groups WHERE service_id = ? AND folded_id = ? AND etag = ?;

-- name: group
-- One group with its keys.
SELECT document, sealed_keys FROM enrollment_groups WHERE service_id = ? AND folded_id = ?;

-- name: groups
-- A page behind a folded ID, without keys.
SELECT document FROM enrollment_groups WHERE service_id = ? AND folded_id > ? ORDER BY folded_id LIMIT ?;

-- name: candidate_groups
-- Every group with its keys, the oldest first.
SELECT folded_id, document, sealed_keys FROM enrollment_groups WHERE service_id = ? ORDER BY created_at, folded_id;

-- name: bump_groups_version
-- A group, a CA certificate or a linked hub of the service has changed: caches of them are old.
INSERT INTO group_versions (service_id, version) VALUES (?, 1)
ON CONFLICT (service_id) DO UPDATE SET version = group_versions.version + 1;
