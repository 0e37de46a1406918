"""Packets to bytes."""

import pytest
from tests.unit.protocols.mqtt.vectors import VECTORS

from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Packet, Publish, Unsubscribe


@pytest.mark.parametrize(("packet", "data"), [vector[1:] for vector in VECTORS], ids=[name for name, *_ in VECTORS])
def test_bytes_of_the_standard(packet: Packet, data: bytes) -> None:
    assert encode(packet) == data


def test_a_text_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="65,535"):
        encode(Unsubscribe(1, ("x" * 65_536,)))


def test_a_packet_that_does_not_fit_is_refused() -> None:
    with pytest.raises(ValueError, match="256 MiB"):
        encode(Publish(topic="t", payload=bytes(268_435_455)))
