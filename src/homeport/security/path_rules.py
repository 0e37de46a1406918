"""What the CA certificates of one path must be together: each a CA, path lengths kept, names allowed, and the library's
own verifier content with them.

The same for every device below the same CA, therefore what `verdict_cache` remembers. The leaf is checked by
`certificate_rules.check_leaf` and `name_constraints` each time; its issuer's signature, by `path_building`.
"""

from collections.abc import Sequence
from datetime import datetime

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ed25519
from cryptography.x509.verification import Criticality, ExtensionPolicy, PolicyBuilder, Store, VerificationError

from homeport.security.certificate_rules import CLIENT, Purpose, check_ca, refused
from homeport.security.certificates import MAX_PRESENTED, Certificate
from homeport.security.chain_refusals import ChainCause
from homeport.security.name_constraints import check_names

_CA_POLICY = ExtensionPolicy.permit_all().require_present(x509.BasicConstraints, Criticality.AGNOSTIC, None)
"""The library's defaults are those of web servers: they ask for key identifiers, which a maker's own CA seldom sets."""


def check_issuers(
    issuers: Sequence[Certificate], now: datetime, *, allow_expired: bool = False, purpose: Purpose = CLIENT
) -> None:
    """The part of a path above a leaf of this purpose, the leaf's issuer first and the anchor last.

    Raises:
        ChainRefused: what `certificate_rules.check_ca` finds, PATH_LENGTH_EXCEEDED, NAME_CONSTRAINTS or
            PROFILE_VIOLATION.
    """
    for place, certificate in enumerate(issuers):
        is_anchor = place == len(issuers) - 1
        check_ca(certificate, now, allow_expired=allow_expired, is_anchor=is_anchor, purpose=purpose)
        _check_path_length(certificate, issuers[:place])
        if not certificate.is_self_issued:
            # Self-issued certificates roll a CA's key over; RFC 5280 section 6.1.3 (b) exempts their names.
            check_names(certificate, issuers[place + 1 :])
    _confirm(issuers, now if not allow_expired else _common_moment(issuers, now))


def _check_path_length(certificate: Certificate, below: Sequence[Certificate]) -> None:
    """RFC 5280 section 4.2.1.9: CA certificates below count, unless they are self-issued; the leaf does not."""
    constraints = certificate.extension(x509.BasicConstraints)
    allowed = None if constraints is None else constraints.path_length
    found = sum(not each.is_self_issued for each in below)
    if allowed is not None and found > allowed:
        raise refused(ChainCause.PATH_LENGTH_EXCEEDED, certificate, pathLength=str(allowed), found=str(found))


def _common_moment(issuers: Sequence[Certificate], now: datetime) -> datetime | None:
    """A time at which none had expired; None where one was made after another had."""
    moment = min(now, *(each.parsed.not_valid_after_utc for each in issuers))
    begun = all(each.parsed.not_valid_before_utc <= moment for each in issuers)
    return moment if begun else None


def _confirm(issuers: Sequence[Certificate], moment: datetime | None) -> None:
    """A second opinion: the library validates the same path, and knows more of the profile than we list.

    It judges what it can. It accepts no Ed25519 key of a CA and cannot be told to (pyca/cryptography#13391), refuses
    every critical constraint on distinguished names, and knows no waiver of expiry. Such paths have our rules alone,
    which are complete without it: it only ever refuses more.
    """
    lowest, *above = (each.parsed for each in issuers)
    if moment is None or not above or not all(map(_is_known_to_library, issuers)):
        return
    builder = PolicyBuilder().store(Store([above[-1]])).time(moment).max_chain_depth(MAX_PRESENTED)
    builder = builder.extension_policies(ca_policy=_CA_POLICY, ee_policy=_CA_POLICY)
    try:
        builder.build_client_verifier().verify(lowest, above[:-1])
    except VerificationError as error:
        raise refused(
            ChainCause.PROFILE_VIOLATION, issuers[0], found=str(error).partition(" (encountered")[0]
        ) from error


def _is_known_to_library(certificate: Certificate) -> bool:
    if isinstance(certificate.parsed.public_key(), ed25519.Ed25519PublicKey):
        return False
    constraints = certificate.extension(x509.NameConstraints)
    if constraints is None:
        return True
    bases = [*(constraints.permitted_subtrees or ()), *(constraints.excluded_subtrees or ())]
    return not any(isinstance(base, x509.DirectoryName) for base in bases)
