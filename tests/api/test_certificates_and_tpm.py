"""Enrollments and groups by certificate and TPM, as a client of the service API meets them."""

import base64
from typing import Any

from tests.api.client import Api, in_api
from tests.api.test_service_api import assert_refused, group, individual
from tests.pki import Identity, make_root, make_self_signed
from tests.tpm.public_keys import endorsement_key

from homeport import errors

ROOT, DEVICE, NEXT = make_root("Acme Root"), make_self_signed("device-1"), make_self_signed("device-1")
INFO_MEMBERS = {
    *("subjectName", "sha1Thumbprint", "sha256Thumbprint", "issuerName"),
    *("notBeforeUtc", "notAfterUtc", "serialNumber", "version"),
}
Json = dict[str, Any]


def by_x509(**members: Any) -> Json:
    return {"type": "x509", "x509": members}


def sent(identity: Identity) -> Json:
    return {"certificate": identity.pem}


async def put(api: Api, path: str, body: Json, etag: str | None = None) -> Json:
    response = await api.call("PUT", path, json=body, headers={"If-Match": etag} if etag else {})
    assert response.status_code == 200, response.text
    answer: Json = response.json()
    return answer


def slots(entry: Json, member: str = "clientCertificates") -> Json:
    found: Json = entry["attestation"]["x509"][member]
    return found


@in_api
async def test_the_life_of_an_enrollment_by_certificate(api: Api) -> None:
    path = "/enrollments/device-1"
    created = await put(
        api, path, individual(attestation=by_x509(clientCertificates={"primary": sent(DEVICE), "secondary": None}))
    )
    assert set(slots(created)) == {"primary"}
    (info,) = slots(created)["primary"].values()
    assert set(info) == INFO_MEMBERS
    assert (info["subjectName"], info["issuerName"], info["version"]) == ("CN=device-1", "CN=device-1", 3)
    assert (info["sha1Thumbprint"], info["sha256Thumbprint"]) == (DEVICE.sha1_thumbprint, DEVICE.sha256_thumbprint)
    assert (info["notBeforeUtc"], info["notAfterUtc"]) == ("2024-01-01T00:00:00Z", "2049-01-01T00:00:00Z")

    shown = (await api.call("GET", path)).json()
    assert shown == created
    mechanism = await api.call("POST", f"{path}/attestationmechanism")
    assert mechanism.json() == created["attestation"]
    query = await api.call("POST", "/enrollments/query", json={"query": "*"})
    assert query.json() == [created]

    rolled = shown | {"attestation": by_x509(clientCertificates={**slots(shown), "secondary": sent(NEXT)})}
    both = await put(api, path, rolled, shown["etag"])
    assert slots(both)["primary"] == slots(shown)["primary"]
    assert slots(both)["secondary"]["info"]["sha256Thumbprint"] == NEXT.sha256_thumbprint

    without = both | {"attestation": by_x509(clientCertificates={**slots(both), "primary": None})}
    alone = await put(api, path, without, both["etag"])
    assert slots(alone) == {"secondary": slots(both)["secondary"]}
    assert (await api.call("DELETE", path)).status_code == 204


@in_api
async def test_the_certificate_itself_never_leaves(api: Api) -> None:
    body = base64.b64encode(ROOT.der).decode()
    await put(
        api, "/enrollments/device-1", individual(attestation=by_x509(clientCertificates={"primary": sent(DEVICE)}))
    )
    await put(
        api,
        "/enrollmentGroups/line-1",
        group(attestation=by_x509(signingCertificates={"primary": {"certificate": body}})),
    )
    for method, path in (
        ("GET", "/enrollments/device-1"),
        ("POST", "/enrollments/query"),
        ("POST", "/enrollments/device-1/attestationmechanism"),
        ("GET", "/enrollmentGroups/line-1"),
        ("POST", "/enrollmentGroups/query"),
        ("POST", "/enrollmentGroups/line-1/attestationmechanism"),
    ):
        assert '"certificate"' not in (await api.call(method, path)).text


@in_api
async def test_a_group_by_signing_certificate_keeps_it_through_get_and_put(api: Api) -> None:
    path = "/enrollmentGroups/line-1"
    created = await put(api, path, group(attestation=by_x509(signingCertificates={"primary": sent(ROOT)})))
    updated = await put(api, path, created | {"provisioningStatus": "disabled"}, created["etag"])
    assert updated["attestation"] == created["attestation"]
    (stored,) = await api.world.storage.enrollments.candidate_groups(api.world.service_id)
    assert stored.attestation.x509 is not None
    assert stored.attestation.x509.signing_certificates is not None
    assert stored.attestation.x509.signing_certificates.primary is not None
    assert stored.attestation.x509.signing_certificates.primary.certificate == base64.b64encode(ROOT.der).decode()


@in_api
async def test_a_group_names_verified_ca_certificates(api: Api) -> None:
    by_name = group(attestation=by_x509(caReferences={"primary": "factory", "secondary": None}))
    absent = await api.call("PUT", "/enrollmentGroups/line-1", json=by_name)
    assert_refused(absent, errors.INVALID_BODY)
    verbs, service_id = api.world.authorities, api.world.service_id
    await verbs.add(service_id, "factory", ROOT.pem, actor="test")
    unverified = await api.call("PUT", "/enrollmentGroups/line-1", json=by_name)
    assert "not verified" in assert_refused(unverified, errors.INVALID_BODY)["message"]
    await verbs.state_verified(service_id, "factory", because="made here", actor="test")
    created = await put(api, "/enrollmentGroups/line-1", by_name)
    assert created["attestation"] == by_x509(caReferences={"primary": "factory"})

    await verbs.delete(service_id, "factory", actor="test")
    disabled = await put(api, "/enrollmentGroups/line-1", created | {"provisioningStatus": "disabled"}, "*")
    assert disabled["attestation"] == created["attestation"]


@in_api
async def test_the_life_of_an_enrollment_by_tpm(api: Api) -> None:
    path = "/enrollments/device-1"
    keys = {"endorsementKey": base64.b64encode(endorsement_key()).decode(), "storageRootKey": None}
    created = await put(api, path, individual(attestation={"type": "tpm", "tpm": keys, "x509": None}))
    assert created["attestation"] == {"type": "tpm", "tpm": {"endorsementKey": keys["endorsementKey"]}}
    assert (await api.call("GET", path)).json() == created
    assert (await api.call("POST", f"{path}/attestationmechanism")).json() == created["attestation"]
    updated = await put(api, path, created | {"provisioningStatus": "disabled"}, created["etag"])
    assert updated["attestation"] == created["attestation"]
    of_group = await api.call("PUT", "/enrollmentGroups/a", json=group("a", attestation=created["attestation"]))
    assert_refused(of_group, errors.INVALID_BODY)


@in_api
async def test_what_is_wrong_is_named_by_its_field(api: Api) -> None:
    for attestation, field in (
        (by_x509(clientCertificates={"primary": {"certificate": "?"}}), "x509.clientCertificates.primary.certificate"),
        (by_x509(clientCertificates={"secondary": {}}), "x509.clientCertificates.secondary"),
        (by_x509(signingCertificates={"primary": sent(ROOT)}), "x509"),
        (by_x509(), "x509"),
        ({"type": "x509"}, "x509"),
        ({"type": "tpm"}, "tpm.endorsementKey"),
        ({"type": "tpm", "tpm": {"endorsementKey": "?"}}, "tpm.endorsementKey"),
    ):
        refused = await api.call("PUT", "/enrollments/a", json=individual("a", attestation=attestation))
        assert assert_refused(refused, errors.INVALID_BODY)["info"]["field"] == f"attestation.{field}"
    leaf = group("a", attestation=by_x509(signingCertificates={"primary": sent(DEVICE)}))
    refused = await api.call("PUT", "/enrollmentGroups/a", json=leaf)
    assert "not a CA certificate" in assert_refused(refused, errors.INVALID_BODY)["message"]


@in_api
async def test_a_bulk_refuses_a_bad_certificate_alone(api: Api) -> None:
    good = individual("a", attestation=by_x509(clientCertificates={"primary": sent(DEVICE)}))
    bad = individual("b", attestation=by_x509(clientCertificates={"primary": {"certificate": "?"}}))
    answer = await api.call("POST", "/enrollments", json={"mode": "create", "enrollments": [good, bad]})
    assert answer.json()["isSuccessful"] is False
    assert [error["registrationId"] for error in answer.json()["errors"]] == ["b"]


@in_api
async def test_one_certificate_may_stand_in_two_entries(api: Api) -> None:
    for name in ("device-1", "device-2"):
        attestation = by_x509(clientCertificates={"primary": sent(DEVICE)})
        await put(api, f"/enrollments/{name}", individual(name, attestation=attestation))


@in_api
async def test_expired_certificates_are_allowed_until_it_is_said_otherwise(api: Api) -> None:
    path = "/enrollments/device-1"
    attestation = by_x509(clientCertificates={"primary": sent(DEVICE)}, allowExpiredCertificates=True)
    created = await put(api, path, individual(attestation=attestation))
    assert created["attestation"]["x509"]["allowExpiredCertificates"] is True
    unaware = individual(attestation=by_x509(clientCertificates=slots(created)))
    kept = await put(api, path, unaware, "*")
    assert kept["attestation"] == created["attestation"]
    told = individual(attestation=by_x509(clientCertificates=slots(created), allowExpiredCertificates=False))
    assert "allowExpiredCertificates" not in (await put(api, path, told, "*"))["attestation"]["x509"]
