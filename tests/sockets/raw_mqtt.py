"""MQTT by hand: packets or bare bytes out, packets in, the server's closing as None."""

from tests.sockets.peer import MQTT, Handshake, Peer
from tests.sockets.server_process import Deployment

from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Packet, Publish
from homeport.protocols.mqtt.reader import PacketReader

_LARGEST = 1024 * 1024


class MqttPeer(Peer):
    """One MQTT connection."""

    def __init__(self, deployment: Deployment, handshake: Handshake | None = None) -> None:
        super().__init__(deployment, MQTT, handshake)
        self._reader = PacketReader(_LARGEST)

    def say(self, *packets: Packet | bytes) -> None:
        """Send packets, together."""
        self.send(b"".join(packet if isinstance(packet, bytes) else encode(packet) for packet in packets))

    def hear(self) -> Packet | None:
        """The next packet; None if the server has closed."""
        while (packet := self._reader.next_packet()) is None:
            data = self.receive()
            if not data:
                assert not self._reader.buffered, "the server closed in the middle of a packet"
                return None
            self._reader.feed(data)
        return packet

    def hear_publish(self) -> Publish:
        """The next PUBLISH; acknowledgements before it are passed over."""
        while (packet := self.hear()) is not None:
            if isinstance(packet, Publish):
                return packet
        raise ConnectionResetError("the server closed before it published anything")
