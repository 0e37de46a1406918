"""One device's MQTT 3.1.1 connection, server side: what is the same whether it provisions or talks to its hub.

The first packet's user name chooses the dialogue: `dps_session.py` or `hub_session.py`. Here is the order of
packets, subscriptions as packets, QoS, keep-alive and draining; there is what topics and questions mean. Sessions
are never persistent: CONNACK says "no session present" whatever the client asks (C# insists), a will is read and
dropped, QoS 2 is granted as 1 and refused as a PUBLISH. Whatever arrives, `receive` answers with commands.
"""

from typing import Protocol

from homeport.model.attestation import PresentedCredential
from homeport.protocols.conversation import (
    Answered,
    Command,
    ConnectionClosed,
    ConnectionOpened,
    DataReceived,
    DesiredPropertiesChanged,
    Displaced,
    Draining,
    Event,
    WakeupReached,
)
from homeport.protocols.mqtt.dps_session import DpsDialogue
from homeport.protocols.mqtt.dps_topics import is_dps_user_name
from homeport.protocols.mqtt.hub_session import HubDialogue
from homeport.protocols.mqtt.liveness import Liveness
from homeport.protocols.mqtt.outbox import Outbox
from homeport.protocols.mqtt.packets import (
    Connect,
    Disconnect,
    MalformedPacket,
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
    UnsupportedProtocolLevel,
)
from homeport.protocols.mqtt.reader import PacketReader

MAX_CONNECT = 8 * 1024
MAX_BACKLOG_BEFORE_CONNACK = 32 * 1024
_MAX_GRANTED_QOS = 1


class Dialogue(Protocol):
    """What a device may say after CONNECT, and what it is answered."""

    kind: str
    max_packet: int
    max_backlog: int

    @property
    def busy(self) -> bool: ...
    @property
    def open_questions(self) -> int: ...
    def begin(self) -> None: ...
    def opened(self, answer: Answered) -> Liveness | None: ...
    def grant(self, topic_filter: str, qos: int) -> int: ...
    def withdraw(self, topic_filter: str) -> None: ...
    def acknowledged(self, packet_id: int) -> None: ...
    def published(self, packet: Publish) -> None: ...
    def answered(self, answer: Answered) -> None: ...


class MqttSession:
    """A `Conversation` in MQTT. `certificate_chain` is what the client showed in the TLS handshake, unjudged."""

    def __init__(self, *, connect_timeout: float, certificate_chain: tuple[bytes, ...] = ()) -> None:
        self._certificate_chain = certificate_chain
        self._outbox = Outbox()
        self._reader = PacketReader(MAX_CONNECT)
        self._liveness = Liveness(expires_in=connect_timeout, at_expiry="no CONNECT in time")
        self._dialogue: Dialogue | None = None
        self._accepted = False
        self._draining = False

    @property
    def kind(self) -> str:
        """Who the device talks to: `dps`, `hub`, or nobody yet; a label for metrics."""
        return self._dialogue.kind if self._dialogue else ""

    def receive(self, event: Event) -> list[Command]:
        """Take one event and return what to do, in order. After `CloseConnection` nothing more comes."""
        if self._outbox.closed:
            return []
        match event:
            case DataReceived():
                self._data_received(event.data)
            case Answered():
                self._answered(event)
            case WakeupReached():
                self._woken()
            case ConnectionOpened():
                self._watch(self._liveness)
            case DesiredPropertiesChanged():
                self._desired_properties_changed(event)
            case Displaced():
                self._outbox.close("displaced by a newer connection of the device, or removed")
            case Draining():
                self._drain()
            case ConnectionClosed():
                self._outbox.abandon()
        return self._outbox.drain()

    # --- events -----------------------------------------------------------------------------------------------

    def _data_received(self, data: bytes) -> None:
        self._liveness.heard()
        self._reader.feed(data)
        self._take_packets()

    def _answered(self, answer: Answered) -> None:
        if self._dialogue is None:
            return
        if self._accepted:
            self._dialogue.answered(answer)
        else:
            self._opened(self._dialogue, answer)
        if self._draining and not self._dialogue.open_questions:
            self._outbox.close("the server is stopping")
        self._take_packets()

    def _woken(self) -> None:
        reason = self._liveness.verdict()
        if reason:
            return self._outbox.close(reason)
        self._watch(self._liveness)

    def _desired_properties_changed(self, event: DesiredPropertiesChanged) -> None:
        if self._accepted and isinstance(self._dialogue, HubDialogue):
            self._dialogue.desired_properties_changed(event)

    def _drain(self) -> None:
        """Take nothing new; close at once unless an answer is owed. A CONNECT under way may try another server."""
        self._draining = True
        if self._dialogue and not self._accepted:
            self._outbox.reject(ReturnCode.SERVER_UNAVAILABLE, "the server is stopping")
        if not self._dialogue or not self._dialogue.open_questions:
            self._outbox.close("the server is stopping")

    # --- packets ----------------------------------------------------------------------------------------------

    def _take_packets(self) -> None:
        """Handle what has arrived, as far as it may be handled now; the rest waits, up to a limit."""
        try:
            while self._may_take() and (packet := self._reader.next_packet()) is not None:
                self._take(packet)
        except MalformedPacket as error:
            if isinstance(error, UnsupportedProtocolLevel) and self._dialogue is None:
                self._outbox.reject(ReturnCode.UNACCEPTABLE_PROTOCOL_VERSION, str(error))
            self._outbox.close(str(error))
        if self._reader.buffered > self._max_backlog():
            self._outbox.close("sends faster than it is answered")

    def _may_take(self) -> bool:
        if self._outbox.closed or self._draining:
            return False
        return self._dialogue is None or (self._accepted and not self._dialogue.busy)

    def _max_backlog(self) -> int:
        return self._dialogue.max_backlog if self._dialogue and self._accepted else MAX_BACKLOG_BEFORE_CONNACK

    def _take(self, packet: Packet) -> None:
        if self._dialogue is not None:
            self._converse(self._dialogue, packet)
        elif isinstance(packet, Connect):
            self._connect(packet)
        else:
            self._outbox.close("the first packet is not CONNECT")

    def _connect(self, packet: Connect) -> None:
        dialogue = DpsDialogue if is_dps_user_name(packet.user_name or "") else HubDialogue
        self._dialogue = dialogue(self._outbox, packet, self._credential(packet.password))
        self._dialogue.begin()

    def _converse(self, dialogue: Dialogue, packet: Packet) -> None:
        match packet:
            case Publish():
                self._published(dialogue, packet)
            case Puback():
                dialogue.acknowledged(packet.packet_id)
            case Subscribe():
                granted = tuple(dialogue.grant(name, min(qos, _MAX_GRANTED_QOS)) for name, qos in packet.filters)
                self._outbox.send(Suback(packet.packet_id, granted))
            case Unsubscribe():
                for topic_filter in packet.filters:
                    dialogue.withdraw(topic_filter)
                self._outbox.send(Unsuback(packet.packet_id))
            case Pingreq():
                self._outbox.send(Pingresp())
            case Disconnect():
                self._outbox.close("the client disconnected")
            case Connect():
                self._outbox.close("a second CONNECT")
            case _:
                self._outbox.close("a packet that only servers send")

    def _published(self, dialogue: Dialogue, packet: Publish) -> None:
        if packet.qos > _MAX_GRANTED_QOS:
            return self._outbox.close("a PUBLISH of QoS 2")
        dialogue.published(packet)

    # --- the connection's standing ----------------------------------------------------------------------------

    def _opened(self, dialogue: Dialogue, answer: Answered) -> None:
        liveness = dialogue.opened(answer)
        if liveness is None:
            return
        self._accepted = True
        self._reader.max_size = dialogue.max_packet
        self._watch(liveness)

    def _watch(self, liveness: Liveness) -> None:
        self._liveness = liveness
        self._outbox.wake_in(liveness.next_wakeup())

    def _credential(self, password: bytes | None) -> PresentedCredential:
        """An empty password is none. One that is not UTF-8 is nobody's token, and fails as such."""
        token = password.decode(errors="replace") if password else None
        return PresentedCredential(sas_token=token, certificate_chain=self._certificate_chain)
