"""When a worker that has died is started again: at once, unless those before it died young as well. Pure."""

_YOUNG = 10.0
"""Seconds; who lived longer has served, and did not die of the start."""
_FIRST_PAUSE, _LONGEST_PAUSE = 0.1, 5.0


class Restarts:
    """The deaths in one slot. The longest pause is short: devices wait in the slot's queue meanwhile."""

    def __init__(self) -> None:
        self._in_a_row = 0

    def pause_after(self, lived: float) -> float:
        """Seconds until the next start, after a worker that lived for `lived` seconds."""
        self._in_a_row = self._in_a_row + 1 if lived < _YOUNG else 0
        if self._in_a_row < 2:
            return 0.0
        return float(min(_FIRST_PAUSE * 2 ** (self._in_a_row - 2), _LONGEST_PAUSE))
