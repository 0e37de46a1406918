"""A worker's seat: which of the node's workers it is, and what it finds there.

The supervisor makes a seat and forks a worker into it; `Application` reads it. A server of a single process has the
only seat of its node, and binds for itself. Knows neither the supervisor nor the application.
"""

from pathlib import Path

import msgspec

from homeport.endpoints.listening_sockets import BoundSockets

METRICS = "metrics"
"""What is the metrics' in a run directory."""


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """Slots are counted from 0; `shift`, 0 or 1, tells two workers apart that hold the same slot for a while, when one
    relieves the other."""

    node: str = "server"
    slot: int = 0
    shift: int = 0
    workers: int = 1
    run_directory: Path | None = None
    """What the node's workers share while they run (sockets, metrics), empty at its start and gone at its stop. None in
    a server of a single process."""
    sockets: BoundSockets | None = None
    """What to accept connections from; None: bind what the configuration says."""

    @property
    def label(self) -> str:
        """Unique among the living workers of the node, and short: for the log and for names of files.

        A slot has two labels, which the workers that relieve each other use in turn.
        """
        return f"{self.slot}b" if self.shift else f"{self.slot}"

    @property
    def name(self) -> str:
        """Unique among the living workers of all nodes: the worker's audit chain.

        A worker and the one that relieves it never share a name, so neither meets the other's entries at the end of
        its chain, on no engine; and no slot has more than two chains to be walked.
        """
        return f"{self.node}-{self.label}"

    @property
    def metrics_directory(self) -> Path | None:
        """Where the node's workers share their metrics."""
        return self.run_directory and self.run_directory / METRICS

    @property
    def is_first(self) -> bool:
        """Whether this worker does what one of the node's workers has to do."""
        return self.slot == 0

    def share(self, limit: int) -> int:
        """This worker's part of a limit that is for the whole node; at least 1."""
        return max(1, -(-limit // self.workers))


ALONE = Seat()
"""The seat of a server that is a single process."""
