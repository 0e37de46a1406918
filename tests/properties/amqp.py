"""Strategies for AMQP: every value and frame that the standard allows, and streams that it does not."""

from hypothesis import strategies as st

from homeport.protocols.amqp.encoding import encode
from homeport.protocols.amqp.frames import AMQP_HEADER, SASL_HEADER, encode_frame
from homeport.protocols.amqp.performatives import (
    Accepted,
    Attach,
    Begin,
    Close,
    Detach,
    Disposition,
    End,
    Error,
    Flow,
    Modified,
    Open,
    Performative,
    Received,
    Rejected,
    Released,
    SaslInit,
    SaslPerformative,
    SaslResponse,
    Source,
    Target,
    Transfer,
)
from homeport.protocols.amqp.types import (
    Array,
    Byte,
    Char,
    Decimal,
    Described,
    Float,
    Int,
    Long,
    Map,
    Short,
    Symbol,
    Timestamp,
    Ubyte,
    Uint,
    Ulong,
    Ushort,
    Uuid,
)


def _bits(kind: type[int], width: int, *, signed: bool = False) -> st.SearchStrategy[int]:
    low, high = (-(1 << width - 1), (1 << width - 1) - 1) if signed else (0, (1 << width) - 1)
    return st.integers(low, high).map(kind)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_SYMBOL = st.text(st.characters(codec="ascii"), max_size=20).map(Symbol)
_UINT = _bits(Uint, 32)
_ARRAY = st.one_of(
    [
        st.lists(item, max_size=4).map(Array)
        for item in (_SYMBOL, _UINT, _bits(Ulong, 64), _bits(Int, 32, signed=True), _bits(Long, 64, signed=True))
    ]
    + [st.lists(item, min_size=1, max_size=4).map(Array) for item in (_TEXT, st.binary(max_size=20))]
)
_SCALAR: st.SearchStrategy[object] = st.one_of(
    st.none(),
    st.booleans(),
    _bits(Ubyte, 8),
    _bits(Ushort, 16),
    _UINT,
    _bits(Ulong, 64),
    _bits(Byte, 8, signed=True),
    _bits(Short, 16, signed=True),
    _bits(Int, 32, signed=True),
    _bits(Long, 64, signed=True),
    st.floats(width=32).map(Float),
    st.floats(),
    st.sampled_from([4, 8, 16]).flatmap(lambda size: st.binary(min_size=size, max_size=size)).map(Decimal),
    _bits(Char, 32),
    _bits(Timestamp, 64, signed=True),
    st.binary(min_size=16, max_size=16).map(Uuid),
    st.binary(max_size=300),
    _TEXT,
    _SYMBOL,
)
_KEYS = _TEXT | _SYMBOL | _UINT


def _compounds(values: st.SearchStrategy[object]) -> st.SearchStrategy[object]:
    return st.one_of(
        st.lists(values, max_size=4),
        st.dictionaries(_KEYS, values, max_size=4).map(Map),
        st.builds(Described, _bits(Ulong, 64) | _SYMBOL, values),
    )


VALUES = st.recursive(_SCALAR | _ARRAY, _compounds, max_leaves=12)

_MAP = st.dictionaries(_SYMBOL, _TEXT | _UINT, max_size=3).map(Map)
_ERROR = st.builds(Error, _SYMBOL, st.none() | _TEXT, st.none() | _MAP)
_STATE = st.one_of(
    st.builds(Received, _UINT, _bits(Ulong, 64)),
    st.just(Accepted()),
    st.builds(Rejected, st.none() | _ERROR),
    st.just(Released()),
    st.builds(Modified, st.none() | st.booleans()),
)
_HANDLE = st.integers(0, 4).map(Uint)
_ADDRESS = st.none() | _TEXT | st.just("0ne1/registrations/dev-1")

FRAMES: st.SearchStrategy[Performative] = st.one_of(
    st.builds(Open, container_id=_TEXT, max_frame_size=_UINT, idle_time_out=st.none() | _UINT),
    st.builds(Begin, next_outgoing_id=_UINT, incoming_window=_UINT, outgoing_window=_UINT),
    st.builds(
        Attach,
        name=_TEXT,
        handle=_HANDLE,
        role=st.booleans(),
        snd_settle_mode=st.integers(0, 2).map(Ubyte),
        source=st.none() | st.builds(Source, address=_ADDRESS, default_outcome=st.none() | _STATE),
        target=st.none() | st.builds(Target, address=_ADDRESS),
        initial_delivery_count=st.none() | _UINT,
        properties=st.none() | _MAP,
    ),
    st.builds(
        Flow,
        next_incoming_id=st.none() | _UINT,
        incoming_window=_UINT,
        next_outgoing_id=_UINT,
        outgoing_window=_UINT,
        handle=st.none() | _HANDLE,
        delivery_count=st.none() | _UINT,
        link_credit=st.none() | _UINT,
        drain=st.booleans(),
        echo=st.booleans(),
    ),
    st.builds(
        Transfer,
        handle=_HANDLE,
        delivery_id=st.none() | _UINT,
        delivery_tag=st.none() | st.binary(max_size=32),
        settled=st.none() | st.booleans(),
        more=st.booleans(),
        state=st.none() | _STATE,
        aborted=st.booleans(),
    ),
    st.builds(Disposition, role=st.booleans(), first=_UINT, last=st.none() | _UINT, state=st.none() | _STATE),
    st.builds(Detach, handle=_HANDLE, closed=st.booleans(), error=st.none() | _ERROR),
    st.builds(End, st.none() | _ERROR),
    st.builds(Close, st.none() | _ERROR),
)
SASL_FRAMES: st.SearchStrategy[SaslPerformative] = st.one_of(
    st.builds(SaslInit, st.sampled_from(["PLAIN", "TPM", "EXTERNAL"]).map(Symbol), st.none() | st.binary(max_size=60)),
    st.builds(SaslResponse, st.binary(max_size=60)),
)


@st.composite
def split(draw: st.DrawFn, data: bytes) -> list[bytes]:
    """The data in pieces, cut anywhere; some may be empty."""
    cuts = sorted(draw(st.lists(st.integers(0, len(data)), max_size=12)))
    return [data[start:end] for start, end in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@st.composite
def damaged(draw: st.DrawFn) -> bytes:
    """A frame or a value with a few bytes changed, cut out or put in."""
    data = bytearray(draw(FRAMES.map(encode_frame) | SASL_FRAMES.map(encode_frame) | VALUES.map(encode)))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(data)))
        end = draw(st.integers(start, min(start + 3, len(data))))
        data[start:end] = draw(st.binary(max_size=3))
    return bytes(data)


PAYLOADS = VALUES.map(encode) | st.binary(max_size=60) | damaged()
STREAMS = st.lists(
    st.sampled_from([AMQP_HEADER, SASL_HEADER])
    | st.binary(max_size=60)
    | damaged()
    | FRAMES.map(encode_frame)
    | SASL_FRAMES.map(encode_frame),
    max_size=6,
)
