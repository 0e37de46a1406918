"""Enrollments and groups by certificate and TPM through the real service clients: what they write and read back."""

import base64
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from tests.pki import Identity, make_root, make_self_signed
from tests.tpm.public_keys import endorsement_key, storage_root_key

from conformance.conftest import Judges
from conformance.fleet import Fleet, new_id
from conformance.judges import Refusal
from conformance.matrix import Cell, passing
from conformance.server import Server

Ask = Callable[..., Any]
Record = dict[str, Any]

ID_FIELD = {"enrollment": "registrationId", "enrollmentGroup": "enrollmentGroupId"}
MEMBER = {"enrollment": "clientCertificates", "enrollmentGroup": "signingCertificates"}
MALFORMED = {
    "python-service": "HttpResponseError",
    "python-legacy-service": "ProvisioningServiceError",
    "node-service": "ArgumentError",
}
"""What each SDK raises for a 400."""

by_certificate = pytest.mark.parametrize("cell", passing("service", "X.509"), ids=str)
by_tpm = pytest.mark.parametrize("cell", passing("service", "TPM"), ids=str)
of_both_kinds = pytest.mark.parametrize("kind", list(ID_FIELD))


@pytest.fixture
def kind() -> str:
    """What is written where a test does not say otherwise."""
    return "enrollment"


@pytest.fixture
def ask(cell: Cell, kind: str, server: Server, office: Judges) -> Ask:
    """The client of the cell, asked about one kind of record."""
    return partial(office(cell.client).ask, kind=kind, connectionString=server.service_connection_string)


def new_identity(kind: str) -> Identity:
    """A device for an enrollment, a CA for a group."""
    return make_self_signed(new_id()) if kind == "enrollment" else make_root(new_id("root"))


def new_record(kind: str, attestation: Record) -> Record:
    return {ID_FIELD[kind]: new_id(kind), "attestation": attestation}


def by_x509(kind: str, **slots: Any) -> Record:
    return {"type": "x509", "x509": {MEMBER[kind]: slots}}


def with_certificates(kind: str, **identities: Identity) -> Record:
    slots = {slot: {"certificate": identity.pem} for slot, identity in identities.items()}
    return new_record(kind, by_x509(kind, **slots))


def slots(record: Record, kind: str) -> Record:
    """The slots that are filled, whatever a client writes into the others."""
    found = record["attestation"]["x509"][MEMBER[kind]]
    return {slot: certificate for slot, certificate in found.items() if certificate}


def thumbprints(record: Record, kind: str) -> dict[str, str]:
    return {slot: certificate["info"]["sha256Thumbprint"] for slot, certificate in slots(record, kind).items()}


@by_certificate
@of_both_kinds
def test_create_shows_what_is_known_of_the_certificate(kind: str, ask: Ask) -> None:
    identity = new_identity(kind)
    created = ask("put", record=with_certificates(kind, primary=identity))
    certificate = slots(created, kind)["primary"]
    assert not certificate.get("certificate")
    assert certificate["info"]["sha1Thumbprint"] == identity.sha1_thumbprint
    assert certificate["info"]["sha256Thumbprint"] == identity.sha256_thumbprint
    assert certificate["info"]["subjectName"] == certificate["info"]["issuerName"]
    assert certificate["info"]["version"] == 3


@by_certificate
@of_both_kinds
@pytest.mark.parametrize("form", ["DER", "PEM in base64"])
def test_create_from_base64(kind: str, form: str, ask: Ask) -> None:
    identity = new_identity(kind)
    content = identity.der if form == "DER" else identity.pem.encode()
    slot = {"certificate": base64.b64encode(content).decode()}
    created = ask("put", record=new_record(kind, by_x509(kind, primary=slot)))
    assert thumbprints(created, kind) == {"primary": identity.sha256_thumbprint}


@by_certificate
@of_both_kinds
@pytest.mark.walks_all_enrollments
def test_every_read_shows_the_same(kind: str, ask: Ask) -> None:
    created = ask("put", record=with_certificates(kind, primary=new_identity(kind), secondary=new_identity(kind)))
    identifier = created[ID_FIELD[kind]]
    read = ask("get", id=identifier)
    mechanism = {"attestation": ask("attestation", id=identifier)}
    found = [each for page in ask("query", pageSize=100) for each in page if each[ID_FIELD[kind]] == identifier]
    for record in (read, mechanism, *found):
        assert slots(record, kind) == slots(created, kind)
    assert len(found) == 1


@by_certificate
@of_both_kinds
def test_update_of_something_else_keeps_the_certificates(kind: str, ask: Ask) -> None:
    created = ask("put", record=with_certificates(kind, primary=new_identity(kind), secondary=new_identity(kind)))
    read = ask("get", id=created[ID_FIELD[kind]])
    updated = ask("put", record={**read, "provisioningStatus": "disabled"}, etag=read["etag"])
    assert updated["provisioningStatus"] == "disabled"
    assert slots(updated, kind) == slots(created, kind)


@by_certificate
@of_both_kinds
def test_certificates_are_rolled(kind: str, ask: Ask) -> None:
    old, new = new_identity(kind), new_identity(kind)
    created = ask("put", record=with_certificates(kind, primary=old))
    both = {**slots(created, kind), "secondary": {"certificate": new.pem}}
    overlapping = ask("put", record={**created, "attestation": by_x509(kind, **both)}, etag=created["etag"])
    assert thumbprints(overlapping, kind) == {"primary": old.sha256_thumbprint, "secondary": new.sha256_thumbprint}
    alone = by_x509(kind, secondary=slots(overlapping, kind)["secondary"])
    rolled = ask("put", record={**overlapping, "attestation": alone}, etag=overlapping["etag"])
    assert thumbprints(rolled, kind) == {"secondary": new.sha256_thumbprint}


@by_certificate
@of_both_kinds
def test_delete(kind: str, ask: Ask) -> None:
    record = ask("put", record=with_certificates(kind, primary=new_identity(kind)))
    ask("delete", id=record[ID_FIELD[kind]], etag=record["etag"])
    with pytest.raises(Refusal) as caught:
        ask("get", id=record[ID_FIELD[kind]])
    assert caught.value.status == 404


@by_certificate
@of_both_kinds
def test_what_is_no_certificate_is_refused(cell: Cell, kind: str, ask: Ask) -> None:
    with pytest.raises(Refusal) as caught:
        ask("put", record=new_record(kind, by_x509(kind, primary={"certificate": "no certificate"})))
    assert (caught.value.status, caught.value.type) == (400, MALFORMED[cell.client])
    assert caught.value.body["info"]["field"] == f"attestation.x509.{MEMBER[kind]}.primary.certificate"


@by_certificate
@pytest.mark.parametrize("kind", ["enrollmentGroup"])
def test_a_group_names_ca_certificates_of_the_service(kind: str, ask: Ask, fleet: Fleet) -> None:
    name = fleet.add_ca(make_root(new_id("root")))
    attestation = {"type": "x509", "x509": {"caReferences": {"primary": name}}}
    created = ask("put", record=new_record(kind, attestation))
    read = ask("get", id=created[ID_FIELD[kind]])
    updated = ask("put", record={**read, "provisioningStatus": "disabled"}, etag=read["etag"])
    for record in (created, read, updated):
        assert record["attestation"]["x509"]["caReferences"]["primary"] == name


@by_tpm
def test_the_life_of_an_enrollment_by_tpm(ask: Ask) -> None:
    keys = {
        "endorsementKey": base64.b64encode(endorsement_key()).decode(),
        "storageRootKey": base64.b64encode(storage_root_key()).decode(),
    }
    created = ask("put", record=new_record("enrollment", {"type": "tpm", "tpm": keys}))
    identifier = created["registrationId"]
    read, mechanism = ask("get", id=identifier), ask("attestation", id=identifier)
    assert created["attestation"]["tpm"] == read["attestation"]["tpm"] == mechanism["tpm"] == keys
    updated = ask("put", record={**read, "provisioningStatus": "disabled"}, etag=read["etag"])
    assert (updated["provisioningStatus"], updated["attestation"]["tpm"]) == ("disabled", keys)
    ask("delete", id=identifier, etag=updated["etag"])
    with pytest.raises(Refusal) as caught:
        ask("get", id=identifier)
    assert caught.value.status == 404


@by_tpm
def test_what_is_no_endorsement_key_is_refused(cell: Cell, ask: Ask) -> None:
    key = base64.b64encode(b"no public key of a TPM").decode()
    with pytest.raises(Refusal) as caught:
        ask("put", record=new_record("enrollment", {"type": "tpm", "tpm": {"endorsementKey": key}}))
    assert (caught.value.status, caught.value.type) == (400, MALFORMED[cell.client])
    assert caught.value.body["info"]["field"] == "attestation.tpm.endorsementKey"
