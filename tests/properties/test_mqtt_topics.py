"""The topic grammars: what one side writes, the other reads; what nobody writes, nobody trips over."""

from hypothesis import given, settings
from hypothesis import strategies as st

from homeport.protocols.mqtt import dps_topics, hub_topics
from homeport.protocols.mqtt.dps_topics import RegisterRequest, StatusRequest
from homeport.protocols.mqtt.hub_topics import Telemetry, TwinGet, TwinPatch

REQUEST_IDS = st.text(st.characters(codec="ascii", exclude_characters="&#+\0"), min_size=1, max_size=64)
OPERATION_IDS = st.from_regex(r"\A[A-Za-z0-9.\-]{1,64}\Z")
DEVICE_IDS = st.from_regex(r"\A[A-Za-z0-9\-:._]{1,32}\Z")
PROPERTIES = st.lists(st.tuples(st.text(min_size=1, max_size=20), st.text(max_size=20)), max_size=5).map(tuple)
PREFIXES = [
    "",
    "$dps/registrations/PUT/iotdps-register/?",
    "$dps/registrations/GET/iotdps-get-operationstatus/?$rid=",
    "$iothub/twin/GET/?$rid",
    "$iothub/twin/PATCH/properties/reported/?$rid=",
    "devices/dev-1/messages/events",
    "hub/dev-1/?",
    "0ne1/registrations/",
]


@settings(max_examples=200, deadline=None)
@given(REQUEST_IDS, OPERATION_IDS)
def test_requests(request_id: str, operation_id: str) -> None:
    assert dps_topics.parse_request(dps_topics.register_topic(request_id)) == RegisterRequest(request_id)
    status = dps_topics.status_topic(request_id, operation_id)
    assert dps_topics.parse_request(status) == StatusRequest(request_id, operation_id)


@settings(max_examples=200, deadline=None)
@given(st.integers(200, 599), REQUEST_IDS, st.none() | st.integers(0, 86_400))
def test_responses(status: int, request_id: str, retry_after: int | None) -> None:
    response = dps_topics.parse_response(dps_topics.response_topic(status, request_id, retry_after))
    assert (response.status, response.request_id, response.retry_after) == (status, request_id, retry_after)


@settings(max_examples=200, deadline=None)
@given(DEVICE_IDS, REQUEST_IDS, PROPERTIES)
def test_hub_topics(device_id: str, request_id: str, properties: tuple[tuple[str, str], ...]) -> None:
    telemetry = hub_topics.parse_publish(hub_topics.events_topic(device_id, properties), device_id)
    assert telemetry == Telemetry(properties)
    assert hub_topics.parse_publish(hub_topics.twin_get_topic(request_id), device_id) == TwinGet(request_id)
    assert hub_topics.parse_publish(hub_topics.twin_patch_topic(request_id), device_id) == TwinPatch(request_id)


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(PREFIXES), st.text(max_size=60))
def test_any_text_is_a_topic_or_none(prefix: str, rest: str) -> None:
    text = prefix + rest
    dps = dps_topics.parse_request(text)
    hub = hub_topics.parse_publish(text, "dev-1")
    assert dps is None or hub is None
    if dps_topics.is_dps_user_name(text):
        assert dps_topics.parse_user_name(text).id_scope == text.partition("/")[0]
    assert hub_topics.parse_user_name(text) is None or not hub_topics.names_module(text)
