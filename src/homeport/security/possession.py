"""Proof of possession: a certificate for a code, signed with a CA's key, shows that somebody holds that key.

Both sides: `homeport certificates prove` signs it where the key is, the server checks it. Which code is open, and
until when, is `administration/ca_certificates.py`'s.
"""

import hmac
from datetime import datetime, timedelta

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa
from cryptography.hazmat.primitives.asymmetric.types import PublicKeyTypes
from cryptography.x509.oid import NameOID

from homeport.security.certificates import Certificate

CaKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey

_LIFETIME = timedelta(days=1)
_CLOCK_SKEW = timedelta(minutes=5)


class NotProven(Exception):
    """The certificate does not show that its issuer's key is held; the message says why, and what to do."""


def check_possession(proof: Certificate, authority: Certificate, code: str) -> None:
    """Whether `proof` is for `code` and signed by `authority`. Its validity does not matter: the code has its own.

    Raises:
        NotProven: it is for another code, of another issuer, or not signed with the issuer's key.
    """
    if not hmac.compare_digest((proof.common_name or "").encode(), code.encode()):
        raise NotProven("Its common name is not the verification code that is open; issue one for that code.")
    if proof.issuer != authority.subject:
        raise NotProven(f"Its issuer is {proof.issuer_name[:200]!r}, not the CA; sign it with the CA's key.")
    try:
        proof.parsed.verify_directly_issued_by(authority.parsed)
    except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm) as error:
        raise NotProven("It names the CA as its issuer, but was not signed with the CA's key.") from error


def sign_proof(authority: x509.Certificate, key: CaKey, code: str, now: datetime) -> bytes:
    """A proof in PEM for `code`, good for a day. Its own key is made for it and thrown away: nobody needs it.

    Raises:
        NotProven: the key is not that of the certificate.
    """
    if _public(key.public_key()) != _public(authority.public_key()):
        raise NotProven("The key is not that of the CA certificate; give the two that belong together.")
    certificate = (
        x509.CertificateBuilder()
        .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, code)]))
        .issuer_name(authority.subject)
        .public_key(ec.generate_private_key(ec.SECP256R1()).public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - _CLOCK_SKEW)
        .not_valid_after(now + _LIFETIME)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .sign(key, None if isinstance(key, ed25519.Ed25519PrivateKey) else hashes.SHA256())
    )
    return certificate.public_bytes(serialization.Encoding.PEM)


def _public(key: PublicKeyTypes) -> bytes:
    return key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
