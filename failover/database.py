"""The database of a run: three etcd and the members, which agree on a primary among themselves."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import asyncpg
import httpx

from failover.database_machines import Passwords, etcd_machine, member_machine
from failover.layout import PATRONI, POSTGRESQL, Layout
from failover.machine import Machine
from failover.waiting import wait_for

Connection: TypeAlias = asyncpg.Connection

NAME = "homeport"


class Database:
    """The machines of the database, and what they say of themselves."""

    def __init__(self, layout: Layout, directory: Path) -> None:
        self._addresses = {place.name: place.address for place in layout.members}
        self._passwords = Passwords()
        self.etcd = [etcd_machine(place, layout, directory) for place in layout.etcd]
        self.members = [member_machine(place, layout, directory, self._passwords) for place in layout.members]

    def start(self) -> None:
        """Start everything, and wait for a primary and its replicas.

        Raises:
            NotReached: they are not there in time.
        """
        for machine in (*self.etcd, *self.members):
            machine.start()
        self.wait_until_whole()

    def url(self, address: str) -> str:
        """The database as homeport reaches it through a HAProxy at `address`."""
        return f"postgresql://{NAME}:{self._passwords.homeport}@{address}:{POSTGRESQL}/{NAME}?target_session_attrs=read-write"

    def primary(self) -> Machine | None:
        """The member that holds the leader's lock, by its own word."""
        return self._who_affirms("primary")

    def replica(self) -> Machine | None:
        """A member on whose disk every acknowledged commit is, too."""
        return self._who_affirms("synchronous")

    def wait_until_whole(self) -> None:
        """Wait until every member takes part, and commits go to two disks.

        Raises:
            NotReached: they do not in time.
        """
        wait_for("a primary with all its replicas", lambda: self._is_whole() or None)

    async def make_database(self) -> None:
        """An empty database and the role that owns it, for homeport."""
        async with self.session("postgres") as connection:
            await connection.execute(f"CREATE ROLE {NAME} LOGIN PASSWORD '{self._passwords.homeport}'")
            await connection.execute(f"CREATE DATABASE {NAME} OWNER {NAME}")

    @asynccontextmanager
    async def session(self, database: str = NAME) -> AsyncIterator[Connection]:
        """A connection to the primary, past HAProxy, as superuser."""
        primary = await asyncio.to_thread(wait_for, "a primary", self.primary)
        connection = await asyncpg.connect(
            host=self._addresses[primary.name],
            port=POSTGRESQL,
            user="postgres",
            password=self._passwords.superuser,
            database=database,
        )
        try:
            yield connection
        finally:
            await connection.close()

    def _is_whole(self) -> bool:
        primaries = [member for member in self.members if self._affirms(member, "primary")]
        replicas = [member for member in self.members if self._affirms(member, "replica")]
        return len(primaries) == 1 and len(replicas) == len(self.members) - 1 and self.replica() is not None

    def _who_affirms(self, question: str) -> Machine | None:
        return next((member for member in self.members if self._affirms(member, question)), None)

    def _affirms(self, member: Machine, question: str) -> bool:
        """Ask a member's Patroni, which answers 200 for yes and 503 for no."""
        try:
            answer = httpx.get(f"http://{self._addresses[member.name]}:{PATRONI}/{question}", timeout=1)
        except httpx.HTTPError:
            return False
        return answer.status_code == httpx.codes.OK
