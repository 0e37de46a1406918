"""Signals come as values, and what they meant before comes back."""

import os
import select
import signal

from homeport.supervision.signals import signals_on_pipe


def test_signals_are_told_in_order() -> None:
    with signals_on_pipe([signal.SIGUSR1, signal.SIGUSR2]) as pipe:
        os.kill(os.getpid(), signal.SIGUSR1)
        os.kill(os.getpid(), signal.SIGUSR2)
        select.select([pipe.reading], [], [])
        told = pipe.take()
        while len(told) < 2:
            told += pipe.take()
        assert told == [signal.SIGUSR1, signal.SIGUSR2]


def test_what_they_did_before_is_restored() -> None:
    before = signal.getsignal(signal.SIGUSR1)
    with signals_on_pipe([signal.SIGUSR1]):
        assert signal.getsignal(signal.SIGUSR1) is not before
    assert signal.getsignal(signal.SIGUSR1) is before
    assert signal.set_wakeup_fd(-1) == -1
