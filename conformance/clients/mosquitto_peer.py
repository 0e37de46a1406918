"""Drives the command-line clients of Mosquitto: `mosquitto_pub` registers and sends telemetry, `mosquitto_sub` listens.

An answer goes to the connection that asked, and each of these programs is a connection of its own. `mosquitto_rr`,
which asks and listens in one, takes no `#` in its response topic, so it cannot listen for answers here. What became of
the registration is therefore asked over HTTPS, as `curl` would.
"""

import http.client
import json
import ssl
import subprocess
import time

from conformance.clients.lines import serve
from conformance.clients.peer import (
    API_VERSION,
    MqttLogin,
    Refused,
    Reply,
    Request,
    register_topic,
    registration_name,
    token,
)

SECONDS = 20
PAUSE = 1.0


class Failed(Exception):
    """A program ended with an error; its text is what it printed."""


def register(request: Request) -> object:
    body = json.dumps({"registrationId": request["registrationId"]})
    _run("mosquitto_pub", request, MqttLogin.for_provisioning(request), "-t", register_topic(1), "-m", body)
    while (state := _registration(request))["status"] == "assigning":
        time.sleep(PAUSE)
    return state


def _registration(request: Request) -> dict[str, object]:
    """`POST /{idScope}/registrations/{registrationId}`: what became of it."""
    name = registration_name(request)
    context = ssl.create_default_context(cafile=request["caFile"])
    headers = {"Content-Type": "application/json"}
    if "certificateFile" in request:
        context.load_cert_chain(request["certificateFile"], request["keyFile"])
    else:
        headers["Authorization"] = token(name, request["symmetricKey"])
    connection = http.client.HTTPSConnection(request["provisioningHost"], context=context, timeout=SECONDS)
    connection.request("POST", f"/{name}?api-version={API_VERSION}", "{}", headers)
    answer = connection.getresponse()
    reply = Reply(answer.status, answer.read().decode())
    connection.close()
    if reply.status_code >= 300:
        raise Refused(reply)
    return json.loads(reply.text)


def subscribe(request: Request) -> int:
    """`mosquitto_sub`, until its subscription is answered: the quality of service that it was granted, or 128."""
    login = MqttLogin.for_provisioning(request)
    printed = _run("mosquitto_sub", request, login, "-t", request["filter"], "-E", "-d")
    return next(int(line.split()[-1]) for line in printed.splitlines() if line.startswith("Subscribed"))


def hub_send(request: Request) -> None:
    topic = f"devices/{request['deviceId']}/messages/events/{request['properties']}"
    _run("mosquitto_pub", request, MqttLogin.for_hub(request), "-t", topic, "-m", request["body"])


class Watch:
    """`mosquitto_sub` for one patch of the desired properties."""

    def start(self, request: Request) -> None:
        """Returns when the subscription is granted."""
        desired = "$iothub/twin/PATCH/properties/desired/#"
        call = _call("mosquitto_sub", request, MqttLogin.for_hub(request), "-t", desired, "-C", "1", "-W", f"{SECONDS}")
        # It says that it is subscribed only to whoever wants to know everything, and to a pipe only at its end.
        self._process = subprocess.Popen(["stdbuf", "-oL", *call, "-d"], stdout=subprocess.PIPE, text=True)
        assert self._process.stdout is not None
        for line in self._process.stdout:
            if line.startswith("Subscribed"):
                return
        raise Failed("no subscription")

    def patch(self, _request: Request) -> object:
        printed, _ = self._process.communicate(timeout=SECONDS)
        return next(json.loads(line) for line in printed.splitlines() if line.startswith("{"))


def _run(program: str, request: Request, login: MqttLogin, *arguments: str) -> str:
    call = _call(program, request, login, *arguments)
    done = subprocess.run(call, capture_output=True, text=True, check=False, timeout=SECONDS)
    if done.returncode:
        raise Failed(done.stderr.strip())
    return done.stdout


def _call(program: str, request: Request, login: MqttLogin, *arguments: str) -> list[str]:
    call = [program, "-V", "mqttv311", "-q", "1", "-h", login.host, "-p", "8883", "--cafile", request["caFile"]]
    call += ["-i", login.client_id, "-u", login.user_name, *arguments]
    if login.password is not None:
        call += ["-P", login.password]
    if "certificateFile" in request:
        call += ["--cert", request["certificateFile"], "--key", request["keyFile"]]
    return call


if __name__ == "__main__":
    watch = Watch()
    serve(
        {
            "register": register,
            "subscribe": subscribe,
            "hubSend": hub_send,
            "hubWatch": watch.start,
            "hubPatch": watch.patch,
        }
    )
