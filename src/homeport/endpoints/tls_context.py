"""The OpenSSL context of all device ports: versions, ciphers, certificates, and what is asked of a client.

A client certificate is asked for, never required, and not judged here: that is a question for the enrollment. Key
exchange groups and session tickets have no call in pyOpenSSL and stand in `openssl_conf.py`. Counterparts: `tls.py`,
which makes a connection of it, and `server_certificates.py`, which makes a new one when files change.
"""

from collections.abc import Sequence
from pathlib import Path

import msgspec
from OpenSSL import SSL

# AES-128 first: AES-256 brings SHA-384 into the key schedule, a tenth of a handshake's CPU for nothing that it guards.
_TLS13_CIPHERS = b"TLS_AES_128_GCM_SHA256:TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256"
# ECDSA first: a signature of an RSA key costs fifteen times as much, and only who knows no other shall have one.
_TLS12_CIPHERS = (
    b"ECDHE-ECDSA-AES128-GCM-SHA256:ECDHE-ECDSA-AES256-GCM-SHA384:ECDHE-ECDSA-CHACHA20-POLY1305:"
    b"ECDHE-RSA-AES128-GCM-SHA256:ECDHE-RSA-AES256-GCM-SHA384:ECDHE-RSA-CHACHA20-POLY1305"
)


class KeyPair(msgspec.Struct, frozen=True):
    """The files of a server certificate (PEM, leaf first) and of its private key."""

    certificate: Path
    private_key: Path


def server_context(pairs: Sequence[KeyPair]) -> SSL.Context:
    """A context for all device ports: TLS 1.2 and 1.3, resumption off, any client certificate or none.

    Of several pairs, each with another kind of key, OpenSSL takes the one that the client can verify. No list of
    accepted authorities is sent: with one, some clients withhold their certificate.

    Raises:
        OpenSSL.SSL.Error: a file cannot be read, or a key is not the certificate's.
    """
    context = SSL.Context(SSL.TLS_SERVER_METHOD)
    context.set_min_proto_version(SSL.TLS1_2_VERSION)
    context.set_cipher_list(_TLS12_CIPHERS)
    context.set_tls13_ciphersuites(_TLS13_CIPHERS)
    context.set_options(
        SSL.OP_NO_RENEGOTIATION | SSL.OP_NO_COMPRESSION | SSL.OP_NO_TICKET | SSL.OP_CIPHER_SERVER_PREFERENCE
    )
    context.set_mode(SSL.MODE_RELEASE_BUFFERS)
    context.set_session_cache_mode(SSL.SESS_CACHE_OFF)
    # Without it OpenSSL ends a resumed handshake that asks for a client certificate.
    context.set_session_id(b"homeport")
    context.set_verify(SSL.VERIFY_PEER, _accept)
    # OpenSSL would build a path before it is overruled; up to a hundred signatures, at the word of anybody.
    context.set_verify_depth(0)
    for pair in pairs:
        context.use_certificate_chain_file(str(pair.certificate))
        context.use_privatekey_file(str(pair.private_key))
        context.check_privatekey()
    return context


def _accept(*_: object) -> bool:
    """Waive the judgement of the chain; that the peer holds the leaf's key stays with OpenSSL."""
    return True
