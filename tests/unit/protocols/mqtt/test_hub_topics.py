"""The spellings of the shipped hub SDKs, and what is none of them."""

import pytest

from homeport.protocols.mqtt import hub_topics
from homeport.protocols.mqtt.hub_topics import (
    HubPublish,
    HubUserName,
    MethodResponse,
    Subscription,
    Telemetry,
    TwinGet,
    TwinPatch,
    TwinResponse,
)

USER_NAMES = [
    ("Python", "hub.example/dev-1/?api-version=2019-10-01&DeviceClientType=azure-iot-device%2F2.14.0", "dev-1"),
    ("Python with a model", "hub.example/dev-1/?api-version=2020-09-30&model-id=dtmi%3Aa%3Bb%3B1", "dev-1"),
    ("Node", "hub.example/dev-1/?api-version=2021-04-12&DeviceClientType=node%2F1.18.4(a;b)", "dev-1"),
    ("a slash in the client type", "hub.example/dev-1/?api-version=2021-04-12&DeviceClientType=c/1.9", "dev-1"),
    ("no question mark", "hub.example/dev-1/api-version=2016-11-14&DeviceClientType=c", "dev-1"),
    ("no slash", "hub.example/dev-1?api-version=2018-06-30", "dev-1"),
    ("nothing behind the slash", "hub.example/dev-1/", "dev-1"),
    ("nothing behind the device", "hub.example/dev-1", "dev-1"),
    ("a device with marks", "hub.example/a?b=c:d/?api-version=2021-04-12", "a?b=c:d"),
    ("a device called registrations", "hub.example/registrations/?api-version=2021-04-12", "registrations"),
]


@pytest.mark.parametrize(("text", "device"), [case[1:] for case in USER_NAMES], ids=[name for name, *_ in USER_NAMES])
def test_user_name(text: str, device: str) -> None:
    assert hub_topics.parse_user_name(text) == HubUserName("hub.example", device)
    assert not hub_topics.names_module(text)


def test_user_name_both_ways() -> None:
    text = hub_topics.user_name("127.0.0.1", "dev-1", "2021-04-12")
    assert hub_topics.parse_user_name(text) == HubUserName("127.0.0.1", "dev-1")


@pytest.mark.parametrize("text", ["hub.example/dev-1/mod-1/?api-version=2021-04-12", "hub.example/dev-1/mod-1"])
def test_user_name_of_a_module(text: str) -> None:
    assert hub_topics.parse_user_name(text) is None
    assert hub_topics.names_module(text)


@pytest.mark.parametrize("text", ["", "anybody", "/", "//", "/dev-1/?api-version=1", "hub.example//?api-version=1"])
def test_user_name_of_nobody(text: str) -> None:
    assert hub_topics.parse_user_name(text) is None
    assert not hub_topics.names_module(text)


FILTERS = [
    ("$iothub/twin/res/#", Subscription.TWIN_RESPONSES),
    ("$iothub/twin/PATCH/properties/desired/#", Subscription.DESIRED_PROPERTIES),
    ("$iothub/methods/POST/#", Subscription.METHODS),
    ("devices/dev-1/messages/devicebound/#", Subscription.CLOUD_TO_DEVICE),
    ("devices/dev%2D1/messages/devicebound/#", Subscription.CLOUD_TO_DEVICE),
    ("devices/dev-2/messages/devicebound/#", None),
    ("devices/+/messages/devicebound/#", None),
    ("devices/{}/messages/devicebound/#", None),
    ("devices/dev-1/messages/events/#", None),
    ("$iothub/#", None),
    ("$dps/registrations/res/#", None),
    ("#", None),
    ("", None),
]


@pytest.mark.parametrize(("topic_filter", "subscription"), FILTERS)
def test_filter(topic_filter: str, subscription: Subscription | None) -> None:
    assert hub_topics.parse_filter(topic_filter, "dev-1") is subscription


EVENTS = "devices/dev-1/messages/events/"
PYTHON_BAG = "%24.mid=m%201&%24.ct=application%2Fjson&%24.ce=utf-8&alert=tr%26ue"
NODE_BAG = "%24.mid=m1&%24.ct=application%2Fjson&a=b"
PUBLISHES: list[tuple[str, str, HubPublish | None]] = [
    ("a bare message", EVENTS, Telemetry(())),
    ("without the slash", EVENTS[:-1], Telemetry(())),
    (
        "Python's properties",
        EVENTS + PYTHON_BAG,
        Telemetry((("$.mid", "m 1"), ("$.ct", "application/json"), ("$.ce", "utf-8"), ("alert", "tr&ue"))),
    ),
    (
        "Node's properties, with the slash of its outputs",
        EVENTS + NODE_BAG + "/",
        Telemetry((("$.mid", "m1"), ("$.ct", "application/json"), ("a", "b"))),
    ),
    ("properties as documented, unencoded", EVENTS + "$.ct=text/plain", Telemetry((("$.ct", "text/plain"),))),
    ("a key alone, and nothing", EVENTS + "a&&b=", Telemetry((("a", ""), ("b", "")))),
    ("a plus stays a plus", EVENTS + "a=1%2B1", Telemetry((("a", "1+1"),))),
    ("the device ID encoded", "devices/dev%2d1/messages/events/a=b", Telemetry((("a", "b"),))),
    ("twin GET", "$iothub/twin/GET/?$rid=7", TwinGet("7")),
    ("twin GET of Python", "$iothub/twin/GET/?$rid=4b65-9a1a", TwinGet("4b65-9a1a")),
    ("reported properties", "$iothub/twin/PATCH/properties/reported/?$rid=8&$version=3", TwinPatch("8")),
    ("an answer to a method", "$iothub/methods/res/200/?$rid=9", MethodResponse()),
    ("twin GET for nobody", "$iothub/twin/GET/?rid=7", None),
    ("twin GET with an endless request ID", "$iothub/twin/GET/?$rid=" + "7" * 257, None),
    ("reported properties for nobody", "$iothub/twin/PATCH/properties/reported/?$rid=", None),
    ("desired properties are the service's", "$iothub/twin/PATCH/properties/desired/?$rid=8", None),
    ("another device's messages", "devices/dev-2/messages/events/", None),
    ("a device whose name goes on", "devices/dev-1/messages/eventsx", None),
    ("a module's messages", "devices/dev-1/modules/mod-1/messages/events/", None),
    ("a message to oneself", "devices/dev-1/messages/devicebound/", None),
    ("the provisioning service's topic", "$dps/registrations/PUT/iotdps-register/?$rid=1", None),
    ("a topic of one's own", "sport/tennis", None),
]


@pytest.mark.parametrize(("topic", "meaning"), [case[1:] for case in PUBLISHES], ids=[name for name, *_ in PUBLISHES])
def test_publish(topic: str, meaning: HubPublish | None) -> None:
    assert hub_topics.parse_publish(topic, "dev-1") == meaning


def test_a_device_id_that_topics_cannot_hold_is_encoded() -> None:
    assert hub_topics.parse_publish("devices/a%2Bb%23/messages/events/", "a+b#") == Telemetry(())


def test_what_devices_write_is_understood() -> None:
    properties = (("$.mid", "a/b&c=d"), ("naïve", "100 %+"))
    topic = hub_topics.events_topic("dev-1", properties)
    assert hub_topics.parse_publish(topic, "dev-1") == Telemetry(properties)
    assert hub_topics.parse_publish(hub_topics.twin_get_topic("1"), "dev-1") == TwinGet("1")
    assert hub_topics.parse_publish(hub_topics.twin_patch_topic("1"), "dev-1") == TwinPatch("1")


def test_topics_to_the_device() -> None:
    assert hub_topics.twin_response_topic(200, "7") == "$iothub/twin/res/200/?$rid=7"
    assert hub_topics.twin_response_topic(204, "7", 12) == "$iothub/twin/res/204/?$rid=7&$version=12"
    assert hub_topics.desired_properties_topic(4) == "$iothub/twin/PATCH/properties/desired/?$version=4"


def test_devices_read_twin_responses() -> None:
    expected = TwinResponse(status=204, request_id="7", version=12)
    assert hub_topics.parse_twin_response("$iothub/twin/res/204/?$rid=7&$version=12") == expected
    assert hub_topics.parse_twin_response("$iothub/twin/res/200/?$rid=7") == TwinResponse(status=200, request_id="7")
    with pytest.raises(ValueError):
        hub_topics.parse_twin_response("$iothub/twin/res/200")
