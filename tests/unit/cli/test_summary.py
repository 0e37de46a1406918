"""The summary: what a person needs next, and no keys."""

from pathlib import Path

import pytest
from msgspec.structs import replace

from homeport.cli.summary import print_summary
from homeport.deployment.first_start import Deployment

DEPLOYMENT = Deployment(
    id_scope="0ne0012A3B4",
    device_host="dps.test",
    service_connection_string="HostName=dps.test;SharedAccessKeyName=owner;SharedAccessKey=U0VDUkVU",
    hub_connection_string="HostName=dps.test;SharedAccessKeyName=iothubowner;SharedAccessKey=U0VDUkVU",
    ca_file=Path("/data/ca.pem"),
)


def printed(capsys: pytest.CaptureFixture[str], deployment: Deployment = DEPLOYMENT) -> str:
    print_summary(deployment, {"https": 8443, "mqtt": 8883, "amqp": 5671})
    return capsys.readouterr().out


def test_it_says_what_comes_next(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys)
    for needed in ("0ne0012A3B4", "dps.test", "8443", "8883", "/data/ca.pem", "homeport enrollments create", "Ctrl-C"):
        assert needed in text


def test_it_shows_no_keys_and_no_colours(capsys: pytest.CaptureFixture[str]) -> None:
    text = printed(capsys)
    assert "U0VDUkVU" not in text
    assert "\x1b" not in text


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "::1"])
def test_a_server_for_this_machine_tells_how_to_open_it(capsys: pytest.CaptureFixture[str], host: str) -> None:
    assert "--bind 0.0.0.0" in printed(capsys, replace(DEPLOYMENT, device_host=host))
    assert "--bind" not in printed(capsys)
