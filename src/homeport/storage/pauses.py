"""How long to wait before another attempt: a little at first, ever longer, and not in step with others."""

from collections.abc import Iterator

from homeport.clock import Randomness

_FIRST = 0.001
LONGEST = 0.05


def pauses(total: float, *, longest: float = LONGEST) -> Iterator[float]:
    """Ever longer waits, in all up to `total` seconds."""
    pause = _FIRST
    while total > 0:
        yield min(pause, total)
        total -= pause
        pause = min(2 * pause, longest)


def jittered(pause: float, randomness: Randomness) -> float:
    """Between half of a pause and the whole: those who failed at once do not come back at once."""
    return pause * (0.5 + int.from_bytes(randomness.token(2), "big") / 131_072)
