"""X.509 certificates as values: read from whatever form they come in, with thumbprints and what the API shows of them.

Two doors. Administrators send DER, PEM, or base64 of either; a TLS handshake brings DER. Everything that parsing can
find wrong is found here, at once, so that a `Certificate` can be asked anything later without surprise. Whether a
certificate is to be trusted is the question of `certificate_rules` and `x509_chain`; nothing here knows the time.
"""

import base64
import binascii
import enum
import hashlib
from collections.abc import Sequence
from functools import lru_cache
from typing import TypeVar

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509.oid import NameOID

from homeport.model.attestation import X509CertificateInfo
from homeport.security.chain_refusals import ChainCause, ChainRefused

MAX_DER = 16 * 1024
"""Bytes of one certificate; a generous one has four."""

MAX_PRESENTED = 10
"""Certificates that a device may present: a leaf and nine above it."""

_MAX_TEXT = 4 * MAX_DER
"""What was base64 twice is 1.8 times as long; the rest is room for line ends and `openssl x509 -text`."""

_MAX_RSA_BITS = 8192
_MAX_EXPONENT_BITS = 33
"""The time that a signature takes grows with modulus and exponent, and strangers choose theirs. 65,537 is usual."""

_USUAL_DER = 4 * 1024
_MOST_REMEMBERED = 1024
"""How many certificates of handshakes stay parsed, if no larger than usual: what strangers send stays bounded, to some
10 MiB. A device shows its own with each request over HTTPS, and the same intermediates as its neighbours."""

_PEM_BEGIN = b"-----BEGIN CERTIFICATE-----"

ExtensionValue = TypeVar("ExtensionValue", bound=x509.ExtensionType)


class MalformedReason(enum.StrEnum):
    """Why something is not a certificate that can be worked with."""

    EMPTY = "empty"
    TOO_LARGE = "too_large"
    NOT_BASE64 = "not_base64"
    SEVERAL_CERTIFICATES = "several_certificates"
    BROKEN_DER = "broken_der"
    DUPLICATE_EXTENSIONS = "duplicate_extensions"
    UNUSABLE_KEY = "unusable_key"


class CertificateMalformed(Exception):
    """The text or bytes are not one certificate; `reason` is the word for it, the message the sentence."""

    def __init__(self, reason: MalformedReason, message: str) -> None:
        super().__init__(message)
        self.reason = reason


class Certificate(msgspec.Struct, frozen=True, kw_only=True):
    """A certificate that parsed completely. Thumbprints are upper-case hex of the DER's hash.

    `subject` and `issuer` are the DER of the names: two names are the same when their bytes are (RFC 5280 section
    4.1.2.4 makes an issuer encode its name in both places alike), and bytes make good keys. So is `public_key`.
    """

    der: bytes
    parsed: x509.Certificate
    sha1_thumbprint: str
    sha256_thumbprint: str
    subject: bytes
    issuer: bytes
    public_key: bytes

    @property
    def common_name(self) -> str | None:
        """The subject's common name: a device's registration ID. Of several, the last, which is the most specific."""
        names = self.parsed.subject.get_attributes_for_oid(NameOID.COMMON_NAME)
        return str(names[-1].value) if names else None

    @property
    def subject_name(self) -> str:
        """The subject as people write it (RFC 4514)."""
        return self.parsed.subject.rfc4514_string()

    @property
    def issuer_name(self) -> str:
        """The issuer as people write it (RFC 4514)."""
        return self.parsed.issuer.rfc4514_string()

    @property
    def is_self_issued(self) -> bool:
        """Whether it names itself as its issuer (RFC 5280 section 3.2); whether it signed itself is another matter."""
        return self.subject == self.issuer

    def extension(self, kind: type[ExtensionValue]) -> ExtensionValue | None:
        """The extension's value, or None where the certificate does not have it."""
        try:
            return self.parsed.extensions.get_extension_for_class(kind).value
        except x509.ExtensionNotFound:
            return None

    def __repr__(self) -> str:
        return f"Certificate(sha256_thumbprint={self.sha256_thumbprint!r})"


def parse_certificate(data: bytes | str) -> Certificate:
    """One certificate from DER, PEM, base64 of DER or base64 of PEM (REST: X509CertificateWithInfo.certificate).

    Text around a PEM block is passed over, as `openssl x509 -text` writes it.

    Raises:
        CertificateMalformed: it is none of these, or more than one certificate.
    """
    raw = data.encode("ascii", "replace") if isinstance(data, str) else data
    if len(raw) > _MAX_TEXT:
        raise CertificateMalformed(MalformedReason.TOO_LARGE, "The certificate is larger than 16 KiB.")
    return _parse_der(_to_der(raw))


def parse_chain(presented: Sequence[bytes]) -> tuple[Certificate, ...]:
    """The certificates of a TLS handshake: DER, the leaf first, the rest in whatever order; repetitions are dropped.

    Raises:
        ChainRefused: CHAIN_TOO_LONG, BROKEN_DER, DUPLICATE_EXTENSIONS or WEAK_KEY (a key that cannot be used at all).
    """
    if len(presented) > MAX_PRESENTED:
        raise ChainRefused(ChainCause.CHAIN_TOO_LONG, most=str(MAX_PRESENTED), presented=str(len(presented)))
    return tuple(_parse_presented(der, place) for place, der in enumerate(dict.fromkeys(presented)))


def certificate_info(certificate: Certificate) -> X509CertificateInfo:
    """What the API shows of a certificate (REST: X509CertificateInfo)."""
    parsed = certificate.parsed
    return X509CertificateInfo(
        subject_name=certificate.subject_name,
        sha1_thumbprint=certificate.sha1_thumbprint,
        sha256_thumbprint=certificate.sha256_thumbprint,
        issuer_name=certificate.issuer_name,
        not_before_utc=parsed.not_valid_before_utc,
        not_after_utc=parsed.not_valid_after_utc,
        serial_number=_hex(parsed.serial_number),
        # The encoding counts from nought (RFC 5280 section 4.1.2.1), people and the API from one.
        version=parsed.version.value + 1,
    )


_CAUSES = {
    MalformedReason.DUPLICATE_EXTENSIONS: ChainCause.DUPLICATE_EXTENSIONS,
    MalformedReason.UNUSABLE_KEY: ChainCause.WEAK_KEY,
}


def _parse_presented(der: bytes, place: int) -> Certificate:
    try:
        return _parse_der(der) if len(der) > _USUAL_DER else _parse_again(der)
    except CertificateMalformed as error:
        cause = _CAUSES.get(error.reason, ChainCause.BROKEN_DER)
        raise ChainRefused(cause, place=str(place), reason=error.reason.value) from error


def _to_der(raw: bytes) -> bytes:
    text = raw.strip()
    if not text:
        raise CertificateMalformed(MalformedReason.EMPTY, "There is no certificate.")
    # DER of a certificate begins with a SEQUENCE, 0x30; in base64 that is an M.
    if raw[0] == 0x30:
        return raw
    if _PEM_BEGIN in text:
        return _from_pem(text)
    decoded = _from_base64(text)
    return _from_pem(decoded) if _PEM_BEGIN in decoded else decoded


def _from_pem(text: bytes) -> bytes:
    if text.count(_PEM_BEGIN) > 1:
        raise CertificateMalformed(
            MalformedReason.SEVERAL_CERTIFICATES, "There is more than one certificate; send one."
        )
    body, end, _ = text.partition(_PEM_BEGIN)[2].partition(b"-----END CERTIFICATE-----")
    if not end:
        raise CertificateMalformed(MalformedReason.NOT_BASE64, "The PEM block of the certificate has no end.")
    return _from_base64(body)


def _from_base64(text: bytes) -> bytes:
    try:
        return base64.b64decode(b"".join(text.split()), validate=True)
    except (binascii.Error, ValueError):
        message = "The certificate is neither DER nor PEM nor valid base64 of either."
        raise CertificateMalformed(MalformedReason.NOT_BASE64, message) from None


def _parse_der(der: bytes) -> Certificate:
    if len(der) > MAX_DER:
        raise CertificateMalformed(MalformedReason.TOO_LARGE, "The certificate is larger than 16 KiB.")
    parsed = _load(der)
    _check_key(parsed)
    return Certificate(
        der=der,
        parsed=parsed,
        # SHA-1 names a certificate here, as the API has it; nothing is trusted for it.
        sha1_thumbprint=hashlib.sha1(der, usedforsecurity=False).hexdigest().upper(),
        sha256_thumbprint=hashlib.sha256(der).hexdigest().upper(),
        subject=parsed.subject.public_bytes(),
        issuer=parsed.issuer.public_bytes(),
        public_key=parsed.public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo),
    )


_parse_again = lru_cache(_MOST_REMEMBERED)(_parse_der)
"""The same for what was seen lately. A refusal is found anew each time."""


def _load(der: bytes) -> x509.Certificate:
    """Parse all of it: the library reads extensions, names and times only when asked, and fails only then."""
    try:
        parsed = x509.load_der_x509_certificate(der)
        _ = (parsed.extensions, parsed.subject, parsed.issuer, parsed.not_valid_before_utc, parsed.not_valid_after_utc)
    except x509.DuplicateExtension as error:
        message = f"The certificate has the extension {error.oid.dotted_string} more than once."
        raise CertificateMalformed(MalformedReason.DUPLICATE_EXTENSIONS, message) from error
    # It warns of what later releases will refuse (a serial number of nought); a process may make errors of warnings.
    except (ValueError, TypeError, Warning, x509.InvalidVersion, x509.UnsupportedGeneralNameType) as error:
        raise CertificateMalformed(MalformedReason.BROKEN_DER, "The certificate's DER is broken.") from error
    return parsed


def _check_key(parsed: x509.Certificate) -> None:
    try:
        key = parsed.public_key()
    except (ValueError, TypeError, UnsupportedAlgorithm) as error:
        message = "The certificate's public key is of a kind that cannot be used."
        raise CertificateMalformed(MalformedReason.UNUSABLE_KEY, message) from error
    if isinstance(key, rsa.RSAPublicKey) and not _is_affordable(key):
        raise CertificateMalformed(MalformedReason.UNUSABLE_KEY, "The RSA key or its exponent is too large.")


def _is_affordable(key: rsa.RSAPublicKey) -> bool:
    return key.key_size <= _MAX_RSA_BITS and key.public_numbers().e.bit_length() <= _MAX_EXPONENT_BITS


def _hex(number: int) -> str:
    """Upper-case hex in whole bytes, as Windows and OpenSSL write serial numbers."""
    digits = f"{number:X}"
    return digits if len(digits) % 2 == 0 else "0" + digits
