"""A device's certificate for every way of being wrong, by the cause that the operator is to find.

All names in them but the device's own say that they are secret, so that answers can be searched for them.
"""

from collections.abc import Callable
from dataclasses import dataclass

from cryptography import x509
from tests import pki
from tests.pki import EXPIRED, NOT_YET_VALID, Identity, PrivateKey, make_root, make_self_signed
from tests.sockets.openssl_client import Presented

ROOT = make_root("Secret Root")
LINE = ROOT.intermediate("Secret Line")
OTHER = make_root("Secret Other")
RSA_ROOT = make_root("Secret RSA Root", key=pki.make_key("RSA-2048"))
SECRETS = ("Secret", "secret-group", "Acme")


@dataclass(frozen=True)
class Shown:
    """Certificates that do not belong together, or are none that the library reads."""

    chain: tuple[bytes, ...]
    key: PrivateKey

    @property
    def key_pem(self) -> str:
        """As of an identity."""
        return Identity(ROOT.certificate, self.key).key_pem


def name_constraints() -> tuple[x509.ExtensionType, bool]:
    permitted = x509.DirectoryName(pki.make_name("only-this-one", None))
    return x509.NameConstraints(permitted_subtrees=[permitted], excluded_subtrees=None), True


def expired(cn: str) -> Identity:
    return LINE.leaf(cn, valid=EXPIRED)


def not_yet_valid(cn: str) -> Identity:
    return LINE.leaf(cn, valid=NOT_YET_VALID)


def ca_expired(cn: str) -> Identity:
    return ROOT.intermediate("Secret Old Line", valid=EXPIRED).leaf(cn)


def wrong_eku(cn: str) -> Identity:
    return LINE.leaf(cn, extensions=[(pki.SERVER_AUTH, False)])


def common_name_case(cn: str) -> Identity:
    return LINE.leaf(cn.upper())


def common_name(_: str) -> Identity:
    return LINE.leaf("Secret Neighbour")


def missing_intermediate(cn: str) -> Identity:
    whole = LINE.leaf(cn)
    return Identity(whole.certificate, whole.key)


def unknown_root(cn: str) -> Identity:
    stranger = OTHER.leaf(cn)
    return Identity(stranger.certificate, stranger.key, (OTHER.certificate,))


def chain_too_long(cn: str) -> Identity:
    issuer = ROOT
    for level in range(19):
        issuer = issuer.intermediate(f"Secret Level {level}")
    return issuer.leaf(cn)


def path_length_exceeded(cn: str) -> Identity:
    return ROOT.intermediate("Secret Short", path_length=0).intermediate("Secret Below").leaf(cn)


def name_constraints_violated(cn: str) -> Identity:
    return ROOT.intermediate("Secret Narrow", extensions=[name_constraints()]).leaf(cn)


def duplicate_extensions(cn: str) -> Shown:
    key = pki.make_key()
    return Shown(LINE.with_twice_the_same_extension(cn, key=key), key)


def weak_signature(cn: str) -> Identity:
    return RSA_ROOT.with_sha1(RSA_ROOT.leaf(cn))


def weak_key(cn: str) -> Identity:
    return LINE.leaf(cn, key=pki.make_key("RSA-1024"))


def not_a_ca(cn: str) -> Identity:
    return ROOT.intermediate("Secret Impostor", ca=False).leaf(cn)


def bad_signature(cn: str) -> Identity:
    return pki.forged(ROOT.leaf(cn))


WRONG: dict[str, Callable[[str], Presented]] = {
    "expired": expired,
    "not_yet_valid": not_yet_valid,
    "ca_expired": ca_expired,
    "wrong_eku": wrong_eku,
    "common_name_case": common_name_case,
    "common_name": common_name,
    "missing_intermediate": missing_intermediate,
    "unknown_root": unknown_root,
    "chain_too_long": chain_too_long,
    "path_length_exceeded": path_length_exceeded,
    "name_constraints": name_constraints_violated,
    "duplicate_extensions": duplicate_extensions,
    "weak_signature": weak_signature,
    "weak_key": weak_key,
    "not_a_ca": not_a_ca,
    "bad_signature": bad_signature,
}
"""A member of a group of `ROOT` and `RSA_ROOT`, by cause."""


OWN: dict[str, Callable[[str], Identity]] = {
    "expired": lambda cn: make_self_signed(cn, valid=EXPIRED),
    "not_yet_valid": lambda cn: make_self_signed(cn, valid=NOT_YET_VALID),
    "common_name_case": lambda cn: make_self_signed(cn.upper()),
    "common_name": lambda _: make_self_signed("Secret Neighbour"),
}
"""By the device itself, for an individual enrollment, by cause."""
