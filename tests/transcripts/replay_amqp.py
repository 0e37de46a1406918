"""Play a client's frames over AMQP 1.0: SASL with a key, none with a certificate, then one session with two links.

What every one of them needs is asserted here: the disposition `accepted` and settled before the reply, whose body is
one data section, and which echoes the correlation ID.
"""

from tests.sockets.raw_amqp import (
    ACCEPTED,
    AMQP_HEADER,
    ATTACH,
    BEGIN,
    DATA,
    DISPOSITION,
    FLOW,
    MECHANISMS,
    OPEN,
    OUTCOME,
    PROPERTIES,
    SASL_HEADER,
    TRANSFER,
    Described,
    Frames,
    Uint,
    decode_all,
    encode,
    frame,
)
from tests.transcripts.client import AmqpReply, AmqpTranscript, Client, Told
from tests.transcripts.device import Device
from tests.transcripts.replay_http import POLLS
from tests.transcripts.streams import Stream

_CORRELATION_ID = 5


def register_over_amqp(client: Client, transcript: AmqpTranscript, device: Device, stream: Stream) -> Told:
    """Open, attach, register and poll; what the client was told last."""
    replay = _Replay(client, transcript, device, stream)
    if device.key is not None:
        replay.authenticate()
    replay.open()
    told = replay.ask(transcript.register)
    assert told.status == "assigning"
    for _ in range(POLLS):
        told = replay.ask(transcript.poll, operation=told.operation_id or "")
        if told.status != "assigning":
            break
    replay.close()
    return told


class _Replay:
    def __init__(self, client: Client, transcript: AmqpTranscript, device: Device, stream: Stream) -> None:
        self._client = client
        self._script = transcript
        self._device = device
        self._stream = stream
        self._frames = Frames()
        self._delivery = 0

    def authenticate(self) -> None:
        self._stream.send(SASL_HEADER)
        assert self._hear() == SASL_HEADER
        mechanisms = self._hear_frame(MECHANISMS).field(0)
        assert "PLAIN" in ([mechanisms] if isinstance(mechanisms, str) else mechanisms)
        self._stream.send(self._frame(self._script.sasl_init))
        assert self._hear_frame(OUTCOME).field(0) == 0

    def open(self) -> None:
        """Header, open, begin and two attaches; each client waits for an answer where it does."""
        script = self._script
        receiver_credit = _flow(script.credit)
        steps: list[tuple[bytes, list[int]]] = [
            (AMQP_HEADER, [0]),
            (self._frame(script.open), [OPEN]),
            (self._frame(script.begin), [BEGIN]),
            (self._frame(script.receiver), [ATTACH]),
            (frame(receiver_credit) + self._frame(script.sender), [ATTACH, FLOW]),
        ]
        if script.pipelined:
            steps = [(b"".join(said for said, _ in steps), [answer for _, answers in steps for answer in answers])]
        heard: list[Described] = []
        for said, answers in steps:
            self._stream.send(said)
            heard += [self._hear_frame(code) for code in answers if code or self._hear_header()]
        _, begin, receiver, sender, flow = heard
        script.reads_links({"begin": begin, "receiver": receiver, "sender": sender, "flow": flow})
        assert flow.field(6) > 0, "no credit"

    def ask(self, message: list[Described], **learnt: str) -> Told:
        filled = self._device.fill_value(message, self._client.token, **learnt)
        tag = self._script.delivery_tag(self._delivery)
        transfer = Described(TRANSFER, [Uint(1), Uint(self._delivery), tag, Uint(0), False, False])
        self._stream.send(frame(transfer, b"".join(encode(section) for section in filled)))
        reply = self._reply()
        assert reply.disposition.value[:3] == [True, self._delivery, reply.disposition.field(2)]
        assert reply.disposition.field(3) is True, "not settled"
        assert reply.disposition.field(4) == Described(ACCEPTED, [])
        self._delivery += 1
        sent = {section.code: section for section in filled}
        if PROPERTIES in sent:
            assert reply.sections[PROPERTIES][_CORRELATION_ID] == sent[PROPERTIES].field(_CORRELATION_ID)
        self._script.reads_reply(reply)
        return self._client.reads_json(reply.sections[DATA])

    def close(self) -> None:
        self._stream.send(frame(Described(0x18, [])))
        self._hear_frame(0x18)

    def _reply(self) -> AmqpReply:
        disposition = self._hear_frame(DISPOSITION)
        transfer, payload = self._hear_with_payload(TRANSFER)
        number = transfer.field(1)
        if self._script.settles:
            accepted = Described(ACCEPTED, [])
            self._stream.send(frame(Described(DISPOSITION, [True, number, number, True, accepted])))
        sections = {section.code: section.value for section in decode_all(payload)}
        return AmqpReply(disposition=disposition, transfer=transfer, sections=sections)

    def _frame(self, performative: Described) -> bytes:
        return frame(self._device.fill_value(performative, self._client.token))

    def _hear_header(self) -> bool:
        assert self._hear() == AMQP_HEADER
        return False

    def _hear_frame(self, code: int) -> Described:
        return self._hear_with_payload(code)[0]

    def _hear_with_payload(self, code: int) -> tuple[Described, bytes]:
        heard = self._hear()
        # A session's flow says nothing to these clients but when they may send, and comes at any time.
        while code != FLOW and isinstance(heard, tuple) and heard[0].code == FLOW:
            heard = self._hear()
        assert isinstance(heard, tuple), heard
        assert heard[0].code == code, heard
        return heard

    def _hear(self) -> bytes | tuple[Described, bytes]:
        while True:
            for heard in self._frames:
                return heard
            data = self._stream.receive()
            assert data, "the server closed the connection"
            self._frames.feed(data)


def _flow(credit: int) -> Described:
    session = [Uint(0), Uint(2_147_483_647), Uint(0), Uint(65_536)]
    return Described(FLOW, [*session, Uint(0), Uint(0), Uint(credit)])
