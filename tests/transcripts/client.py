"""What a transcript is: the words of one client on each transport, and how that client reads what comes back.

What clients have in common is in `replay_http.py`, `replay_mqtt.py` and `replay_amqp.py`; each client's own words and
rules stand in the module that bears its name. A rule is a function that asserts.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from tests.sockets.raw_amqp import Described
from tests.sockets.raw_http import Answer
from tests.transcripts.device import TokenSpelling


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a client has understood of an answer."""

    status: str
    operation_id: str | None = None
    assigned_hub: str | None = None
    device_id: str | None = None


@dataclass(frozen=True, kw_only=True)
class HttpTranscript:
    """Two requests as text: lines end with LF here and with CRLF on the wire; a line with a blank that a device has
    nothing for is left out; `<length>` is the body's."""

    register: str
    poll: str
    reads: Callable[[Answer], None]
    """Status and headers."""


@dataclass(frozen=True, kw_only=True)
class Publication:
    """A PUBLISH; its topic may have the blanks `<rid>` and `<operation>`."""

    topic: str
    body: str


@dataclass(frozen=True, kw_only=True)
class MqttTranscript:
    """A connection to the provisioning service over MQTT 3.1.1. Packet IDs count from 1, the SUBSCRIBE's."""

    user_name: str
    clean_session: bool
    keep_alive: int
    qos: int
    register: Publication
    poll: Publication
    request_ids: Callable[[int], int]
    """The `$rid` of a request, by its number from 0."""
    reads_topic: Callable[[str], None]


@dataclass(frozen=True, kw_only=True)
class AmqpReply:
    """What has come for a request: the disposition, the transfer behind it, and the message in that."""

    disposition: Described
    transfer: Described
    sections: Mapping[int, Any]

    @property
    def application_properties(self) -> Mapping[str, Any]:
        """They are allowed to be missing."""
        found: Mapping[str, Any] = self.sections.get(0x74, {})
        return found


@dataclass(frozen=True, kw_only=True)
class AmqpTranscript:
    """A connection to the provisioning service over AMQP 1.0: performatives, messages as lists of sections.

    `pipelined` sends all until the first message at once, as Proton does; else each step waits for the last one's
    answer. `settles` says whether the client tells what became of a reply. The receiver link has handle 0, the sender
    link handle 1.
    """

    sasl_init: Described
    open: Described
    begin: Described
    receiver: Described
    sender: Described
    credit: int
    register: list[Described]
    poll: list[Described]
    delivery_tag: Callable[[int], bytes]
    """Of a message, by its number from 0."""
    pipelined: bool = False
    settles: bool = True
    reads_links: Callable[[Mapping[str, Described]], None]
    """The server's `begin`, `receiver` (the attach of that link), `sender` and the sender link's `flow`."""
    reads_reply: Callable[[AmqpReply], None]


@dataclass(frozen=True, kw_only=True)
class WebSocketTranscript:
    """The opening handshake as text, in the form of `HttpTranscript`'s."""

    request: str
    reads: Callable[[str], None]
    """The whole head of the answer, status line first."""


@dataclass(frozen=True, kw_only=True)
class Client:
    """A client and all that it can do."""

    name: str
    token: TokenSpelling
    reads_json: Callable[[bytes], Told]
    mqtt: MqttTranscript
    http: HttpTranscript | None = None
    amqp: AmqpTranscript | None = None
    mqtt_websocket: WebSocketTranscript | None = None
    amqp_websocket: WebSocketTranscript | None = None

    def __str__(self) -> str:
        return self.name
