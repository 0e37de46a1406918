"""The table of the service API, row by row: routing, headers, authorization, bodies, paging."""

from typing import Any

import httpx
from tests.api.client import OWNER, Api, in_api, key
from tests.unit.administration.world import HOST, HUB

from homeport import errors
from homeport.endpoints.service_api import TABLE
from homeport.errors import ErrorRow
from homeport.model.access_policy import PROVISIONING_RIGHTS
from homeport.model.events import EntryChanged
from homeport.security.authorization import RIGHT_NEEDED
from homeport.storage.port import StorageUnavailable

SYMMETRIC = {"type": "symmetricKey"}
KEYS = {"type": "symmetricKey", "symmetricKey": {"primaryKey": key(32), "secondaryKey": key(64)}}


def individual(name: str = "device-1", **fields: Any) -> dict[str, Any]:
    return {"registrationId": name, "attestation": SYMMETRIC, **fields}


def group(name: str = "line-1", **fields: Any) -> dict[str, Any]:
    return {"enrollmentGroupId": name, "attestation": SYMMETRIC, **fields}


def assert_refused(response: httpx.Response, row: ErrorRow) -> dict[str, Any]:
    """The one shape of an error; returns its body."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["errorCode"]) == (row.status, row.code), body
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["x-ms-error-code"] == str(row.code)
    assert response.headers["x-ms-request-id"] == body["trackingId"]
    assert body["timestampUtc"].endswith("Z")
    return body


# --- the life of an entry -------------------------------------------------------------------------------------


@in_api
async def test_the_life_of_an_individual_enrollment(api: Api) -> None:
    twin = {"tags": {"site": "a"}, "properties": {"desired": {"rate": 5}}}
    sent = individual(
        attestation=KEYS,
        deviceId="dev",
        optionalDeviceInformation={"note": None},
        capabilities={"iotEdge": True},
        initialTwin=twin,
        provisioningStatus="disabled",
        reprovisionPolicy={"updateHubAssignment": True, "migrateDeviceData": False},
        allocationPolicy="static",
        iotHubs=[HUB],
    )
    created = await api.call("PUT", "/enrollments/device-1", json=sent)
    assert created.status_code == 200
    body = created.json()
    assert {name: body[name] for name in sent} == sent
    assert body["createdDateTimeUtc"] == body["lastUpdatedDateTimeUtc"] == "2030-01-02T03:04:05Z"

    shown = await api.call("GET", "/enrollments/device-1")
    assert shown.json() == {**body, "attestation": SYMMETRIC}

    mechanism = await api.call("POST", "/enrollments/device-1/attestationmechanism")
    assert mechanism.json() == KEYS

    updated = await api.call(
        "PUT", "/enrollments/device-1", json=shown.json(), headers={"If-Match": shown.json()["etag"]}
    )
    assert updated.status_code == 200
    assert updated.json()["attestation"] == KEYS
    assert updated.json()["etag"] != body["etag"]

    stale = await api.call("DELETE", "/enrollments/device-1", headers={"If-Match": body["etag"]})
    assert_refused(stale, errors.ETAG_MISMATCH)
    deleted = await api.call("DELETE", "/enrollments/device-1", headers={"If-Match": updated.json()["etag"]})
    assert (deleted.status_code, deleted.content) == (204, b"")
    assert_refused(await api.call("GET", "/enrollments/device-1"), errors.ENROLLMENT_NOT_FOUND)
    assert_refused(await api.call("DELETE", "/enrollments/device-1"), errors.ENROLLMENT_NOT_FOUND)


@in_api
async def test_the_life_of_a_group(api: Api) -> None:
    created = await api.call("PUT", "/enrollmentGroups/line-1", json=group(attestation=KEYS))
    assert created.status_code == 200
    assert created.json()["attestation"] == KEYS
    shown = await api.call("GET", "/enrollmentGroups/LINE-1")
    assert shown.json() == {**created.json(), "attestation": SYMMETRIC}
    mechanism = await api.call("POST", "/enrollmentGroups/line-1/attestationmechanism", content=b"{}")
    assert mechanism.json() == KEYS
    assert_refused(await api.call("PUT", "/enrollmentGroups/line-1", json=group()), errors.ALREADY_EXISTS)
    assert (await api.call("DELETE", "/enrollmentGroups/line-1")).status_code == 204
    assert_refused(await api.call("GET", "/enrollmentGroups/line-1"), errors.ENROLLMENT_NOT_FOUND)


@in_api
async def test_the_life_of_a_registration(api: Api) -> None:
    assert_refused(await api.call("GET", "/registrations/device-1"), errors.REGISTRATION_NOT_FOUND)
    await api.call("PUT", "/enrollments/device-1", json=individual())
    record = await api.world.record("device-1")
    state = await api.call("GET", "/registrations/Device-1")
    assert state.json() == {
        "registrationId": "device-1",
        "status": "assigned",
        "createdDateTimeUtc": "2030-01-02T03:04:05Z",
        "assignedHub": HUB,
        "lastUpdatedDateTimeUtc": "2030-01-02T03:04:05Z",
        "etag": record.etag,
    }
    assert (await api.call("GET", "/enrollments/device-1")).json()["registrationState"] == state.json()
    stale = await api.call("DELETE", "/registrations/device-1", headers={"If-Match": '"stale"'})
    assert_refused(stale, errors.ETAG_MISMATCH)
    unquoted = {"If-Match": record.etag.strip('"')}
    assert (await api.call("DELETE", "/registrations/device-1", headers=unquoted)).status_code == 204
    assert "registrationState" not in (await api.call("GET", "/enrollments/device-1")).json()


@in_api
async def test_keys_are_made_where_none_are_sent(api: Api) -> None:
    for attestation in (SYMMETRIC, {**SYMMETRIC, "symmetricKey": {"primaryKey": "", "secondaryKey": None}}):
        sent = individual(attestation=attestation, tpm=None)
        response = await api.call("PUT", "/enrollments/device-1", json=sent, headers={"If-Match": "*"})
        made = response.json()["attestation"]["symmetricKey"]
        assert len(made["primaryKey"]) == len(made["secondaryKey"]) == 88


@in_api
async def test_if_match_in_every_spelling(api: Api) -> None:
    etag = (await api.call("PUT", "/enrollments/device-1", json=individual())).json()["etag"]
    for spelling in (etag.strip('"'), "{}", 'W/"{}"', "*", '"*"'):
        condition = {"If-Match": spelling.format(etag.strip('"'))}
        response = await api.call("PUT", "/enrollments/device-1", json=individual(), headers=condition)
        assert response.status_code == 200, spelling
        etag = response.json()["etag"]
    fresh = await api.call("PUT", "/enrollments/device-2", json=individual("device-2"), headers={"If-Match": "*"})
    assert fresh.status_code == 200
    absent = await api.call("PUT", "/enrollments/device-3", json=individual("device-3"), headers={"If-Match": etag})
    assert_refused(absent, errors.ETAG_MISMATCH)


@in_api
async def test_records_of_a_deleted_entry_can_be_kept(api: Api) -> None:
    await api.call("PUT", "/enrollmentGroups/line-1", json=group())
    await api.world.record("device-1", group_id="line-1")
    assert_refused(
        await api.call("DELETE", "/enrollmentGroups/line-1?registrationRecords=maybe"), errors.INVALID_REQUEST
    )
    assert (await api.call("DELETE", "/enrollmentGroups/line-1?registrationRecords=keep")).status_code == 204
    assert (await api.call("GET", "/registrations/device-1")).status_code == 200
    await api.call("PUT", "/enrollments/device-2", json=individual("device-2"))
    await api.world.record("device-2")
    assert (await api.call("DELETE", "/enrollments/device-2")).status_code == 204
    assert_refused(await api.call("GET", "/registrations/device-2"), errors.REGISTRATION_NOT_FOUND)


# --- queries and bulk -----------------------------------------------------------------------------------------


async def all_pages(api: Api, path: str, size: int, **content: Any) -> tuple[list[list[Any]], set[str]]:
    pages, item_types, headers = [], set(), {"x-ms-max-item-count": str(size)}
    while True:
        response = await api.call("POST", path, headers=headers, **content)
        assert response.status_code == 200, response.text
        pages.append(response.json())
        item_types.add(response.headers["x-ms-item-type"])
        if "x-ms-continuation" not in response.headers:
            return pages, item_types
        headers["x-ms-continuation"] = response.headers["x-ms-continuation"]


@in_api
async def test_queries_page_through_everything_and_show_no_keys(api: Api) -> None:
    for number in range(5):
        name = f"x-{number}"
        await api.call("PUT", f"/enrollments/{name}", json=individual(name))
        await api.call("PUT", f"/enrollmentGroups/{name}", json=group(name))
        await api.world.record(f"r-{number}", group_id="x-1")
    query = {"query": "SELECT * FROM whatever WHERE nothing = 'x'"}
    entries, types = await all_pages(api, "/enrollments/query", 2, json=query)
    assert [[entry["registrationId"] for entry in page] for page in entries] == [
        ["x-0", "x-1"],
        ["x-2", "x-3"],
        ["x-4"],
    ]
    assert all(entry["attestation"] == SYMMETRIC for page in entries for entry in page)
    assert types == {"Enrollment"}
    groups, types = await all_pages(api, "/enrollmentGroups/query", 5, json=query)
    assert [[entry["enrollmentGroupId"] for entry in page] for page in groups] == [[f"x-{n}" for n in range(5)]]
    assert types == {"EnrollmentGroup"}
    states, types = await all_pages(api, "/registrations/X-1/query", 4)
    assert [[state["registrationId"] for state in page] for page in states] == [["r-0", "r-1", "r-2", "r-3"], ["r-4"]]
    assert types == {"DeviceRegistration"}
    assert_refused(await api.call("POST", "/registrations/absent/query"), errors.ENROLLMENT_NOT_FOUND)


@in_api
async def test_page_sizes(api: Api) -> None:
    for asked, used in (("", "100"), ("0", "100"), ("7", "7"), ("1000", "100")):
        headers = {"x-ms-max-item-count": asked} if asked else {}
        response = await api.call("POST", "/enrollments/query", json={"query": "*"}, headers=headers)
        assert (response.json(), response.headers["x-ms-max-item-count"]) == ([], used)
    for asked in ("-1", "many"):
        response = await api.call("POST", "/enrollments/query", headers={"x-ms-max-item-count": asked})
        assert_refused(response, errors.INVALID_REQUEST)
    for listing in ("/enrollments/query", "/enrollmentGroups/query", "/registrations/g/query"):
        response = await api.call("POST", listing, headers={"x-ms-continuation": "rubbish"})
        assert_refused(response, errors.INVALID_CONTINUATION)


@in_api
async def test_bodies_of_queries_in_every_form_in_which_clients_send_them(api: Api) -> None:
    await api.call("PUT", "/enrollmentGroups/line-1", json=group())
    text = {"content-type": "text/plain"}
    for content in ({"json": {"query": ""}}, {"json": {"query": "*"}}, {}, {"content": b"?!", "headers": text}):
        response = await api.call("POST", "/registrations/line-1/query", **content)
        assert response.status_code == 200
    assert_refused(await api.call("POST", "/enrollments/query", json={"query": 1}), errors.INVALID_BODY)


@in_api
async def test_bulk(api: Api) -> None:
    items = [individual("a"), individual("bad id"), individual("b", iotHubs=["stranger"])]
    response = await api.call("POST", "/enrollments/", json={"mode": "create", "enrollments": items})
    assert response.status_code == 200
    result = response.json()
    assert not result["isSuccessful"]
    assert [(error["registrationId"], error["errorCode"]) for error in result["errors"]] == [
        ("bad id", errors.INVALID_IDENTIFIER.code),
        ("b", errors.INVALID_BODY.code),
    ]
    assert all(error["errorStatus"] for error in result["errors"])
    removal = await api.call("POST", "/enrollments", json={"mode": "delete", "enrollments": [{"registrationId": "a"}]})
    assert removal.json() == {"isSuccessful": True, "errors": []}
    many = {"mode": "create", "enrollments": [individual(f"d{n}") for n in range(11)]}
    assert_refused(await api.call("POST", "/enrollments", json=many), errors.INVALID_BODY)
    groups = await api.call("POST", "/enrollmentgroups", json={"mode": "create", "enrollmentGroups": [group()] * 2})
    assert [error["enrollmentGroupId"] for error in groups.json()["errors"]] == ["line-1"]


# --- routing, versions, headers -------------------------------------------------------------------------------


@in_api
async def test_paths_in_every_form_in_which_clients_write_them(api: Api) -> None:
    for written, name in (("a:b_c.d-1", "a:b_c.d-1"), ("r%3Ax%2D1", "r:x-1"), ("query", "query"), ("QUERY", "query")):
        condition = {"If-Match": "*"}
        put = await api.call("PUT", f"/ENROLLMENTS/{written}/", json=individual(name), headers=condition)
        assert put.status_code == 200, written
        got = await api.call("GET", f"/enrollments/{written}")
        assert got.json()["registrationId"] == name
    assert (await api.call("DELETE", "/Enrollments/query")).status_code == 204
    await api.call("PUT", "/enrollmentgroups/line-1", json=group())
    assert (await api.call("POST", "/enrollmentgroups/line-1/AttestationMechanism/")).status_code == 200


@in_api
async def test_unknown_paths_and_methods(api: Api) -> None:
    for path in ("/", "/enrollments/a/b", "/enrollment/a", "/registrations"):
        assert_refused(await api.call("GET", path), errors.NOT_FOUND)
    for method, path, allowed in (
        ("POST", "/enrollments/a", "GET, PUT, DELETE"),
        ("PUT", "/registrations/a", "GET, DELETE"),
        ("GET", "/enrollments", "POST"),
        ("GET", "/enrollmentGroups/a/attestationmechanism", "POST"),
    ):
        response = await api.call(method, path)
        assert_refused(response, errors.METHOD_NOT_ALLOWED)
        assert response.headers["allow"] == allowed


@in_api
async def test_versions(api: Api) -> None:
    for version in ("2018-09-01-preview", "2019-03-31", "2021-10-01", "2026-11-01", "2099-01-01"):
        response = await api.call(
            "PUT", "/enrollments/a", json=individual("a"), version=version, headers={"If-Match": "*"}
        )
        assert response.status_code == 200, version
    for version in (None, "", "latest", "2021-10"):
        assert_refused(await api.call("GET", "/enrollments/a", version=version), errors.INVALID_API_VERSION)


@in_api
async def test_bad_identifiers(api: Api) -> None:
    for path in ("/enrollments/a%20b", "/enrollments/" + "a" * 129, "/enrollmentGroups/a.", "/registrations/%C3%A9"):
        assert_refused(await api.call("GET", path), errors.INVALID_IDENTIFIER)
    mismatch = await api.call("PUT", "/enrollments/a", json=individual("b"))
    assert_refused(mismatch, errors.INVALID_BODY)


@in_api
async def test_media_types(api: Api) -> None:
    body = b'{"registrationId":"a","attestation":{"type":"symmetricKey"}}'
    for media_type in ("application/json", "Application/JSON; charset=utf-8"):
        headers = {"Content-Type": media_type, "If-Match": "*", "charset": "utf-8"}
        response = await api.call("PUT", "/enrollments/a", content=body, headers=headers)
        assert response.status_code == 200
    for headers in ({"Content-Type": "text/plain"}, {}):
        response = await api.call("PUT", "/enrollments/a", content=body, headers=headers)
        assert_refused(response, errors.UNSUPPORTED_MEDIA_TYPE)
    assert_refused(await api.call("PUT", "/enrollments/a"), errors.INVALID_BODY)


@in_api
async def test_hostile_bodies_get_one_defined_answer(api: Api) -> None:
    headers = {"Content-Type": "application/json"}
    for body in (b"{", b"[]", b"null", b'"\xff"', b"[" * 100_000, b'{"x":' * 60_000, rb'{"registrationId":"\ud800"}'):
        for path in ("/enrollments/a", "/enrollmentGroups/a"):
            assert_refused(await api.call("PUT", path, content=body, headers=headers), errors.INVALID_BODY)
        assert_refused(await api.call("POST", "/enrollments", content=body, headers=headers), errors.INVALID_BODY)
    large = await api.call("PUT", "/enrollments/a", content=b" " * (1024 * 1024), headers=headers)
    assert_refused(large, errors.BODY_TOO_LARGE)


@in_api
async def test_what_is_not_offered_says_what_is(api: Api) -> None:
    refused = await api.call("PUT", "/enrollments/a", json=individual("a", attestation={"type": "none"}))
    assert assert_refused(refused, errors.NOT_OFFERED)["info"]["offered"] == "symmetricKey, x509, tpm"
    for policy in ("geoLatency", "custom"):
        refused = await api.call("PUT", "/enrollments/a", json=individual("a", allocationPolicy=policy))
        assert assert_refused(refused, errors.NOT_OFFERED)["info"]["offered"] == "hashed, static"
    stranger = await api.call("PUT", "/enrollments/a", json=individual("a", iotHubs=["stranger.test"]))
    assert "stranger.test" in assert_refused(stranger, errors.INVALID_BODY)["message"]


# --- authorization --------------------------------------------------------------------------------------------


def sample(path: str) -> str:
    return path.replace("{id}", "absent")


@in_api
async def test_every_route_asks_for_its_right_and_for_no_other(api: Api) -> None:
    for method, path, operation, _ in TABLE:
        needed = RIGHT_NEEDED[operation]
        others = await api.policy(f"all-but-{needed}", *(PROVISIONING_RIGHTS - {needed}))
        refused = await api.call(method, sample(path), policy=others)
        assert assert_refused(refused, errors.MISSING_RIGHT)["info"] == {"right": needed}
        only = await api.policy(f"only-{needed}", needed)
        admitted = await api.call(method, sample(path), policy=only)
        assert admitted.status_code not in (401, 403), operation


@in_api
async def test_every_route_refuses_strangers(api: Api) -> None:
    wrong = await api.token(OWNER, resource="elsewhere.test")
    for method, path, _, _ in TABLE:
        for authorization in ("", "Bearer abc", wrong):
            response = await api.call(method, sample(path), headers={"Authorization": authorization})
            assert_refused(response, errors.UNAUTHORIZED)


@in_api
async def test_with_one_service_any_host_will_do_if_the_token_is_made_for_it(api: Api) -> None:
    for host, resource in (("10.1.2.3:8443", "10.1.2.3"), ("10.1.2.3:8443", HOST), ("[::1]", "https://[::1]:443/")):
        headers = {"Host": host, "Authorization": await api.token(OWNER, resource=resource)}
        assert (await api.call("POST", "/enrollments/query", headers=headers)).status_code == 200
    headers = {"Host": "10.1.2.3", "Authorization": await api.token(OWNER, resource="10.1.2.4")}
    assert_refused(await api.call("POST", "/enrollments/query", headers=headers), errors.UNAUTHORIZED)


@in_api
async def test_with_two_services_the_host_name_chooses(api: Api) -> None:
    await api.call("PUT", "/enrollments/a", json=individual("a"))
    second, _ = await api.world.services.create("second", host_name="second.test", actor="test")
    assert (await api.call("GET", "/enrollments/a")).status_code == 200
    # The first service's token, whose policy has the same name, opens nothing at the second one.
    there = {"Host": "second.test", "Authorization": await api.token(OWNER, resource="second.test")}
    assert_refused(await api.call("GET", "/enrollments/a", headers=there), errors.UNAUTHORIZED)
    api.world.service_id = second.service_id
    there = {"Host": "second.test", "Authorization": await api.token(OWNER, resource="second.test")}
    assert_refused(await api.call("GET", "/enrollments/a", headers=there), errors.ENROLLMENT_NOT_FOUND)
    nowhere = {"Host": "third.test"}
    assert_refused(await api.call("GET", "/enrollments/a", headers=nowhere), errors.NOT_FOUND)


# --- what is reported -----------------------------------------------------------------------------------------


@in_api
async def test_events_are_reported_under_the_requests_id(api: Api) -> None:
    response = await api.call("PUT", "/enrollments/device-1", json=individual())
    (event,) = api.recorder.events
    assert isinstance(event, EntryChanged)
    assert (event.kind, event.actor) == ("EnrollmentCreated", OWNER)
    assert api.recorder.correlation_ids == [response.headers["x-ms-request-id"]]
    assert api.recorder.served == [("putIndividualEnrollment", 200)]


@in_api
async def test_lost_storage_is_unavailable_and_says_when_to_come_back(api: Api) -> None:
    async def fail(*_: Any, **__: Any) -> Any:
        raise StorageUnavailable

    token = await api.token(OWNER)
    api.world.storage.enrollments.individuals = fail  # type: ignore[method-assign]
    response = await api.call("POST", "/enrollments/query", headers={"Authorization": token})
    assert_refused(response, errors.UNAVAILABLE)
    assert response.headers["retry-after"] == "5"


def test_the_table_has_the_fifteen_rows_of_the_contract() -> None:
    assert len({(method, path) for method, path, _, _ in TABLE}) == len(TABLE) == 15
    assert len({operation for _, _, operation, _ in TABLE}) == 15
