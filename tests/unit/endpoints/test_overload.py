"""Judging how late the loop is: bursts do not count, overload does, and it ends."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.endpoints.overload import OverloadControl

EVERY = 0.05
TARGET = 0.05


class Loop:
    """A loop that is looked at every fiftieth of a second."""

    def __init__(self, control: OverloadControl) -> None:
        self.control = control
        self.now = 1_000.0
        self.registered = 0

    def lags(self, lag: float, *, seconds: float, under_way: int = 100, rate: float = 0.0) -> None:
        """So late for so long, with so many handshakes under way and registrations a second."""
        for _ in range(round(seconds / EVERY)):
            self.now += EVERY
            self.registered += round(rate * EVERY)
            self.control.sampled(lag, now=self.now, under_way=under_way, registered=self.registered)


def test_a_loop_in_time_leaves_all_as_it_is() -> None:
    control = OverloadControl(target=TARGET, most=1_000)
    Loop(control).lags(0.01, seconds=10)
    assert (control.handshakes, control.registrations_per_second, control.is_overloaded) == (1_000, None, False)


def test_a_burst_is_no_overload() -> None:
    control = OverloadControl(target=TARGET, most=1_000)
    loop = Loop(control)
    for _ in range(20):
        loop.lags(0.5, seconds=EVERY)
        loop.lags(0.0, seconds=EVERY)
    assert not control.is_overloaded


def test_a_lag_that_stays_puts_handshakes_off_at_once() -> None:
    control = OverloadControl(target=TARGET, most=1_000)
    Loop(control).lags(0.1, seconds=0.2, under_way=90)
    assert control.handshakes <= 60


def test_some_handshakes_go_on_whatever_happens() -> None:
    control = OverloadControl(target=TARGET, most=1_000)
    Loop(control).lags(3.0, seconds=60, under_way=4)
    assert control.handshakes == 4


def test_it_ends() -> None:
    control = OverloadControl(target=TARGET, most=1_000)
    loop = Loop(control)
    loop.lags(0.1, seconds=5)
    loop.lags(0.0, seconds=10)
    assert (control.handshakes, control.is_overloaded) == (1_000, False)


def test_late_without_handshakes_registrations_are_bounded_by_what_was_served() -> None:
    control = OverloadControl(target=TARGET, most=1_000)
    loop = Loop(control)
    loop.lags(0.1, seconds=3, rate=600, under_way=4)
    assert control.registrations_per_second is None
    loop.lags(0.3, seconds=0.2, rate=600, under_way=4)
    assert control.registrations_per_second == pytest.approx(540, rel=0.05)


def test_others_who_keep_the_loop_busy_do_not_shut_registrations_out() -> None:
    control = OverloadControl(target=TARGET, most=1_000)
    loop = Loop(control)
    loop.lags(0.1, seconds=3, rate=600, under_way=4)
    loop.lags(1.0, seconds=60, rate=0, under_way=4)
    assert (control.registrations_per_second or 0) > 100


def test_the_bound_goes_when_nobody_meets_it() -> None:
    control = OverloadControl(target=TARGET, most=1_000)
    loop = Loop(control)
    loop.lags(0.3, seconds=3, rate=600, under_way=4)
    assert control.registrations_per_second is not None
    loop.lags(0.0, seconds=5, rate=100)
    assert control.registrations_per_second is None


def test_without_a_target_nothing_is_ever_put_off() -> None:
    control = OverloadControl(target=0, most=1_000)
    Loop(control).lags(9.0, seconds=60)
    assert not control.is_overloaded


@given(st.lists(st.tuples(st.floats(0, 5), st.integers(0, 1_000), st.integers(0, 50)), max_size=200))
def test_whatever_happens_some_are_admitted_and_never_too_many(steps: list[tuple[float, int, int]]) -> None:
    control = OverloadControl(target=TARGET, most=100)
    now, registered = 0.0, 0
    for lag, under_way, more in steps:
        now, registered = now + EVERY + lag, registered + more
        control.sampled(lag, now=now, under_way=under_way, registered=registered)
        assert 4 <= control.handshakes <= 100
        assert control.registrations_per_second is None or control.registrations_per_second >= 1
