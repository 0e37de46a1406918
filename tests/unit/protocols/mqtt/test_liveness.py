"""Time counted in wake-ups."""

from homeport.protocols.mqtt.liveness import Liveness

SILENT = "silent for longer than its keep-alive"


def test_nothing_to_watch() -> None:
    assert Liveness().next_wakeup() is None


def test_silence_ends_it_after_one_and_a_half_intervals() -> None:
    liveness = Liveness(keep_alive=60)
    verdicts = []
    for _ in range(3):
        assert liveness.next_wakeup() == 30
        verdicts.append(liveness.verdict())
    assert verdicts == ["", "", SILENT]


def test_whoever_is_heard_lives() -> None:
    liveness = Liveness(keep_alive=60)
    for _ in range(10):
        liveness.next_wakeup()
        assert liveness.verdict() == ""
        liveness.next_wakeup()
        liveness.heard()
        assert liveness.verdict() == ""


def test_the_end_comes_however_much_is_heard() -> None:
    liveness = Liveness(keep_alive=60, expires_in=70, at_expiry="over")
    steps, reason = [], ""
    while not reason:
        steps.append(liveness.next_wakeup())
        liveness.heard()
        reason = liveness.verdict()
    assert (steps, reason) == ([30, 30, 10], "over")


def test_an_end_that_has_passed_comes_at_once() -> None:
    liveness = Liveness(expires_in=-5, at_expiry="over")
    assert liveness.next_wakeup() == 0
    assert liveness.verdict() == "over"


def test_an_end_without_keep_alive_is_one_wakeup() -> None:
    liveness = Liveness(expires_in=3600, at_expiry="over")
    assert liveness.next_wakeup() == 3600
    assert liveness.verdict() == "over"
