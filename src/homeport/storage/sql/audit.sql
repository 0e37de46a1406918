-- The audit log: one chain of entries per writer.

-- name: head
-- The last entry of a chain.
SELECT sequence, hash FROM audit WHERE chain = ? ORDER BY sequence DESC LIMIT 1;

-- name: append
-- The next entry of a chain, unless there is one of its number.
INSERT INTO audit (chain, sequence, service_id, body, hash) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (chain, sequence) DO NOTHING;

-- name: entries
-- A page of a chain.
SELECT chain, sequence, body, hash FROM audit WHERE chain = ? AND sequence > ? ORDER BY sequence LIMIT ?;

-- name: chains
-- The names of all chains; jumps from one to the next instead of reading every entry.
WITH RECURSIVE names (chain) AS (
    SELECT min(chain) FROM audit
    UNION ALL
    SELECT (SELECT min(audit.chain) FROM audit WHERE audit.chain > names.chain) FROM names
    WHERE names.chain IS NOT NULL
)
SELECT chain FROM names WHERE chain IS NOT NULL;
