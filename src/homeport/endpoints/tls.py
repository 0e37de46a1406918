"""The TLS front: one class for every device port, over pyOpenSSL's memory buffers.

It asks for a client certificate, requires none, accepts any and hands the chain up unjudged; whether it is to
be trusted is a question for the enrollment. The standard `ssl` module can do either half, not both. A
connection is a protocol to the socket below it and a transport to the protocol above it, which comes into
being when the handshake is done. Knows no protocol that it carries.
"""

import asyncio
import enum
from collections.abc import Callable, Iterable
from typing import Any, cast

from OpenSSL import SSL, crypto

from homeport.endpoints.admission import HandshakeAdmission
from homeport.endpoints.connections import Drainable, OpenConnections, peer_address
from homeport.endpoints.deadlines import Deadlines
from homeport.endpoints.handshake_failures import network_of, reason_of
from homeport.endpoints.handshake_queue import HandshakeQueue
from homeport.endpoints.overload import OverloadControl
from homeport.endpoints.ports import Reports

# The plaintext of one record (RFC 8446, section 5.1): what one read can give at most.
_RECORD = 16_384
_HEADER = 5
_FLUSH = 65_536


def client_chain(connection: SSL.Connection) -> tuple[bytes, ...]:
    """The certificates that the peer presented, DER, leaf first; empty if none.

    On the server side OpenSSL's chain call leaves the leaf out. They are not parsed here: what OpenSSL let pass
    may still be more than a stricter parser takes, and that is for attestation to refuse.
    """
    leaf = connection.get_peer_certificate()
    if leaf is None:
        return ()
    others = connection.get_peer_cert_chain() or ()
    return tuple(crypto.dump_certificate(crypto.FILETYPE_ASN1, certificate) for certificate in (leaf, *others))


def _is_one_record(data: bytes) -> bool:
    """Whether `data`, which starts a record, is exactly that record (RFC 8446, section 5.1)."""
    return len(data) > _HEADER and len(data) == _HEADER + (data[3] << 8 | data[4])


def _ends_with_a_record(data: bytes) -> bool:
    """Whether `data`, which starts a record, ends with the end of one."""
    offset, size = 0, len(data)
    while offset + _HEADER <= size:
        offset += _HEADER + (data[offset + 3] << 8 | data[offset + 4])
    return offset == size


class TlsFront:
    """What all TLS connections of the process share: context, limits, time-outs.

    `context` is called at each connection, since certificates may be replaced while the server runs.
    """

    def __init__(
        self,
        context: Callable[[], SSL.Context],
        *,
        admission: HandshakeAdmission,
        connections: OpenConnections,
        reporter: Reports,
        handshake_timeout: float,
        linger: float,
        control: OverloadControl,
    ) -> None:
        self.context = context
        self.admission = admission
        self.connections = connections
        self.reporter = reporter
        self.queue: HandshakeQueue[TlsConnection] = HandshakeQueue(control, begin=TlsConnection.begin_handshake)
        self.handshakes: Deadlines[TlsConnection] = Deadlines(handshake_timeout, TlsConnection.give_up)
        self.closing: Deadlines[TlsConnection] = Deadlines(linger, TlsConnection.stop_waiting)

    def carrying(self, protocol: Callable[[], asyncio.Protocol]) -> Callable[[], asyncio.Protocol]:
        """A factory of TLS connections, each with a protocol of its own on top."""
        return lambda: TlsConnection(self, protocol)


class _State(enum.Enum):
    HANDSHAKE = enum.auto()
    OPEN = enum.auto()
    CLOSING = enum.auto()  # all is sent; waiting for the peer's end, so that it reads our last words
    CLOSED = enum.auto()


# An enum's members are looked up slowly, and these several times a record.
_HANDSHAKE, _OPEN, _CLOSING, _CLOSED = _State


class TlsConnection(asyncio.Protocol, asyncio.Transport):
    """One connection. The upper half of its methods is called by the socket, the lower half by the protocol."""

    __slots__ = (
        "_address",
        "_aligned",
        "_early",
        "_front",
        "_make_protocol",
        "_peer_done",
        "_protocol",
        "_reading",
        "_socket",
        "_state",
        "_tls",
        "_unsent",
    )

    def __init__(self, front: TlsFront, make_protocol: Callable[[], asyncio.Protocol]) -> None:
        super().__init__()
        self._front = front
        self._make_protocol = make_protocol
        self._protocol: asyncio.Protocol | None = None
        self._state = _HANDSHAKE
        self._reading = True
        self._aligned = True
        self._peer_done = False
        self._address: str | None = None
        self._early: bytes | None = None  # what was received before its turn came; None when it need not wait
        self._unsent = 0

    # --- from the socket --------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._socket = cast(asyncio.Transport, transport)
        address = peer_address(transport)
        front = self._front
        if not front.connections.admit(self):
            self._refuse("too_many_connections")
        elif not front.admission.begin(address):
            self._refuse("too_many_handshakes")
        else:
            self._address = address
            front.handshakes.start(self)
            if front.queue.enter(self):
                self._prepare()
            else:
                self._early = b""
                front.reporter.handshake_put_off()

    def data_received(self, data: bytes) -> None:
        if self._state is _OPEN:
            self._tls.bio_write(data)
            single = self._aligned and _is_one_record(data)
            self._aligned = single or (self._aligned and _ends_with_a_record(data))
            self._deliver(single=single)
        elif self._state is _HANDSHAKE:
            if self._early is None:
                self._shake_hands(data)
            else:
                self._keep(data)

    def eof_received(self) -> bool:
        """The peer sends no more; the socket stays open for our answer, and closes on our word only."""
        if self._state is _OPEN:
            self._end_of_input()
        elif self._state is _HANDSHAKE:
            self._refuse("disconnected")
        else:
            self._socket.close()
        return True

    def pause_writing(self) -> None:
        if self._protocol is not None:
            self._protocol.pause_writing()

    def resume_writing(self) -> None:
        if self._protocol is not None:
            self._protocol.resume_writing()

    def connection_lost(self, exc: Exception | None) -> None:
        if self._state is _HANDSHAKE:
            self._failed("disconnected")
        self._state = _CLOSED
        self._end_handshake()
        self._front.closing.stop(self)
        self._front.connections.discard(self)
        # Protocol and transport know each other; the knot is untied here and not left to the collector.
        protocol, self._protocol = self._protocol, None
        if protocol is not None:
            protocol.connection_lost(exc)

    def _keep(self, data: bytes) -> None:
        """The peer has begun, and must wait for its turn: take no more than a ClientHello of it."""
        self._socket.pause_reading()
        if len(data) > _HEADER + _RECORD:
            self._refuse("not_tls")
        else:
            self._early = data

    def begin_handshake(self) -> None:
        """It is the connection's turn, after it has waited; it has its full time."""
        early, self._early = self._early, None
        if self._state is _HANDSHAKE:
            self._front.handshakes.start(self)
            self._prepare()
            self._socket.resume_reading()
            if early:
                self._shake_hands(early)

    def _prepare(self) -> None:
        self._tls = SSL.Connection(self._front.context(), None)
        self._tls.set_accept_state()

    def _shake_hands(self, data: bytes) -> None:
        self._tls.bio_write(data)
        self._aligned = self._aligned and _ends_with_a_record(data)
        try:
            self._tls.do_handshake()
        except SSL.WantReadError:
            self._flush()
        except SSL.Error as error:
            self._flush()
            self._refuse(*reason_of(error))
        else:
            self._flush()
            self._open()

    def _open(self) -> None:
        self._state = _OPEN
        self._end_handshake()
        self._protocol = self._make_protocol()
        self._front.connections.hand_over(self, cast(Drainable, self._protocol))
        self._protocol.connection_made(self)
        self._deliver()

    def _deliver(self, *, single: bool = False) -> None:
        """Hand up what can be decrypted. Of a `single` record there is no second piece; asking OpenSSL for it would
        cost an exception at each read."""
        tls = self._tls
        while self._reading and self._state is _OPEN and self._protocol is not None:
            try:
                data = tls.recv(_RECORD)
            except SSL.WantReadError:
                return
            except SSL.ZeroReturnError:
                self._end_of_input()
                return
            except SSL.Error:
                self._flush()
                self.abort()
                return
            self._protocol.data_received(data)
            if single:
                return

    def _end_of_input(self) -> None:
        if self._peer_done or self._protocol is None:
            return
        self._peer_done = True
        if not self._protocol.eof_received():
            self.close()

    def _end_handshake(self) -> None:
        if self._address is not None:
            self._front.admission.end(self._address)
            self._front.handshakes.stop(self)
            self._address = None
            self._front.queue.leave(self)

    def _failed(self, reason: str, detail: str = "") -> None:
        address = peer_address(self._socket)
        self._front.reporter.handshake_failed(reason, detail=detail, network=network_of(address))

    def _refuse(self, reason: str, detail: str = "") -> None:
        self._failed(reason, detail)
        self._state = _CLOSED
        self._socket.close()

    def give_up(self) -> None:
        """The handshake takes too long."""
        self._failed("timeout")
        self.abort()

    def stop_waiting(self) -> None:
        """The peer does not end the connection that we closed; it may still be reading a long answer."""
        unsent = self._socket.get_write_buffer_size()
        if unsent < self._unsent:
            self._unsent = unsent
            self._front.closing.start(self)
        else:
            self.abort()

    def wind_down(self) -> None:
        """Whoever speaks above is told, once the handshake is done."""

    def drain(self) -> None:
        """The server stops, and nothing has been asked yet."""
        self.abort()

    def _flush(self) -> None:
        """Hand what OpenSSL has to send to the socket; in one piece as a rule."""
        size = _FLUSH
        while size == _FLUSH:
            try:
                data = self._tls.bio_read(_FLUSH)
            except SSL.WantReadError:
                return
            self._socket.write(data)
            size = len(data)

    # --- from the protocol ------------------------------------------------------------------------------------

    def write(self, data: bytes | bytearray | memoryview) -> None:
        if self._state is not _OPEN or not data:
            return
        try:
            sent = self._tls.send(data)
            while sent < len(data):
                data = memoryview(data)[sent:]
                sent = self._tls.send(data)
        except SSL.Error:
            self.abort()
        else:
            self._flush()

    def writelines(self, list_of_data: Iterable[bytes | bytearray | memoryview]) -> None:
        self.write(b"".join(list_of_data))

    def close(self) -> None:
        """Send close_notify, then wait a little for the peer's end.

        To close while its data is unread would reset the connection and take our last answer with it
        (RFC 9112, section 9.6).
        """
        if self._state is not _OPEN:
            return
        self._state = _CLOSING
        try:
            self._tls.shutdown()
        except SSL.Error:
            self.abort()
            return
        self._flush()
        self._unsent = self._socket.get_write_buffer_size()
        self._front.closing.start(self)
        if self._peer_done:
            self._socket.close()
        else:
            self._socket.write_eof()
            self._resume_socket()

    def abort(self) -> None:
        self._state = _CLOSED
        self._socket.abort()

    def is_closing(self) -> bool:
        return self._state is not _OPEN

    def get_extra_info(self, name: str, default: Any = None) -> Any:
        """As any transport; and `client_chain`, the peer's certificates (DER, leaf first)."""
        if name == "client_chain":
            return client_chain(self._tls)
        if name == "sslcontext":
            return self._tls.get_context()
        return self._socket.get_extra_info(name, default)

    def set_protocol(self, protocol: asyncio.BaseProtocol) -> None:
        self._protocol = cast(asyncio.Protocol, protocol)

    def get_protocol(self) -> asyncio.BaseProtocol:
        return cast(asyncio.BaseProtocol, self._protocol)

    def is_reading(self) -> bool:
        return self._reading and self._state is _OPEN

    def pause_reading(self) -> None:
        if self._reading and self._state is _OPEN:
            self._reading = False
            self._socket.pause_reading()

    def resume_reading(self) -> None:
        """What was decrypted stays in the buffers while paused; it is delivered first, from the loop."""
        if not self._reading and self._state is _OPEN:
            self._resume_socket()
            asyncio.get_running_loop().call_soon(self._deliver)

    def _resume_socket(self) -> None:
        if not self._reading:
            self._reading = True
            self._socket.resume_reading()

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        self._socket.set_write_buffer_limits(high, low)

    def get_write_buffer_size(self) -> int:
        return self._socket.get_write_buffer_size()

    def get_write_buffer_limits(self) -> tuple[int, int]:
        return self._socket.get_write_buffer_limits()

    def can_write_eof(self) -> bool:
        return False
