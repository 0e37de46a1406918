"""Packets as values."""

from homeport.protocols.mqtt.packets import Connect, PacketType, ReturnCode


def test_a_connect_does_not_show_its_password() -> None:
    packet = Connect(client_id="device", user_name="scope/registrations/device", password=b"secret")
    assert "secret" not in repr(packet)
    assert "device" not in repr(packet)


def test_numbers_are_those_of_the_standard() -> None:
    assert (PacketType.CONNECT, PacketType.PUBLISH, PacketType.SUBSCRIBE, PacketType.DISCONNECT) == (1, 3, 8, 14)
    assert [code.value for code in ReturnCode] == [0, 1, 2, 3, 4, 5]
