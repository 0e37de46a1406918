-- What a node remembers while it runs: the newest telemetry of its hubs, and who is connected. In a file of its own.

-- name: checkpoint_pages
-- Write back after 2 MiB of log: often enough to keep nobody waiting for it.
PRAGMA wal_autocheckpoint = 256;

-- name: hubs
-- How many messages a hub has received, and what it keeps of them.
CREATE TABLE IF NOT EXISTS hubs (
    hub TEXT PRIMARY KEY,
    received INTEGER NOT NULL,
    kept INTEGER NOT NULL,
    kept_bytes INTEGER NOT NULL
) WITHOUT ROWID;

-- name: messages
-- The newest messages; their sizes stand before their bodies, so that trimming reads no body.
CREATE TABLE IF NOT EXISTS messages (
    hub TEXT NOT NULL,
    sequence_number INTEGER NOT NULL,
    size INTEGER NOT NULL,
    enqueued_at INTEGER NOT NULL,
    device_id TEXT NOT NULL,
    properties BLOB NOT NULL,
    body BLOB NOT NULL,
    PRIMARY KEY (hub, sequence_number)
) WITHOUT ROWID;

-- name: messages_of_device
-- A device that goes takes its messages along.
CREATE INDEX IF NOT EXISTS messages_of_device ON messages (hub, device_id);

-- name: connections
-- Which process of the node holds the connection of a device, and by which claim.
CREATE TABLE IF NOT EXISTS connections (
    hub TEXT NOT NULL,
    device_id TEXT NOT NULL,
    stamp INTEGER NOT NULL,
    connection TEXT NOT NULL,
    process INTEGER NOT NULL,
    PRIMARY KEY (hub, device_id)
) WITHOUT ROWID;

-- name: count
-- Take so many messages in; returns the number of the last of them.
INSERT INTO hubs (hub, received, kept, kept_bytes) VALUES (?, ?, ?, ?)
ON CONFLICT (hub) DO UPDATE SET
    received = received + excluded.received, kept = kept + excluded.kept, kept_bytes = kept_bytes + excluded.kept_bytes
RETURNING received, kept, kept_bytes;

-- name: keep
-- One message.
INSERT INTO messages (hub, sequence_number, size, enqueued_at, device_id, properties, body)
VALUES (?, ?, ?, ?, ?, ?, ?);

-- name: oldest
-- The messages that go first, with their sizes.
SELECT sequence_number, size FROM messages WHERE hub = ? ORDER BY sequence_number;

-- name: drop_through
-- All messages of a hub up to one.
DELETE FROM messages WHERE hub = ? AND sequence_number <= ?;

-- name: drop_of_device
-- All messages of a device; returns their sizes.
DELETE FROM messages WHERE hub = ? AND device_id = ? RETURNING size;

-- name: counts
-- How many messages a hub has received, and keeps.
SELECT received, kept FROM hubs WHERE hub = ?;

-- name: after
-- Messages behind a sequence number.
SELECT sequence_number, enqueued_at, device_id, properties, body FROM messages
WHERE hub = ? AND sequence_number > ? ORDER BY sequence_number LIMIT ?;

-- name: connect
-- A device is connected; an older claim does not replace a newer one.
INSERT INTO connections (hub, device_id, stamp, connection, process) VALUES (?, ?, ?, ?, ?)
ON CONFLICT (hub, device_id) DO UPDATE SET
    stamp = excluded.stamp, connection = excluded.connection, process = excluded.process
WHERE (excluded.stamp, excluded.connection) > (stamp, connection);

-- name: disconnect
-- A connection is over, unless another one has taken its place.
DELETE FROM connections WHERE hub = ? AND device_id = ? AND connection = ?;

-- name: connected
-- Whether any process of the node holds the device.
SELECT 1 FROM connections WHERE hub = ? AND device_id = ?;

-- name: processes
-- All that hold connections.
SELECT DISTINCT process FROM connections;

-- name: bury
-- A process is gone, and its connections with it.
DELETE FROM connections WHERE process = ?;
