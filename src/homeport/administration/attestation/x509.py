"""The certificates of an entry: client certificates of one device, or what a group's devices must descend from.

REST: X509Attestation. Whatever form a certificate comes in, base64 of its DER is stored, with what the API shows of
it; it does not go out again, so that a client's PUT after its GET brings only the latter, and means what is stored.
What could never let a device in is refused here, with the reason. Time decides nothing here: an entry may be made
before its certificates begin, and `allowExpiredCertificates` after their end. Two entries may hold one certificate;
they are told apart by registration ID. Counterpart: `provisioning/attestation/x509.py`.
"""

import base64
from collections.abc import Callable, Sequence

from msgspec.structs import replace

from homeport.administration.enrollment_rules import invalid, not_offered
from homeport.errors import HomeportError
from homeport.model.attestation import X509Attestation, X509CaReferences, X509Certificates, X509CertificateWithInfo
from homeport.model.ca_certificate import CaCertificate
from homeport.security.certificate_rules import check_ca, check_leaf
from homeport.security.certificates import Certificate, CertificateMalformed, certificate_info, parse_certificate
from homeport.security.chain_refusals import ChainRefused

_PLACE = "attestation.x509"

Check = Callable[[Certificate], None]


def completed_individual(sent: X509Attestation | None, stored: X509Attestation | None) -> X509Attestation:
    """The client certificates of one device.

    Raises:
        HomeportError: INVALID_BODY naming the field; NOT_OFFERED for CA references.
    """
    said = _said(sent)
    if said.ca_references:
        raise not_offered(
            "caReferences of an individual enrollment are not offered; send clientCertificates, or make a group.",
            f"{_PLACE}.caReferences",
            ["clientCertificates"],
        )
    if said.client_certificates is None or said.signing_certificates:
        raise invalid("An individual enrollment by x509 needs clientCertificates, and nothing else.", _PLACE)
    kept = stored.client_certificates if stored else None
    certificates = _completed(said.client_certificates, kept, f"{_PLACE}.clientCertificates", _check_client)
    return X509Attestation(client_certificates=certificates, allow_expired_certificates=_allowance(said, stored))


def completed_group(
    sent: X509Attestation | None, stored: X509Attestation | None, ca_certificates: Sequence[CaCertificate]
) -> X509Attestation:
    """The signing certificates of a group, or its references to CA certificates of the service.

    Raises:
        HomeportError: INVALID_BODY naming the field.
    """
    said = _said(sent)
    allowance = _allowance(said, stored)
    match said:
        case X509Attestation(
            client_certificates=None, signing_certificates=None, ca_references=X509CaReferences() as references
        ):
            named = stored.ca_references if stored else None
            _check_references(references, named or X509CaReferences(), ca_certificates)
            return X509Attestation(ca_references=references, allow_expired_certificates=allowance)
        case X509Attestation(
            client_certificates=None, signing_certificates=X509Certificates() as signing, ca_references=None
        ):
            kept = stored.signing_certificates if stored else None
            field = f"{_PLACE}.signingCertificates"
            certificates = _completed(signing, kept, field, check_signing_certificate)
            return X509Attestation(signing_certificates=certificates, allow_expired_certificates=allowance)
    raise invalid("A group by x509 needs either signingCertificates or caReferences, and nothing else.", _PLACE)


def without_certificates(attestation: X509Attestation) -> X509Attestation:
    """As the API shows it: what is known of each certificate, in place of the certificate."""
    return replace(
        attestation,
        client_certificates=_bare(attestation.client_certificates),
        signing_certificates=_bare(attestation.signing_certificates),
    )


def check_signing_certificate(certificate: Certificate) -> None:
    """Whether devices' certificates may descend from it, at whatever time.

    Raises:
        ChainRefused: it is no CA certificate, or too weak.
    """
    begin = certificate.parsed.not_valid_before_utc
    check_ca(certificate, begin, allow_expired=True, is_anchor=True)


def _check_client(certificate: Certificate) -> None:
    check_leaf(certificate, certificate.parsed.not_valid_before_utc, allow_expired=True)


def _said(sent: X509Attestation | None) -> X509Attestation:
    """`sent` without members that say nothing: some SDKs send empty objects in place of nulls."""
    said = sent or X509Attestation()
    return X509Attestation(
        client_certificates=None if said.client_certificates == X509Certificates() else said.client_certificates,
        signing_certificates=None if said.signing_certificates == X509Certificates() else said.signing_certificates,
        ca_references=_named(said.ca_references or X509CaReferences()),
        allow_expired_certificates=said.allow_expired_certificates,
    )


def _named(references: X509CaReferences) -> X509CaReferences | None:
    named = X509CaReferences(primary=references.primary or None, secondary=references.secondary or None)
    return None if named == X509CaReferences() else named


def _completed(sent: X509Certificates, stored: X509Certificates | None, field: str, check: Check) -> X509Certificates:
    kept = stored or X509Certificates()
    return X509Certificates(
        primary=_slot(sent.primary, [kept.primary, kept.secondary], f"{field}.primary", check),
        secondary=_slot(sent.secondary, [kept.secondary, kept.primary], f"{field}.secondary", check),
    )


def _slot(
    sent: X509CertificateWithInfo | None, kept: Sequence[X509CertificateWithInfo | None], field: str, check: Check
) -> X509CertificateWithInfo | None:
    """What belongs into a slot; of `kept`, the slot's own comes first. Nothing sent empties it."""
    if sent is None:
        return None
    if sent.certificate:
        return _read(sent.certificate, f"{field}.certificate", check)
    meant = [each for each in kept if _means(sent, each)] if sent.info else kept[:1]
    if not meant or meant[0] is None:
        hint = "send the certificate as PEM or as base64 of DER"
        raise invalid(f"{field} brings no certificate, and none that it could mean is stored; {hint}.", field)
    return meant[0]


def _means(sent: X509CertificateWithInfo, kept: X509CertificateWithInfo | None) -> bool:
    if sent.info is None or kept is None or kept.info is None:
        return False
    return sent.info.sha256_thumbprint.upper() == kept.info.sha256_thumbprint


def _read(text: str, field: str, check: Check) -> X509CertificateWithInfo:
    certificate = read_certificate(text, field, check)
    return X509CertificateWithInfo(
        certificate=base64.b64encode(certificate.der).decode("ascii"), info=certificate_info(certificate)
    )


def read_certificate(data: str | bytes, field: str, check: Check) -> Certificate:
    """A certificate as an administrator sends it, if it passes `check`.

    Raises:
        HomeportError: INVALID_BODY naming the field and the reason.
    """
    try:
        certificate = parse_certificate(data)
        check(certificate)
    except CertificateMalformed as error:
        raise invalid(f"{field}: {error}", field) from error
    except ChainRefused as error:
        raise _unfit(error, field) from error
    return certificate


def _unfit(refusal: ChainRefused, field: str) -> HomeportError:
    facts = "; ".join(f"{name}: {fact}" for name, fact in refusal.facts.items())
    return invalid(f"{field} cannot be used. {refusal.message} ({facts})", field)


def _check_references(
    sent: X509CaReferences, stored: X509CaReferences, ca_certificates: Sequence[CaCertificate]
) -> None:
    """Names that the group holds already pass, so that a group whose CA is gone can still be disabled."""
    for slot, name in (("primary", sent.primary), ("secondary", sent.secondary)):
        if name and name not in (stored.primary, stored.secondary):
            _check_reference(name, ca_certificates, f"{_PLACE}.caReferences.{slot}")


def _check_reference(name: str, ca_certificates: Sequence[CaCertificate], field: str) -> None:
    found = next((each for each in ca_certificates if each.name == name), None)
    if found is None:
        known = ", ".join(each.name for each in ca_certificates) or "none"
        raise invalid(f"{field} names {name[:64]!r}, no CA certificate of this service. There are: {known}.", field)
    if not found.is_verified:
        remedy = "prove that you hold its key, or state why you trust it (`homeport certificates verify`)"
        raise invalid(f"The CA certificate {name!r} is not verified; {remedy}.", field)


def _allowance(sent: X509Attestation, stored: X509Attestation | None) -> bool | None:
    said = sent.allow_expired_certificates
    kept = stored.allow_expired_certificates if stored else None
    return (kept if said is None else said) or None


def _bare(certificates: X509Certificates | None) -> X509Certificates | None:
    if certificates is None:
        return None
    slots = (certificates.primary, certificates.secondary)
    primary, secondary = (each and X509CertificateWithInfo(info=each.info) for each in slots)
    return X509Certificates(primary=primary, secondary=secondary)
