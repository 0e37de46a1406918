"""A blocking AMQP connection: frames by hand out, performatives in; the server's closing as an exception."""

from typing import Any

from tests.sockets.peer import AMQP, Peer
from tests.sockets.raw_amqp import FLOW, Described, Frames
from tests.sockets.server_process import Deployment


class AmqpPeer(Peer):
    """One AMQP connection. `payload` is what the last frame carried."""

    def __init__(self, deployment: Deployment) -> None:
        super().__init__(deployment, AMQP)
        self._frames = Frames()
        self.payload = b""

    def expect_header(self, header: bytes) -> None:
        """The next eight bytes must be these."""
        assert self._next() == header

    def expect(self, kind: int) -> list[Any]:
        """The fields of the next frame, which must be of this kind."""
        heard = self.hear()
        assert heard.code == kind, f"{heard} instead of {kind:#x}"
        fields: list[Any] = heard.value
        return fields

    def expect_behind_flows(self, kind: int) -> list[Any]:
        """The same; flows before it are passed over."""
        while (heard := self.hear()).code == FLOW:
            pass
        assert heard.code == kind, f"{heard} instead of {kind:#x}"
        fields: list[Any] = heard.value
        return fields

    def hear(self) -> Described:
        """The next frame's performative."""
        heard = self._next()
        assert not isinstance(heard, bytes), heard
        performative, self.payload = heard
        return performative

    def _next(self) -> bytes | tuple[Described, bytes]:
        while (heard := next(iter(self._frames), None)) is None:
            data = self.receive()
            if not data:
                raise ConnectionResetError("the server closed")
            self._frames.feed(data)
        return heard
