"""What a CA allows below it, form by form (RFC 5280 section 4.2.1.10)."""

import ipaddress
from collections.abc import Sequence

import pytest
from cryptography import x509
from tests.pki import Extensions, Identity, make_root

from homeport.security.certificates import parse_certificate
from homeport.security.chain_refusals import ChainCause, ChainRefused
from homeport.security.name_constraints import check_names

ROOT = make_root()
ACME = x509.DirectoryName(x509.Name([x509.NameAttribute(x509.NameOID.ORGANIZATION_NAME, "Acme")]))
NET = x509.IPAddress(ipaddress.ip_network("192.0.2.0/24"))
REGISTERED = x509.RegisteredID(x509.ObjectIdentifier("1.3.6.1.4.1.99999"))


def constraint(
    permitted: Sequence[x509.GeneralName] | None, excluded: Sequence[x509.GeneralName] | None = None
) -> Extensions:
    return [(x509.NameConstraints(permitted, excluded), True)]


def alternative(*names: x509.GeneralName) -> Extensions:
    return [(x509.SubjectAlternativeName(names), False)]


def judge(constraints: Extensions, leaf: Identity) -> None:
    issuer = ROOT.intermediate("CA", extensions=constraints)
    check_names(parse_certificate(leaf.der), [parse_certificate(issuer.der), parse_certificate(ROOT.der)])


def device(*names: x509.GeneralName, organization: str | None = "Acme") -> Identity:
    return ROOT.leaf("device-1", organization=organization, extensions=alternative(*names) if names else ())


DNS, EMAIL, URI, IP = x509.DNSName, x509.RFC822Name, x509.UniformResourceIdentifier, x509.IPAddress

ALLOWED = {
    "no constraint of this form": (constraint([DNS("acme.example")]), device()),
    "the organization": (constraint([ACME]), device()),
    "the organization in other letters": (constraint([ACME]), device(organization="ACME")),
    "the host itself": (constraint([DNS("acme.example")]), device(DNS("acme.example"))),
    "a host below": (constraint([DNS("acme.example")]), device(DNS("d.ACME.example"))),
    "one of two": (constraint([DNS("a.example"), DNS("b.example")]), device(DNS("d.b.example"))),
    "beside what is excluded": (constraint(None, [DNS("acme.example")]), device(DNS("notacme.example"))),
    "an address of the network": (constraint([NET]), device(IP(ipaddress.ip_address("192.0.2.9")))),
    "an address beside an excluded one": (constraint(None, [NET]), device(IP(ipaddress.ip_address("::1")))),
    "a mailbox of the host": (constraint([EMAIL("acme.example")]), device(EMAIL("d@acme.example"))),
    "a mailbox of the domain": (constraint([EMAIL(".acme.example")]), device(EMAIL("d@mail.acme.example"))),
    "the mailbox itself": (constraint([EMAIL("d@acme.example")]), device(EMAIL("d@ACME.example"))),
    "a URI of the host": (constraint([URI("acme.example")]), device(URI("https://acme.example:8443/d"))),
    "a URI of the domain": (constraint([URI(".acme.example")]), device(URI("https://d.acme.example/"))),
    "an unconstrained form that cannot be compared": (constraint([DNS("acme.example")]), device(REGISTERED)),
}


@pytest.mark.parametrize(("constraints", "leaf"), ALLOWED.values(), ids=ALLOWED)
def test_a_name_is_allowed(constraints: Extensions, leaf: Identity) -> None:
    judge(constraints, leaf)


REFUSED = {
    "another organization": (constraint([ACME]), device(organization="Other")),
    "no organization": (constraint([ACME]), device(organization=None)),
    "an excluded organization": (constraint(None, [ACME]), device()),
    "another host": (constraint([DNS("acme.example")]), device(DNS("other.example"))),
    "a host that only ends alike": (constraint([DNS("acme.example")]), device(DNS("notacme.example"))),
    "a second host that does not fit": (constraint([DNS("a.example")]), device(DNS("a.example"), DNS("b.example"))),
    "an excluded host": (constraint(None, [DNS("acme.example")]), device(DNS("d.acme.example"))),
    "excluded although permitted": (constraint([DNS("a.example")], [DNS("b.a.example")]), device(DNS("b.a.example"))),
    "another address": (constraint([NET]), device(IP(ipaddress.ip_address("198.51.100.1")))),
    "a network as a name": (constraint([NET]), device(IP(ipaddress.ip_address("::1")))),
    "another mail host": (constraint([EMAIL("acme.example")]), device(EMAIL("d@mail.acme.example"))),
    "another mailbox": (constraint([EMAIL("d@acme.example")]), device(EMAIL("e@acme.example"))),
    "another URI host": (constraint([URI("acme.example")]), device(URI("https://d.acme.example/"))),
    "the domain is not below itself": (constraint([URI(".acme.example")]), device(URI("https://acme.example/"))),
    "a URI without a host, where some are excluded": (constraint(None, [URI("acme.example")]), device(URI("urn:d"))),
    "a broken URI, where some are excluded": (constraint(None, [URI("acme.example")]), device(URI("http://[acme/"))),
    "a constrained form that cannot be compared": (constraint([REGISTERED]), device(REGISTERED)),
}


@pytest.mark.parametrize(("constraints", "leaf"), REFUSED.values(), ids=REFUSED)
def test_a_name_is_refused(constraints: Extensions, leaf: Identity) -> None:
    with pytest.raises(ChainRefused) as caught:
        judge(constraints, leaf)
    assert caught.value.cause is ChainCause.NAME_CONSTRAINTS
    assert caught.value.facts["constrainedBy"] == "CN=CA,O=Acme"
    assert caught.value.facts["name"]


def test_the_common_name_is_a_registration_id_and_not_a_host() -> None:
    judge(constraint([DNS("acme.example")]), ROOT.leaf("d.other.example"))


def test_an_address_in_the_subject_counts_where_there_are_no_alternative_names() -> None:
    subject = x509.Name([x509.NameAttribute(x509.NameOID.EMAIL_ADDRESS, "d@acme.example")])
    judge(constraint([EMAIL("acme.example")]), ROOT.leaf("unused", subject=subject))
    with pytest.raises(ChainRefused):
        judge(constraint([EMAIL("other.example")]), ROOT.leaf("unused", subject=subject))


def test_lists_too_long_to_compare_are_refused() -> None:
    names = [DNS(f"{number}.x") for number in range(150)]
    with pytest.raises(ChainRefused) as caught:
        judge(constraint(None, [DNS(f"{number}.y") for number in range(150)]), device(*names))
    assert caught.value.facts["reason"] == "too many"
