"""The client for small devices (azure-sdk-for-c, `sdk/`), as its samples use it with Paho: MQTT alone.

Marks: no ClientVersion, no `skn`, `$rid` always 1, and a reader of JSON that takes a null for an error. Paths in the
comments are below azure-sdk-for-c/sdk.
"""

import json
from typing import Any

from tests.transcripts.client import Client, MqttTranscript, Publication, Told
from tests.transcripts.device import TokenSpelling

_PREFIX = "$dps/registrations/res/"
_TEXTS = ("registrationId", "assignedHub", "deviceId", "substatus", "errorMessage", "createdDateTimeUtc")


def embedded_c_reads_topic(topic: str) -> None:
    """src/azure/iot/az_iot_provisioning_client.c, az_iot_provisioning_client_parse_received_topic_and_payload."""
    assert topic.startswith(_PREFIX)
    assert int(topic.removeprefix(_PREFIX).partition("/")[0]) < 2**32
    _, found, seconds = topic.partition("retry-after=")
    assert not found or int(seconds.partition("&")[0]) < 2**32


def embedded_c_reads_json(body: bytes) -> Told:
    """The same: an operation ID and a status, or an error code; hub and device ID come both or not at all."""
    answer = json.loads(body)
    assert not _has_null(answer)
    state = answer.get("registrationState", {})
    assert isinstance(state, dict)
    assert all(isinstance(state[name], str) for name in _TEXTS if name in state)
    assert ("assignedHub" in state) == ("deviceId" in state)
    return Told(
        status=answer["status"],
        operation_id=answer["operationId"],
        assigned_hub=state.get("assignedHub"),
        device_id=state.get("deviceId"),
    )


def _has_null(value: Any) -> bool:
    if isinstance(value, dict):
        return any(_has_null(each) for each in value.values())
    return value is None or (isinstance(value, list) and any(_has_null(each) for each in value))


EMBEDDED_C = Client(
    name="Embedded C",
    # src/azure/iot/az_iot_provisioning_client_sas.c
    token=TokenSpelling(
        resource="<scope>%2fregistrations%2f<id-upper>",
        form="SharedAccessSignature sr=<resource>&sig=<signature>&se=<expiry>",
        lifetime=3600,
    ),
    reads_json=embedded_c_reads_json,
    mqtt=MqttTranscript(
        # samples/iot/paho_iot_provisioning_sample.c and …_sas_sample.c
        user_name="<scope>/registrations/<id>/api-version=2019-03-31",
        clean_session=False,
        keep_alive=240,
        qos=1,
        register=Publication(
            topic="$dps/registrations/PUT/iotdps-register/?$rid=<rid>", body='{"registrationId":"<id>"}'
        ),
        poll=Publication(
            topic="$dps/registrations/GET/iotdps-get-operationstatus/?$rid=<rid>&operationId=<operation>", body=""
        ),
        request_ids=lambda _: 1,
        reads_topic=embedded_c_reads_topic,
    ),
)
