"""Conversations written down as conversations: what happens, what is to be commanded, what happens next.

A `Playbook` plays events to a protocol, as the pump would, and compares the commands of each step as a whole. It
keeps the questions that were asked, so that a test answers them without repeating them.
"""

from collections.abc import Sequence

from homeport.protocols.conversation import (
    Answered,
    CloseConnection,
    Command,
    Conversation,
    DataReceived,
    Event,
    HubQuestion,
    Outcome,
    Question,
    Refuse,
    RequestWakeup,
    SendData,
)

_NO_QUESTION = (SendData, CloseConnection, RequestWakeup)


class Playbook:
    """One conversation. Each method returns the playbook, so that a story is one expression.

    A `Refuse` is expected by its row and tag: two errors are never equal otherwise.
    """

    def __init__(self, conversation: Conversation) -> None:
        self.conversation = conversation
        self.questions: list[Question | HubQuestion] = []
        """Asked and not yet answered, oldest first."""
        self._step = 0

    def happens(self, event: Event, *expected: Command) -> "Playbook":
        """Play an event; the commands must be exactly those, in order."""
        commands = self.play(event)
        assert _comparable(commands) == _comparable(expected), f"step {self._step}: after {event}"
        return self

    def receives(self, data: bytes, *expected: Command) -> "Playbook":
        """Bytes arrive from the peer."""
        return self.happens(DataReceived(data), *expected)

    def is_answered(self, outcome: Outcome, *expected: Command, index: int = 0) -> "Playbook":
        """The question at `index`, by default the oldest open one, is answered."""
        return self.happens(Answered(self.questions.pop(index), outcome), *expected)

    def play(self, event: Event) -> list[Command]:
        """Play an event without an expectation, and return the commands."""
        self._step += 1
        commands = self.conversation.receive(event)
        self.questions += [command for command in commands if not isinstance(command, _NO_QUESTION)]
        return commands


def _comparable(commands: Sequence[Command]) -> list[object]:
    return [
        ("Refuse", command.error.row.name, command.tag) if isinstance(command, Refuse) else command
        for command in commands
    ]
