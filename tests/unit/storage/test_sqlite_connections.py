import sqlite3
import threading
from pathlib import Path

import pytest

from homeport.storage.port import StorageUnavailable
from homeport.storage.sqlite_connections import is_locked, open_reader, open_writer


def pragma(connection: sqlite3.Connection, name: str) -> object:
    return connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize(("durable", "synchronous"), [(True, 2), (False, 0)])
def test_the_writer_is_told_every_rule(tmp_path: Path, durable: bool, synchronous: int) -> None:
    connection = open_writer(tmp_path / "h.db", durable=durable)
    rules = {name: pragma(connection, name) for name in ("journal_mode", "synchronous", "secure_delete")}
    assert rules == {"journal_mode": "wal", "synchronous": synchronous, "secure_delete": 1}
    assert pragma(connection, "page_size") == 8192
    assert pragma(connection, "foreign_keys") == 1
    connection.close()


def test_the_reader_cannot_write_and_sees_what_was_committed(tmp_path: Path) -> None:
    writer = open_writer(tmp_path / "h.db", durable=False)
    writer.execute("CREATE TABLE t (x)")
    reader = open_reader(tmp_path / "h.db")
    assert reader.execute("SELECT count(*) FROM t").fetchall() == [(0,)]
    writer.execute("INSERT INTO t VALUES (1)")
    assert reader.execute("SELECT count(*) FROM t").fetchall() == [(1,)]
    with pytest.raises(sqlite3.OperationalError, match="readonly"):
        reader.execute("INSERT INTO t VALUES (2)")
    reader.close()
    writer.close()


def test_a_path_with_odd_characters_is_a_path(tmp_path: Path) -> None:
    odd = tmp_path / "a b?c#d%20.db"
    open_writer(odd, durable=False).close()
    assert odd.exists()


def test_a_reader_of_nothing_is_refused(tmp_path: Path) -> None:
    with pytest.raises(StorageUnavailable, match="cannot be read"):
        open_reader(tmp_path / "missing.db")


def test_the_switch_to_the_log_waits_for_a_lock(tmp_path: Path) -> None:
    other = sqlite3.connect(tmp_path / "h.db", isolation_level=None, check_same_thread=False)
    other.execute("CREATE TABLE t (x)")
    other.execute("BEGIN EXCLUSIVE")
    with pytest.raises(StorageUnavailable, match="locked"):
        open_writer(tmp_path / "h.db", durable=False, busy_timeout=0.01)
    release = threading.Timer(0.05, other.execute, ("ROLLBACK",))
    release.start()
    open_writer(tmp_path / "h.db", durable=False, busy_timeout=30).close()
    release.join()
    other.close()


def test_a_lock_is_told_from_other_failures(tmp_path: Path) -> None:
    holder, other = (sqlite3.connect(tmp_path / "h.db", isolation_level=None, timeout=0) for _ in range(2))
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(sqlite3.OperationalError) as locked:
        other.execute("BEGIN EXCLUSIVE")
    holder.execute("ROLLBACK")
    with pytest.raises(sqlite3.OperationalError) as wrong:
        other.execute("SELECT * FROM nothing")
    holder.close()
    other.close()
    assert is_locked(locked.value)
    assert not is_locked(wrong.value)
