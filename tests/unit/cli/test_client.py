"""The command line's HTTP client: what it sends, and what becomes of refusals and of silence."""

from pathlib import Path

import click
import httpx
import pytest
from tests.sockets.server_process import Deployment
from tests.unit.administration.world import StillClock
from tests.unit.cli.terminal import Terminal

from homeport.cli.client import Client, _refusal, hub_client, service_client
from homeport.clock import SystemClock

VERSION = "2021-10-01"


def client(deployment: Deployment, **fields: str) -> Client:
    values = {
        "HostName": deployment.host,
        "SharedAccessKeyName": deployment.service_policy,
        "SharedAccessKey": deployment.service_key,
        **fields,
    }
    connection = ";".join(f"{name}={value}" for name, value in values.items())
    return Client(connection, ca_file=deployment.ca_file, port=443, clock=SystemClock())


def test_the_policies_of_the_data_directory_open_service_and_hub(at_server: Terminal) -> None:
    with service_client(at_server.data_dir) as service, hub_client(at_server.data_dir) as hub:
        page = service.call("POST", "/enrollments/query", version=VERSION, body={"query": "*"})
        assert page.status_code == 200
        assert hub.call("GET", "/hub/events", version="2021-04-12").json()["dropped"] == 0


def test_a_refusal_is_the_servers_sentence_with_code_and_tracking_id(deployment: Deployment) -> None:
    with client(deployment) as ours, pytest.raises(click.ClickException) as refusal:
        ours.call("GET", "/enrollments/nobody", version=VERSION)
    assert refusal.value.message.startswith("No such enrollment.")
    assert "(error 404201, tracking ID " in refusal.value.message


def test_a_tolerated_refusal_is_an_answer(deployment: Deployment) -> None:
    with client(deployment) as ours:
        answer = ours.call("GET", "/enrollments/nobody", version=VERSION, tolerated=404)
    assert answer.json()["errorCode"] == 404201


def test_a_wrong_key_is_unauthorized(deployment: Deployment) -> None:
    wrong = client(deployment, SharedAccessKey="d3Jvbmcta2V5LW9mLTE2LWJ5dGVz")
    with wrong, pytest.raises(click.ClickException, match="401000"):
        wrong.call("GET", "/enrollments/x", version=VERSION)


def test_an_answer_that_is_not_ours_is_told_by_its_status() -> None:
    assert _refusal(httpx.Response(502, text="<html>Bad Gateway</html>")) == "The server answered 502."
    assert _refusal(httpx.Response(404, json={"detail": "no"})) == "The server answered 404."


def test_silence_is_told_with_the_host(deployment: Deployment) -> None:
    connection = f"HostName={deployment.host};SharedAccessKeyName=x;SharedAccessKey=a2V5"
    nobody = Client(connection, ca_file=deployment.ca_file, port=1, clock=StillClock())
    with nobody, pytest.raises(click.ClickException, match="Is the server running"):
        nobody.call("GET", "/", version=VERSION)


@pytest.mark.parametrize(
    "connection",
    [
        "",
        "HostName=dps.test",
        "HostName=dps.test;SharedAccessKeyName=x",
        "nonsense",
        "HostName=h;SharedAccessKeyName=x;SharedAccessKey=%",
    ],
)
def test_a_malformed_connection_string_tells_where_to_get_one(deployment: Deployment, connection: str) -> None:
    with pytest.raises(click.ClickException, match="homeport policies list"):
        Client(connection, ca_file=deployment.ca_file, port=443, clock=StillClock())


def test_without_a_data_directory_there_is_no_client(tmp_path: Path) -> None:
    with pytest.raises(click.ClickException, match="homeport up"):
        service_client(tmp_path)


def test_a_lost_ca_certificate_is_named(deployment: Deployment, tmp_path: Path) -> None:
    connection = "HostName=dps.test;SharedAccessKeyName=x;SharedAccessKey=a2V5"
    for ca_file in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(click.ClickException, match=str(ca_file)):
            Client(connection, ca_file=ca_file, port=443, clock=StillClock())
