"""A certificate factory for tests: roots, intermediates, leaves, and every way of being wrong.

    root = make_root("Acme Root")
    line = root.intermediate("Line 1", path_length=0)
    device = line.leaf("device-1", valid=EXPIRED)
    device.der, device.pem, device.key_pem

What the library refuses to make (SHA-1, version 1, an extension twice) is made by editing DER and signing it anew.
Needs nothing of homeport.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cache

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed448, ed25519, padding, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

NOW = datetime(2030, 6, 1, 12, tzinfo=UTC)
"""The moment of tests that bring their own time. What follows is meant for today's servers as well as for this day."""

Validity = tuple[datetime, datetime]
VALID: Validity = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC))
EXPIRED: Validity = (datetime(2024, 1, 1, tzinfo=UTC), datetime(2025, 1, 1, tzinfo=UTC))
NOT_YET_VALID: Validity = (datetime(2048, 1, 1, tzinfo=UTC), datetime(2049, 1, 1, tzinfo=UTC))

CLIENT_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.CLIENT_AUTH])
SERVER_AUTH = x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH])

PrivateKey = rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey | ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey
PublicKey = rsa.RSAPublicKey | ec.EllipticCurvePublicKey | ed25519.Ed25519PublicKey | ed448.Ed448PublicKey
Extensions = Sequence[tuple[x509.ExtensionType, bool]]

_CURVES: dict[str, ec.EllipticCurve] = {
    "P-256": ec.SECP256R1(),
    "P-384": ec.SECP384R1(),
    "P-521": ec.SECP521R1(),
    "secp256k1": ec.SECP256K1(),
}
_USAGES = (
    *("digital_signature", "content_commitment", "key_encipherment", "data_encipherment", "key_agreement"),
    *("key_cert_sign", "crl_sign", "encipher_only", "decipher_only"),
)
_TWINS = (x509.ObjectIdentifier("1.3.6.1.4.1.99999.1"), x509.ObjectIdentifier("1.3.6.1.4.1.99999.2"))
_TWINS_DER = (bytes.fromhex("2b06010401868d1f01"), bytes.fromhex("2b06010401868d1f02"))
_SHA256_WITH_RSA, _SHA1_WITH_RSA = bytes.fromhex("2a864886f70d01010b"), bytes.fromhex("2a864886f70d010105")


def make_key(kind: str = "P-256") -> PrivateKey:
    """A fresh key: a curve, Ed25519, Ed448 or RSA-<bits>. RSA keys are slow to find, hence come out of a drawer."""
    if kind == "Ed25519":
        return ed25519.Ed25519PrivateKey.generate()
    if kind == "Ed448":
        return ed448.Ed448PrivateKey.generate()
    if kind.startswith("RSA-"):
        return _rsa_key(int(kind.removeprefix("RSA-")))
    return ec.generate_private_key(_CURVES[kind])


@cache
def _rsa_key(bits: int) -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, bits)


def make_name(common_name: str, organization: str | None = "Acme") -> x509.Name:
    """A distinguished name of an organization, if any, and a common name."""
    attributes = [x509.NameAttribute(NameOID.COMMON_NAME, common_name)]
    if organization is not None:
        attributes.insert(0, x509.NameAttribute(NameOID.ORGANIZATION_NAME, organization))
    return x509.Name(attributes)


def key_usage(*allowed: str) -> x509.KeyUsage:
    """A key usage that allows these alone, named as the library names them."""
    return x509.KeyUsage(**{kind: kind in allowed for kind in _USAGES})


CA_USAGE = key_usage("key_cert_sign", "crl_sign")
DEVICE_USAGE = key_usage("digital_signature")


@dataclass(frozen=True)
class Identity:
    """A certificate, its key, and what to present above it (its issuers up to, and without, the root)."""

    certificate: x509.Certificate
    key: PrivateKey
    intermediates: tuple[x509.Certificate, ...] = ()

    @property
    def der(self) -> bytes:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    @property
    def pem(self) -> str:
        """The certificate."""
        return self.certificate.public_bytes(serialization.Encoding.PEM).decode()

    @property
    def key_pem(self) -> str:
        """The private key, not encrypted."""
        form = serialization.PrivateFormat.PKCS8
        return self.key.private_bytes(serialization.Encoding.PEM, form, serialization.NoEncryption()).decode()

    @property
    def chain(self) -> tuple[bytes, ...]:
        """What a device presents: DER, its own certificate first, the root left out."""
        return (self.der, *(each.public_bytes(serialization.Encoding.DER) for each in self.intermediates))

    @property
    def chain_pem(self) -> str:
        """The same as one PEM text, as TLS clients want it in a file."""
        above = (each.public_bytes(serialization.Encoding.PEM).decode() for each in self.intermediates)
        return self.pem + "".join(above)

    @property
    def sha1_thumbprint(self) -> str:
        """Upper-case hex."""
        return self.certificate.fingerprint(hashes.SHA1()).hex().upper()

    @property
    def sha256_thumbprint(self) -> str:
        """Upper-case hex."""
        return self.certificate.fingerprint(hashes.SHA256()).hex().upper()


@dataclass(frozen=True)
class Authority(Identity):
    """An identity that signs others."""

    is_root: bool = field(default=False, kw_only=True)

    def intermediate(
        self,
        common_name: str,
        *,
        key: PrivateKey | None = None,
        path_length: int | None = None,
        valid: Validity = VALID,
        ca: bool = True,
        usage: x509.KeyUsage | None = CA_USAGE,
        extensions: Extensions = (),
        organization: str | None = "Acme",
    ) -> "Authority":
        """A CA below this one. With `ca=False`, a certificate that behaves as a CA without being one."""
        key = key or make_key()
        added = [*_ca_extensions(path_length, usage), *extensions] if ca else list(extensions)
        subject = make_name(common_name, organization)
        certificate = _issue(subject, key, issuer=self, valid=valid, extensions=added)
        return Authority(certificate, key, (certificate, *self._above()))

    def leaf(
        self,
        common_name: str,
        *,
        key: PrivateKey | None = None,
        valid: Validity = VALID,
        extensions: Extensions = (),
        organization: str | None = None,
        subject: x509.Name | None = None,
    ) -> Identity:
        """A device: no extensions at all unless told, as many devices have it. `subject` for unusual names."""
        key = key or make_key()
        name = make_name(common_name, organization) if subject is None else subject
        certificate = _issue(name, key, issuer=self, valid=valid, extensions=extensions)
        return Identity(certificate, key, self._above())

    def vouch_for(self, common_name: str, key: rsa.RSAPublicKey) -> bytes:
        """The DER of a certificate for a public key alone: one to which there is no private key."""
        builder = _builder(make_name(common_name, None), self.certificate.subject, key, VALID)
        return _sign(builder, (), self.key).public_bytes(serialization.Encoding.DER)

    def with_sha1(self, identity: Identity) -> Identity:
        """The same certificate, signed with SHA-1; this authority must have an RSA key."""
        tbs = identity.certificate.tbs_certificate_bytes.replace(_SHA256_WITH_RSA, _SHA1_WITH_RSA)
        return self._resigned(identity, tbs, hashes.SHA1())

    def with_version_1(self, identity: Identity) -> Identity:
        """The same certificate as version 1, which `openssl x509 -req` made for years; must have no extensions."""
        content = _content(identity.certificate.tbs_certificate_bytes)
        return self._resigned(identity, _der(0x30, content.removeprefix(bytes.fromhex("a003020102"))))

    def with_long_serial_number(self, identity: Identity) -> Identity:
        """The same certificate with a serial number of 22 bytes; RFC 5280 section 4.1.2.2 allows 20."""
        content = _content(identity.certificate.tbs_certificate_bytes)
        version, rest = content[:5], content[5:]
        return self._resigned(identity, _der(0x30, version + _der(0x02, b"\x11" * 22) + rest[_size(rest) :]))

    def with_twice_the_same_extension(self, common_name: str, *, key: PrivateKey | None = None) -> tuple[bytes, ...]:
        """The chain of a leaf that has an extension twice: two that differ in a digit, until the DER is edited."""
        twins = [(x509.UnrecognizedExtension(oid, b"\x05\x00"), False) for oid in _TWINS]
        identity = self.leaf(common_name, key=key, extensions=twins)
        tbs = identity.certificate.tbs_certificate_bytes.replace(_TWINS_DER[1], _TWINS_DER[0])
        return self._resigned(identity, tbs).chain

    def with_loose_boolean(self, common_name: str, *, key: PrivateKey | None = None) -> tuple[bytes, ...]:
        """The chain of a leaf whose DER is none, though BER: TRUE must be 0xFF (X.690, 11.1). OpenSSL reads it."""
        identity = self.leaf(common_name, key=key, extensions=[(DEVICE_USAGE, True)])
        tbs = identity.certificate.tbs_certificate_bytes.replace(b"\x01\x01\xff", b"\x01\x01\x01")
        return (self._signed(tbs), *identity.chain[1:])

    def _above(self) -> tuple[x509.Certificate, ...]:
        return () if self.is_root else self.intermediates

    def _resigned(self, identity: Identity, tbs: bytes, algorithm: hashes.HashAlgorithm | None = None) -> Identity:
        certificate = x509.load_der_x509_certificate(self._signed(tbs, algorithm))
        return Identity(certificate, identity.key, identity.intermediates)

    def _signed(self, tbs: bytes, algorithm: hashes.HashAlgorithm | None = None) -> bytes:
        if isinstance(self.key, rsa.RSAPrivateKey):
            signature = self.key.sign(tbs, padding.PKCS1v15(), algorithm or hashes.SHA256())
        elif isinstance(self.key, ec.EllipticCurvePrivateKey):
            signature = self.key.sign(tbs, ec.ECDSA(hashes.SHA256()))
        else:
            signature = self.key.sign(tbs)
        return _der(0x30, tbs + _algorithm_of(tbs) + _der(0x03, b"\x00" + signature))


def make_root(
    common_name: str = "Root",
    *,
    key: PrivateKey | None = None,
    path_length: int | None = None,
    valid: Validity = VALID,
    extensions: Extensions = (),
    organization: str | None = "Acme",
) -> Authority:
    """A self-signed CA. A rolled one is made by giving the name and key of another."""
    key = key or make_key()
    added = [*_ca_extensions(path_length, CA_USAGE), *extensions]
    name = make_name(common_name, organization)
    certificate = _sign(_builder(name, name, key.public_key(), valid), added, key)
    return Authority(certificate, key, is_root=True)


def make_self_signed(
    common_name: str, *, key: PrivateKey | None = None, valid: Validity = VALID, extensions: Extensions = ()
) -> Identity:
    """A device that vouches for itself, for an individual enrollment."""
    key = key or make_key()
    name = make_name(common_name, None)
    return Identity(_sign(_builder(name, name, key.public_key(), valid), extensions, key), key)


def make_deep_chain(depth: int) -> tuple[Authority, Identity]:
    """A root, and a device whose chain counts `depth` certificates without the root."""
    root = issuer = make_root("Deep Root")
    for level in range(depth - 1):
        issuer = issuer.intermediate(f"Level {level + 1}")
    return root, issuer.leaf("deep-device")


def broken_der(identity: Identity) -> bytes:
    """The certificate with its serial number's tag overwritten."""
    return identity.der.replace(bytes.fromhex("a00302010202"), bytes.fromhex("a00302010203"), 1)


def forged(identity: Identity) -> Identity:
    """The certificate with the last bit of its signature turned."""
    der = identity.der[:-1] + bytes([identity.der[-1] ^ 1])
    return Identity(x509.load_der_x509_certificate(der), identity.key, identity.intermediates)


def _issue(
    subject: x509.Name, key: PrivateKey, *, issuer: Identity, valid: Validity, extensions: Extensions
) -> x509.Certificate:
    return _sign(_builder(subject, issuer.certificate.subject, key.public_key(), valid), extensions, issuer.key)


def _builder(subject: x509.Name, issuer: x509.Name, key: PublicKey, valid: Validity) -> x509.CertificateBuilder:
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(valid[0])
        .not_valid_after(valid[1])
    )


def _sign(builder: x509.CertificateBuilder, extensions: Extensions, key: PrivateKey) -> x509.Certificate:
    for value, critical in extensions:
        builder = builder.add_extension(value, critical)
    has_own_hash = isinstance(key, ed25519.Ed25519PrivateKey | ed448.Ed448PrivateKey)
    return builder.sign(key, None if has_own_hash else hashes.SHA256())


def _ca_extensions(path_length: int | None, usage: x509.KeyUsage | None) -> list[tuple[x509.ExtensionType, bool]]:
    constraints: list[tuple[x509.ExtensionType, bool]] = [
        (x509.BasicConstraints(ca=True, path_length=path_length), True)
    ]
    return constraints if usage is None else [*constraints, (usage, True)]


def _der(tag: int, content: bytes) -> bytes:
    if len(content) < 0x80:
        return bytes([tag, len(content)]) + content
    length = len(content).to_bytes((len(content).bit_length() + 7) // 8, "big")
    return bytes([tag, 0x80 | len(length)]) + length + content


def _content(der: bytes) -> bytes:
    """What is inside the outermost tag and length."""
    return der[2 + (der[1] & 0x7F if der[1] & 0x80 else 0) :]


def _size(der: bytes) -> int:
    """How long the first element is."""
    if not der[1] & 0x80:
        return 2 + der[1]
    width = der[1] & 0x7F
    return 2 + width + int.from_bytes(der[2 : 2 + width], "big")


def _algorithm_of(tbs: bytes) -> bytes:
    """The signature algorithm inside the part that is signed: after the version, if there is one, and the serial."""
    rest = _content(tbs)
    for _ in range(2 if rest[0] == 0xA0 else 1):
        rest = rest[_size(rest) :]
    return rest[: _size(rest)]
