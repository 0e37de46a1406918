"""What one event brings about, with MQTT's packets as its bytes; the rest is `protocols/outbox.py`'s."""

from homeport.protocols.mqtt.encoding import encode
from homeport.protocols.mqtt.packets import Connack, Packet, ReturnCode
from homeport.protocols.outbox import CommandOutbox


class Outbox(CommandOutbox):
    """The commands of one connection's current event."""

    __slots__ = ()

    def send(self, packet: Packet) -> None:
        """Send a packet."""
        if not self.closed:
            self._data += encode(packet)

    def reject(self, code: ReturnCode, reason: str) -> None:
        """Refuse a CONNECT, and close (3.2.2.3)."""
        self.send(Connack(code))
        self.close(reason)
