"""Time counted in wake-ups."""

from homeport.protocols.amqp.liveness import Liveness

SILENT = "silent for longer than its idle time-out"


def test_nothing_to_watch() -> None:
    assert Liveness().next_wakeup() is None


def test_silence_ends_it() -> None:
    liveness = Liveness(idle_limit=60)
    verdicts = []
    for _ in range(2):
        assert liveness.next_wakeup() == 30
        verdicts.append(liveness.verdict())
    assert verdicts == ["", SILENT]


def test_whoever_is_heard_lives() -> None:
    liveness = Liveness(idle_limit=60)
    for _ in range(10):
        liveness.next_wakeup()
        liveness.heard()
        assert liveness.verdict() == ""
        assert not liveness.must_speak()


def test_a_heartbeat_is_due_as_often_as_the_peer_wants_one() -> None:
    liveness = Liveness(idle_limit=60).say_every(20)
    due = []
    for _ in range(4):
        assert liveness.next_wakeup() == 20
        liveness.heard()
        liveness.verdict()
        due.append(liveness.must_speak())
    assert due == [True, True, True, True]


def test_a_slow_heartbeat_waits_for_its_time() -> None:
    liveness = Liveness(idle_limit=20).say_every(30)
    due = []
    for _ in range(6):
        assert liveness.next_wakeup() == 10
        liveness.heard()
        liveness.verdict()
        due.append(liveness.must_speak())
    assert due == [False, False, True, False, False, True]


def test_the_end_comes_however_much_is_heard() -> None:
    liveness = Liveness(idle_limit=60, expires_in=70, at_expiry="over")
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
