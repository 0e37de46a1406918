"""Addresses, properties and conditions, in the spellings of the SDKs."""

import pytest

from homeport import errors
from homeport.protocols.amqp.messages import Message
from homeport.protocols.amqp.performatives import Properties
from homeport.protocols.amqp.registration_link import (
    API_VERSION,
    DpsAddress,
    RegisterRequest,
    StatusRequest,
    api_version,
    error_of,
    parse_address,
    parse_request,
    register_message,
    reply,
    status_message,
)
from homeport.protocols.amqp.types import Int, Map, Symbol, Uint, Ulong
from homeport.protocols.conversation import Refusal

ADDRESS = DpsAddress("0ne1", "dev-1")


@pytest.mark.parametrize(
    "text",
    [
        "0ne1/registrations/dev-1",
        "/0ne1/registrations/dev-1",
        "amqps://dps.example/0ne1/registrations/dev-1",
        "amqps://dps.example:5671/0ne1/registrations/dev-1",
    ],
)
def test_addresses(text: str) -> None:
    assert parse_address(text) == ADDRESS


@pytest.mark.parametrize(
    "text",
    [
        None,
        7,
        "",
        "/",
        "$cbs",
        "amqps://dps.example",
        "0ne1/registrations/",
        "/registrations/dev-1",
        "0ne1/registrations/dev-1/x",
        "0ne1/Registrations/dev-1",
        "//0ne1/registrations/dev-1",
        "devices/dev-1/messages/events",
    ],
)
def test_addresses_of_nobody(text: object) -> None:
    assert parse_address(text) is None


def test_an_address_is_written_as_node_writes_it() -> None:
    assert parse_address(str(ADDRESS)) == ADDRESS


@pytest.mark.parametrize(
    ("properties", "version"),
    [
        (None, None),
        (Map(), None),
        (Map({API_VERSION: "2019-03-31"}), "2019-03-31"),
        (Map({Symbol("com.microsoft:api-version"): Symbol("2019-03-31")}), "2019-03-31"),
        (Map({API_VERSION: Uint(1)}), ""),
    ],
)
def test_the_version_is_among_the_properties_of_the_link(properties: Map | None, version: str | None) -> None:
    assert api_version(properties) == version


def test_requests() -> None:
    assert parse_request(register_message(b"{}")) == RegisterRequest()
    assert parse_request(status_message("5.1")) == StatusRequest("5.1")
    assert parse_request(Message()) is None


def test_an_operation_id_that_is_no_text_is_none() -> None:
    pairs = Map({"iotdps-operation-type": "iotdps-get-operationstatus", "iotdps-operation-id": Uint(1)})
    assert parse_request(Message(application_properties=pairs)) == StatusRequest("")


def test_a_reply_has_both_spellings_of_its_delay() -> None:
    message = reply(b"{}", correlation_id=Ulong(7), retry_after=3)
    assert message.properties == Properties(correlation_id=Ulong(7))
    assert message.application_properties == {"retry-after": Int(3), "Retry-After": Int(3)}
    assert {type(value) for value in message.application_properties.values()} == {Int}
    assert reply(b"{}", correlation_id=None, retry_after=None) == Message(body=b"{}")


@pytest.mark.parametrize(
    ("status", "condition"),
    [
        (400, "com.microsoft:argument-error"),
        (401, "amqp:unauthorized-access"),
        (404, "amqp:not-found"),
        (429, "com.microsoft:device-container-throttled"),
        (500, "amqp:internal-error"),
        (503, "amqp:internal-error"),
    ],
)
def test_conditions(status: int, condition: str) -> None:
    assert error_of(Refusal(status=status, code=status * 1000, body=b"{}")).condition == condition


def test_every_row_of_the_catalogue_has_a_condition() -> None:
    for row in errors.catalogue():
        assert ":" in error_of(Refusal(status=row.status, code=row.code, body=b"{}")).condition


def test_an_error_carries_the_body_and_the_delay() -> None:
    error = error_of(Refusal(status=503, code=503001, body=b'{"errorCode":503001}', retry_after=5))
    assert error.description == '{"errorCode":503001}'
    assert error.info == {"retry-after": Int(5), "Retry-After": Int(5)}
    assert {type(key) for key in error.info or ()} == {Symbol}
