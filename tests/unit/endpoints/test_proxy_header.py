"""Headers of the PROXY protocol as the specification shows them, and every way in which they can be wrong."""

import socket

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.endpoints.proxy_header import MalformedProxyHeader, ProxyHeader, read_proxy_header

SIGNATURE = b"\r\n\r\n\x00\r\nQUIT\n"
PORTS = b"\xdc\x04\x01\xbb"
HELLO = b"\x16\x03\x01"


def version_2(command: int, family: int, block: bytes) -> bytes:
    return SIGNATURE + bytes((command, family)) + len(block).to_bytes(2) + block


def addresses(family: socket.AddressFamily, source: str, destination: str) -> bytes:
    return socket.inet_pton(family, source) + socket.inet_pton(family, destination) + PORTS


IPV4 = addresses(socket.AF_INET, "192.0.2.7", "198.51.100.1")
IPV6 = addresses(socket.AF_INET6, "2001:db8::7", "2001:db8::1")
MAPPED = addresses(socket.AF_INET6, "::ffff:192.0.2.7", "2001:db8::1")
FIELDS = b"\x04\x00\x02\x00\x00"


@pytest.mark.parametrize(
    ("header", "address"),
    [
        (b"PROXY TCP4 192.0.2.7 198.51.100.1 56324 443\r\n", "192.0.2.7"),
        (b"PROXY TCP6 2001:db8::7 2001:db8::1 56324 443\r\n", "2001:db8::7"),
        (b"PROXY UNKNOWN\r\n", ""),
        (b"PROXY UNKNOWN ffff:f...f:ffff ffff:f...f:ffff 65535 65535\r\n", ""),
        (version_2(0x21, 0x11, IPV4), "192.0.2.7"),
        (version_2(0x21, 0x11, IPV4 + FIELDS), "192.0.2.7"),
        (version_2(0x21, 0x21, IPV6), "2001:db8::7"),
        (version_2(0x21, 0x21, MAPPED), "192.0.2.7"),
        (version_2(0x20, 0x00, b""), ""),
        (version_2(0x20, 0x11, IPV4), ""),
        (version_2(0x21, 0x31, bytes(216)), ""),
        (version_2(0x21, 0x00, b""), ""),
    ],
)
def test_a_header_names_the_peer_however_it_is_cut(header: bytes, address: str) -> None:
    for length in range(len(header)):
        assert read_proxy_header(header[:length]) is None
    assert read_proxy_header(header + HELLO) == ProxyHeader(address=address, size=len(header))


@pytest.mark.parametrize(
    "data",
    [
        HELLO,
        b"GET / HTTP/1.1\r\n",
        b"PROXY TCP4 192.0.2.7 198.51.100.1 56324\r\n",
        b"PROXY TCP4 192.0.2.700 198.51.100.1 56324 443\r\n",
        b"PROXY TCP4 2001:db8::7 2001:db8::1 56324 443\r\n",
        b"PROXY UDP4 192.0.2.7 198.51.100.1 56324 443\r\n",
        b"PROXY \r\n",
        b"PROXY TCP4 " + b"1" * 107,
        version_2(0x31, 0x11, IPV4),
        version_2(0x22, 0x11, IPV4),
        version_2(0x21, 0x11, IPV4[:11]),
        version_2(0x21, 0x21, IPV4),
        SIGNATURE + b"\x21\x11\xff\xff",
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(MalformedProxyHeader):
        read_proxy_header(data)


@given(st.binary(max_size=64), st.sampled_from([b"", SIGNATURE, SIGNATURE + b"\x21", b"PROXY TCP6 "]))
def test_whatever_comes_is_a_header_incomplete_or_malformed(data: bytes, begin: bytes) -> None:
    try:
        header = read_proxy_header(begin + data)
    except MalformedProxyHeader:
        return
    assert header is None or header.size <= len(begin + data)
