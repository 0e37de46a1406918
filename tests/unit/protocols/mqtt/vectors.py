"""Packets byte by byte, written by hand after the standard's tables; encoder and decoder must both agree with them."""

from homeport.protocols.mqtt.packets import (
    Connack,
    Connect,
    Disconnect,
    Packet,
    Pingreq,
    Pingresp,
    Puback,
    Publish,
    ReturnCode,
    Suback,
    Subscribe,
    Unsuback,
    Unsubscribe,
    Will,
)

VECTORS: list[tuple[str, Packet, bytes]] = [
    (
        "CONNECT of a device with a key",
        Connect(client_id="dev", clean_session=False, keep_alive=60, user_name="u/n", password=b"pw"),
        b"\x10\x18\x00\x04MQTT\x04\xc0\x00\x3c\x00\x03dev\x00\x03u/n\x00\x02pw",
    ),
    (
        "CONNECT of a device with a certificate",
        Connect(client_id="dev", keep_alive=180, user_name="u"),
        b"\x10\x12\x00\x04MQTT\x04\x82\x00\xb4\x00\x03dev\x00\x01u",
    ),
    (
        "CONNECT with a will",
        Connect(client_id="d", will=Will(topic="w", payload=b"gone", qos=1, retain=True)),
        b"\x10\x16\x00\x04MQTT\x04\x2e\x00\x00\x00\x01d\x00\x01w\x00\x04gone",
    ),
    ("CONNACK accepted", Connack(ReturnCode.ACCEPTED), b"\x20\x02\x00\x00"),
    ("CONNACK refused", Connack(ReturnCode.NOT_AUTHORIZED), b"\x20\x02\x00\x05"),
    ("CONNACK of a kept session", Connack(ReturnCode.ACCEPTED, session_present=True), b"\x20\x02\x01\x00"),
    ("PUBLISH of QoS 0", Publish(topic="a/b", payload=b"hi"), b"\x30\x07\x00\x03a/bhi"),
    (
        "PUBLISH of QoS 1, a duplicate",
        Publish(topic="a/b", payload=b"hi", qos=1, packet_id=258, duplicate=True),
        b"\x3a\x09\x00\x03a/b\x01\x02hi",
    ),
    (
        "PUBLISH of QoS 2, retained and empty",
        Publish(topic="t", qos=2, packet_id=1, retain=True),
        b"\x35\x05\x00\x01t\x00\x01",
    ),
    (
        "PUBLISH whose length takes two bytes",
        Publish(topic="t", payload=bytes(200)),
        b"\x30\xcb\x01\x00\x01t" + bytes(200),
    ),
    (
        "PUBLISH whose length takes three bytes",
        Publish(topic="t", payload=bytes(16_384)),
        b"\x30\x83\x80\x01\x00\x01t" + bytes(16_384),
    ),
    ("PUBACK", Puback(65_535), b"\x40\x02\xff\xff"),
    ("SUBSCRIBE", Subscribe(1, (("a/#", 1), ("b", 2))), b"\x82\x0c\x00\x01\x00\x03a/#\x01\x00\x01b\x02"),
    ("SUBACK", Suback(1, (1, 0x80)), b"\x90\x04\x00\x01\x01\x80"),
    ("UNSUBSCRIBE", Unsubscribe(3, ("a/#", "b")), b"\xa2\x0a\x00\x03\x00\x03a/#\x00\x01b"),
    ("UNSUBACK", Unsuback(3), b"\xb0\x02\x00\x03"),
    ("PINGREQ", Pingreq(), b"\xc0\x00"),
    ("PINGRESP", Pingresp(), b"\xd0\x00"),
    ("DISCONNECT", Disconnect(), b"\xe0\x00"),
]
