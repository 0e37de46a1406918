-- Which migrations have run.

-- name: create_version_table
-- One row per migration that has run; made before the first.
CREATE TABLE IF NOT EXISTS schema_version (
    version     INTEGER NOT NULL PRIMARY KEY,
    name        TEXT    NOT NULL,
    applied_at  INTEGER NOT NULL
) STRICT;

-- name: has_versions
-- Whether there is such a table: 1 or 0.
SELECT count(*) FROM sqlite_master WHERE type = 'table' AND name = 'schema_version';

-- name: version
-- The newest migration that has run, 0 for a new database.
SELECT coalesce(max(version), 0) FROM schema_version;

-- name: note
-- A migration has run.
INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?);

-- name: probe_read
-- Answers if the database can be read.
SELECT version FROM schema_version ORDER BY version DESC LIMIT 1;

-- name: probe_write
-- Writes a page. Run twice, it changes nothing; a value that stays the same would not even be written.
UPDATE schema_version SET applied_at = -applied_at WHERE version = 1;
