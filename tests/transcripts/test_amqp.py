"""The clients register over AMQP with their own frames, on port 5671 and over their own kind of WebSocket."""

from contextlib import closing

import pytest
from tests.sockets.peer import AMQP, Peer
from tests.transcripts.c_client import C
from tests.transcripts.client import Client, Told
from tests.transcripts.csharp_client import CSHARP
from tests.transcripts.device import Device
from tests.transcripts.java_client import JAVA
from tests.transcripts.replay_amqp import register_over_amqp
from tests.transcripts.streams import WebSocketStream


@pytest.mark.parametrize("client", [C, CSHARP, JAVA], ids=str)
def test_registers_over_amqp(client: Client, device: Device) -> None:
    assert client.amqp is not None
    with Peer(device.deployment, AMQP, device.handshake) as peer:
        _check(register_over_amqp(client, client.amqp, device, peer), device)


@pytest.mark.parametrize("client", [C, CSHARP, JAVA], ids=str)
def test_registers_over_amqp_over_websocket(client: Client, device: Device) -> None:
    assert client.amqp is not None
    assert client.amqp_websocket is not None
    with closing(WebSocketStream(client, client.amqp_websocket, device)) as stream:
        _check(register_over_amqp(client, client.amqp, device, stream), device)


def _check(told: Told, device: Device) -> None:
    assert told.status == "assigned"
    assert told.assigned_hub == device.deployment.host
    assert told.device_id == device.registration_id
