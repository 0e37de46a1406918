"""Who dies young is restarted ever more slowly; who has served, at once."""

from homeport.supervision.restarts import Restarts


def test_the_first_death_costs_no_time() -> None:
    assert Restarts().pause_after(0.0) == 0.0


def test_pauses_double_up_to_a_bound() -> None:
    restarts = Restarts()
    pauses = [restarts.pause_after(1.0) for _ in range(9)]
    assert pauses == [0.0, 0.1, 0.2, 0.4, 0.8, 1.6, 3.2, 5.0, 5.0]


def test_a_long_life_makes_up_for_it() -> None:
    restarts = Restarts()
    for _ in range(5):
        restarts.pause_after(1.0)
    assert restarts.pause_after(3600.0) == 0.0
    assert restarts.pause_after(1.0) == 0.0
