-- Which migrations have run.

-- name: create_version_table
-- One row per migration that has run; made before the first.
CREATE TABLE IF NOT EXISTS schema_version (
    version     INTEGER NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    applied_at  INTEGER NOT NULL
) STRICT;

-- name: version
-- The newest migration that has run, 0 for a new database.
SELECT coalesce(max(version), 0) FROM schema_version;

-- name: note
-- A migration has run.
INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?);
