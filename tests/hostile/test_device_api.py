"""Hostile HTTP to the device API: input -> status and error code."""

from collections.abc import Callable

import pytest
from tests.hostile.attempts import BAD_IDS, BAD_QUERIES, GOOD_QUERY, NOT_HTTP, DeviceAttempt
from tests.hostile.bodies import DEEP, LARGE, NOT_AN_OBJECT, NOT_JSON, nested, nested_objects, unclosed
from tests.hostile.site import Site
from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import chunked, exchange, read_answer, request
from tests.sockets.signing import device_token

Attack = Callable[[DeviceAttempt], bytes]

INVALID_REQUEST = (400, 400004)
INVALID_API_VERSION = (400, 400005)
INVALID_IDENTIFIER = (400, 400006)
INVALID_BODY = (400, 400007)
ATTESTATION_FAILED = (401, 401002)
NOT_FOUND = (404, 404000)
OPERATION_NOT_FOUND = (404, 404203)
METHOD_NOT_ALLOWED = (405, 405000)
BODY_TOO_LARGE = (413, 413001)
UNSUPPORTED_MEDIA_TYPE = (415, 415001)
MISDIRECTED = (421, 421001)
HEADERS_TOO_LARGE = (431, 431001)

CHUNKS = ("Transfer-Encoding", "chunked")
MIB_TO_COME = ("Content-Length", "1048576")
UNKNOWN_OPERATION = "5.0000000000000000.00000000-0000-0000-0000-000000000000"

TABLE: dict[str, tuple[Attack, tuple[int, int]]] = {
    # Types and sizes of the body.
    "registrationId of a number": (lambda a: a.register(b'{"registrationId": 1}'), INVALID_BODY),
    "registrationId of a neighbour": (lambda a: a.register(b'{"registrationId": "neighbour"}'), INVALID_BODY),
    "a payload of open brackets": (lambda a: a.register(b'{"payload": ' + unclosed(90_000)), INVALID_BODY),
    "a deep payload": (lambda a: a.register(f'{{"payload": {nested(45_000)}}}'.encode()), INVALID_BODY),
    "a deep unknown member": (lambda a: a.register(f'{{"x": {nested_objects(9_000)}}}'.encode()), INVALID_BODY),
    "100,000 brackets": (lambda a: a.register(unclosed(DEEP)), BODY_TOO_LARGE),
    "a body of 1 MiB": (lambda a: a.register(b" " * LARGE), BODY_TOO_LARGE),
    "chunks of 1 MiB": (lambda a: a.register(chunked(b" " * LARGE), headers=[CHUNKS]), BODY_TOO_LARGE),
    "a single chunk of 1 MiB": (lambda a: a.register(chunked(b" " * LARGE, LARGE), headers=[CHUNKS]), BODY_TOO_LARGE),
    "1 MiB announced and never sent": (lambda a: a.register(b"", headers=[MIB_TO_COME]), BODY_TOO_LARGE),
    "a chunk size of words": (lambda a: a.register(b"two\r\n{}\r\n0\r\n\r\n", headers=[CHUNKS]), INVALID_REQUEST),
    "a chunk size beyond 64 bits": (lambda a: a.register(b"f" * 17 + b"\r\n", headers=[CHUNKS]), INVALID_REQUEST),
    "a chunk longer than its size": (lambda a: a.register(b"1\r\n{}\r\n0\r\n\r\n", headers=[CHUNKS]), INVALID_REQUEST),
    # Headers.
    "XML": (lambda a: a.register(b"<a/>", headers=[("Content-Type", "text/xml")]), UNSUPPORTED_MEDIA_TYPE),
    "a compressed body": (lambda a: a.register(headers=[("Content-Encoding", "gzip")]), UNSUPPORTED_MEDIA_TYPE),
    "a header of 20 KB": (lambda a: a.register(headers=[("X-Header", "x" * 20_000)]), HEADERS_TOO_LARGE),
    "1,000 headers": (lambda a: a.register(headers=[(f"X-{n}", "x" * 20) for n in range(1000)]), HEADERS_TOO_LARGE),
    "20,000 headers": (lambda a: a.register(headers=[(f"X-{n}", "x" * 20) for n in range(20_000)]), HEADERS_TOO_LARGE),
    "a second host": (lambda a: a.register(headers=[("Host", "elsewhere")]), INVALID_REQUEST),
    "no host": (lambda a: request("PUT", a.target(), a.headers()[1:], b"{}"), INVALID_REQUEST),
    # Targets.
    "a target of 20 KB": (lambda a: a.register(query=GOOD_QUERY + "&x=" + "x" * 20_000), HEADERS_TOO_LARGE),
    "another ID scope": (lambda a: a.register(scope="0ne00000000"), ATTESTATION_FAILED),
    "an ID scope of a null character": (lambda a: a.register(scope="%00"), ATTESTATION_FAILED),
    "an ID scope of other letters": (lambda a: a.register(scope="%C3%A4%FF"), ATTESTATION_FAILED),
    "no registration ID": (lambda a: a.register(name=""), NOT_FOUND),
    "a slash in the path": (lambda a: a.register(name="a/b"), NOT_FOUND),
    "another verb": (lambda a: a.register(tail="/unregister"), NOT_FOUND),
    "a path behind the verb": (lambda a: a.register(tail="/register/now"), NOT_FOUND),
    "register by GET": (lambda a: request("GET", a.target(), a.headers()), METHOD_NOT_ALLOWED),
    "register by DELETE": (lambda a: request("DELETE", a.target(), a.headers()), METHOD_NOT_ALLOWED),
    "a status asked for by PUT": (
        lambda a: request("PUT", a.target(tail="/operations/5.a"), a.headers(), b"{}"),
        METHOD_NOT_ALLOWED,
    ),
    "a method that HTTP does not know": (lambda a: request("REGISTER", a.target(), a.headers()), INVALID_REQUEST),
    # Operations.
    "an unknown operation": (lambda a: a.ask(UNKNOWN_OPERATION), OPERATION_NOT_FOUND),
    "an operation with a null character": (lambda a: a.ask("5.a%00b"), OPERATION_NOT_FOUND),
    "an operation with a slash": (lambda a: a.ask("5.a%2Fb"), OPERATION_NOT_FOUND),
    "an operation of other letters": (lambda a: a.ask("%C3%A4"), OPERATION_NOT_FOUND),
    "an operation of 5,000 characters": (lambda a: a.ask("5" * 5000), OPERATION_NOT_FOUND),
    "a look-up with a bad body": (lambda a: a.look_up(b"[" * 1000), INVALID_BODY),
    "a look-up before the registration": (lambda a: a.look_up(), (404, 404202)),
}  # fmt: skip


@pytest.mark.parametrize("name", TABLE)
def test_refuses(site: Site, name: str) -> None:
    attack, (status, code) = TABLE[name]
    site.check_refusal(exchange(site.deployment, attack(DeviceAttempt(site, site.device()))), status, code)


@pytest.mark.parametrize("body", [*NOT_JSON.values(), *NOT_AN_OBJECT.values()], ids=[*NOT_JSON, *NOT_AN_OBJECT])
def test_refuses_a_body_that_is_no_json_object(site: Site, body: bytes) -> None:
    attempt = DeviceAttempt(site, site.device())
    site.check_refusal(exchange(site.deployment, attempt.register(body)), *INVALID_BODY)


@pytest.mark.parametrize("query", BAD_QUERIES.values(), ids=BAD_QUERIES)
def test_refuses_an_api_version(site: Site, query: str) -> None:
    attempt = DeviceAttempt(site, site.device())
    for attack in (attempt.register(query=query), attempt.ask("5.a", query=query), attempt.look_up(query=query)):
        site.check_refusal(exchange(site.deployment, attack), *INVALID_API_VERSION)


@pytest.mark.parametrize("name", BAD_IDS.values(), ids=BAD_IDS)
def test_refuses_a_registration_id_outside_of_the_grammar(site: Site, name: str) -> None:
    attempt = DeviceAttempt(site, site.device())
    site.check_refusal(exchange(site.deployment, attempt.register(name=name)), *INVALID_IDENTIFIER)


@pytest.mark.parametrize("head", NOT_HTTP.values(), ids=NOT_HTTP)
def test_refuses_what_is_no_http(site: Site, head: bytes) -> None:
    attempt = DeviceAttempt(site, site.device())
    line = f"PUT {attempt.target()} HTTP/1.1\r\nHost: {site.deployment.host}\r\n".encode()
    site.check_refusal(exchange(site.deployment, line + head + b"\r\n{}"), *INVALID_REQUEST)


def test_a_token_of_another_scope_opens_nothing(site: Site) -> None:
    device = site.device()
    foreign = site.witness(device_token(site.deployment, device.registration_id, device.key)).replace(
        site.deployment.id_scope, "0ne00000000"
    )
    target = f"/0ne00000000/registrations/{device.registration_id}/register?{GOOD_QUERY}"
    headers = [("Host", site.deployment.host), ("Authorization", foreign)]
    site.check_refusal(exchange(site.deployment, request("PUT", target, headers, b"{}")), *ATTESTATION_FAILED)


def test_a_neighbours_operation_cannot_be_asked_for(site: Site) -> None:
    operation = site.device().register_over_https().operation_id
    other = site.device()
    other.register_over_https()
    site.check_refusal(exchange(site.deployment, DeviceAttempt(site, other).ask(str(operation))), *OPERATION_NOT_FOUND)


def test_another_api_behind_a_devices_request_is_misdirected(site: Site) -> None:
    attempt = DeviceAttempt(site, site.device())
    with Peer(site.deployment, HTTPS) as peer:
        peer.send(attempt.register() + request("GET", f"/enrollments/any?{GOOD_QUERY}", attempt.headers()))
        assert read_answer(peer).status == 202
        site.check_refusal(read_answer(peer), *MISDIRECTED)
        assert peer.receive() == b""


def test_many_requests_in_one_piece_are_answered_in_their_order(site: Site) -> None:
    attempt = DeviceAttempt(site, site.device())
    with Peer(site.deployment, HTTPS) as peer:
        peer.send(b"".join(attempt.ask(f"5.{number}", query=f"x={number}") for number in range(100)))
        for _ in range(100):
            site.check_refusal(read_answer(peer), *INVALID_API_VERSION)


def test_a_request_behind_a_broken_one_is_not_served(site: Site) -> None:
    attempt = DeviceAttempt(site, site.device())
    with Peer(site.deployment, HTTPS) as peer:
        peer.send(attempt.register(b"two\r\n", headers=[CHUNKS]) + attempt.register())
        site.check_refusal(read_answer(peer), *INVALID_REQUEST)
        assert peer.receive() == b""
