"""A TLS client that presents any certificate: weak, expired, of a deep chain, or with bytes that no library would load.

OpenSSL at security level 0, its bytes carried by hand, so that a test may edit what leaves. In TLS 1.2 the client's
certificates travel in the clear. The server's certificate is checked against the deployment's CA as ever.
"""

import socket
import ssl
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import Protocol, TypeVar

from OpenSSL import SSL
from tests.sockets.peer import Handshake

_RECORD = 65_536

T = TypeVar("T")
Edit = Callable[[bytes], bytes]


class Presented(Protocol):
    """What a client shows: certificates (DER, its own first), and the key of the first one (PEM)."""

    @property
    def chain(self) -> Sequence[bytes]: ...
    @property
    def key_pem(self) -> str: ...


class TlsAlert(Exception):
    """The server ended TLS with an alert; the text is OpenSSL's name of it."""


def presenting(shown: Presented | None, ca_file: Path, *, edit: Edit | None = None) -> Handshake:
    """A handshake with these certificates, or with none.

    `edit` sees what leaves in TLS 1.2, to which its presence limits the client.
    """
    context = SSL.Context(SSL.TLS_CLIENT_METHOD)
    context.set_cipher_list(b"ALL:@SECLEVEL=0")
    context.load_verify_locations(str(ca_file))
    context.set_verify(SSL.VERIFY_PEER, lambda *said: bool(said[-1]))
    if edit is not None:
        context.set_max_proto_version(SSL.TLS1_2_VERSION)
    if shown is not None:
        _load(context, shown)
    return lambda plain: _OpenSslSocket(plain, context, edit or _unchanged)


def _load(context: SSL.Context, shown: Presented) -> None:
    """From a file, since the calls that take objects want those of a library that is stricter than OpenSSL."""
    with NamedTemporaryFile("w", suffix=".pem") as file:
        file.write(shown.key_pem + "".join(ssl.DER_cert_to_PEM_cert(der) for der in shown.chain))
        file.flush()
        context.use_certificate_chain_file(file.name)
        context.use_privatekey_file(file.name)


def _unchanged(data: bytes) -> bytes:
    return data


class _OpenSslSocket:
    """OpenSSL on buffers in memory, and a socket below them.

    Raises:
        TlsAlert: from the handshake or, with TLS 1.3, where the server judges after it, from the first read.
    """

    def __init__(self, plain: socket.socket, context: SSL.Context, edit: Edit) -> None:
        self._plain = plain
        self._edit = edit
        self._tls = SSL.Connection(context, None)
        self._tls.set_connect_state()
        self._until_done(self._tls.do_handshake)

    def sendall(self, data: bytes, /) -> None:
        self._until_done(lambda: self._tls.send(data))

    def recv(self, size: int, /) -> bytes:
        try:
            return self._until_done(lambda: self._tls.recv(size))
        except SSL.ZeroReturnError:
            return b""

    def close(self) -> None:
        self._plain.close()

    def _until_done(self, step: Callable[[], T]) -> T:
        while True:
            try:
                done = step()
            except SSL.WantReadError:
                self._flush()
                self._fill()
            except SSL.ZeroReturnError:
                raise  # the server's end, which is a kind of error here
            except SSL.Error as error:
                raise TlsAlert(str(error.args[0][-1][-1])) from error
            else:
                self._flush()
                return done

    def _flush(self) -> None:
        try:
            while True:
                self._plain.sendall(self._edit(self._tls.bio_read(_RECORD)))
        except SSL.WantReadError:
            return

    def _fill(self) -> None:
        data = self._plain.recv(_RECORD)
        if not data:
            raise ConnectionResetError("the server closed below TLS")
        self._tls.bio_write(data)
