-- What a connection and its transactions are told. Nothing here reads or writes a store.

-- name: page_size
-- Fewer, larger pages: documents of about 1 KB stay in their leaf. Only heeded by a new database.
PRAGMA page_size = 8192;

-- name: journal
-- Readers never wait for the writer, and the writer not for them.
PRAGMA journal_mode = WAL;

-- name: durable
-- A commit returns when it survives a power cut.
PRAGMA synchronous = FULL;

-- name: fleeting
-- For a database that lives no longer than its process.
PRAGMA synchronous = OFF;

-- name: erase_deleted
-- What is deleted is overwritten, so that erased data are not left in the file.
PRAGMA secure_delete = ON;

-- name: check_references
-- An entry without its service is refused.
PRAGMA foreign_keys = ON;

-- name: checkpoint_pages
-- Write back after 32 MiB of log: pages that change all the time are written once instead of four times.
PRAGMA wal_autocheckpoint = 4096;

-- name: cache
-- 64 MiB of pages per connection (negative: in KiB).
PRAGMA cache_size = -65536;

-- name: exclusive
-- Nobody else may have the database open, from the first statement on.
PRAGMA locking_mode = EXCLUSIVE;

-- name: do_not_wait
-- For the writer, whose waiting for other processes must not block the event loop.
PRAGMA busy_timeout = 0;

-- name: file
-- Where the database is; empty if it has no file.
SELECT file FROM pragma_database_list WHERE name = 'main';

-- name: begin
-- Takes the write lock at once: a transaction that has started cannot fail for want of it.
BEGIN IMMEDIATE;

-- name: commit
-- All changes of the batch become durable.
COMMIT;

-- name: rollback
-- None of them happened.
ROLLBACK;

-- name: savepoint
-- Marks the beginning of one list of changes in a batch.
SAVEPOINT change_list;

-- name: release
-- The list is part of the batch.
RELEASE change_list;

-- name: rollback_to_savepoint
-- The list is undone, the batch goes on.
ROLLBACK TO change_list;
