"""Whose turn it is to shake hands."""

from dataclasses import dataclass, field

from homeport.endpoints.handshake_queue import HandshakeQueue
from homeport.endpoints.overload import OverloadControl


@dataclass
class Door:
    """A queue, who was let begin after a wait, and whether connections are accepted."""

    control: OverloadControl = field(default_factory=lambda: OverloadControl(target=0.05, most=2))
    begun: list[int] = field(default_factory=list)
    accepting: list[bool] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.queue: HandshakeQueue[int] = HandshakeQueue(self.control, begin=self.begun.append)
        self.queue.pause_accepting = lambda: self.accepting.append(False)
        self.queue.resume_accepting = lambda: self.accepting.append(True)


def test_nobody_waits_while_there_is_room() -> None:
    door = Door()
    assert [door.queue.enter(number) for number in (1, 2)] == [True, True]
    assert (door.queue.under_way, len(door.queue), door.begun) == (2, 0, [])


def test_first_come_first_served() -> None:
    door = Door()
    assert [door.queue.enter(number) for number in (1, 2, 3, 4)] == [True, True, False, False]
    door.queue.leave(1)
    assert door.begun == [3]
    door.queue.leave(3)
    assert door.begun == [3, 4]
    assert (door.queue.under_way, len(door.queue)) == (2, 0)


def test_nobody_jumps_the_queue() -> None:
    door = Door()
    for number in (1, 2, 3):
        door.queue.enter(number)
    door.control.handshakes = 3
    assert not door.queue.enter(4)
    door.queue.call_next()
    assert door.begun == [3]


def test_whoever_gives_up_waiting_takes_nobodys_place() -> None:
    door = Door()
    for number in (1, 2, 3, 4):
        door.queue.enter(number)
    door.queue.leave(3)
    assert (door.begun, door.queue.under_way) == ([], 2)
    door.queue.leave(2)
    assert door.begun == [4]


def test_fewer_than_are_under_way() -> None:
    door = Door()
    for number in (1, 2, 3):
        door.queue.enter(number)
    door.control.handshakes = 1
    door.queue.leave(1)
    assert door.begun == []
    door.queue.leave(2)
    assert door.begun == [3]


def test_a_long_queue_waits_in_the_kernel() -> None:
    door = Door()
    for number in range(2 + 255):
        door.queue.enter(number)
    assert door.accepting == []
    # Those who come in the same turn of the loop are taken in all the same.
    for number in range(300, 310):
        door.queue.enter(number)
    assert door.accepting == [False]
    door.control.handshakes = 100
    door.queue.call_next()
    assert door.accepting == [False]
    door.control.handshakes = 1_000
    door.queue.call_next()
    assert (door.accepting, len(door.queue)) == ([False, True], 0)
