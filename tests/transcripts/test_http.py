"""The clients that speak HTTPS register with their own requests, and understand the answers by their own rules."""

import pytest
from tests.transcripts.c_client import C
from tests.transcripts.client import Client
from tests.transcripts.csharp_client import CSHARP
from tests.transcripts.device import Device
from tests.transcripts.java_client import JAVA
from tests.transcripts.replay_http import register_over_http


@pytest.mark.parametrize("client", [C, CSHARP, JAVA], ids=str)
def test_registers_over_https(client: Client, device: Device) -> None:
    assert client.http is not None
    told = register_over_http(client, client.http, device)
    assert (told.status, told.assigned_hub, told.device_id) == (
        "assigned",
        device.deployment.host,
        device.registration_id,
    )
