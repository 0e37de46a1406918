-- Words between processes.

-- name: notify
-- Everybody who listens to the channel gets the payload.
SELECT pg_notify($1, $2);

-- name: ask
-- Whether the server is still there.
SELECT 1;
