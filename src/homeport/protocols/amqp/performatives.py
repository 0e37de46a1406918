"""The frames' bodies and what stands in them, as values: sections 2.7 (transport), 2.8, 3.4, 3.5 and 5.3.3 (SASL).

Each struct has its fields in the standard's order, with the standard's defaults; so `composites.py`, which turns
them into lists and back, needs no other table. A field that may hold several values is a symbol or an array.
Both directions are here, so that the tests' devices speak through the same code as the server.
"""

import msgspec

from homeport.protocols.amqp.types import Array, Described, Map, Symbol, Timestamp, Ubyte, Uint, Ulong, Ushort, Uuid

UNSETTLED, SETTLED, MIXED = Ubyte(0), Ubyte(1), Ubyte(2)
"""Sender settle modes (2.8.2)."""

FIRST, SECOND = Ubyte(0), Ubyte(1)
"""Receiver settle modes (2.8.3)."""

SENDER, RECEIVER = False, True
"""Roles (2.8.1)."""

_UINT_MAX = Uint(0xFFFFFFFF)


class Error(msgspec.Struct, frozen=True):
    """2.8.14."""

    condition: Symbol
    description: str | None = None
    info: Map | None = None


# --- what became of a delivery (3.4) --------------------------------------------------------------------------


class Received(msgspec.Struct, frozen=True):
    """3.4.1."""

    section_number: Uint
    section_offset: Ulong


class Accepted(msgspec.Struct, frozen=True):
    """3.4.2."""


class Rejected(msgspec.Struct, frozen=True):
    """3.4.3."""

    error: Error | None = None


class Released(msgspec.Struct, frozen=True):
    """3.4.4."""


class Modified(msgspec.Struct, frozen=True):
    """3.4.5."""

    delivery_failed: bool | None = None
    undeliverable_here: bool | None = None
    message_annotations: Map | None = None


DeliveryState = Received | Accepted | Rejected | Released | Modified | Described


# --- the ends of a link (3.5) ---------------------------------------------------------------------------------


class Source(msgspec.Struct, frozen=True, kw_only=True):
    """3.5.3."""

    address: object = None
    durable: Uint = Uint(0)
    expiry_policy: Symbol = Symbol("session-end")
    timeout: Uint = Uint(0)
    dynamic: bool = False
    dynamic_node_properties: Map | None = None
    distribution_mode: Symbol | None = None
    filter: Map | None = None
    default_outcome: DeliveryState | None = None
    outcomes: Symbol | Array | None = None
    capabilities: Symbol | Array | None = None


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """3.5.4. A transaction's coordinator stays a described value."""

    address: object = None
    durable: Uint = Uint(0)
    expiry_policy: Symbol = Symbol("session-end")
    timeout: Uint = Uint(0)
    dynamic: bool = False
    dynamic_node_properties: Map | None = None
    capabilities: Symbol | Array | None = None


# --- transport (2.7) ------------------------------------------------------------------------------------------


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """2.7.1. `idle_time_out` is in milliseconds."""

    container_id: str
    hostname: str | None = None
    max_frame_size: Uint = _UINT_MAX
    channel_max: Ushort = Ushort(0xFFFF)
    idle_time_out: Uint | None = None
    outgoing_locales: Symbol | Array | None = None
    incoming_locales: Symbol | Array | None = None
    offered_capabilities: Symbol | Array | None = None
    desired_capabilities: Symbol | Array | None = None
    properties: Map | None = None


class Begin(msgspec.Struct, frozen=True, kw_only=True):
    """2.7.2."""

    remote_channel: Ushort | None = None
    next_outgoing_id: Uint
    incoming_window: Uint
    outgoing_window: Uint
    handle_max: Uint = _UINT_MAX
    offered_capabilities: Symbol | Array | None = None
    desired_capabilities: Symbol | Array | None = None
    properties: Map | None = None


class Attach(msgspec.Struct, frozen=True, kw_only=True):
    """2.7.3. `role` is that of whoever sends it."""

    name: str
    handle: Uint
    role: bool
    snd_settle_mode: Ubyte = MIXED
    rcv_settle_mode: Ubyte = FIRST
    source: Source | Described | None = None
    target: Target | Described | None = None
    unsettled: Map | None = None
    incomplete_unsettled: bool = False
    initial_delivery_count: Uint | None = None
    max_message_size: Ulong | None = None
    offered_capabilities: Symbol | Array | None = None
    desired_capabilities: Symbol | Array | None = None
    properties: Map | None = None


class Flow(msgspec.Struct, frozen=True, kw_only=True):
    """2.7.4. Without a handle it speaks of the session alone."""

    next_incoming_id: Uint | None = None
    incoming_window: Uint
    next_outgoing_id: Uint
    outgoing_window: Uint
    handle: Uint | None = None
    delivery_count: Uint | None = None
    link_credit: Uint | None = None
    available: Uint | None = None
    drain: bool = False
    echo: bool = False
    properties: Map | None = None


class Transfer(msgspec.Struct, frozen=True, kw_only=True):
    """2.7.5. The message, or a piece of it, follows as the frame's payload."""

    handle: Uint
    delivery_id: Uint | None = None
    delivery_tag: bytes | None = None
    message_format: Uint | None = None
    settled: bool | None = None
    more: bool = False
    rcv_settle_mode: Ubyte | None = None
    state: DeliveryState | None = None
    resume: bool = False
    aborted: bool = False
    batchable: bool = False


class Disposition(msgspec.Struct, frozen=True, kw_only=True):
    """2.7.6."""

    role: bool
    first: Uint
    last: Uint | None = None
    settled: bool = False
    state: DeliveryState | None = None
    batchable: bool = False


class Detach(msgspec.Struct, frozen=True, kw_only=True):
    """2.7.7."""

    handle: Uint
    closed: bool = False
    error: Error | None = None


class End(msgspec.Struct, frozen=True):
    """2.7.8."""

    error: Error | None = None


class Close(msgspec.Struct, frozen=True):
    """2.7.9."""

    error: Error | None = None


# --- SASL (5.3.3) ---------------------------------------------------------------------------------------------


class SaslMechanisms(msgspec.Struct, frozen=True):
    """5.3.3.1."""

    sasl_server_mechanisms: Symbol | Array


class SaslInit(msgspec.Struct, frozen=True):
    """5.3.3.2."""

    mechanism: Symbol
    initial_response: bytes | None = None
    hostname: str | None = None

    def __repr__(self) -> str:
        return "SaslInit(…)"


class SaslChallenge(msgspec.Struct, frozen=True):
    """5.3.3.3."""

    challenge: bytes

    def __repr__(self) -> str:
        return "SaslChallenge(…)"


class SaslResponse(msgspec.Struct, frozen=True):
    """5.3.3.4."""

    response: bytes

    def __repr__(self) -> str:
        return "SaslResponse(…)"


class SaslOutcome(msgspec.Struct, frozen=True):
    """5.3.3.5. `code` is one of `sasl.py`'s."""

    code: Ubyte
    additional_data: bytes | None = None


# --- sections of a message that are lists (3.2) ---------------------------------------------------------------

MessageId = Ulong | Uuid | bytes | str
"""3.2.11 to 3.2.14."""


class Header(msgspec.Struct, frozen=True, kw_only=True):
    """3.2.1."""

    durable: bool = False
    priority: Ubyte = Ubyte(4)
    ttl: Uint | None = None
    first_acquirer: bool = False
    delivery_count: Uint = Uint(0)


class Properties(msgspec.Struct, frozen=True, kw_only=True):
    """3.2.4. Identifiers are of several types and kept as they came."""

    message_id: MessageId | None = None
    user_id: bytes | None = None
    to: object = None
    subject: str | None = None
    reply_to: object = None
    correlation_id: MessageId | None = None
    content_type: Symbol | None = None
    content_encoding: Symbol | None = None
    absolute_expiry_time: Timestamp | None = None
    creation_time: Timestamp | None = None
    group_id: str | None = None
    group_sequence: Uint | None = None
    reply_to_group_id: str | None = None


Performative = Open | Begin | Attach | Flow | Transfer | Disposition | Detach | End | Close
SaslPerformative = SaslMechanisms | SaslInit | SaslChallenge | SaslResponse | SaslOutcome
