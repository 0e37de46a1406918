"""The embedded hub's REST API as a client meets it: the table row by row, over the real ASGI application."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, quote_plus

import httpx
import pytest
from msgspec.structs import replace
from tests.api.client import OWNER, Recorder, key
from tests.throttles import throttle
from tests.unit.administration.world import HOST, HUB, World, opened

from homeport import errors
from homeport.administration.access_policies import DEFAULT_HUB_POLICY
from homeport.endpoints.hub_api import TABLE, HubApi, routes
from homeport.endpoints.ports import EdgeServices
from homeport.endpoints.web_application import MAX_BODY, WebApplication
from homeport.errors import ErrorRow
from homeport.hubs.embedded.hub import EmbeddedHub
from homeport.model.access_policy import HUB_RIGHTS
from homeport.model.attestation import PresentedCredential
from homeport.protocols.conversation import DesiredPropertiesChanged, Displaced, HubSession, OpenHubSession
from homeport.security.authorization import RIGHT_NEEDED, Authorizer
from homeport.security.sas import decode_key, sign_sas_token
from homeport.storage.changes import PutLinkedHub
from homeport.storage.node_memory import SqliteNodeMemory

VERSION = "2021-04-12"
KEYS = {"primaryKey": key(16), "secondaryKey": key(64)}


@dataclass
class Api:
    """An operator. Without other words it signs with the hub's default policy and names the hub by its host."""

    world: World
    embedded: EmbeddedHub
    recorder: Recorder
    http: httpx.AsyncClient

    async def call(
        self,
        method: str,
        path: str,
        *,
        host: str = HUB,
        token: str | None = None,
        version: str | None = VERSION,
        headers: dict[str, str] | None = None,
        **content: Any,
    ) -> httpx.Response:
        """One request; `content` is httpx's."""
        sent = {"Authorization": await self.token(resource=host) if token is None else token, **(headers or {})}
        url = httpx.URL(f"https://{host}{path}")
        url = url.copy_merge_params({} if version is None else {"api-version": version})
        return await self.http.request(method, url, headers=sent, **content)

    async def token(
        self, policy: str = DEFAULT_HUB_POLICY, *, resource: str = HUB, hub: str | None = HUB, secret: str = ""
    ) -> str:
        """A token of a policy of the hub, or of the service if `hub` is None."""
        shown, _ = await self.world.policies.show(self.world.service_id, policy, hub_host_name=hub)
        expiry = int(self.world.clock.now().timestamp()) + 3600
        return sign_sas_token(
            resource=quote_plus(resource),
            key=decode_key(secret or shown.primary_key),
            expiry=expiry,
            key_name=policy,
        )

    async def connect(self, device_id: str) -> HubSession:
        """Let a device in, by the key that it was given."""
        device = (await self.call("GET", f"/devices/{device_id}")).json()
        key = decode_key(device["authentication"]["symmetricKey"]["primaryKey"])
        expiry = int(self.world.clock.now().timestamp()) + 3600
        token = sign_sas_token(resource=quote_plus(f"{HUB}/devices/{device_id}"), key=key, expiry=expiry)
        credential = PresentedCredential(sas_token=token)
        question = OpenHubSession(hub_host_name=HUB, device_id=device_id, credential=credential)
        session = await self.embedded.sessions.answer(question)
        assert isinstance(session, HubSession)
        return session

    async def put(self, device_id: str = "dev-1", **fields: Any) -> dict[str, Any]:
        """Create a device; its document."""
        created = await self.call("PUT", f"/devices/{device_id}", json={"deviceId": device_id, **fields})
        assert created.status_code == 200, created.text
        document: dict[str, Any] = created.json()
        return document


def in_api(scenario: Callable[[Api], Awaitable[None]]) -> Callable[[], None]:
    """Make a test of a coroutine that takes an operator. Whatever it does must not crash the server."""

    async def lived() -> None:
        async with opened() as world:
            embedded = EmbeddedHub(
                storage=world.storage,
                clock=world.clock,
                randomness=world.randomness,
                memory=SqliteNodeMemory.open(),
            )
            recorder = Recorder()
            transport = httpx.ASGITransport(application(world, embedded, recorder))
            async with httpx.AsyncClient(transport=transport) as http:
                await scenario(Api(world, embedded, recorder, http))
            assert recorder.crashes == []

    def test() -> None:
        asyncio.run(lived())

    test.__name__ = scenario.__name__
    test.__doc__ = scenario.__doc__
    return test


def application(world: World, embedded: EmbeddedHub, recorder: Recorder) -> WebApplication:
    reporter: Any = recorder
    api = HubApi(
        hub=embedded,
        authorizer=Authorizer(policies=world.storage.settings, clock=world.clock),
        reporter=reporter,
        clock=world.clock,
    )
    edge: Any = EdgeServices(
        registrations=reporter,
        hubs=embedded.sessions,
        failures=reporter,
        reporter=reporter,
        throttle=throttle(),
        clock=world.clock,
        randomness=world.randomness,
    )
    return WebApplication(routes(api), edge)


def assert_refused(response: httpx.Response, row: ErrorRow) -> dict[str, Any]:
    """The one shape of an error, plus what the hub's SDK for Node reads; returns the body."""
    body: dict[str, Any] = response.json()
    assert (response.status_code, body["errorCode"]) == (row.status, row.code), body
    assert response.headers["content-type"] == "application/json; charset=utf-8"
    assert response.headers["x-ms-error-code"] == str(row.code)
    assert response.headers["x-ms-request-id"] == body["trackingId"]
    # As azure-iothub takes it apart.
    code, text = body["Message"].split(";")
    assert code.split(":")[1] == row.name
    assert text
    return body


# --- devices --------------------------------------------------------------------------------------------------


@in_api
async def test_the_life_of_a_device(api: Api) -> None:
    created = await api.call(
        "PUT",
        "/devices/dev-1",
        json={
            "deviceId": "dev-1",
            "status": "enabled",
            "authentication": {"type": "sas", "symmetricKey": KEYS},
            "capabilities": {"iotEdge": False},
        },
    )
    assert created.status_code == 200
    body = created.json()
    assert body["authentication"]["symmetricKey"] == KEYS
    assert created.headers["etag"] == f'"{body["etag"]}"'

    shown = await api.call("GET", "/devices/dev-1")
    assert (shown.json(), shown.headers["etag"]) == (body, created.headers["etag"])

    again = await api.call("PUT", "/devices/dev-1", json={"deviceId": "dev-1"})
    assert_refused(again, errors.DEVICE_ALREADY_EXISTS)

    disabled = await api.call(
        "PUT", "/devices/dev-1", json={**body, "status": "disabled"}, headers={"If-Match": f'"{body["etag"]}"'}
    )
    assert (disabled.status_code, disabled.json()["status"]) == (200, "disabled")
    stale = await api.call("PUT", "/devices/dev-1", json=body, headers={"If-Match": body["etag"]})
    assert_refused(stale, errors.ETAG_MISMATCH)
    forced = await api.call("PUT", "/devices/dev-1", json=body, headers={"If-Match": '"*"'})
    assert forced.json()["authentication"]["symmetricKey"] == KEYS

    assert_refused(
        await api.call("DELETE", "/devices/dev-1", headers={"If-Match": created.headers["etag"]}), errors.ETAG_MISMATCH
    )
    deleted = await api.call("DELETE", "/devices/dev-1", headers={"If-Match": '"*"'})
    assert (deleted.status_code, deleted.content) == (204, b"")
    for method, path in (("GET", "/devices/dev-1"), ("DELETE", "/devices/dev-1"), ("GET", "/twins/dev-1")):
        assert_refused(await api.call(method, path), errors.DEVICE_NOT_FOUND)


@in_api
async def test_a_device_without_keys_gets_some(api: Api) -> None:
    empty = {"type": "sas", "symmetricKey": {"primaryKey": "", "secondaryKey": ""}}
    made = (await api.put(authentication=empty))["authentication"]["symmetricKey"]
    assert made["primaryKey"] != made["secondaryKey"]
    assert len(decode_key(made["primaryKey"])) == 32


@in_api
async def test_a_device_with_certificates_is_known_by_their_thumbprints(api: Api) -> None:
    thumbprints = {"primaryThumbprint": "ab" * 20, "secondaryThumbprint": "CD" * 32}
    made = await api.put(authentication={"type": "selfSigned", "x509Thumbprint": thumbprints})
    shown = {"primaryThumbprint": "AB" * 20, "secondaryThumbprint": "CD" * 32}
    assert made["authentication"] == {
        "type": "selfSigned",
        "symmetricKey": {"primaryKey": None, "secondaryKey": None},
        "x509Thumbprint": shown,
    }
    twin = (await api.call("GET", "/twins/dev-1")).json()
    assert (twin["authenticationType"], twin["x509Thumbprint"]) == ("selfSigned", shown)

    # Read, change, write back: what is shown is what is taken.
    again = {"json": {**made, "statusReason": "moved"}, "headers": {"If-Match": "*"}}
    assert (await api.call("PUT", "/devices/dev-1", **again)).json()["authentication"] == made["authentication"]
    with_keys = {"json": {"authentication": {"type": "sas", "symmetricKey": KEYS}}, "headers": {"If-Match": "*"}}
    assert (await api.call("PUT", "/devices/dev-1", **with_keys)).json()["authentication"] == {
        "type": "sas",
        "symmetricKey": KEYS,
        "x509Thumbprint": {"primaryThumbprint": None, "secondaryThumbprint": None},
    }


@in_api
async def test_a_device_cannot_be_left_to_a_ca(api: Api) -> None:
    refused = await api.call("PUT", "/devices/dev-1", json={"authentication": {"type": "certificateAuthority"}})
    assert "selfSigned" in assert_refused(refused, errors.NOT_OFFERED)["message"]
    assert_refused(await api.call("GET", "/devices/dev-1"), errors.DEVICE_NOT_FOUND)


@in_api
async def test_the_first_devices_are_listed(api: Api) -> None:
    assert (await api.call("GET", "/devices")).json() == []
    devices = [await api.put(device_id) for device_id in ("a", "b", "c")]
    api.embedded.sessions.attach(await api.connect("b"), print)
    devices[1]["connectionState"] = "Connected"
    assert (await api.call("GET", "/devices?top=2")).json() == devices[:2]
    for query in ("", "?top=0", "?top=1001"):
        assert (await api.call("GET", f"/devices{query}")).json() == devices
    for top in ("", "-1", "many"):
        assert_refused(await api.call("GET", f"/devices?top={top}"), errors.INVALID_REQUEST)


@in_api
async def test_every_character_of_a_device_id_travels(api: Api) -> None:
    device_id = "a-:.+%_#*?!(),=@;$'Z9"
    await api.put("plain")
    path = f"/devices/{quote(device_id, safe='')}"
    assert (await api.call("PUT", path, json={"deviceId": device_id})).json()["deviceId"] == device_id
    assert (await api.call("GET", path)).json()["deviceId"] == device_id
    assert_refused(await api.call("GET", "/devices/a%20b"), errors.INVALID_IDENTIFIER)


@in_api
async def test_an_event_is_reported_for_each_change(api: Api) -> None:
    await api.put()
    await api.call("PATCH", "/twins/dev-1", json={"tags": {"a": 1}})
    await api.call("DELETE", "/devices/dev-1")
    kinds: list[Any] = api.recorder.events
    assert [(event.kind, event.actor) for event in kinds] == [
        ("HubDeviceCreated", DEFAULT_HUB_POLICY),
        ("HubTwinUpdated", DEFAULT_HUB_POLICY),
        ("HubDeviceDeleted", DEFAULT_HUB_POLICY),
    ]


# --- twins ----------------------------------------------------------------------------------------------------


@in_api
async def test_the_life_of_a_twin(api: Api) -> None:
    device = await api.put()
    shown = await api.call("GET", "/twins/dev-1")
    before = shown.json()
    assert (before["deviceEtag"], before["version"], before["tags"]) == (device["etag"], 1, {})
    assert shown.headers["etag"] == f'"{before["etag"]}"'

    patch = {"tags": {"site": "a"}, "properties": {"desired": {"rate": 5, "deep": {"x": 1}}}}
    patched = await api.call("PATCH", "/twins/dev-1", json=patch, headers={"If-Match": shown.headers["etag"]})
    assert patched.status_code == 200
    desired = patched.json()["properties"]["desired"]
    assert desired == {
        "rate": 5,
        "deep": {"x": 1},
        "$metadata": {"$lastUpdated": "2030-01-02T03:04:05Z"},
        "$version": 2,
    }
    stale = await api.call("PATCH", "/twins/dev-1", json=patch, headers={"If-Match": shown.headers["etag"]})
    assert_refused(stale, errors.ETAG_MISMATCH)

    # Read, change, write back: the document with all that only the hub writes in it.
    document = patched.json()
    document["properties"]["desired"]["rate"] = 6
    document["properties"]["reported"]["forged"] = True
    replaced = await api.call("PUT", "/twins/dev-1", json=document, headers={"If-Match": document["etag"]})
    assert replaced.status_code == 200
    assert replaced.json()["properties"]["desired"]["rate"] == 6
    assert "forged" not in replaced.json()["properties"]["reported"]
    assert replaced.json()["tags"] == {"site": "a"}

    emptied = await api.call("PUT", "/twins/dev-1", json={}, headers={"If-Match": "*"})
    assert (emptied.json()["tags"], emptied.json()["properties"]["desired"]["$version"]) == ({}, 4)


@in_api
async def test_a_connected_device_hears_of_it_and_is_shown_as_connected(api: Api) -> None:
    await api.put()
    heard: list[DesiredPropertiesChanged | Displaced] = []
    api.embedded.sessions.attach(await api.connect("dev-1"), heard.append)
    assert (await api.call("GET", "/devices/dev-1")).json()["connectionState"] == "Connected"
    twin = await api.call("PATCH", "/twins/dev-1", json={"properties": {"desired": {"rate": 5}}})
    assert twin.json()["connectionState"] == "Connected"
    await api.call("DELETE", "/devices/dev-1")
    assert heard == [DesiredPropertiesChanged(patch=b'{"rate":5,"$version":2}', version=2), Displaced()]


@pytest.mark.parametrize("method", ["PATCH", "PUT"])
def test_a_twin_that_breaks_a_rule_is_refused(method: str) -> None:
    @in_api
    async def scenario(api: Api) -> None:
        await api.put()
        for body in ({"tags": {"a.b": 1}}, {"properties": {"desired": {"a": {"$b": 1}}}}, {"deviceId": "other"}):
            assert_refused(await api.call(method, "/twins/dev-1", json=body), errors.INVALID_BODY)

    scenario()


# --- telemetry ------------------------------------------------------------------------------------------------


@in_api
async def test_telemetry_is_read_from_a_sequence_number_on(api: Api) -> None:
    for number in range(5):
        properties = (("$.mid", f"m{number}"), ("k", "v"))
        at = api.world.clock.now()
        api.embedded.memory.record(HUB, "dev-1", body=b'{"n":%d}' % number, properties=properties, at=at)
    read = (await api.call("GET", "/hub/events?after=1&top=2")).json()
    assert (read["received"], read["dropped"]) == (5, 0)
    assert [event["sequenceNumber"] for event in read["events"]] == [2, 3]
    assert read["events"][0] == {
        "sequenceNumber": 2,
        "enqueuedTimeUtc": "2030-01-02T03:04:05Z",
        "deviceId": "dev-1",
        "systemProperties": {"messageId": "m1"},
        "properties": {"k": "v"},
        "bodyEncoding": "json",
        "body": {"n": 1},
    }
    assert len((await api.call("GET", "/hub/events")).json()["events"]) == 5
    for query in ("after=x", "after=-1", "top=", "top=1.5"):
        assert_refused(await api.call("GET", f"/hub/events?{query}"), errors.INVALID_REQUEST)


# --- who may, and where ---------------------------------------------------------------------------------------


@in_api
async def test_every_row_needs_its_right_and_no_other(api: Api) -> None:
    for right in HUB_RIGHTS:
        await api.world.policies.create(
            api.world.service_id, right.value, rights={right}, hub_host_name=HUB, actor="test"
        )
    for method, path, operation, _ in TABLE:
        for right in HUB_RIGHTS:
            token = await api.token(right.value)
            answer = await api.call(method, path.format(id="nobody"), token=token, json={}, headers={"If-Match": "*"})
            if right is RIGHT_NEEDED[operation]:
                assert answer.status_code in (200, 404), answer.text
            else:
                assert_refused(answer, errors.MISSING_RIGHT)


@in_api
async def test_only_the_hubs_own_policies_count(api: Api) -> None:
    await api.put()
    for token in (
        "",
        "Bearer x",
        await api.token(OWNER, hub=None),
        await api.token(secret=key(32)),
        await api.token(resource="other.test"),
    ):
        assert_refused(await api.call("GET", "/devices/dev-1", token=token), errors.UNAUTHORIZED)


@in_api
async def test_the_host_chooses_the_hub(api: Api) -> None:
    await api.put()
    assert (await api.call("GET", "/devices/dev-1", host=f"{HOST}:8443")).status_code == 200
    second = replace((await api.world.storage.settings.linked_hubs(api.world.service_id))[0], host_name="hub-2.test")
    await api.world.storage.apply([PutLinkedHub(hub=second)])
    assert (await api.call("GET", "/devices/dev-1", host=HUB.upper())).status_code == 200
    assert_refused(await api.call("GET", "/devices/dev-1", host=HOST), errors.NOT_FOUND)
    # The other hub has policies of its own, and here none yet.
    assert_refused(await api.call("GET", "/devices/dev-1", host="hub-2.test"), errors.UNAUTHORIZED)


@in_api
async def test_versions_media_types_bodies_and_methods(api: Api) -> None:
    await api.put()
    assert (await api.call("GET", "/devices/dev-1", version="2099-01-01")).status_code == 200
    for version in (None, "latest"):
        assert_refused(await api.call("GET", "/devices/dev-1", version=version), errors.INVALID_API_VERSION)
    plain = {"Content-Type": "text/plain"}
    assert_refused(await api.call("PUT", "/devices/new", content=b"{}", headers=plain), errors.UNSUPPORTED_MEDIA_TYPE)
    json = {"Content-Type": "application/json; charset=utf-8"}
    for body in (b"", b"[]", b"{", b"\xff", b'{"status":"asleep"}', b'{"capabilities":{"iotEdge":"yes"}}'):
        assert_refused(await api.call("PUT", "/devices/new", content=body, headers=json), errors.INVALID_BODY)
    wrong = await api.call("POST", "/devices/dev-1", json={})
    assert (wrong.status_code, wrong.headers["allow"]) == (405, "GET, PUT, DELETE")


@in_api
async def test_a_body_of_unknown_length_is_bounded_too(api: Api) -> None:
    async def endless() -> Any:
        for _ in range(MAX_BODY // 2**16 + 1):
            yield b" " * 2**16

    json = {"Content-Type": "application/json"}
    answer = await api.call("PUT", "/devices/new", content=endless(), headers=json)
    assert_refused(answer, errors.BODY_TOO_LARGE)
    assert answer.headers["connection"] == "close"


@in_api
async def test_paths_are_tolerant_as_those_of_the_service_api(api: Api) -> None:
    await api.put()
    assert (await api.call("GET", "/Devices/dev-1/")).json()["deviceId"] == "dev-1"
    assert (await api.call("GET", "/TWINS/dev-1")).json()["deviceId"] == "dev-1"


@in_api
async def test_without_storage_the_answer_is_unavailable(api: Api) -> None:
    token = await api.token()
    await api.world.storage.close()
    answer = await api.call("DELETE", "/devices/dev-1", token=token)
    assert answer.status_code == 503
    assert_refused(answer, errors.UNAVAILABLE)
