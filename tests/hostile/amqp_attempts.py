"""A device over AMQP whose frames a test may replace by something wrong, up to any point of the conversation.

Bytes and frames are made by a codec that shares nothing with the server's (`tests/sockets/raw_amqp.py`).
"""

from collections.abc import Iterator
from typing import Any, Self

from tests.hostile.site import Site
from tests.sockets.devices import VERSION, Device
from tests.sockets.peer import AMQP, Peer
from tests.sockets.raw_amqp import (
    AMQP_HEADER,
    APPLICATION_PROPERTIES,
    ATTACH,
    BEGIN,
    CLOSE,
    DATA,
    DISPOSITION,
    FLOW,
    INIT,
    MECHANISMS,
    OPEN,
    OUTCOME,
    SASL_HEADER,
    SOURCE,
    TARGET,
    TRANSFER,
    Described,
    Frames,
    Symbol,
    Ubyte,
    Uint,
    encode,
    frame,
)

REPLIES, REQUESTS = Uint(0), Uint(1)
"""Handles of the two links."""

Heard = bytes | tuple[Described, bytes]


class AmqpPeer(Peer):
    """One AMQP connection: bytes out; headers, and frames with their payloads, in."""

    def __init__(self, site: Site) -> None:
        super().__init__(site.deployment, AMQP)
        self._frames = Frames()
        self._heard = self._all()

    def hear(self) -> Heard | None:
        """The next header or frame; None once the server has closed."""
        return next(self._heard, None)

    def hear_until(self, code: int) -> Described:
        """The next performative of a kind; others are passed over."""
        for heard in self._heard:
            if isinstance(heard, tuple) and heard[0].code == code:
                return heard[0]
        raise ConnectionResetError("the server closed before it said that")

    def hear_end(self) -> list[str | None]:
        """The conditions of all `close` frames until the server's end; None for a close without an error."""
        return [condition(heard[0]) for heard in self._heard if isinstance(heard, tuple) and heard[0].code == CLOSE]

    def _all(self) -> Iterator[Heard]:
        while data := self.receive():
            self._frames.feed(data)
            yield from self._frames


class ProvedPeer(AmqpPeer):
    """A device that has proved itself by its token, and opened if `opened`."""

    def __init__(self, site: Site, device: Device, *, opened: bool = True) -> None:
        super().__init__(site)
        self.address = address(site, device)
        self.send(SASL_HEADER + plain(self.address, site.witness(device.token)))
        assert self.hear() == SASL_HEADER
        assert self.hear_until(MECHANISMS)
        assert self.hear_until(OUTCOME).field(0) == 0
        self.send(AMQP_HEADER + (OPENING if opened else b""))
        assert self.hear() == AMQP_HEADER
        if opened:
            assert self.hear_until(OPEN)


class LinkedPeer(ProvedPeer):
    """A device with a link for its requests, which has credit, and one for replies, to which it gives `credit`."""

    @classmethod
    def attach(cls, site: Site, device: Device, *, credit: int = 100, settle_mode: int = 1) -> Self:
        """`settle_mode`: 0 for replies that the device will have to settle."""
        peer = cls(site, device)
        peer.send(BEGINNING + receiver(peer.address, settle_mode=settle_mode) + granted(credit))
        peer.send(sender(peer.address))
        assert peer.hear_until(FLOW).field(4) == REQUESTS
        return peer

    def ask(self, number: int) -> Described:
        """Put a question that is answered with an error; what became of it."""
        self.send(request(number, encode(Described(APPLICATION_PROPERTIES, {"iotdps-operation-type": "none"}))))
        return self.hear_until(DISPOSITION)


def condition(ending: Described) -> str | None:
    """The condition of a close, end or detach."""
    error = ending.value[-1] if ending.value else None
    return str(error.field(0)) if isinstance(error, Described) else None


def address(site: Site, device: Device) -> str:
    return f"{site.deployment.id_scope}/registrations/{device.registration_id}"


def plain(user_name: str, password: str) -> bytes:
    return init("PLAIN", f"\0{user_name}\0{password}".encode())


def init(mechanism: str, response: bytes) -> bytes:
    """A sasl-init."""
    return frame(Described(INIT, [Symbol(mechanism), response, "host"]))


def raw(body: bytes, *, kind: int = 0, channel: int = 0, doff: int = 2, size: int | None = None) -> bytes:
    """A frame of these bytes; its `size` may lie."""
    return (8 + len(body) if size is None else size).to_bytes(4) + bytes((doff, kind)) + channel.to_bytes(2) + body


def attach(name: str, handle: int, role: bool, termini: list[Described | None], *, settle_mode: int = 1) -> bytes:
    """A link of any kind."""
    properties = {Symbol("com.microsoft:api-version"): VERSION}
    head: list[Any] = [name, Uint(handle), role, Ubyte(settle_mode), Ubyte(0)]
    return frame(Described(ATTACH, [*head, *termini, None, None, Uint(0), None, None, None, properties]))


def receiver(source: str, handle: int = REPLIES, *, settle_mode: int = 1) -> bytes:
    """A link on which the device receives."""
    termini: list[Described | None] = [Described(SOURCE, [source]), Described(TARGET, [])]
    return attach(f"replies-{handle}", handle, True, termini, settle_mode=settle_mode)


def sender(target: str, handle: int = REQUESTS) -> bytes:
    """A link on which the device sends."""
    return attach(f"requests-{handle}", handle, False, [Described(SOURCE, []), Described(TARGET, [target])])


def granted(credit: int, handle: int = REPLIES, *, echo: bool = False) -> bytes:
    """A flow that lets the server send so much."""
    windows = [Uint(0), Uint(2000), Uint(0), Uint(2000)]
    return frame(Described(FLOW, [*windows, Uint(handle), Uint(0), Uint(credit), None, False, echo]))


def request(number: int, message: bytes, handle: int = REQUESTS, *, more: bool = False) -> bytes:
    """A transfer, or the first piece of one."""
    fields = [Uint(handle), Uint(number), number.to_bytes(4), Uint(0), False, more]
    return frame(Described(TRANSFER, fields), message)


def message(operation: str, body: bytes = b"{}") -> bytes:
    """A device's request."""
    pairs = {"iotdps-operation-type": operation, "iotdps-operation-id": "5.unknown"}
    return encode(Described(APPLICATION_PROPERTIES, pairs)) + encode(Described(DATA, body))


OPENING = frame(Described(OPEN, ["device", "host"]))
BEGINNING = frame(Described(BEGIN, [None, Uint(0), Uint(2000), Uint(2000)]))


# --- for the flood ------------------------------------------------------------------------------------------------


def half_open(site: Site) -> None:
    """A proof under way, and no more."""
    with AmqpPeer(site) as peer:
        peer.send(SASL_HEADER + init("TPM", b"\0scope\0id\0" + bytes(300)))
        peer.hear()


def unproved(site: Site) -> None:
    """A wrong token: let through, to be told at its first request."""
    device = site.device()
    with AmqpPeer(site) as peer:
        peer.send(SASL_HEADER + plain(address(site, device), "wrong"))
        peer.hear_until(OUTCOME)


def unfinished_message(site: Site) -> None:
    """Nearly as much as a message may hold, the end of which never comes."""
    with LinkedPeer.attach(site, site.device()) as peer:
        peer.send(request(0, bytes(30_000), more=True) * 4)


def unread_replies(site: Site) -> None:
    """Thirty questions, and no credit for their answers."""
    with LinkedPeer.attach(site, site.device(), credit=0) as peer:
        peer.send(b"".join(request(number, message("iotdps-register")) for number in range(30)))
        peer.hear_until(DISPOSITION)


def deep_values(site: Site) -> None:
    """A frame of brackets."""
    with ProvedPeer(site, site.device()) as peer:
        peer.send(raw(b"\x00" * 30_000))
        peer.hear_end()


ATTACKS = (half_open, unproved, unfinished_message, unread_replies, deep_values)
