"""Attestation by X.509: does this certificate prove this registration ID, and to which entry?

An individual enrollment knows its device's certificates by thumbprint, whoever issued them. Without one, the walk
goes from the device's certificate up to the root, and the first certificate that stands in a group decides, for good
or ill: what is wrong with that path, or with that group, is not mended by another one higher up. Pure: the caller has
read the entries, and TLS has proved that the device holds the key. Counterpart: `security/x509_chain.py`, the rules of
certificates; this module knows which of them an entry asks for.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation import (
    AttestationType,
    X509Attestation,
    X509Certificates,
    X509CertificateWithInfo,
    X509Evidence,
)
from homeport.model.ca_certificate import CaCertificate
from homeport.model.enrollment import EnrollmentGroup, IndividualEnrollment
from homeport.model.identifiers import RegistrationId, folded
from homeport.security.certificate_rules import check_leaf
from homeport.security.certificates import Certificate, certificate_info, parse_certificate, parse_chain
from homeport.security.chain_refusals import ChainCause, ChainRefused
from homeport.security.path_building import AnchorIndex, CandidatePath, candidate_paths
from homeport.security.verdict_cache import VerdictCache
from homeport.security.x509_chain import ValidatedPath, check_path

_NO_PATH = frozenset({ChainCause.UNKNOWN_ROOT, ChainCause.MISSING_INTERMEDIATE})


class TrustedGroups(msgspec.Struct, frozen=True, kw_only=True):
    """The X.509 groups of a service: what is trusted, and which groups each trusted certificate stands for.

    `dangling` are references to CA certificates that are gone, or not verified any more, by their group.
    """

    anchors: AnchorIndex
    groups: Mapping[str, tuple[EnrollmentGroup, ...]]
    dangling: Mapping[str, str]
    verdicts: VerdictCache


def trusted_groups(groups: Sequence[EnrollmentGroup], certificates: Sequence[CaCertificate]) -> TrustedGroups:
    """Prepare the groups that attest by X.509, their references to CA certificates resolved."""
    verified = {each.name: parse_certificate(each.certificate) for each in certificates if each.is_verified}
    standing: dict[str, dict[str, EnrollmentGroup]] = {}
    anchors = list(verified.values())
    dangling: dict[str, str] = {}
    for group in groups:
        if group.attestation.type is not AttestationType.X509:
            continue
        for name in _references(group):
            if name not in verified:
                dangling[group.enrollment_group_id] = name
        own = [*_signing(group), *(verified[name] for name in _references(group) if name in verified)]
        anchors += own
        for certificate in own:
            standing.setdefault(certificate.sha256_thumbprint, {})[group.enrollment_group_id] = group
    return TrustedGroups(
        anchors=AnchorIndex(anchors),
        groups={thumbprint: tuple(found.values()) for thumbprint, found in standing.items()},
        dangling=dangling,
        verdicts=VerdictCache(),
    )


def attest_individual(
    chain: Sequence[bytes], enrollment: IndividualEnrollment, registration_id: RegistrationId, *, now: datetime
) -> X509Evidence:
    """The individual enrollment of this registration ID decides: one of its two certificates must be shown.

    `chain` is DER, the leaf first; what comes behind the leaf does not matter.

    Raises:
        HomeportError: ATTESTATION_FAILED, `cause` exact. Whether the entry is disabled is the caller's to see.
    """
    try:
        leaf = _presented(chain)[0]
        if leaf.sha256_thumbprint not in _thumbprints(enrollment):
            raise _refused(
                "The certificate is not one of the individual enrollment of this registration ID.",
                "wrong_certificate",
                presented=leaf.sha256_thumbprint,
            )
        check_leaf(leaf, now, allow_expired=bool(_attestation(enrollment).allow_expired_certificates))
    except ChainRefused as refusal:
        raise _refused(refusal.message, refusal.cause.value, **refusal.facts) from refusal
    _check_common_name(leaf, registration_id)
    return X509Evidence(certificate=certificate_info(leaf))


def attest_member(
    chain: Sequence[bytes], registration_id: RegistrationId, trusted: TrustedGroups, *, now: datetime
) -> tuple[str, X509Evidence]:
    """The nearest group decides; the first value is its ID. It may be disabled, which is the caller's to see.

    Raises:
        HomeportError: ENROLLMENT_NOT_FOUND where there are no X.509 groups, else ATTESTATION_FAILED.
    """
    if not trusted.groups and not trusted.dangling:
        raise HomeportError(
            errors.ENROLLMENT_NOT_FOUND,
            "There is no individual enrollment with this registration ID, and no X.509 group to vouch for it.",
            cause="unknown_registration_id",
        )
    try:
        group, path = _nearest(_presented(chain), trusted)
        allow_expired = bool(_attestation(group).allow_expired_certificates)
        validated = check_path(path, now=now, allow_expired=allow_expired, cache=trusted.verdicts)
    except ChainRefused as refusal:
        raise _without_path(refusal, trusted) from refusal
    _check_common_name(validated.leaf, registration_id)
    return group.enrollment_group_id, _evidence(validated)


def _nearest(chain: Sequence[Certificate], trusted: TrustedGroups) -> tuple[EnrollmentGroup, CandidatePath]:
    for path in candidate_paths(chain, trusted.anchors, cache=trusted.verdicts):
        groups = trusted.groups.get(path.anchor.sha256_thumbprint, ())
        if len(groups) > 1:
            raise _refused(
                "The certificate that vouches for the device stands in more than one enrollment group.",
                "certificate_in_two_entries",
                groups=", ".join(group.enrollment_group_id for group in groups),
            )
        if groups:
            return groups[0], path
    raise _refused(
        "The chain leads to a verified CA certificate, but no enrollment group names it.", "no_group_for_chain"
    )


def _without_path(refusal: ChainRefused, trusted: TrustedGroups) -> HomeportError:
    """A chain that leads nowhere, while a group's CA certificate is gone: most likely that was its way."""
    if refusal.cause in _NO_PATH and trusted.dangling:
        return _refused(
            refusal.message,
            "ca_certificate_gone",
            **refusal.facts,
            missing=", ".join(f"{name} (of {group})" for group, name in trusted.dangling.items()),
        )
    return _refused(refusal.message, refusal.cause.value, **refusal.facts)


def _evidence(path: ValidatedPath) -> X509Evidence:
    return X509Evidence(certificate=certificate_info(path.leaf), signing_certificate=certificate_info(path.anchor))


def _presented(chain: Sequence[bytes]) -> tuple[Certificate, ...]:
    if not chain:
        raise _refused("The device presented no client certificate; send it in the TLS handshake.", "no_certificate")
    return parse_chain(chain)


def _check_common_name(leaf: Certificate, registration_id: RegistrationId) -> None:
    """To the letter: hubs tell IDs in other case apart, and the device's certificate is what names it there."""
    name = leaf.common_name
    if name == registration_id:
        return
    if name is not None and folded(name) == folded(registration_id):
        raise _refused(
            "The certificate's common name is the registration ID in other case; register with its spelling.",
            "common_name_case",
            commonName=name,
        )
    raise _refused(
        "The certificate's common name is not the registration ID.", "common_name", commonName=name or "(none)"
    )


def _attestation(entry: IndividualEnrollment | EnrollmentGroup) -> X509Attestation:
    return entry.attestation.x509 or X509Attestation()


def _thumbprints(enrollment: IndividualEnrollment) -> set[str]:
    slots = _slots(_attestation(enrollment).client_certificates)
    return {slot.info.sha256_thumbprint for slot in slots if slot.info is not None}


def _signing(group: EnrollmentGroup) -> list[Certificate]:
    slots = _slots(_attestation(group).signing_certificates)
    return [parse_certificate(slot.certificate) for slot in slots if slot.certificate]


def _slots(certificates: X509Certificates | None) -> list[X509CertificateWithInfo]:
    if certificates is None:
        return []
    return [slot for slot in (certificates.primary, certificates.secondary) if slot is not None]


def _references(group: EnrollmentGroup) -> list[str]:
    references = _attestation(group).ca_references
    return [name for name in (references.primary, references.secondary) if name] if references else []


def _refused(detail: str, cause: str, **facts: str) -> HomeportError:
    return HomeportError(errors.ATTESTATION_FAILED, detail, cause=cause, facts=facts)
