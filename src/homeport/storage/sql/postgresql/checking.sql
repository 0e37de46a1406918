-- What may be wrong with a database, in PostgreSQL's words.

-- name: damage
-- Indexes that are not used, since making them has failed.
SELECT 'index ' || indexrelid::regclass::text || ' is invalid' FROM pg_index WHERE NOT indisvalid;

-- name: dangling
-- None: the engine keeps them out.
SELECT '', 0 FROM pg_class WHERE false;
