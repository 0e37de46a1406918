"""The grammar of device paths."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport import errors
from homeport.endpoints.device_routes import DeviceOperation, DeviceTarget, is_device_path, parse_target
from homeport.errors import ErrorRow, HomeportError
from homeport.model.identifiers import OperationId, RegistrationId

V = b"?api-version=2021-06-01"
DEVICE = RegistrationId("dev-1")
REGISTER = DeviceTarget(DeviceOperation.REGISTER, "0ne1", DEVICE)
POLL = DeviceTarget(DeviceOperation.OPERATION_STATUS, "0ne1", DEVICE, OperationId("5.ab.c-d"))
LOOK_UP = DeviceTarget(DeviceOperation.REGISTRATION_STATUS, "0ne1", DEVICE)


@pytest.mark.parametrize(
    ("method", "target", "meaning"),
    [
        (b"PUT", b"/0ne1/registrations/dev-1/register" + V, REGISTER),
        (b"PUT", b"/0ne1/Registrations/dev-1/REGISTER/" + V, REGISTER),
        (b"PUT", b"/0ne1/registrations/dev%2d1/register?API-Version=2019-03-31&forceRegistration=true", REGISTER),
        (b"PUT", b"/%30ne1/registrations/dev-1/register?x=y&api-version=2099-12-31-preview", REGISTER),
        (b"GET", b"/0ne1/registrations/dev-1/operations/5.ab.c-d" + V, POLL),
        (b"GET", b"/0ne1/registrations/dev-1/Operations/5%2Eab%2ec-d/" + V, POLL),
        (b"POST", b"/0ne1/registrations/dev-1" + V, LOOK_UP),
        (b"POST", b"/0ne1/registrations/dev-1/" + V, LOOK_UP),
        (
            b"PUT",
            b"/0ne1/registrations/a%3Ab:c/register" + V,
            DeviceTarget(DeviceOperation.REGISTER, "0ne1", RegistrationId("a:b:c")),
        ),
        (
            b"POST",
            b"/0ne1/registrations/registrations" + V,
            DeviceTarget(DeviceOperation.REGISTRATION_STATUS, "0ne1", RegistrationId("registrations")),
        ),
    ],
)
def test_parse_target(method: bytes, target: bytes, meaning: DeviceTarget) -> None:
    assert parse_target(method, target) == meaning


@pytest.mark.parametrize(
    ("method", "target", "row"),
    [
        (b"GET", b"/0ne1/registrations/dev-1/register" + V, errors.METHOD_NOT_ALLOWED),
        (b"PUT", b"/0ne1/registrations/dev-1/operations/5.ab" + V, errors.METHOD_NOT_ALLOWED),
        (b"DELETE", b"/0ne1/registrations/dev-1" + V, errors.METHOD_NOT_ALLOWED),
        (b"PUT", b"/0ne1/registrations/dev-1/registers" + V, errors.NOT_FOUND),
        (b"GET", b"/0ne1/registrations/dev-1/operations" + V, errors.NOT_FOUND),
        (b"GET", b"/0ne1/registrations/dev-1/operations/a/b" + V, errors.NOT_FOUND),
        (b"POST", b"/0ne1/registrations//" + V, errors.NOT_FOUND),
        (b"PUT", b"/0ne1/registrations/dev-1/register", errors.INVALID_API_VERSION),
        (b"PUT", b"/0ne1/registrations/dev-1/register?api-version=", errors.INVALID_API_VERSION),
        (b"PUT", b"/0ne1/registrations/dev-1/register?api-version=latest", errors.INVALID_API_VERSION),
        (b"PUT", b"/0ne1/registrations/dev-1/register?api-version=2021-13-01", errors.INVALID_API_VERSION),
        (b"PUT", b"/0ne1/registrations/dev_/register" + V, errors.INVALID_IDENTIFIER),
        (b"PUT", b"/0ne1/registrations/dev%2F1/register" + V, errors.INVALID_IDENTIFIER),
        (b"PUT", b"/0ne1/registrations/d%ff/register" + V, errors.INVALID_IDENTIFIER),
        (b"PUT", b"/0ne1/registrations/" + b"a" * 129 + b"/register" + V, errors.INVALID_IDENTIFIER),
        (b"GET", b"/0ne1/registrations/dev-1/operations/a%20b" + V, errors.OPERATION_NOT_FOUND),
        (b"GET", b"/enrollments/dev-1" + V, errors.MISDIRECTED),
        (b"GET", b"/enrollments/registrations/attestationmechanism" + V, errors.MISDIRECTED),
        (b"GET", b"/registrations/dev-1" + V, errors.MISDIRECTED),
        (b"GET", b"*", errors.MISDIRECTED),
        (b"GET", b"http://host/0ne1/registrations/dev-1" + V, errors.MISDIRECTED),
    ],
)
def test_what_is_no_route(method: bytes, target: bytes, row: ErrorRow) -> None:
    with pytest.raises(HomeportError) as refusal:
        parse_target(method, target)
    assert refusal.value.row is row


def test_method_not_allowed_names_the_method() -> None:
    with pytest.raises(HomeportError) as refusal:
        parse_target(b"PATCH", b"/0ne1/registrations/dev-1/register" + V)
    assert refusal.value.info == {"allow": "PUT"}


@given(st.sampled_from([b"GET", b"PUT", b"POST"]), st.binary(max_size=200))
def test_any_bytes_are_a_target_or_a_refusal(method: bytes, rest: bytes) -> None:
    for target in (rest, b"/0ne1/registrations/" + rest, b"/0ne1/registrations/dev-1/register?api-version=" + rest):
        row = refused(method, target)
        assert (row is errors.MISDIRECTED) == (not is_device_path(target))


def refused(method: bytes, target: bytes) -> ErrorRow | None:
    try:
        parse_target(method, target)
    except HomeportError as refusal:
        return refusal.row
    return None
