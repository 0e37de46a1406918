"""Strategies for MQTT: every packet that the standard allows, and streams that it does not."""

from hypothesis import strategies as st

from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import (
    SUBSCRIPTION_REFUSED,
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

_TEXT = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=40)
_FILTER = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), min_size=1, max_size=40)
_TOPIC = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0#+"), min_size=1, max_size=40)
_PACKET_ID = st.integers(1, 0xFFFF)
_QOS = st.integers(0, 2)

_WILL = st.builds(Will, topic=_FILTER, payload=st.binary(max_size=40), qos=_QOS, retain=st.booleans())
_CONNECT = st.builds(
    Connect,
    client_id=_TEXT,
    clean_session=st.booleans(),
    keep_alive=st.integers(0, 0xFFFF),
    user_name=st.none() | _TEXT,
    password=st.none(),
    will=st.none() | _WILL,
) | st.builds(Connect, client_id=_TEXT, user_name=_TEXT, password=st.binary(max_size=40), will=st.none() | _WILL)
_PUBLISH = st.builds(Publish, topic=_TOPIC, payload=st.binary(max_size=300), retain=st.booleans()) | st.builds(
    Publish,
    topic=_TOPIC,
    payload=st.binary(max_size=300),
    qos=st.integers(1, 2),
    packet_id=_PACKET_ID,
    duplicate=st.booleans(),
    retain=st.booleans(),
)
_FILTERS = st.lists(st.tuples(_FILTER, _QOS), min_size=1, max_size=4).map(tuple)
_GRANTED = st.lists(_QOS | st.just(SUBSCRIPTION_REFUSED), min_size=1, max_size=4).map(tuple)

PACKETS: st.SearchStrategy[Packet] = st.one_of(
    _CONNECT,
    st.builds(Connack, st.sampled_from(ReturnCode), st.booleans()),
    _PUBLISH,
    st.builds(Puback, _PACKET_ID),
    st.builds(Subscribe, _PACKET_ID, _FILTERS),
    st.builds(Suback, _PACKET_ID, _GRANTED),
    st.builds(Unsubscribe, _PACKET_ID, st.lists(_FILTER, min_size=1, max_size=4).map(tuple)),
    st.builds(Unsuback, _PACKET_ID),
    st.sampled_from([Pingreq(), Pingresp(), Disconnect()]),
)


@st.composite
def split(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The data in pieces, cut anywhere; some may be empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A packet with a few bytes changed, cut out or put in."""
    data = bytearray(encode(draw(PACKETS)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(start + 3, len(data))))
        data[start:end] = draw(st.binary(max_size=3))
    return bytes(data)


STREAMS = st.lists(st.binary(max_size=60) | damaged() | PACKETS.map(encode), max_size=6)
