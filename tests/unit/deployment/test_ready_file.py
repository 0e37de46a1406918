"""The ready file: what scripts read, and that nobody else can."""

import json
import os
from pathlib import Path

from homeport.deployment.first_start import Deployment
from homeport.deployment.ready_file import write_ready_file

DEPLOYMENT = Deployment(
    id_scope="0ne0012A3B4",
    device_host="dps.test",
    service_connection_string="HostName=dps.test;SharedAccessKeyName=provisioningserviceowner;SharedAccessKey=a2V5",
    hub_connection_string="HostName=dps.test;SharedAccessKeyName=iothubowner;SharedAccessKey=a2V5",
    ca_file=Path("/data/ca.pem"),
)


def test_it_says_all_that_a_script_needs(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    write_ready_file(file, DEPLOYMENT, {"https": 443, "mqtt": 8883, "amqp": 5671})
    assert json.loads(file.read_text()) == {
        "idScope": "0ne0012A3B4",
        "deviceHost": "dps.test",
        "serviceConnectionString": DEPLOYMENT.service_connection_string,
        "hubConnectionString": DEPLOYMENT.hub_connection_string,
        "caFile": "/data/ca.pem",
        "httpsPort": 443,
        "mqttPort": 8883,
        "amqpPort": 5671,
        "plainHttpPort": None,
        "pid": os.getpid(),
    }


def test_it_holds_secrets_and_is_private(tmp_path: Path) -> None:
    file = tmp_path / "ready.json"
    write_ready_file(file, DEPLOYMENT, {"https": 443, "mqtt": 8883, "amqp": 5671, "plain_http": 8080})
    assert file.stat().st_mode & 0o777 == 0o600
    assert [each.name for each in tmp_path.iterdir()] == ["ready.json"]
