"""Reads on PostgreSQL: a few connections, and questions that are asked at once answered together.

A journey to the server costs more than the look-up there. So whoever waits for a connection waits in company: the
same question is asked once for all who ask it, and the one read of a registration, which under load is asked for many
devices at once, goes as one statement for all of them, and as one at a time: who comes while it is under way is in the
next. Nobody waits for company that is not there.

A connection is never in the hands of a caller, who may give up at any moment: a task owns it while there are questions.
"""

import asyncio
from collections import defaultdict
from collections.abc import Sequence
from contextlib import suppress

from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_connections import Connect, PostgresqlConnection
from homeport.storage.postgresql_errors import DRIVER_ERRORS, is_about_no_text, is_lost_connection, unavailable
from homeport.storage.rows import Parameters, Row
from homeport.storage.sql import load, load_for

READERS = 4
"""Connections that read, per process: few, since a read takes a fraction of a millisecond."""
MOST = 64
"""Questions in one statement at most."""

_FOR_MANY = {load("registrations")["context"]: load_for("postgresql", "bulk")["contexts"]}
"""Statements for one key, and their like for many. These end each row with the number of its key, from 1."""


class _Question:
    __slots__ = ("future", "parameters")

    def __init__(self, parameters: Parameters, future: "asyncio.Future[Sequence[Row]]") -> None:
        self.parameters = parameters
        self.future = future

    def answer(self, rows: Sequence[Row]) -> None:
        if not self.future.done():  # The caller may have given up.
            self.future.set_result(rows)

    def fail(self, error: Exception) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class ReadPool:
    """`fetch` is a `readers.Fetch`; on one event loop."""

    def __init__(self, connect: Connect, *, size: int = READERS) -> None:
        self._connect = connect
        self._size = size
        self._idle: list[PostgresqlConnection] = []
        self._tasks: set[asyncio.Task[None]] = set()
        self._waiting: dict[str, list[_Question]] = defaultdict(list)
        self._under_way: set[str] = set()
        """Statements for many that are being answered; whoever asked them takes the questions that come meanwhile."""
        self._busy = 0
        """Tasks that will look for questions once more; a task is done a moment later than it has looked."""
        self._closed = False

    async def fetch(self, sql: str, parameters: Parameters) -> Sequence[Row]:
        """All rows of a statement.

        Raises:
            StorageUnavailable: it cannot be answered.
        """
        if self._closed:
            raise StorageUnavailable("The database is closed.")
        loop = asyncio.get_running_loop()
        question = _Question(parameters, loop.create_future())
        self._waiting[sql].append(question)
        if self._busy < self._size and sql not in self._under_way:
            self._busy += 1
            task = loop.create_task(self._answer_all())
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        return await question.future

    async def close(self) -> None:
        """Answer what was asked, then take leave of the server."""
        self._closed = True
        while self._tasks:
            await asyncio.wait(self._tasks)
        for connection in self._idle:
            await connection.close()
        self._idle.clear()

    async def _answer_all(self) -> None:
        while taken := self._take():
            sql, questions = taken
            try:
                answers = await self._answers(sql, [question.parameters for question in questions])
            except Exception as error:  # The task must outlive every error; each waiter learns of this one.
                told = error if isinstance(error, StorageUnavailable) else unavailable(error)
                for question in questions:
                    question.fail(told)
            else:
                for question, answer in zip(questions, answers, strict=True):
                    question.answer(answer)
            self._under_way.discard(sql)
        self._busy -= 1

    def _take(self) -> tuple[str, list[_Question]] | None:
        """The questions that have waited longest, as many as one statement answers; none if others will see to all."""
        sql = next((sql for sql in self._waiting if sql not in self._under_way), None)
        if sql is None:
            return None
        waiting = self._waiting.pop(sql)
        if sql in _FOR_MANY:
            self._under_way.add(sql)
            taken, left = waiting[:MOST], waiting[MOST:]
        else:
            asked = waiting[0].parameters
            taken = [question for question in waiting if question.parameters == asked]
            left = [question for question in waiting if question.parameters != asked]
        if left:
            self._waiting[sql] = left
        return sql, taken

    async def _answers(self, sql: str, keys: Sequence[Parameters]) -> Sequence[Sequence[Row]]:
        """Asks again on a new connection if the one that had been idle is lost: a read may be repeated."""
        try:
            return await self._ask(sql, keys)
        except DRIVER_ERRORS as error:
            if is_about_no_text(error) and len(keys) == 1:
                return [[]]
            if not is_lost_connection(error):
                raise
        lost, self._idle = self._idle, []
        for connection in lost:  # When one is lost, mostly all are.
            connection.terminate()
        return await self._ask(sql, keys)

    async def _ask(self, sql: str, keys: Sequence[Parameters]) -> Sequence[Sequence[Row]]:
        connection = self._idle.pop() if self._idle else await self._connect()
        try:
            if sql not in _FOR_MANY or len(keys) == 1:
                rows = await connection.fetch(sql, keys[0])
                answers: Sequence[Sequence[Row]] = [rows] * len(keys)
            else:
                answers = _sorted_out(await connection.fetch(_FOR_MANY[sql], tuple(zip(*keys, strict=True))), len(keys))
        except BaseException:
            with suppress(*DRIVER_ERRORS):
                connection.terminate()
            raise
        self._idle.append(connection)
        return answers


def _sorted_out(found: Sequence[Row], count: int) -> Sequence[Sequence[Row]]:
    """The rows of each key; each row ends with its key's number."""
    answers: list[list[Row]] = [[] for _ in range(count)]
    for row in found:
        answers[row[-1] - 1].append(row)
    return answers
