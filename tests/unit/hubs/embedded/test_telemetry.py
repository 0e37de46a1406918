"""The bounded buffer: order, counts, bounds, forgetting."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st
from tests.unit.administration.world import StillClock

from homeport.hubs.embedded.telemetry import Telemetry, TelemetryBuffer

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def filled(count: int, *, max_messages: int = 100, max_bytes: int = 10**6) -> TelemetryBuffer:
    buffer = TelemetryBuffer(max_messages=max_messages, max_bytes=max_bytes)
    for number in range(count):
        buffer.append(f"d{number % 2}", b"x", (), at=NOW)
    return buffer


def numbers(buffer: TelemetryBuffer, after: int = 0, limit: int = 1000) -> list[int]:
    return [message.sequence_number for message in buffer.after(after, limit)]


def test_messages_are_read_in_order_from_a_sequence_number_on() -> None:
    buffer = filled(5)
    assert numbers(buffer) == [1, 2, 3, 4, 5]
    assert numbers(buffer, after=2, limit=2) == [3, 4]
    assert numbers(buffer, after=5) == numbers(buffer, after=99) == []
    assert (buffer.received, buffer.dropped) == (5, 0)


def test_the_oldest_go_first_and_are_counted() -> None:
    buffer = filled(5, max_messages=3)
    assert numbers(buffer) == [3, 4, 5]
    assert (buffer.received, buffer.dropped) == (5, 2)


def test_bytes_are_bounded_too() -> None:
    buffer = TelemetryBuffer(max_bytes=3000)
    for size in (1000, 1000, 400):
        buffer.append("d", bytes(size), (), at=NOW)
    assert numbers(buffer) == [2, 3]
    assert buffer.dropped == 1


def test_a_message_that_does_not_fit_at_all_is_counted_and_gone() -> None:
    buffer = TelemetryBuffer(max_bytes=1000)
    buffer.append("d", bytes(5000), (("k", "v"),), at=NOW)
    assert (numbers(buffer), buffer.received, buffer.dropped) == ([], 1, 1)


@given(st.lists(st.integers(0, 2000), max_size=30))
def test_whatever_comes_nothing_is_lost_uncounted(sizes: list[int]) -> None:
    buffer = TelemetryBuffer(max_messages=8, max_bytes=6000)
    for size in sizes:
        buffer.append("d", bytes(size), (), at=NOW)
    kept = buffer.after(0, 1000)
    assert buffer.received == len(sizes) == buffer.dropped + len(kept)
    assert len(kept) <= 8
    assert sum(message.size for message in kept) <= 6000


def test_a_forgotten_device_leaves_no_message_and_frees_its_room() -> None:
    buffer = filled(4, max_bytes=4 * 600)
    buffer.forget("d0")
    assert [message.device_id for message in buffer.after(0, 10)] == ["d1", "d1"]
    assert (buffer.received, buffer.dropped) == (4, 2)
    buffer.append("d2", b"x", (), at=NOW)
    buffer.append("d2", b"x", (), at=NOW)
    assert numbers(buffer) == [2, 4, 5, 6]


def test_each_hub_has_a_buffer_and_messages_their_time() -> None:
    clock = StillClock()
    telemetry = Telemetry(clock, max_messages=1)
    telemetry.record("hub.test", "d", b"1", (("$.mid", "m"),))
    telemetry.record("HUB.test", "d", b"2", ())
    telemetry.record("other.test", "d", b"3", ())
    (message,) = telemetry.of("hub.test").after(0, 10)
    assert (message.body, message.sequence_number, message.enqueued_at) == (b"2", 2, clock.now())
    assert telemetry.of("hub.test").dropped == 1
    assert telemetry.of("other.test").received == 1
