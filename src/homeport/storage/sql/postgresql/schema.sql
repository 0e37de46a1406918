-- Which migrations have run, in PostgreSQL's words.

-- name: create_version_table
-- One row per migration that has run; made before the first.
CREATE TABLE IF NOT EXISTS schema_version (
    version     BIGINT NOT NULL PRIMARY KEY,
    name        TEXT   NOT NULL,
    applied_at  BIGINT NOT NULL
);

-- name: note
-- A migration runs. Of two processes that want to run it, one inserts; the other waits for it, and inserts nothing.
INSERT INTO schema_version (version, name, applied_at) VALUES (?, ?, ?) ON CONFLICT (version) DO NOTHING;

-- name: has_versions
-- Whether there is such a table: 1 or 0.
SELECT count(to_regclass('schema_version'));
