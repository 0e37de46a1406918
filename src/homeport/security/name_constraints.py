"""Name constraints (RFC 5280 section 4.2.1.10): does a CA allow this name below it?

Own rules, because the library's verifier refuses each chain with a critical constraint on distinguished names, and
these are what a PKI of devices uses: its leaves carry an organisation and a common name, and no alternative names. The
common name is not read as a host name: here it is a registration ID.
"""

import ipaddress
from collections.abc import Callable, Iterable, Mapping, Sequence
from urllib.parse import urlsplit

from cryptography import x509
from cryptography.x509.oid import NameOID

from homeport.security.certificate_rules import refused
from homeport.security.certificates import Certificate
from homeport.security.chain_refusals import ChainCause

_MOST_COMPARISONS = 10_000
"""Names times constraints. Both lists come from elsewhere, and neither length is bounded otherwise."""


def check_names(certificate: Certificate, issuers: Sequence[Certificate]) -> None:
    """Whether all that stand above `certificate` in its path allow each of its names.

    Raises:
        ChainRefused: NAME_CONSTRAINTS.
    """
    for issuer in issuers:
        constraints = issuer.extension(x509.NameConstraints)
        if constraints is not None:
            _check(certificate, issuer, constraints)


def _check(certificate: Certificate, issuer: Certificate, constraints: x509.NameConstraints) -> None:
    permitted, excluded = constraints.permitted_subtrees or [], constraints.excluded_subtrees or []
    names = list(_names(certificate))
    if len(names) * (len(permitted) + len(excluded)) > _MOST_COMPARISONS:
        raise refused(ChainCause.NAME_CONSTRAINTS, certificate, constrainedBy=issuer.subject_name, reason="too many")
    for name in names:
        if not _allows(name, permitted, excluded):
            raise refused(ChainCause.NAME_CONSTRAINTS, certificate, constrainedBy=issuer.subject_name, name=_text(name))


def _allows(
    name: x509.GeneralName, permitted: Iterable[x509.GeneralName], excluded: Iterable[x509.GeneralName]
) -> bool:
    """A name must be within one of the permitted subtrees of its form, if there are any, and within no excluded one."""
    form = type(name)
    within = _WITHIN.get(form)
    bases = [base for base in permitted if isinstance(base, form)]
    barred = [base for base in excluded if isinstance(base, form)]
    if within is None or not _is_comparable(name):
        # A registered ID, a URI without a host: RFC 5280 has them refused once their form is constrained.
        return not bases and not barred
    return (not bases or any(within(name, base) for base in bases)) and not any(within(name, base) for base in barred)


def _names(certificate: Certificate) -> Iterable[x509.GeneralName]:
    subject = certificate.parsed.subject
    if subject.rdns:
        yield x509.DirectoryName(subject)
    alternatives = certificate.extension(x509.SubjectAlternativeName)
    yield from alternatives or ()
    if alternatives is None:
        # An address in the subject counts where there are no alternative names.
        yield from (
            x509.RFC822Name(str(each.value))
            for each in subject.get_attributes_for_oid(NameOID.EMAIL_ADDRESS)
            if str(each.value).isascii()
        )


def _directory_within(name: x509.DirectoryName, base: x509.DirectoryName) -> bool:
    length = len(base.value.rdns)
    return [_folded(rdn) for rdn in name.value.rdns[:length]] == [_folded(rdn) for rdn in base.value.rdns]


def _folded(rdn: x509.RelativeDistinguishedName) -> frozenset[tuple[str, str]]:
    """For comparison without regard to case, spaces and string type (RFC 5280 section 7.1)."""
    return frozenset((each.oid.dotted_string, " ".join(str(each.value).split()).casefold()) for each in rdn)


def _dns_within(name: x509.DNSName, base: x509.DNSName) -> bool:
    return _host_within(name.value, base.value.removeprefix("."))


def _host_within(host: str, domain: str) -> bool:
    """The domain itself or anything below it; the empty domain holds everything."""
    host, domain = host.lower().rstrip("."), domain.lower().rstrip(".")
    return not domain or host == domain or host.endswith("." + domain)


def _address_within(name: x509.IPAddress, base: x509.IPAddress) -> bool:
    if not isinstance(name.value, ipaddress.IPv4Address | ipaddress.IPv6Address):
        return False
    return isinstance(base.value, ipaddress.IPv4Network | ipaddress.IPv6Network) and name.value in base.value


def _email_within(name: x509.RFC822Name, base: x509.RFC822Name) -> bool:
    """The base is a mailbox, a host, or with a leading dot all hosts of a domain."""
    mailbox, _, host = name.value.rpartition("@")
    wanted, at, domain = base.value.rpartition("@")
    if at:
        return mailbox == wanted and host.lower() == domain.lower()
    return _exactly_or_below(host, base.value)


def _uri_within(name: x509.UniformResourceIdentifier, base: x509.UniformResourceIdentifier) -> bool:
    return _exactly_or_below(_uri_host(name), base.value)


def _uri_host(name: x509.UniformResourceIdentifier) -> str:
    try:
        return urlsplit(name.value).hostname or ""
    except ValueError:
        return ""


def _is_comparable(name: x509.GeneralName) -> bool:
    """Whether there is something in the name to compare: an excluded subtree must not be passed by a broken name."""
    if isinstance(name, x509.UniformResourceIdentifier):
        return bool(_uri_host(name))
    return not isinstance(name, x509.RFC822Name) or "@" in name.value


def _exactly_or_below(host: str, base: str) -> bool:
    host, base = host.lower(), base.lower()
    return host.endswith(base) and host != base if base.startswith(".") else host == base


def _text(name: x509.GeneralName) -> str:
    return name.value.rfc4514_string() if isinstance(name, x509.DirectoryName) else str(name.value)


_WITHIN: Mapping[type[x509.GeneralName], Callable[..., bool]] = {
    x509.DirectoryName: _directory_within,
    x509.DNSName: _dns_within,
    x509.IPAddress: _address_within,
    x509.RFC822Name: _email_within,
    x509.UniformResourceIdentifier: _uri_within,
}
"""One way of comparing for each form of name."""
