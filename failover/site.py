"""All machines of a run, started together and switched off together."""

from collections.abc import Callable
from pathlib import Path

from failover.administrator import link_distant_hub
from failover.database import Database
from failover.layout import Layout
from failover.nodes import Deployment, Nodes


class Site:
    """The machines: their data and logs lie in `directory`."""

    def __init__(self, layout: Layout, directory: Path) -> None:
        self._layout = layout
        self.database = Database(layout, directory)
        self.nodes = Nodes(layout, directory, self.database.url)

    async def start(self, say: Callable[[str], None]) -> Deployment:
        """Start everything; each step is said before it begins.

        Raises:
            NotReached: something did not come up in time.
            AlreadyRunning: somebody else is at these addresses.
        """
        self._layout.refuse_company()
        say("etcd and the database members")
        self.database.start()
        await self.database.make_database()
        say("keys and schema")
        self.nodes.initialize()
        async with self.database.session() as database:
            await link_distant_hub(database)
        say("homeport nodes and the front")
        return self.nodes.start()

    def wait_until_whole(self) -> None:
        """Wait until every machine takes part again.

        Raises:
            NotReached: one does not in time.
        """
        self.database.wait_until_whole()
        self.nodes.wait_until_ready()

    def switch_off(self) -> None:
        """Leave nothing running."""
        for machine in (self.nodes.front, *self.nodes.nodes, *self.database.members, *self.database.etcd):
            machine.kill()
