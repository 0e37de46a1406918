"""What one certificate must be, by itself: in time, of a strong key, signed strongly, and meant for what it does.

The rules for certificates together are in `path_rules`. RFC 5280 is read with a device maker's eye: a leaf needs
neither extensions nor alternative names, many have none; what it does say about itself must fit.
"""

from datetime import datetime

import msgspec
from cryptography import x509
from cryptography.exceptions import UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, ExtensionOID, SignatureAlgorithmOID

from homeport.security.certificates import Certificate
from homeport.security.chain_refusals import ChainCause, ChainRefused

_MIN_RSA_BITS = 2048
_CURVES = (ec.SECP256R1, ec.SECP384R1, ec.SECP521R1)
_HASHES = (hashes.SHA256, hashes.SHA384, hashes.SHA512)

_SIGNATURES = frozenset(
    {
        SignatureAlgorithmOID.RSA_WITH_SHA256,
        SignatureAlgorithmOID.RSA_WITH_SHA384,
        SignatureAlgorithmOID.RSA_WITH_SHA512,
        SignatureAlgorithmOID.ECDSA_WITH_SHA256,
        SignatureAlgorithmOID.ECDSA_WITH_SHA384,
        SignatureAlgorithmOID.ECDSA_WITH_SHA512,
        SignatureAlgorithmOID.ED25519,
    }
)


class Purpose(msgspec.Struct, frozen=True, kw_only=True):
    """What a leaf is meant for: of the extended key usages, where it has some, one must be among `extended`; of the key
    usages, one of `key_usages`, the first of which a refusal names."""

    extended: frozenset[x509.ObjectIdentifier]
    key_usages: tuple[str, str]
    needed: str


CLIENT = Purpose(
    extended=frozenset({ExtendedKeyUsageOID.CLIENT_AUTH, ExtendedKeyUsageOID.ANY_EXTENDED_KEY_USAGE}),
    # As OpenSSL's purpose of an SSL client has it; RFC 5246 section 7.4.6 would want the first alone.
    key_usages=("digital_signature", "key_agreement"),
    needed="digitalSignature",
)
"""A device that proves itself in a TLS handshake."""

_UNDERSTOOD = frozenset(
    {
        ExtensionOID.BASIC_CONSTRAINTS,
        ExtensionOID.KEY_USAGE,
        ExtensionOID.EXTENDED_KEY_USAGE,
        ExtensionOID.NAME_CONSTRAINTS,
        ExtensionOID.SUBJECT_ALTERNATIVE_NAME,
        ExtensionOID.ISSUER_ALTERNATIVE_NAME,
        # Every policy is accepted. Policy constraints and mappings are not worked out, hence not in this set.
        ExtensionOID.CERTIFICATE_POLICIES,
        # They help to find issuers, and nothing more.
        ExtensionOID.SUBJECT_KEY_IDENTIFIER,
        ExtensionOID.AUTHORITY_KEY_IDENTIFIER,
    }
)
"""Extensions that may be critical. Revocation lists are not consulted, so a critical pointer to one is refused."""


def check_leaf(
    certificate: Certificate, now: datetime, *, allow_expired: bool = False, purpose: Purpose = CLIENT
) -> None:
    """A device's own certificate, whoever signed it: the whole check of one that an individual enrollment names by
    thumbprint, and the leaf's part of a chain's.

    `allow_expired` waives the end of the validity and nothing else.

    Raises:
        ChainRefused: EXPIRED, NOT_YET_VALID, WEAK_KEY, WEAK_SIGNATURE, WRONG_EKU, KEY_USAGE or
            UNKNOWN_CRITICAL_EXTENSION.
    """
    if now < certificate.parsed.not_valid_before_utc:
        raise refused(ChainCause.NOT_YET_VALID, certificate, notBefore=_begin(certificate))
    if now > certificate.parsed.not_valid_after_utc and not allow_expired:
        raise refused(ChainCause.EXPIRED, certificate, notAfter=_end(certificate))
    _check_key(certificate)
    check_signature_algorithm(certificate)
    _check_critical_extensions(certificate)
    _check_extended_key_usage(certificate, purpose)
    usage = certificate.extension(x509.KeyUsage)
    if usage is not None and not any(getattr(usage, name) for name in purpose.key_usages):
        raise refused(ChainCause.KEY_USAGE, certificate, needed=purpose.needed)


def check_ca(
    certificate: Certificate,
    now: datetime,
    *,
    allow_expired: bool = False,
    is_anchor: bool = False,
    purpose: Purpose = CLIENT,
) -> None:
    """A certificate that signed another one of the chain.

    An anchor's own signature is not looked at: it is trusted for having been uploaded, not for who signed it.

    Raises:
        ChainRefused: NOT_A_CA, CA_EXPIRED, CA_NOT_YET_VALID, WEAK_KEY, WEAK_SIGNATURE, WRONG_EKU, KEY_USAGE or
            UNKNOWN_CRITICAL_EXTENSION.
    """
    constraints = certificate.extension(x509.BasicConstraints)
    if constraints is None or not constraints.ca:
        raise refused(ChainCause.NOT_A_CA, certificate)
    usage = certificate.extension(x509.KeyUsage)
    if usage is not None and not usage.key_cert_sign:
        raise refused(ChainCause.KEY_USAGE, certificate, needed="keyCertSign")
    if now < certificate.parsed.not_valid_before_utc:
        raise refused(ChainCause.CA_NOT_YET_VALID, certificate, notBefore=_begin(certificate))
    if now > certificate.parsed.not_valid_after_utc and not allow_expired:
        raise refused(ChainCause.CA_EXPIRED, certificate, notAfter=_end(certificate))
    _check_key(certificate)
    if not is_anchor:
        check_signature_algorithm(certificate)
    _check_critical_extensions(certificate)
    _check_extended_key_usage(certificate, purpose)


def check_signature_algorithm(certificate: Certificate) -> None:
    """The algorithm that the certificate is signed with.

    Raises:
        ChainRefused: WEAK_SIGNATURE.
    """
    oid = certificate.parsed.signature_algorithm_oid
    if oid not in _SIGNATURES and not (oid == SignatureAlgorithmOID.RSASSA_PSS and _hashes_strongly(certificate)):
        raise refused(ChainCause.WEAK_SIGNATURE, certificate, algorithm=oid.dotted_string)


def refused(cause: ChainCause, certificate: Certificate, **facts: str) -> ChainRefused:
    """The refusal of this certificate, named by subject and thumbprint."""
    return ChainRefused(cause, subject=certificate.subject_name, thumbprint=certificate.sha256_thumbprint, **facts)


def _hashes_strongly(certificate: Certificate) -> bool:
    """PSS names its hash in the algorithm's parameters."""
    try:
        return isinstance(certificate.parsed.signature_hash_algorithm, _HASHES)
    except UnsupportedAlgorithm:
        return False


def _check_key(certificate: Certificate) -> None:
    key = certificate.parsed.public_key()
    if isinstance(key, rsa.RSAPublicKey):
        if key.key_size < _MIN_RSA_BITS:
            raise refused(ChainCause.WEAK_KEY, certificate, key=f"RSA-{key.key_size}")
    elif isinstance(key, ec.EllipticCurvePublicKey):
        if not isinstance(key.curve, _CURVES):
            raise refused(ChainCause.WEAK_KEY, certificate, key=key.curve.name)
    elif not isinstance(key, ed25519.Ed25519PublicKey):
        raise refused(ChainCause.WEAK_KEY, certificate, key=certificate.parsed.public_key_algorithm_oid.dotted_string)


def _check_critical_extensions(certificate: Certificate) -> None:
    for extension in certificate.parsed.extensions:
        if extension.critical and extension.oid not in _UNDERSTOOD:
            oid = extension.oid.dotted_string
            raise refused(ChainCause.UNKNOWN_CRITICAL_EXTENSION, certificate, extension=oid)


def _check_extended_key_usage(certificate: Certificate, purpose: Purpose) -> None:
    """A CA's extended key usage limits what is below it: not in RFC 5280, but OpenSSL and Windows read it so."""
    usages = certificate.extension(x509.ExtendedKeyUsage)
    if usages is not None and purpose.extended.isdisjoint(usages):
        raise refused(ChainCause.WRONG_EKU, certificate, found=", ".join(usage.dotted_string for usage in usages))


def _begin(certificate: Certificate) -> str:
    return certificate.parsed.not_valid_before_utc.isoformat()


def _end(certificate: Certificate) -> str:
    return certificate.parsed.not_valid_after_utc.isoformat()
