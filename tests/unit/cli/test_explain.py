"""`homeport explain`: a device fails at a running server, and the operator is told the exact cause."""

import json
import secrets
import time
from collections.abc import Callable
from typing import Any

import pytest
from tests.sockets.api import Administrator
from tests.sockets.devices import Device
from tests.sockets.raw_http import Answer, exchange, request
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.server_process import Deployment
from tests.sockets.signing import device_key, device_token
from tests.unit.cli.terminal import Terminal

from homeport.administration.explanations import Explanation, Step
from homeport.cli.explain import print_explanation

KEY = "cHJpbWFyeS1rZXktb2YtMTYtYnl0ZXM="
WAIT_SECONDS = 20.0


def register(deployment: Deployment, registration_id: str, authorization: str) -> Answer:
    target = f"/{deployment.id_scope}/registrations/{registration_id}/register?api-version=2021-06-01"
    headers = [("Host", "dps"), ("Authorization", authorization), ("Content-Type", "application/json")]
    return exchange(deployment, request("PUT", target, headers, b"{}"))


def explained(terminal: Terminal, registration_id: str) -> dict[str, Any]:
    """What is on record, once it is: a refusal is written within a second, without the device waiting for it."""
    deadline = time.monotonic() + WAIT_SECONDS
    while True:
        told: dict[str, Any] = json.loads(terminal.out("explain", registration_id, "--json"))
        if told["cause"] is not None:
            return told
        assert time.monotonic() < deadline, told
        time.sleep(0.1)


def expired(deployment: Deployment, registration_id: str) -> str:
    token = device_token(deployment, registration_id, KEY)
    return token.replace(token[token.index("se=") :].partition("&")[0], "se=1")


CASES: dict[str, Callable[[Deployment, str], str]] = {
    "wrong_key": lambda deployment, id_: device_token(deployment, id_, KEY),
    "sas_expired": expired,
    "sas_resource": lambda deployment, id_: device_token(deployment, "another", KEY),
    "sas_malformed": lambda deployment, id_: "SharedAccessSignature nonsense",
}


@pytest.mark.parametrize("cause", CASES)
def test_each_cause_is_told_with_what_to_change(cause: str, deployment: Deployment, at_server: Terminal) -> None:
    registration_id = f"explained-{secrets.token_hex(4)}"
    at_server.out("enrollments", "create", registration_id)
    answer = register(deployment, registration_id, CASES[cause](deployment, registration_id))
    assert answer.status == 401
    told = explained(at_server, registration_id)
    assert told["cause"] == cause
    assert told["remedy"]
    steps = {step["title"]: step for step in told["steps"]}
    assert steps["Last refusal"]["facts"]["correlationId"] == answer.json()["trackingId"]
    assert steps["The device was told"]["finding"] == answer.json()["message"]


def test_over_mqtt(deployment: Deployment, at_server: Terminal) -> None:
    registration_id = f"explained-{secrets.token_hex(4)}"
    at_server.out("enrollments", "create", registration_id)
    with MqttPeer(deployment) as peer:
        peer.say(Device(deployment, registration_id, KEY).connect_packet())
        assert peer.hear() is not None
        told = explained(at_server, registration_id)
    assert told["cause"] == "wrong_key"
    assert any("over mqtt" in step["finding"].lower() for step in told["steps"])


def test_a_disabled_entry(deployment: Deployment, at_server: Terminal) -> None:
    registration_id = f"explained-{secrets.token_hex(4)}"
    with Administrator(deployment) as administrator:
        entry = {
            "registrationId": registration_id,
            "attestation": {"type": "symmetricKey", "symmetricKey": {"primaryKey": KEY, "secondaryKey": KEY}},
            "provisioningStatus": "disabled",
        }
        assert administrator.service("PUT", f"/enrollments/{registration_id}", entry).status == 200
    assert register(deployment, registration_id, device_token(deployment, registration_id, KEY)).status == 401
    told = explained(at_server, registration_id)
    assert told["cause"] == "disabled"
    assert "Enable the entry" in told["remedy"]


@pytest.mark.parametrize(("cause", "is_derived"), [("group_key_itself", False), ("no_entry_fits", True)])
def test_a_device_without_an_entry_of_its_own(
    cause: str, is_derived: bool, deployment: Deployment, at_server: Terminal
) -> None:
    registration_id = f"explained-{secrets.token_hex(4)}"
    with Administrator(deployment) as administrator:
        group_key = administrator.enroll_group(f"group-{secrets.token_hex(4)}")
    key = device_key(group_key, "its-neighbour") if is_derived else group_key
    assert register(deployment, registration_id, device_token(deployment, registration_id, key)).status == 401
    told = explained(at_server, registration_id)
    assert told["cause"] == cause
    assert told["steps"][0]["finding"].startswith("No individual enrollment")


def test_a_success_since_then(deployment: Deployment, at_server: Terminal) -> None:
    registration_id = f"explained-{secrets.token_hex(4)}"
    key = at_server.out("enrollments", "create", registration_id)
    register(deployment, registration_id, device_token(deployment, registration_id, KEY))
    assert explained(at_server, registration_id)["cause"] == "wrong_key"
    assert register(deployment, registration_id, device_token(deployment, registration_id, key)).status == 202
    told = json.loads(at_server.out("explain", registration_id, "--json"))
    assert told["cause"] is None
    assert told["verdict"].startswith("Assigned to")
    assert any(step["finding"].startswith("wrong_key") for step in told["steps"])


def test_the_log_has_the_request_without_the_device(
    server_log: Callable[[], str], deployment: Deployment, at_server: Terminal
) -> None:
    registration_id = f"explained-{secrets.token_hex(4)}"
    at_server.out("enrollments", "create", registration_id)
    register(deployment, registration_id, device_token(deployment, registration_id, KEY))
    steps = {step["title"]: step for step in explained(at_server, registration_id)["steps"]}
    correlation_id, subject = steps["Last refusal"]["facts"]["correlationId"], steps["Log"]["facts"]["subject"]
    lines = [json.loads(line) for line in server_log().splitlines() if correlation_id in line]
    assert [(line["cause"], line["subject"]) for line in lines] == [("wrong_key", subject)]
    assert registration_id not in server_log()


def test_for_people_it_is_a_page_of_text(deployment: Deployment, at_server: Terminal) -> None:
    registration_id = f"explained-{secrets.token_hex(4)}"
    at_server.out("enrollments", "create", registration_id)
    register(deployment, registration_id, device_token(deployment, registration_id, KEY))
    explained(at_server, registration_id)
    page = at_server.out("explain", registration_id)
    assert page.startswith("Refused: The token is not signed")
    assert "What to do: Give the device one of the entry's keys" in page.replace("\n", " ")
    assert "wrong_key" in page


STORY = Explanation(
    registration_id="device-1",
    verdict="Failed: \x1b[2Jcleared",
    cause=None,
    remedy=None,
    steps=(Step(title="The exact cause", finding="wrong_certificate.", facts={"presented": "ab" * 100}),),
)


def test_piped_lines_stay_whole(capsys: pytest.CaptureFixture[str]) -> None:
    print_explanation(STORY)
    assert "ab" * 100 in capsys.readouterr().out


@pytest.mark.parametrize("terminal", ["", "1"])
def test_a_strangers_words_move_no_cursor(
    terminal: str, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", terminal)
    print_explanation(STORY)
    assert "\x1b[2J" not in capsys.readouterr().out


def test_an_id_that_was_never_seen(at_server: Terminal) -> None:
    assert "No device has registered with this ID" in at_server.out("explain", "never-seen")


def test_what_is_no_id(at_server: Terminal) -> None:
    assert "identifier" in at_server.error("explain", "not an id!")
