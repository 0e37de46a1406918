"""What one event brings about, gathered while it is handled.

All bytes of one event leave in one `SendData`: over TLS each costs a record and a system call. They come first,
then the questions, the wake-up, and the closing last, so that nothing is asked or sent after it.
"""

from homeport.protocols.conversation import (
    CloseConnection,
    Command,
    HubQuestion,
    Question,
    RequestWakeup,
    SendData,
)


class CommandOutbox:
    """The commands of one connection's current event. Nothing enters it once the connection is closed."""

    __slots__ = ("_data", "_questions", "_reason", "_wakeup", "closed")

    def __init__(self) -> None:
        self._data = bytearray()
        self._questions: list[Question | HubQuestion] = []
        self._wakeup: RequestWakeup | None = None
        self._reason = ""
        self.closed = False
        """Whether the connection has been told to close, or is gone."""

    def send_bytes(self, data: bytes) -> None:
        """Send these bytes behind what is gathered."""
        if not self.closed:
            self._data += data

    def ask(self, question: Question | HubQuestion) -> None:
        """Put a question to the services."""
        if not self.closed:
            self._questions.append(question)

    def wake_in(self, seconds: float | None) -> None:
        """Replace the wake-up that is armed."""
        if not self.closed:
            self._wakeup = RequestWakeup(seconds)

    def close(self, reason: str) -> None:
        """Send what has been gathered, then close; the first reason stands."""
        self._reason = self._reason or reason
        self.closed = True

    def abandon(self) -> None:
        """The peer is gone: forget what was gathered, and take nothing more."""
        self._data.clear()
        self._questions.clear()
        self._wakeup = None
        self.closed = True

    def drain(self) -> list[Command]:
        """The commands gathered since the last call, in order."""
        commands: list[Command] = []
        if self._data:
            commands.append(SendData(bytes(self._data)))
            self._data.clear()
        if self._questions:
            commands += self._questions
            self._questions.clear()
        if self._wakeup:
            commands.append(self._wakeup)
            self._wakeup = None
        if self._reason:
            commands.append(CloseConnection(self._reason))
            self._reason = ""
        return commands
