"""What a service asks before it does what a device wants, once the device has proved itself: has it asked too often?

A port, since what is counted and where is the edge's business; `endpoints/throttling.py` fits it by its shape. It
never waits. A device that has not proved itself is never counted here: a stranger could lock it out.
"""

from typing import Protocol


class Throttle(Protocol):
    """How often devices may ask. Each method raises HomeportError THROTTLED to refuse, with a `retry_after`."""

    def registration(self, *, id_scope: str, registration_id: str, enrollment_group_id: str | None) -> None:
        """The device registers, by itself or as a member of a group."""
        ...

    def poll(self, *, id_scope: str, registration_id: str) -> None:
        """The device asks for its operation, or for its last result."""
        ...


class Unthrottled:
    """No limits."""

    def registration(self, *, id_scope: str, registration_id: str, enrollment_group_id: str | None) -> None:
        """Always."""

    def poll(self, *, id_scope: str, registration_id: str) -> None:
        """Always."""
