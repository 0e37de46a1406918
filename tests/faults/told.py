"""What somebody was told, whatever the transport."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True)
class Told:
    """A status as HTTP would have it, the body, and when to come back, in seconds."""

    status: int
    body: Any = field(repr=False, default=None)
    retry_after: int | None = None

    @property
    def code(self) -> int | None:
        """The error's number in the catalogue."""
        return self.body.get("errorCode") if isinstance(self.body, dict) else None
