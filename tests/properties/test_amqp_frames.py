"""Frames in a stream, whatever the frames, however they are cut, and whatever the bytes."""

from hypothesis import given, settings
from hypothesis import strategies as st
from tests.properties.amqp import FRAMES, SASL_FRAMES, STREAMS, split

from homeport.protocols.amqp.conditions import Violation
from homeport.protocols.amqp.frames import Frame, FrameReader, FrameType, encode_frame
from homeport.protocols.amqp.performatives import Performative, SaslPerformative

LIMIT = 4096


def read(pieces: list[bytes], frame_type: FrameType = FrameType.AMQP) -> tuple[list[Frame], str]:
    """The frames in a stream, and how it ended: in the reason of an error, or not at all."""
    reader, frames = FrameReader(LIMIT), list[Frame]()
    try:
        for piece in pieces:
            reader.feed(piece)
            while (frame := reader.next_frame(frame_type)) is not None:
                frames.append(frame)
    except Violation as error:
        return frames, str(error)
    return frames, ""


@settings(max_examples=200, deadline=None)
@given(FRAMES, st.binary(max_size=40), st.integers(0, 0xFFFF))
def test_every_frame_comes_back(performative: Performative, payload: bytes, channel: int) -> None:
    frame = Frame(channel=channel, performative=performative, payload=payload)
    assert read([encode_frame(performative, payload, channel=channel)]) == ([frame], "")


@settings(max_examples=100, deadline=None)
@given(SASL_FRAMES)
def test_every_frame_of_sasl_comes_back(performative: SaslPerformative) -> None:
    assert read([encode_frame(performative)], FrameType.SASL) == ([Frame(performative=performative)], "")


@settings(max_examples=200, deadline=None)
@given(st.lists(FRAMES, max_size=5), st.data())
def test_every_split_gives_the_same_frames(performatives: list[Performative], data: st.DataObject) -> None:
    pieces = data.draw(split(b"".join(map(encode_frame, performatives))))
    assert read(pieces) == ([Frame(performative=each) for each in performatives], "")


@settings(max_examples=50, deadline=None)
@given(FRAMES)
def test_a_frame_byte_by_byte(performative: Performative) -> None:
    pieces = [bytes((byte,)) for byte in encode_frame(performative)]
    assert read(pieces) == ([Frame(performative=performative)], "")


@settings(max_examples=200, deadline=None)
@given(STREAMS, st.data())
def test_nonsense_ends_alike_however_it_is_split(stream: list[bytes], data: st.DataObject) -> None:
    whole = b"".join(stream)
    assert repr(read([whole])) == repr(read(data.draw(split(whole))))


@settings(max_examples=200, deadline=None)
@given(STREAMS)
def test_a_reader_keeps_no_more_than_one_frame(stream: list[bytes]) -> None:
    reader = FrameReader(LIMIT)
    for piece in stream:
        reader.feed(piece)
        try:
            while reader.next_frame(FrameType.AMQP) is not None:
                pass
        except Violation:
            return
        assert reader.buffered <= LIMIT
