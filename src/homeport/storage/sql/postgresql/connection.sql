-- What PostgreSQL's transactions are told where it differs from SQLite.

-- name: begin
-- Takes no lock: rows are locked as they are written.
BEGIN;
