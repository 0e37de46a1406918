-- How far a copy into this database has come. The table is there while a copy is under way, and never otherwise.

-- name: is_under_way
-- 1 or 0.
SELECT count(to_regclass('copy_progress'));

-- name: create
-- One row a table: of which source, behind which key the next page begins, and how many rows there are already.
CREATE TABLE copy_progress (
    table_name  TEXT COLLATE "C" NOT NULL PRIMARY KEY,
    source      BYTEA  NOT NULL,
    last_key    BYTEA  NOT NULL,
    copied      BIGINT NOT NULL
);

-- name: begin_table
-- Nothing of it is copied yet.
INSERT INTO copy_progress (table_name, source, last_key, copied) VALUES ($1, $2, $3, 0);

-- name: progress
-- How far each table is.
SELECT table_name, source, last_key, copied FROM copy_progress;

-- name: advance
-- Another page is there; unless another process has written it.
UPDATE copy_progress SET last_key = $2, copied = copied + $3 WHERE table_name = $1 AND copied = $4;

-- name: drop
-- The copy is complete, and equal.
DROP TABLE copy_progress;
