"""Endorsement key certificates: a TPM maker's word that a key lives in a TPM that it made.

For whoever enrolls devices: devices show their endorsement key alone, so what a certificate says is checked once, when
the key is enrolled. Sources: TCG EK Credential Profile for TPM 2.0 (sections 3.2, B.3.3). Counterpart:
`tpm_credential.py` reads the keys that devices show. Knows no enrollment; RSA-2048 only, as that module.
"""

import struct
from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import rsa

from homeport.security.certificate_rules import Purpose, check_leaf, refused
from homeport.security.certificates import Certificate
from homeport.security.chain_refusals import ChainCause, ChainRefused
from homeport.security.name_constraints import check_names
from homeport.security.path_building import AnchorIndex, candidate_paths
from homeport.security.path_rules import check_issuers
from homeport.security.tpm_credential import parse_public

ENDORSEMENT = Purpose(
    extended=frozenset({x509.ObjectIdentifier("2.23.133.8.1")}),
    key_usages=("key_encipherment", "key_agreement"),
    needed="keyEncipherment",
)
"""tcg-kp-EKCertificate; the key only ever takes secrets."""

# The template L-1 of section B.3.3: what a TPM makes its endorsement key by, unless its maker wanted another.
_ATTRIBUTES = 0x000300B2
_POLICY = bytes.fromhex("837197674484b3f81a90cc8d46a5d724fd52d76e06520b64f2a1da1b331469aa")
_RSA, _SHA256, _AES_128_CFB, _NO_SCHEME = 0x0001, 0x000B, (0x0006, 128, 0x0043), 0x0010
_RSA_BITS = 2048
_DEFAULT_EXPONENT, _WRITTEN_AS = 65537, 0


def check_maker(certificate: Certificate, makers: Sequence[Certificate], *, now: datetime) -> Certificate:
    """The certificate of `makers` under which this endorsement certificate stands: roots or intermediates.

    Raises:
        ChainRefused: it stands under none, or something in between does not hold.
    """
    nearest: ChainRefused | None = None
    for path in candidate_paths((certificate,), AnchorIndex(makers)):
        try:
            check_leaf(certificate, now, purpose=ENDORSEMENT)
            check_issuers(path.issuers, now, purpose=ENDORSEMENT)
            check_names(certificate, path.issuers)
        except ChainRefused as error:
            nearest = nearest or error
        else:
            return path.anchor
    # Without a path `candidate_paths` has raised, so that there is a refusal here.
    raise nearest or AssertionError("there was neither a path nor a refusal")


def endorsement_key_of(certificate: Certificate) -> bytes:
    """The TPM2B_PUBLIC of the certified key, as a TPM shows it that made it by the default template.

    Raises:
        ChainRefused: WEAK_KEY, for a key other than RSA-2048 with the usual exponent.
    """
    key = certificate.parsed.public_key()
    if not isinstance(key, rsa.RSAPublicKey) or (key.key_size, _exponent(key)) != (_RSA_BITS, _DEFAULT_EXPONENT):
        raise refused(ChainCause.WEAK_KEY, certificate, needed="RSA-2048 with the exponent 65537")
    area = struct.pack(">HHI", _RSA, _SHA256, _ATTRIBUTES) + _sized(_POLICY)
    area += struct.pack(">HHHHHI", *_AES_128_CFB, _NO_SCHEME, _RSA_BITS, _WRITTEN_AS)
    return _sized(area + _sized(key.public_numbers().n.to_bytes(_RSA_BITS // 8, "big")))


def certifies(certificate: Certificate, endorsement_key: bytes) -> bool:
    """Whether the certificate is about this key (TPM2B_PUBLIC), whatever template it was made by.

    Raises:
        TpmKeyMalformed: the bytes are no such key.
    """
    return parse_public(endorsement_key).key == certificate.parsed.public_key()


def _exponent(key: rsa.RSAPublicKey) -> int:
    return key.public_numbers().e


def _sized(data: bytes) -> bytes:
    return struct.pack(">H", len(data)) + data
