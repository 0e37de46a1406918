"""The server's certificates: read at the start, and again when their files change or an operator says so.

New connections get the new context, open ones keep theirs. What cannot be used is refused as a whole, with its
reason, and the old certificates stay. Counterparts: `tls_context.py`, which has OpenSSL's side of it, and `tls.py`,
which asks for the context at each connection.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Protocol

import msgspec
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from OpenSSL import SSL

from homeport.clock import Clock
from homeport.endpoints.tls_context import KeyPair, server_context

_WARN_BEFORE = timedelta(days=30)
_WARN_EVERY = timedelta(days=1)
_Stamps = tuple[tuple[int, int, int] | None, ...]


class CertificateReports(Protocol):
    """Where is told what happened to the server's certificates: log and metrics."""

    def server_certificate_in_use(self, *, key_type: str, not_after: datetime) -> None: ...

    def server_certificate_expiring(self, *, key_type: str, not_after: datetime) -> None: ...

    def server_certificates_reloaded(self) -> None: ...

    def server_certificates_refused(self, reason: str) -> None: ...


class ServerCertificateError(Exception):
    """A certificate or its key cannot be used; the message says which file, and why."""


class _InUse(msgspec.Struct, frozen=True):
    key_type: str
    not_after: datetime


class ServerCertificates:
    """The certificates in use. The first of `pairs` is the one that most clients get, a second one holds an RSA key.
    Of several workers one `warns` of an end that is near."""

    def __init__(
        self, pairs: Sequence[KeyPair], *, clock: Clock, reports: CertificateReports, warns: bool = True
    ) -> None:
        """Load the files.

        Raises:
            ServerCertificateError: they cannot be used.
        """
        self._pairs = pairs
        self._clock = clock
        self._reports = reports
        self._warns = warns
        self._seen = self._tried = self._stamps()
        self._next_warning = clock.now()
        self._context, self._in_use = self._load()
        self._tell()

    def context(self) -> SSL.Context:
        """What a new connection is to use."""
        return self._context

    def reload(self) -> None:
        """Read the files again; use them if all of them can be used, and tell the outcome."""
        self._seen = self._tried = self._stamps()
        try:
            context, in_use = self._load()
            self._refuse_expired(in_use)
        except ServerCertificateError as error:
            self._reports.server_certificates_refused(str(error))
            return
        self._context, self._in_use = context, in_use
        self._next_warning = self._clock.now()
        self._reports.server_certificates_reloaded()
        self._tell()

    async def poll(self) -> bool:
        """Look at the files; reload once they have changed and then rested until the next look.

        Certificate and key are two files and cannot be replaced at one instant. Returns False: there is never more
        to do at once.
        """
        stamps = self._stamps()
        if stamps != self._seen:
            self._seen = stamps
        elif stamps != self._tried:
            self.reload()
        self._warn()
        return False

    def _load(self) -> tuple[SSL.Context, list[_InUse]]:
        leaves = [_checked_leaf(pair) for pair in self._pairs]
        for pair, leaf in zip(self._pairs[1:], leaves[1:], strict=True):
            if not isinstance(leaf.public_key(), rsa.RSAPublicKey):
                raise ServerCertificateError(f"{pair.certificate} has no RSA key.")
            # OpenSSL keeps one certificate for each kind of key; the second would silently replace the first.
            if isinstance(leaves[0].public_key(), rsa.RSAPublicKey):
                raise ServerCertificateError(f"{self._pairs[0].certificate} has an RSA key already; one is enough.")
        try:
            context = server_context(self._pairs)
        except SSL.Error as error:
            names = ", ".join(str(pair.certificate) for pair in self._pairs)
            raise ServerCertificateError(f"OpenSSL does not take {names}: {_text(error)}.") from error
        return context, [_InUse(_key_type(leaf.public_key()), leaf.not_valid_after_utc) for leaf in leaves]

    def _refuse_expired(self, certificates: Sequence[_InUse]) -> None:
        """At a start an expired certificate is used all the same: some device may have a wrong clock, too."""
        now = self._clock.now()
        for pair, certificate in zip(self._pairs, certificates, strict=True):
            if certificate.not_after <= now:
                raise ServerCertificateError(f"{pair.certificate} ended at {certificate.not_after.isoformat()}.")

    def _tell(self) -> None:
        for certificate in self._in_use:
            self._reports.server_certificate_in_use(key_type=certificate.key_type, not_after=certificate.not_after)

    def _warn(self) -> None:
        """Once a day, of each certificate that ends soon or has ended."""
        now = self._clock.now()
        if now < self._next_warning or not self._warns:
            return
        self._next_warning = now + _WARN_EVERY
        for certificate in self._in_use:
            if certificate.not_after - _WARN_BEFORE <= now:
                self._reports.server_certificate_expiring(
                    key_type=certificate.key_type, not_after=certificate.not_after
                )

    def _stamps(self) -> _Stamps:
        return tuple(_stamp(file) for pair in self._pairs for file in (pair.certificate, pair.private_key))


def _stamp(file: Path) -> tuple[int, int, int] | None:
    """What changes when a file, or what a link to it points at, is replaced or written."""
    try:
        status = file.stat()
    except OSError:
        return None
    return status.st_mtime_ns, status.st_ino, status.st_size


def _checked_leaf(pair: KeyPair) -> x509.Certificate:
    """The certificate of a pair whose key fits."""
    try:
        leaf = x509.load_pem_x509_certificate(_read(pair.certificate))
    except ValueError as error:
        raise ServerCertificateError(f"{pair.certificate} holds no certificate in PEM.") from error
    try:
        key = serialization.load_pem_private_key(_read(pair.private_key), password=None)
    except TypeError as error:
        raise ServerCertificateError(f"{pair.private_key} is encrypted; the server has nobody to ask.") from error
    except ValueError as error:
        raise ServerCertificateError(f"{pair.private_key} holds no private key in PEM.") from error
    if key.public_key() != leaf.public_key():
        raise ServerCertificateError(f"{pair.private_key} is not the key of {pair.certificate}.")
    return leaf


def _read(file: Path) -> bytes:
    try:
        return file.read_bytes()
    except OSError as error:
        raise ServerCertificateError(f"{file} cannot be read ({error.strerror}).") from error


def _key_type(key: PublicKeyTypes) -> str:
    return "rsa" if isinstance(key, rsa.RSAPublicKey) else "ecdsa"


def _text(error: SSL.Error) -> str:
    return ", ".join(str(entry[-1]) for entry in error.args[0])
