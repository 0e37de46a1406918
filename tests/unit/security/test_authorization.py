"""May this caller do that? Tokens in the forms in which the shipped clients write them."""

import asyncio
import base64
from datetime import UTC, datetime
from typing import Any

import pytest

from homeport import errors
from homeport.errors import ErrorRow, HomeportError
from homeport.model.access_policy import AccessRight, SharedAccessPolicy
from homeport.model.identifiers import ServiceId
from homeport.security.authorization import RIGHT_NEEDED, Authorizer, Operation, bare_host, covers
from homeport.security.sas import sign_sas_token

SERVICE = ServiceId(1)
PRIMARY = bytes(range(32))
SECONDARY = bytes(range(32, 64))
NOW = datetime(2030, 1, 1, tzinfo=UTC)
EXPIRY = 1893459600
READ = Operation.GET_INDIVIDUAL_ENROLLMENT

# Signed by `openssl dgst -sha256 -mac HMAC` over sr, LF, se; encoded once as azure-iot-deviceprovisioning
# does it, once with the raw slash of azure-iothub-provisioningserviceclient.
GOLDEN = (
    "SharedAccessSignature sr=dps.test&sig=YWOojeH27v1X%2B%2B5zmMpF13V7PbSZm1Ur0gOHq%2BJ4dCQ%3D"
    "&se=1893459600&skn=reader",
    "SharedAccessSignature sr=http%3A%2F%2Fdps.test%3A443%2F&sig=dBWUIcssJHy4jDTbx5DZW%2F5bwr9Zl%2FMJtFGqFJKC7UQ%3D"
    "&se=1893459600&skn=reader",
    "SharedAccessSignature sr=http%3A%2F%2Fdps.test%3A443%2F&sig=dBWUIcssJHy4jDTbx5DZW/5bwr9Zl/MJtFGqFJKC7UQ%3D"
    "&se=1893459600&skn=reader",
)


class Policies:
    """One policy of the service, one of a hub."""

    async def policy(
        self, service_id: ServiceId, key_name: str, hub_host_name: str | None = None
    ) -> SharedAccessPolicy | None:
        known = {(SERVICE, "reader", None): "Reader", (SERVICE, "reader", "hub.test"): "HubReader"}
        name = known.get((service_id, key_name.lower(), hub_host_name))
        if name is None:
            return None
        return SharedAccessPolicy(
            service_id=service_id,
            key_name=name,
            primary_key=base64.b64encode(PRIMARY).decode(),
            secondary_key=base64.b64encode(SECONDARY).decode(),
            rights=frozenset({AccessRight.ENROLLMENT_READ, AccessRight.REGISTRY_READ}),
        )


class StoppedClock:
    def now(self) -> datetime:
        return NOW

    def monotonic(self) -> float:
        return 0.0


def authorize(token: str | None, **circumstances: Any) -> str:
    asked = {"service_id": SERVICE, "host": "dps.test", "operation": READ, "path": "/enrollments/a", **circumstances}
    authorizer = Authorizer(policies=Policies(), clock=StoppedClock())
    return asyncio.run(authorizer.authorize(authorization=token, **asked))


def token(resource: str = "dps.test", *, key: bytes = PRIMARY, expiry: int = EXPIRY, key_name: str = "reader") -> str:
    return sign_sas_token(resource=resource, key=key, expiry=expiry, key_name=key_name)


def refusal(text: str | None, row: ErrorRow = errors.UNAUTHORIZED, **circumstances: Any) -> HomeportError:
    with pytest.raises(HomeportError) as caught:
        authorize(text, **circumstances)
    assert caught.value.row is row
    return caught.value


@pytest.mark.parametrize("text", GOLDEN)
def test_golden_tokens(text: str) -> None:
    assert authorize(text) == "Reader"


@pytest.mark.parametrize(
    "resource",
    [
        "dps.test",
        "DPS.test",
        "dps.test%2F",
        "https%3A%2F%2Fdps.test%2F",
        "http%3a%2f%2fdps.test%3a8443%2f",
        "https://dps.test",
        "dps.test/enrollments",
        "dps.test%2FEnrollments%2Fa",
    ],
)
def test_every_way_in_which_clients_write_the_resource(resource: str) -> None:
    assert authorize(token(resource)) == "Reader"


def test_fields_come_in_any_order_and_either_key_signs() -> None:
    scheme, _, fields = token(key=SECONDARY).partition(" ")
    backwards = "&".join(reversed(fields.split("&")))
    assert authorize(f"{scheme} {backwards}") == "Reader"


def test_the_policys_name_is_found_in_any_case_and_encoded() -> None:
    assert authorize(token(key_name="READER")) == "Reader"
    assert authorize(token(key_name="re%61der")) == "Reader"


def test_a_token_may_be_for_the_services_own_name_or_for_the_one_that_was_called() -> None:
    assert authorize(token("dps.test"), host="10.0.0.1:8443", also_known_as=("dps.test",)) == "Reader"
    assert authorize(token("10.0.0.1"), host="10.0.0.1:8443", also_known_as=("dps.test",)) == "Reader"


def test_a_hub_has_policies_of_its_own() -> None:
    circumstances = {"hub_host_name": "hub.test", "operation": Operation.GET_DEVICE, "path": "/devices/a"}
    assert authorize(token("hub.test"), **circumstances) == "HubReader"
    refusal(token("other.test"), **circumstances)


@pytest.mark.parametrize(
    ("text", "cause"),
    [
        (None, "missing"),
        ("", "missing"),
        ("Bearer abc", "malformed"),
        ("SharedAccessSignature sr=dps.test", "malformed"),
        (token(key_name=""), "no_policy_name"),
        (token("other.test"), "wrong_resource"),
        (token("dps.test.evil"), "wrong_resource"),
        (token("dps.test/enrollment"), "wrong_resource"),
        (token("dps.test/enrollments/b"), "wrong_resource"),
        (token(key=bytes(32)), "wrong_signature"),
        (token(key_name="stranger"), "wrong_signature"),
        (token(key_name="stranger", key=bytes(32)), "wrong_signature"),
        (token(expiry=int(NOW.timestamp())), "expired"),
    ],
)
def test_refusals(text: str | None, cause: str) -> None:
    assert refusal(text).cause == cause


def test_an_unknown_policy_and_a_wrong_key_get_the_same_answer() -> None:
    unknown, wrong = refusal(token(key_name="stranger")), refusal(token(key=bytes(32)))
    assert (unknown.message, unknown.info, unknown.cause) == (wrong.message, wrong.info, wrong.cause)


def test_only_who_has_the_key_learns_that_a_token_has_expired() -> None:
    assert refusal(token(key=bytes(32), expiry=1)).cause == "wrong_signature"


def test_a_changed_token_is_refused() -> None:
    assert refusal(token().replace(f"se={EXPIRY}", f"se={EXPIRY + 1}")).cause == "wrong_signature"
    assert refusal(token("dps.test%2f").replace("%2f", "%2F")).cause == "wrong_signature"


def test_a_lacking_right_is_named() -> None:
    error = refusal(token(), errors.MISSING_RIGHT, operation=Operation.PUT_INDIVIDUAL_ENROLLMENT)
    assert error.info == {"right": "EnrollmentWrite"}
    assert "EnrollmentWrite" in error.message


def test_no_refusal_repeats_what_was_sent() -> None:
    sent = token(key=bytes(32), key_name="stranger")
    assert "stranger" not in refusal(sent).message


def test_every_operation_needs_a_right() -> None:
    assert set(RIGHT_NEEDED) == set(Operation)


@pytest.mark.parametrize(
    ("text", "host"),
    [
        ("Dps.Test", "dps.test"),
        ("dps.test:443", "dps.test"),
        ("dps.test.", "dps.test"),
        ("https://dps.test:8443/path:x", "dps.test"),
        ("[::1]:443", "::1"),
        ("::1", "::1"),
        ("127.0.0.1:80", "127.0.0.1"),
        ("", ""),
    ],
)
def test_bare_host(text: str, host: str) -> None:
    assert bare_host(text) == host


@pytest.mark.parametrize(
    ("resource", "path", "does"),
    [
        ("h", "/enrollments/a", True),
        ("h/", "", True),
        ("h/a", "/a/b", True),
        ("h/A", "/a", True),
        ("h/a", "/ab", False),
        ("h/a/b", "/a", False),
        ("h/a", "", False),
        ("", "/a", False),
    ],
)
def test_a_resource_covers_whole_segments(resource: str, path: str, does: bool) -> None:
    assert covers(resource, hosts=["h", ""], path=path) is does
