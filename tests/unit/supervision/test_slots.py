"""Who holds a slot, from the first worker to the one that has relieved it."""

from homeport.supervision.processes import WorkerProcess
from homeport.supervision.seat import Seat
from homeport.supervision.slots import Slot


def worker(slot: Slot, *, ready: bool = True) -> WorkerProcess:
    process = WorkerProcess(Seat(shift=slot.free_shift()), 1, -1, started_at=0.0, overdue_at=0.0)
    process.is_ready = ready
    slot.take(process)
    return process


def test_a_relief_serves_once_it_is_ready_and_the_old_one_leaves() -> None:
    slot = Slot(0, {})
    old = worker(slot)
    assert slot.is_ready
    assert not slot.is_rolling
    relief = worker(slot, ready=False)
    assert (slot.serving, slot.relief, slot.is_rolling) == (old, relief, True)
    assert slot.relieve() is old
    assert (slot.serving, slot.relief, slot.leaving) == (relief, None, [old])
    assert not slot.remove(old)
    assert (list(slot.processes()), slot.is_rolling) == ([relief], False)


def test_the_shifts_alternate_and_never_meet() -> None:
    slot = Slot(0, {})
    first, second = worker(slot), worker(slot)
    assert (first.seat.shift, second.seat.shift) == (0, 1)
    slot.relieve()
    slot.remove(first)
    third = worker(slot)
    assert third.seat.shift == 0


def test_the_death_of_the_one_that_serves_makes_its_relief_serve() -> None:
    slot = Slot(0, {})
    old, relief = worker(slot), worker(slot, ready=False)
    assert slot.remove(old)
    assert (slot.serving, slot.relief, slot.is_ready) == (relief, None, False)


def test_a_relief_that_dies_leaves_the_old_one_serving() -> None:
    slot = Slot(0, {})
    old, relief = worker(slot), worker(slot, ready=False)
    assert not slot.remove(relief)
    assert (slot.serving, slot.is_rolling) == (old, False)


def test_a_start_that_was_due_is_due_no_more() -> None:
    slot = Slot(0, {})
    slot.due = 3.0
    worker(slot)
    assert slot.due is None
