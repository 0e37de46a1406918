"""The clients register over MQTT with their own packets, on port 8883 and over their own kind of WebSocket."""

from contextlib import closing

import pytest
from tests.sockets.peer import MQTT, Peer
from tests.transcripts.c_client import C
from tests.transcripts.client import Client, Told
from tests.transcripts.csharp_client import CSHARP
from tests.transcripts.device import Device
from tests.transcripts.embedded_c_client import EMBEDDED_C
from tests.transcripts.java_client import JAVA
from tests.transcripts.replay_mqtt import register_over_mqtt
from tests.transcripts.streams import WebSocketStream


@pytest.mark.parametrize("client", [C, CSHARP, JAVA, EMBEDDED_C], ids=str)
def test_registers_over_mqtt(client: Client, device: Device) -> None:
    with Peer(device.deployment, MQTT, device.handshake) as peer:
        _check(register_over_mqtt(client, device, peer), device)


@pytest.mark.parametrize("client", [C, CSHARP, JAVA], ids=str)
def test_registers_over_mqtt_over_websocket(client: Client, device: Device) -> None:
    assert client.mqtt_websocket is not None
    with closing(WebSocketStream(client, client.mqtt_websocket, device)) as stream:
        _check(register_over_mqtt(client, device, stream), device)


def _check(told: Told, device: Device) -> None:
    assert told.status == "assigned"
    assert told.assigned_hub == device.deployment.host
    assert told.device_id == device.registration_id
