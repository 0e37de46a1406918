from itertools import islice
from math import inf

import pytest

from homeport.clock import SystemRandomness
from homeport.storage.pauses import LONGEST, jittered, pauses


@pytest.mark.parametrize("total", [0.0005, 0.2, 1.0])
def test_pauses_grow_and_sum_up_to_the_whole(total: float) -> None:
    waits = list(pauses(total))
    assert waits[:-1] == sorted(waits[:-1])
    assert sum(waits) == pytest.approx(total)
    assert list(pauses(0)) == []


def test_pauses_have_a_longest_and_may_be_endless() -> None:
    assert list(islice(pauses(inf), 100))[-1] == LONGEST
    assert list(islice(pauses(inf, longest=3), 100))[-1] == 3


class Fixed:
    def __init__(self, value: bytes) -> None:
        self.value = value

    def token(self, size: int) -> bytes:
        return self.value

    def guid(self) -> str:
        raise AssertionError("nobody asks for one")


def test_a_pause_is_jittered_between_its_half_and_its_whole() -> None:
    assert jittered(2.0, Fixed(b"\0\0")) == 1.0
    assert jittered(2.0, Fixed(b"\xff\xff")) == pytest.approx(2.0, abs=0.001)
    assert len({jittered(1.0, SystemRandomness()) for _ in range(20)}) > 1
