"""The PROXY protocol's header: whose connection it is that a load balancer passes on. Pure.

Source: HAProxy's specification "The PROXY protocol", versions 1 and 2. A balancer that works on TCP hides its peers;
with this header it names them in front of the first byte. Of version 2's further fields none is used. Counterpart:
`proxied.py`, which decides from whom a header is believed.
"""

import ipaddress

import msgspec

_SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
_V2_HEAD = 16
_V2_MOST = 4_096
_V1_BEGIN = b"PROXY "
_V1_MOST = 107
_LOCAL, _PROXY = 0x20, 0x21
_STREAM_OVER_IPV4, _STREAM_OVER_IPV6 = 0x11, 0x21


class MalformedProxyHeader(Exception):
    """These bytes begin no connection that a proxy passes on."""


class ProxyHeader(msgspec.Struct, frozen=True, kw_only=True):
    """`address` is the peer's, empty where the proxy speaks for itself (a health check) or does not know it; `size` is
    how many bytes the header took."""

    address: str
    size: int


def read_proxy_header(data: bytes) -> ProxyHeader | None:
    """The header that `data` begins with; None while it is incomplete.

    Raises:
        MalformedProxyHeader: it does not begin with one, or with one that is too long.
    """
    if data.startswith(_SIGNATURE[: len(data)]):
        return _version_2(data)
    if data.startswith(_V1_BEGIN[: len(data)]):
        return _version_1(data)
    raise MalformedProxyHeader("no PROXY header")


def _version_2(data: bytes) -> ProxyHeader | None:
    if len(data) < _V2_HEAD:
        return None
    command, family, length = data[12], data[13], int.from_bytes(data[14:16])
    if command not in (_LOCAL, _PROXY) or length > _V2_MOST:
        raise MalformedProxyHeader("not a header of version 2, or a longer one than is read")
    size = _V2_HEAD + length
    if len(data) < size:
        return None
    return ProxyHeader(address="" if command == _LOCAL else _address(family, data[_V2_HEAD:size]), size=size)


def _address(family: int, block: bytes) -> str:
    """The source's, at the front of a block of addresses; other families have none that is of use."""
    if family == _STREAM_OVER_IPV4 and len(block) >= 12:
        return str(ipaddress.IPv4Address(block[:4]))
    if family == _STREAM_OVER_IPV6 and len(block) >= 36:
        source = ipaddress.IPv6Address(block[:16])
        return str(source.ipv4_mapped or source)
    if family in (_STREAM_OVER_IPV4, _STREAM_OVER_IPV6):
        raise MalformedProxyHeader("addresses that are too short")
    return ""


def _version_1(data: bytes) -> ProxyHeader | None:
    line, end, _ = data[:_V1_MOST].partition(b"\r\n")
    if not end:
        if len(data) >= _V1_MOST:
            raise MalformedProxyHeader("a line that does not end")
        return None
    return ProxyHeader(address=_source(line.decode("latin-1").split(" ")), size=len(line) + len(end))


def _source(words: list[str]) -> str:
    """Of `PROXY TCP4 source destination port port`; behind UNKNOWN anything may stand."""
    if words[1:2] == ["UNKNOWN"]:
        return ""
    try:
        _, family, source, _, _, _ = words
        kind = {"TCP4": ipaddress.IPv4Address, "TCP6": ipaddress.IPv6Address}[family]
        return str(kind(source))
    except (ValueError, KeyError):
        raise MalformedProxyHeader("a line without two addresses and two ports") from None
