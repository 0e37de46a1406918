"""A TLS handshake without sockets: our context against a client that offers exactly what it is told to.

The client is pyOpenSSL's, because it shares the server's new OpenSSL; for groups and signature algorithms, which
pyOpenSSL does not let one choose, it reaches for the binding below. Knows nothing of the event loop.
"""

import contextlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from OpenSSL import SSL, crypto
from OpenSSL._util import lib

VERSIONS = {"1.2": SSL.TLS1_2_VERSION, "1.3": SSL.TLS1_3_VERSION}
_FLIGHTS = 10


@dataclass
class Handshake:
    """How it went. `client_hellos` is two if the server asked for another key share."""

    server: SSL.Connection
    client: SSL.Connection
    client_hellos: int = 0
    error: SSL.Error | None = None

    @property
    def is_resumed(self) -> bool:
        return bool(lib.SSL_session_reused(self.client._ssl))


def client_context(
    version: str = "1.3", *, ciphers: str = "", groups: str = "", signature_algorithms: str = ""
) -> SSL.Context:
    """A client of one version, as careless as OpenSSL allows."""
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_min_proto_version(VERSIONS[version])
    context.set_max_proto_version(VERSIONS[version])
    context.set_cipher_list(f"{ciphers or 'ALL'}:@SECLEVEL=0".encode())
    if groups:
        assert lib.SSL_CTX_set1_curves_list(context._context, groups.encode())
    if signature_algorithms:
        assert lib.SSL_CTX_set1_sigalgs_list(context._context, signature_algorithms.encode())
    return context


def present(context: SSL.Context, chain: Sequence[bytes], key_pem: str, directory: Path) -> SSL.Context:
    """Give the client a certificate (DER, leaf first) that it does not look at, and the key."""
    leaf, key = directory / "leaf.der", directory / "leaf.key"
    leaf.write_bytes(chain[0])
    key.write_text(key_pem)
    context.use_certificate_file(str(leaf), crypto.FILETYPE_ASN1)
    context.use_privatekey_file(str(key))
    for above in chain[1:]:
        context.add_extra_chain_cert(x509.load_der_x509_certificate(above))
    return context


def shake_hands(
    server: SSL.Context,
    client: SSL.Context,
    *,
    session: SSL.Session | None = None,
    on_the_way: Callable[[bytes], bytes] = bytes,
) -> Handshake:
    """Let both talk until each is done or one has failed. `on_the_way` sees, and may change, what the client sends."""
    shaken = Handshake(SSL.Connection(server, None), SSL.Connection(client, None))
    shaken.server.set_accept_state()
    shaken.client.set_connect_state()
    if session is not None:
        shaken.client.set_session(session)
    try:
        for _ in range(_FLIGHTS):
            sent = on_the_way(_talk(shaken.client))
            shaken.client_hellos += _client_hellos(sent)
            _hear(shaken.server, sent)
            _hear(shaken.client, _talk(shaken.server))
    except SSL.Error as error:
        shaken.error = error
    return shaken


def _talk(talker: SSL.Connection) -> bytes:
    with contextlib.suppress(SSL.WantReadError):
        talker.do_handshake()
    said = b""
    with contextlib.suppress(SSL.WantReadError):
        while True:
            said += talker.bio_read(65_536)
    return said


def _hear(listener: SSL.Connection, said: bytes) -> None:
    """Session tickets come after the handshake; whoever does not read does not get them."""
    if said:
        listener.bio_write(said)
        with contextlib.suppress(SSL.WantReadError):
            listener.do_handshake()
            listener.recv(1)


def _client_hellos(records: bytes) -> int:
    """RFC 8446, sections 4 and 5.1: handshake records (22) whose message is a ClientHello (1)."""
    count = offset = 0
    while offset + 5 < len(records):
        count += records[offset] == 22 and records[offset + 5] == 1
        offset += 5 + int.from_bytes(records[offset + 3 : offset + 5], "big")
    return count
