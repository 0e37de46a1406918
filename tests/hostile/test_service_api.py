"""Hostile HTTP to the service API and to the hub's REST API: input -> status and error code."""

import base64
from collections.abc import Callable

import pytest
from tests.hostile.attempts import BAD_IDS, BAD_QUERIES, GOOD_QUERY, NOT_HTTP, OwnerAttempt
from tests.hostile.bodies import DEEP, LARGE, NOT_AN_OBJECT, NOT_JSON, nested, nested_objects, unclosed
from tests.hostile.site import Site
from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import Headers, chunked, exchange, read_answer, request

Attack = Callable[[OwnerAttempt], bytes]
Refusal = tuple[int, int]

INVALID_REQUEST = (400, 400004)
INVALID_API_VERSION = (400, 400005)
INVALID_IDENTIFIER = (400, 400006)
INVALID_BODY = (400, 400007)
INVALID_CONTINUATION = (400, 400008)
NOT_OFFERED = (400, 400009)
NOT_FOUND = (404, 404000)
ENROLLMENT_NOT_FOUND = (404, 404201)
METHOD_NOT_ALLOWED = (405, 405000)
BODY_TOO_LARGE = (413, 413001)
UNSUPPORTED_MEDIA_TYPE = (415, 415001)
MISDIRECTED = (421, 421001)
HEADERS_TOO_LARGE = (431, 431001)

CHUNKS = ("Transfer-Encoding", "chunked")
XML = ("Content-Type", "text/xml")
OTHER_LISTING = base64.b64encode(b"1\nenrollmentGroups\na").decode()
KEY = '"attestation": {"type": "symmetricKey"}'


def enrollment(members: str) -> bytes:
    """An individual enrollment with further members."""
    return f'{{"registrationId": "target", {KEY}, {members}}}'.encode()


def with_attestation(attestation: str) -> bytes:
    """An individual enrollment with this attestation."""
    return f'{{"registrationId": "target", "attestation": {attestation}}}'.encode()


def with_key(key: str) -> bytes:
    """An individual enrollment with this primary key."""
    return with_attestation(f'{{"type": "symmetricKey", "symmetricKey": {{"primaryKey": "{key}"}}}}')


def put(body: bytes, *, headers: Headers = ()) -> Attack:
    """A PUT of an individual enrollment."""
    return lambda a: a.send("PUT", "/enrollments/target", body, headers=headers)


def get(*, headers: Headers = (), query: str = GOOD_QUERY) -> Attack:
    """A GET of an individual enrollment."""
    return lambda a: a.send("GET", "/enrollments/a", headers=headers, query=query)


def bulk(body: bytes) -> Attack:
    """A bulk operation."""
    return lambda a: a.send("POST", "/enrollments", body)


def query(**headers: str) -> Attack:
    """A query with headers; `_` stands for `-`."""
    pairs = [(name.replace("_", "-"), value) for name, value in headers.items()]
    return lambda a: a.send("POST", "/enrollments/query", b'{"query": "*"}', headers=pairs)


SERVICE: dict[str, tuple[Attack, Refusal]] = {
    # Types.
    "registrationId of a number": (put(b'{"registrationId": 1, "attestation": {}}'), INVALID_BODY),
    "registrationId of a neighbour": (put(f'{{"registrationId": "b", {KEY}}}'.encode()), INVALID_BODY),
    "no attestation": (put(b'{"registrationId": "target"}'), INVALID_BODY),
    "attestation of a string": (put(with_attestation('"x"')), INVALID_BODY),
    "attestation of an unknown type": (put(with_attestation('{"type": "trust"}')), INVALID_BODY),
    "capabilities of an array": (put(enrollment('"capabilities": [1]')), INVALID_BODY),
    "iotEdge of a string": (put(enrollment('"capabilities": {"iotEdge": "yes"}')), INVALID_BODY),
    "provisioningStatus of a number": (put(enrollment('"provisioningStatus": 1')), INVALID_BODY),
    "provisioningStatus of an unknown word": (put(enrollment('"provisioningStatus": "perhaps"')), INVALID_BODY),
    "initialTwin of a number": (put(enrollment('"initialTwin": 1')), INVALID_BODY),
    "tags of an array": (put(enrollment('"initialTwin": {"tags": [1]}')), INVALID_BODY),
    "iotHubs of numbers": (put(enrollment('"iotHubs": [1]')), INVALID_BODY),
    "a hub that is not linked": (put(enrollment('"iotHubHostName": "elsewhere"')), INVALID_BODY),
    "an allocation that is not offered": (put(enrollment('"allocationPolicy": "custom"')), NOT_OFFERED),
    # Keys.
    "a key that is no base64": (put(with_key("!!!!")), INVALID_BODY),
    "a key of one byte": (put(with_key("AA==")), INVALID_BODY),
    "a key of other letters": (put(with_key("ääää")), INVALID_BODY),
    # Depth.
    "100,000 brackets": (put(unclosed(DEEP)), INVALID_BODY),
    "100,000 brackets, closed": (put(nested(DEEP).encode()), INVALID_BODY),
    "100,000 brackets in an unknown member": (put(enrollment(f'"x": {nested(DEEP)}')), INVALID_BODY),
    "900 objects in tags": (put(enrollment('"initialTwin": {"tags": ' + nested_objects(900) + "}")), INVALID_BODY),
    "500 arrays in tags": (put(enrollment('"initialTwin": {"tags": {"a": ' + nested(500) + "}}")), INVALID_BODY),
    "300 arrays elsewhere": (put(enrollment(f'"optionalDeviceInformation": {{"a": {nested(300)}}}')), INVALID_BODY),
    # Sizes.
    "a body of 1 MiB": (put(b" " * LARGE), BODY_TOO_LARGE),
    "chunks of 1 MiB": (put(chunked(b" " * LARGE), headers=[CHUNKS]), BODY_TOO_LARGE),
    "1 MiB announced and never sent": (put(b"", headers=[("Content-Length", "1048576")]), BODY_TOO_LARGE),
    "tags of 100 KB": (put(enrollment('"initialTwin": {"tags": {"a": "' + "x" * 100_000 + '"}}')), INVALID_BODY),
    "a header of 20 KB": (get(headers=[("X-Header", "x" * 20_000)]), HEADERS_TOO_LARGE),
    "1,000 headers": (get(headers=[(f"X-{n}", "x" * 20) for n in range(1000)]), HEADERS_TOO_LARGE),
    "20,000 headers": (get(headers=[(f"X-{n}", "x" * 20) for n in range(20_000)]), HEADERS_TOO_LARGE),
    "a target of 20 KB": (get(query=GOOD_QUERY + "x" * 20_000), HEADERS_TOO_LARGE),
    "a chunk size of words": (put(b"two\r\n{}\r\n0\r\n\r\n", headers=[CHUNKS]), INVALID_REQUEST),
    # Headers.
    "XML": (put(b"<a/>", headers=[XML]), UNSUPPORTED_MEDIA_TYPE),
    "no content type": (put(b"{}", headers=[("Content-Type", "")]), UNSUPPORTED_MEDIA_TYPE),
    "a second host": (get(headers=[("Host", "elsewhere")]), INVALID_REQUEST),
    "no host": (lambda a: b"GET /enrollments/a?api-version=2021-10-01 HTTP/1.1\r\n\r\n", INVALID_REQUEST),
    "a page size of words": (query(x_ms_max_item_count="many"), INVALID_REQUEST),
    "a negative page size": (query(x_ms_max_item_count="-1"), INVALID_REQUEST),
    "a page size of other digits": (query(x_ms_max_item_count="²"), INVALID_REQUEST),
    "a continuation of words": (query(x_ms_continuation="next"), INVALID_CONTINUATION),
    "a continuation of other letters": (query(x_ms_continuation="ä"), INVALID_CONTINUATION),
    "a continuation of another listing": (query(x_ms_continuation=OTHER_LISTING), INVALID_CONTINUATION),
    "a continuation of bytes": (query(x_ms_continuation="_____w=="), INVALID_CONTINUATION),
    # Bulk.
    "a bulk of nothing": (bulk(b"{}"), INVALID_BODY),
    "a bulk of an unknown mode": (bulk(b'{"mode": "burn", "enrollments": []}'), INVALID_BODY),
    "a bulk of a mode that is a number": (bulk(b'{"mode": 1, "enrollments": []}'), INVALID_BODY),
    "a bulk of numbers": (bulk(b'{"mode": "create", "enrollments": [1]}'), INVALID_BODY),
    "a bulk of an object": (bulk(b'{"mode": "create", "enrollments": {}}'), INVALID_BODY),
    "a bulk of 10,000 entries": (bulk(b'{"mode": "delete", "enrollments": [' + b"{}," * 9_999 + b"{}]}"), INVALID_BODY),
    "a bulk without identifiers": (bulk(b'{"mode": "delete", "enrollments": [{}]}'), INVALID_BODY),
    # Paths and methods.
    "an unknown path": (lambda a: a.send("GET", "/passwords"), NOT_FOUND),
    "the root": (lambda a: a.send("GET", "/"), NOT_FOUND),
    "an ID too many": (lambda a: a.send("GET", "/enrollments/a/b"), NOT_FOUND),
    "no ID": (lambda a: a.send("PUT", "/enrollments/", b"{}"), METHOD_NOT_ALLOWED),
    "a path above the root": (lambda a: a.send("GET", "/../../etc/passwd"), NOT_FOUND),
    "PATCH": (lambda a: a.send("PATCH", "/enrollments/a", b"{}"), METHOD_NOT_ALLOWED),
    "TRACE": (lambda a: a.send("TRACE", "/enrollments/a"), METHOD_NOT_ALLOWED),
    "CONNECT": (lambda a: a.send("CONNECT", "elsewhere:443"), INVALID_REQUEST),
    "a method that HTTP does not know": (lambda a: a.send("ENROLL", "/enrollments/a"), INVALID_REQUEST),
    "HTTP of another version": (lambda a: get()(a).replace(b"HTTP/1.1", b"HTTP/3.7", 1), INVALID_REQUEST),
    "the preface of HTTP/2": (lambda a: b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", INVALID_REQUEST),
    "an entry that does not exist": (lambda a: a.send("GET", "/enrollments/nobody"), ENROLLMENT_NOT_FOUND),
}  # fmt: skip

PROPERTIES = '{"properties": {"desired": '


def put_device(body: str) -> Attack:
    """A PUT of a device."""
    return lambda a: a.send("PUT", "/devices/target", body.encode())


def twin(body: str | bytes, *, headers: Headers = ()) -> Attack:
    """A PATCH of the twin of a device that exists."""
    data = body if isinstance(body, bytes) else body.encode()
    return lambda a: a.send("PATCH", "/twins/target", data, headers=headers)


HUB: dict[str, tuple[Attack, Refusal]] = {
    "deviceId of a number": (put_device('{"deviceId": 1}'), INVALID_BODY),
    "deviceId of a neighbour": (put_device('{"deviceId": "b"}'), INVALID_BODY),
    "status of an unknown word": (put_device('{"status": "perhaps"}'), INVALID_BODY),
    "a key of one byte": (put_device('{"authentication": {"symmetricKey": {"primaryKey": "AA=="}}}'), INVALID_BODY),
    "an edge hierarchy": (put_device('{"deviceScope": "x"}'), NOT_OFFERED),
    "100,000 brackets": (twin("[" * DEEP), INVALID_BODY),
    "100,000 brackets in an unknown member": (twin('{"x": ' + nested(DEEP) + "}"), INVALID_BODY),
    "900 objects in desired properties": (twin(PROPERTIES + nested_objects(900) + "}}"), INVALID_BODY),
    "300 arrays in tags": (twin('{"tags": {"a": ' + nested(300) + "}}"), INVALID_BODY),
    "tags of an array": (twin('{"tags": []}'), INVALID_BODY),
    "a whole number beyond 2^52": (twin(PROPERTIES + '{"a": 12345678901234567890123456789}}}'), INVALID_BODY),
    "a number beyond any double": (twin(PROPERTIES + '{"a": 1e999}}}'), INVALID_BODY),
    "a key with a dollar sign": (twin(PROPERTIES + '{"$a": 1}}}'), INVALID_BODY),
    "desired properties of 100 KB": (twin(PROPERTIES + '{"a": "' + "x" * 100_000 + '"}}}'), INVALID_BODY),
    "a body of 1 MiB": (twin(" " * LARGE), BODY_TOO_LARGE),
    "chunks of 1 MiB": (twin(chunked(b" " * LARGE), headers=[CHUNKS]), BODY_TOO_LARGE),
    "XML": (twin("<a/>", headers=[XML]), UNSUPPORTED_MEDIA_TYPE),
    "PATCH of a device": (lambda a: a.send("PATCH", "/devices/target", b"{}"), METHOD_NOT_ALLOWED),
    "a device that does not exist": (lambda a: a.send("GET", "/devices/nobody"), (404, 404001)),
    "an event called x": (lambda a: a.send("GET", "/hub/events", query=f"{GOOD_QUERY}&after=x"), INVALID_REQUEST),
}  # fmt: skip

# The hub's device IDs may hold more marks than registration IDs.
HUB_TAKES = {"a question mark", "a percent sign", "a quote", "a full stop at its end", "an underscore at its end"}
HUB_BAD_IDS = {name: value for name, value in BAD_IDS.items() if name not in HUB_TAKES | {"a broken escape"}}


@pytest.fixture
def owner(site: Site) -> OwnerAttempt:
    return OwnerAttempt(site, site.service_token())


@pytest.fixture
def hub_owner(site: Site) -> OwnerAttempt:
    attempt = OwnerAttempt(site, site.hub_token())
    exchange(site.deployment, attempt.send("PUT", "/devices/target", b"{}"))
    return attempt


@pytest.mark.parametrize("name", SERVICE)
def test_service_api_refuses(site: Site, owner: OwnerAttempt, name: str) -> None:
    attack, (status, code) = SERVICE[name]
    site.check_refusal(exchange(site.deployment, attack(owner)), status, code)


@pytest.mark.parametrize("name", HUB)
def test_hub_api_refuses(site: Site, hub_owner: OwnerAttempt, name: str) -> None:
    attack, (status, code) = HUB[name]
    site.check_refusal(exchange(site.deployment, attack(hub_owner)), status, code)


@pytest.mark.parametrize("body", [*NOT_JSON.values(), *NOT_AN_OBJECT.values()], ids=[*NOT_JSON, *NOT_AN_OBJECT])
@pytest.mark.parametrize("path", ["/enrollments/target", "/enrollmentGroups/target"])
def test_service_api_refuses_a_body_that_is_no_json_object(
    site: Site, owner: OwnerAttempt, path: str, body: bytes
) -> None:
    site.check_refusal(exchange(site.deployment, owner.send("PUT", path, body)), *INVALID_BODY)


@pytest.mark.parametrize("body", [*NOT_JSON.values(), *NOT_AN_OBJECT.values()], ids=[*NOT_JSON, *NOT_AN_OBJECT])
def test_hub_api_refuses_a_body_that_is_no_json_object(site: Site, hub_owner: OwnerAttempt, body: bytes) -> None:
    site.check_refusal(exchange(site.deployment, hub_owner.send("PUT", "/devices/target", body)), *INVALID_BODY)
    site.check_refusal(exchange(site.deployment, hub_owner.send("PATCH", "/twins/target", body)), *INVALID_BODY)


@pytest.mark.parametrize("query", BAD_QUERIES.values(), ids=BAD_QUERIES)
def test_both_refuse_an_api_version(site: Site, owner: OwnerAttempt, hub_owner: OwnerAttempt, query: str) -> None:
    for attack in (owner.send("GET", "/enrollments/a", query=query), hub_owner.send("GET", "/devices/a", query=query)):
        site.check_refusal(exchange(site.deployment, attack), *INVALID_API_VERSION)


@pytest.mark.parametrize("kind", BAD_IDS)
@pytest.mark.parametrize("path", ["/enrollments", "/enrollmentGroups", "/registrations"])
def test_service_api_refuses_an_id_outside_of_the_grammar(
    site: Site, owner: OwnerAttempt, path: str, kind: str
) -> None:
    expected = NOT_FOUND if kind == "a slash" else INVALID_IDENTIFIER
    site.check_refusal(exchange(site.deployment, owner.send("GET", f"{path}/{BAD_IDS[kind]}")), *expected)


@pytest.mark.parametrize("kind", HUB_BAD_IDS)
@pytest.mark.parametrize("path", ["/devices", "/twins"])
def test_hub_api_refuses_an_id_outside_of_the_grammar(
    site: Site, hub_owner: OwnerAttempt, path: str, kind: str
) -> None:
    expected = NOT_FOUND if kind == "a slash" else INVALID_IDENTIFIER
    if kind in ("two full stops", "two encoded full stops"):
        expected = (404, 404001)  # the hub's grammar allows it, and nobody is called so
    site.check_refusal(exchange(site.deployment, hub_owner.send("GET", f"{path}/{HUB_BAD_IDS[kind]}")), *expected)


@pytest.mark.parametrize("head", NOT_HTTP.values(), ids=NOT_HTTP)
def test_refuses_what_is_no_http(site: Site, owner: OwnerAttempt, head: bytes) -> None:
    attack = owner.with_head(f"PUT /enrollments/target?{GOOD_QUERY} HTTP/1.1".encode(), head)
    site.check_refusal(exchange(site.deployment, attack), *INVALID_REQUEST)


def test_a_devices_request_behind_another_apis_is_misdirected(site: Site, owner: OwnerAttempt) -> None:
    with Peer(site.deployment, HTTPS) as peer:
        target = f"/{site.deployment.id_scope}/registrations/any/register?{GOOD_QUERY}"
        device = request("PUT", target, [("Host", site.deployment.host)], b"{}")
        peer.send(owner.send("GET", "/enrollments/nobody") + device)
        assert read_answer(peer).status == 404
        site.check_refusal(read_answer(peer), *MISDIRECTED)
