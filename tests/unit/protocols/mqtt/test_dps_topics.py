"""The spellings of the shipped SDKs, and what is none of them."""

import pytest

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.dps_topics import DpsUserName, RegisterRequest, Request, Response, StatusRequest

RID = "0f2b1c9e-3c1f-4b65-9a1a-2d4b1f0f6a11"
OPERATION = "5.0123456789abcdef.4b65-9a1a"

USER_NAMES = [
    ("Python", "0ne1/registrations/dev-1/api-version=2019-03-31&ClientVersion=azure-iot-device%2F2.14.0%28%29"),
    ("Node", "0ne1/registrations/dev-1/api-version=2019-03-31&ClientVersion=azure-iot-provisioning-device%2F1.9.1"),
    ("C#", "0ne1/registrations/dev-1/api-version=2019-03-31&ClientVersion=.NET%2F1.0%20(.NET%208)"),
    ("Java", "0ne1/registrations/dev-1/api-version=2019-03-31&ClientVersion=2019-03-31"),
    ("embedded C", "0ne1/registrations/dev-1/api-version=2019-03-31"),
]


@pytest.mark.parametrize("text", [text for _, text in USER_NAMES], ids=[sdk for sdk, _ in USER_NAMES])
def test_user_name(text: str) -> None:
    assert dps_topics.is_dps_user_name(text)
    expected = DpsUserName(id_scope="0ne1", registration_id="dev-1", api_version="2019-03-31")
    assert dps_topics.parse_user_name(text) == expected


def test_user_name_both_ways() -> None:
    text = dps_topics.user_name("0ne1", "dev:1", "2021-06-01")
    expected = DpsUserName(id_scope="0ne1", registration_id="dev:1", api_version="2021-06-01")
    assert dps_topics.parse_user_name(text) == expected


@pytest.mark.parametrize("rest", ["", "/", "/x"])
def test_user_name_without_version(rest: str) -> None:
    text = f"0ne1/registrations/dev-1{rest}"
    assert dps_topics.is_dps_user_name(text)
    assert dps_topics.parse_user_name(text).api_version is None


@pytest.mark.parametrize(
    "text",
    [
        "",
        "anybody",
        "0ne1/registrations",
        "hub.example/dev-1/?api-version=2021-04-12",
        "hub.example/registrations/?api-version=2021-04-12",
        "0ne1/enrollments/dev-1/api-version=2019-03-31",
    ],
)
def test_user_name_of_somebody_else(text: str) -> None:
    assert not dps_topics.is_dps_user_name(text)


REGISTER = "$dps/registrations/PUT/iotdps-register/?"
STATUS = "$dps/registrations/GET/iotdps-get-operationstatus/?"
REQUESTS: list[tuple[str, str, Request]] = [
    ("Python and Node register", f"{REGISTER}$rid={RID}", RegisterRequest(RID)),
    ("C, C# and Java register", f"{REGISTER}$rid=1", RegisterRequest("1")),
    ("Node polls", f"{STATUS}$rid={RID}&operationId={OPERATION}", StatusRequest(RID, OPERATION)),
    ("Python encodes", f"{STATUS}$rid={RID}&operationId=5.01%2E2%2D3", StatusRequest(RID, "5.01.2-3")),
    ("the order is free", f"{STATUS}operationId={OPERATION}&$rid=1", StatusRequest("1", OPERATION)),
    ("a request ID is repeated as spelled", f"{REGISTER}$rid=a%20b+c", RegisterRequest("a%20b+c")),
    ("what is not known is passed over", f"{REGISTER}$rid=1&forceRegistration=true", RegisterRequest("1")),
    ("an operation of nobody", f"{STATUS}$rid=1", StatusRequest("1", "")),
    ("bytes that are no text", f"{STATUS}$rid=1&operationId=%ff", StatusRequest("1", "\ufffd")),
]


@pytest.mark.parametrize(("topic", "request_"), [case[1:] for case in REQUESTS], ids=[name for name, *_ in REQUESTS])
def test_request(topic: str, request_: Request) -> None:
    assert dps_topics.parse_request(topic) == request_


@pytest.mark.parametrize(
    "topic",
    [
        "",
        REGISTER,
        f"{REGISTER}$rid=",
        f"{REGISTER}$rid",
        f"{REGISTER}rid=1",
        f"{REGISTER}$rid={'1' * 257}",
        STATUS + "operationId=5.1",
        "$dps/registrations/PUT/iotdps-register?$rid=1",
        "$dps/registrations/POST/iotdps-register/?$rid=1",
        "$dps/registrations/res/202/?$rid=1",
        "$iothub/twin/GET/?$rid=1",
        "devices/dev-1/messages/events/",
    ],
)
def test_foreign_topic(topic: str) -> None:
    assert dps_topics.parse_request(topic) is None


def test_what_devices_write_is_understood() -> None:
    assert dps_topics.parse_request(dps_topics.register_topic("7")) == RegisterRequest("7")
    assert dps_topics.parse_request(dps_topics.status_topic("8", OPERATION)) == StatusRequest("8", OPERATION)


def test_response_topic_has_the_form_that_every_client_reads() -> None:
    assert dps_topics.response_topic(202, RID, 3) == f"$dps/registrations/res/202/?$rid={RID}&retry-after=3"
    assert dps_topics.response_topic(200, RID) == f"$dps/registrations/res/200/?$rid={RID}"


def test_python_finds_its_properties_behind_the_second_dollar() -> None:
    parts = dps_topics.response_topic(202, RID, 3).split("$")
    assert len(parts) == 3
    assert dict(pair.split("=") for pair in parts[2].split("&")) == {"rid": RID, "retry-after": "3"}


def test_devices_read_responses() -> None:
    expected = Response(status=429, request_id="1", retry_after=5)
    assert dps_topics.parse_response(dps_topics.response_topic(429, "1", 5)) == expected
    assert dps_topics.parse_response(dps_topics.response_topic(200, "1")) == Response(status=200, request_id="1")


@pytest.mark.parametrize("topic", ["", "$dps/registrations/res/200", "$dps/registrations/res/200/?x=1", "a/?$rid=1"])
def test_devices_do_not_take_other_topics_for_responses(topic: str) -> None:
    with pytest.raises(ValueError):
        dps_topics.parse_response(topic)
