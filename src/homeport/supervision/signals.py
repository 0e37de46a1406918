"""Signals as bytes on a pipe, so that they can be waited for together with other events.

Nothing is done in a signal handler; the supervisor has no event loop, since one must not be forked.
"""

import os
import signal
from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class SignalPipe:
    """The signals that have come. Made by `signals_on_pipe`."""

    def __init__(self, reading: int, writing: int) -> None:
        self.reading = reading
        self._writing = writing

    def take(self) -> list[signal.Signals]:
        """Those that have come since, in order; a signal that comes several times may be told once."""
        return [signal.Signals(number) for number in os.read(self.reading, 512)]

    def close(self) -> None:
        """Close both ends."""
        os.close(self.reading)
        os.close(self._writing)


@contextmanager
def signals_on_pipe(numbers: Sequence[signal.Signals]) -> Iterator[SignalPipe]:
    """Take these signals over; what they did before is restored at the end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    pipe = SignalPipe(reading, writing)
    handlers = {number: signal.signal(number, lambda *_: None) for number in numbers}
    before = signal.set_wakeup_fd(writing, warn_on_full_buffer=False)
    try:
        yield pipe
    finally:
        signal.set_wakeup_fd(before)
        for number, handler in handlers.items():
            signal.signal(number, handler)
        pipe.close()
