"""Another process that has SQLite's write lock: for good, until a test lets go of it, or in bursts."""

import sqlite3
import threading
from collections.abc import Iterator
from contextlib import closing, contextmanager

_PATIENCE = 30


@contextmanager
def locked(database: str) -> Iterator[None]:
    """Nobody else writes, while the block runs."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=_PATIENCE)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield
        connection.execute("ROLLBACK")


@contextmanager
def locked_in_bursts(database: str, *, held: float, free: float) -> Iterator[None]:
    """The lock is held and given back, over and over, while the block runs; times in seconds."""
    over = threading.Event()

    def burst() -> None:
        while not over.is_set():
            with locked(database):
                over.wait(held)
            over.wait(free)

    thread = threading.Thread(target=burst)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
