"""Packet identifiers in both directions."""

from homeport.protocols.mqtt.deliveries import IncomingDeliveries, OutgoingDeliveries


def test_qos_0_needs_no_identifier() -> None:
    outgoing = OutgoingDeliveries(limit=1)
    assert [outgoing.begin(0) for _ in range(3)] == [0, 0, 0]


def test_identifiers_differ_and_are_limited() -> None:
    outgoing = OutgoingDeliveries(limit=2)
    assert [outgoing.begin(1) for _ in range(3)] == [1, 2, None]


def test_an_acknowledgement_makes_room() -> None:
    outgoing = OutgoingDeliveries(limit=1)
    outgoing.begin(1)
    outgoing.acknowledged(1)
    outgoing.acknowledged(999)
    assert outgoing.begin(1) == 2


def test_identifiers_come_round_without_zero_and_past_open_ones() -> None:
    outgoing = OutgoingDeliveries(limit=3)
    outgoing.begin(1)
    for expected in range(2, 65_536):
        assert outgoing.begin(1) == expected
        outgoing.acknowledged(expected)
    assert outgoing.begin(1) == 2


def test_acknowledgements_leave_in_the_order_of_arrival() -> None:
    incoming = IncomingDeliveries()
    for packet_id in (5, 3, 9):
        incoming.take(packet_id)
    assert incoming.settle(9) == []
    assert incoming.settle(5) == [5]
    assert incoming.settle(3) == [3, 9]


def test_an_identifier_that_came_twice_is_acknowledged_twice() -> None:
    incoming = IncomingDeliveries()
    incoming.take(5)
    incoming.take(5)
    assert incoming.settle(5) == [5]
    assert incoming.settle(5) == [5]
    assert incoming.settle(5) == []


def test_qos_0_is_not_acknowledged() -> None:
    incoming = IncomingDeliveries()
    incoming.take(0)
    assert incoming.settle(0) == []
    assert incoming.settle_all() == []


def test_all_at_once() -> None:
    incoming = IncomingDeliveries()
    incoming.take(2)
    incoming.take(1)
    assert incoming.settle_all() == [2, 1]
    assert incoming.settle_all() == []
