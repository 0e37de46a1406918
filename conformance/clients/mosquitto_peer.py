"""Drives the command-line clients of Mosquitto: `mosquitto_rr` for questions, `mosquitto_pub` for telemetry.

An answer goes to the connection that asked. `mosquitto_pub` and `mosquitto_sub` are two connections, so together they
cannot register; `mosquitto_rr` subscribes, publishes and waits in one. `sub` and `pub` are verbs of their own here.
"""

import json
import subprocess

from conformance.clients.lines import serve
from conformance.clients.peer import (
    RESPONSES,
    MqttLogin,
    Reply,
    Request,
    assignment,
    register_topic,
    status_topic,
)

SECONDS = 20


class Failed(Exception):
    """A program ended with an error; its text is what it printed."""


def register(request: Request) -> object:
    """`mosquitto_rr`, once for each question."""
    login = MqttLogin.for_provisioning(request)

    def ask(topic: str, body: str = " ") -> Reply:
        printed = _run("mosquitto_rr", request, login, "-t", topic, "-m", body, "-e", RESPONSES, "-F", "%t %p")
        return Reply.from_topic(*printed.split(" ", 1))

    first = ask(register_topic(1), json.dumps({"registrationId": request["registrationId"]}))
    return assignment(first, lambda operation_id: ask(status_topic(2, operation_id)))


def register_without_answer(request: Request) -> None:
    """`mosquitto_pub` alone: nobody on its connection listens for the answer."""
    _run("mosquitto_pub", request, MqttLogin.for_provisioning(request), "-t", register_topic(1), "-m", "{}")


def subscribe(request: Request) -> None:
    """`mosquitto_sub`, until its subscription is granted."""
    _run("mosquitto_sub", request, MqttLogin.for_provisioning(request), "-t", request["filter"], "-E")


def hub_send(request: Request) -> None:
    topic = f"devices/{request['deviceId']}/messages/events/{request['properties']}"
    _run("mosquitto_pub", request, MqttLogin.for_hub(request), "-t", topic, "-m", request["body"])


def hub_twin(request: Request) -> object:
    twin, answers = "$iothub/twin/GET/?$rid=1", "$iothub/twin/res/#"
    return json.loads(_run("mosquitto_rr", request, MqttLogin.for_hub(request), "-t", twin, "-m", " ", "-e", answers))


def _run(program: str, request: Request, login: MqttLogin, *arguments: str) -> str:
    call = [program, "-V", "mqttv311", "-q", "1", "-h", login.host, "-p", "8883", "--cafile", request["caFile"]]
    call += ["-i", login.client_id, "-u", login.user_name, *arguments]
    if login.password is not None:
        call += ["-P", login.password]
    if "certificateFile" in request:
        call += ["--cert", request["certificateFile"], "--key", request["keyFile"]]
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return done.stdout


if __name__ == "__main__":
    serve(
        {
            "register": register,
            "registerWithoutAnswer": register_without_answer,
            "subscribe": subscribe,
            "hubSend": hub_send,
            "hubTwin": hub_twin,
        }
    )
