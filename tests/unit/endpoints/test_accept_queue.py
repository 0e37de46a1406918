"""A queue that does not empty is made as short as is worth waiting in."""

from homeport.endpoints.accept_queue import AcceptQueue

EVERY = 0.05


class Door:
    """A queue that is looked at every fiftieth of a second, while connections are accepted at a rate."""

    def __init__(self, *, fewest: int = 32) -> None:
        self.queue = AcceptQueue(most=1_024, fewest=fewest)
        self.now, self.accepted = 1_000.0, 0.0

    def has(self, *waiting: int, seconds: float, rate: float) -> int:
        """So many wait for so long; how many may wait in the end."""
        for _ in range(round(seconds / EVERY)):
            self.now += EVERY
            self.accepted += rate * EVERY
            self.queue.sampled(waiting, accepted=round(self.accepted), now=self.now)
        return self.queue.backlog


def test_an_empty_queue_may_become_long() -> None:
    assert Door().has(0, 0, seconds=10, rate=5) == 1_024


def test_a_burst_that_is_served_is_no_reason() -> None:
    door = Door()
    for _ in range(20):
        door.has(900, 0, seconds=0.4, rate=900)
        assert door.has(0, 0, seconds=0.2, rate=100) == 1_024


def test_a_standing_queue_is_as_long_as_is_served_in_time() -> None:
    assert 380 <= Door().has(1_024, 0, seconds=5, rate=520) <= 400


def test_two_ports_share_the_rate() -> None:
    assert 190 <= Door().has(500, 500, seconds=5, rate=520) <= 200


def test_a_fast_server_needs_no_shorter_queue() -> None:
    assert Door().has(1_000, seconds=5, rate=5_000) == 1_024


def test_some_may_always_wait() -> None:
    assert Door().has(1_000, seconds=5, rate=0) == 32


def test_it_ends() -> None:
    door = Door()
    door.has(1_024, seconds=5, rate=100)
    assert door.has(0, seconds=10, rate=100) == 1_024


def test_a_queue_that_is_to_stay_as_it_is() -> None:
    assert Door(fewest=1_024).has(1_024, seconds=5, rate=100) == 1_024
