"""A device with a TPM, from its first request to its hub, over both transports that have TPMs.

Node's SDK goes the straight way in test_register.py. The device here is ours, because it has to leave that way: to
answer late, twice, or with another's TPM, and to hear a refusal that the SDK keeps to itself. Its judge is the TPM: a
simulator in which every key stays, with commands made from the C SDK's sources.
"""

import base64
import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from tests.sockets.raw_http import Answer
from tests.sockets.raw_mqtt import MqttPeer
from tests.sockets.server_process import Deployment
from tests.tpm.amqp_device import AmqpTpmDevice
from tests.tpm.commands import TpmRefused
from tests.tpm.device import TpmDevice, manufactured
from tests.tpm.http_device import HttpTpmDevice
from tests.tpm.tokens import hub_token, registration_token

from conformance.fleet import Fleet, new_id
from conformance.server import Server, connection_string_fields
from homeport.protocols.mqtt import hub_topics
from homeport.protocols.mqtt.packets import Connack, Connect, Packet, ReturnCode

UNAUTHORIZED = 401002
SASL_OK, SASL_AUTH = 0, 1
HUB_VERSION = "2021-04-12"


@dataclass(frozen=True, kw_only=True)
class Enrolled:
    """A TPM and the ID under which the service knows its endorsement key."""

    deployment: Deployment
    tpm: TpmDevice
    registration_id: str

    def over_https(self) -> HttpTpmDevice:
        """The device, about to register."""
        return HttpTpmDevice(self.deployment, self.tpm, self.registration_id)

    def over_amqp(self) -> AmqpTpmDevice:
        """The same, by SASL."""
        return AmqpTpmDevice(self.deployment, self.tpm, self.registration_id)

    def connect_to(self, hub: str, device_id: str) -> Packet | None:
        """What the hub answers to a CONNECT with a token that the TPM signs now."""
        password = hub_token(self.tpm, hub, device_id).encode()
        with MqttPeer(self.deployment) as peer:
            name = hub_topics.user_name(hub, device_id, HUB_VERSION)
            peer.say(Connect(client_id=device_id, user_name=name, password=password))
            return peer.hear()


Way = Callable[[Enrolled], HttpTpmDevice | AmqpTpmDevice]
over_each = pytest.mark.parametrize("way", [Enrolled.over_https, Enrolled.over_amqp], ids=["HTTPS", "AMQP"])


@pytest.fixture(scope="module")
def tpm() -> Iterator[TpmDevice]:
    with manufactured() as device:
        yield device


@pytest.fixture(scope="module")
def foreign_tpm() -> Iterator[TpmDevice]:
    with manufactured() as device:
        yield device


@pytest.fixture
def deployment(server: Server) -> Deployment:
    service, hub = map(connection_string_fields, (server.service_connection_string, server.hub_connection_string))
    return Deployment(
        id_scope=server.id_scope,
        host=server.device_host,
        service_policy=service["SharedAccessKeyName"],
        service_key=service["SharedAccessKey"],
        hub_policy=hub["SharedAccessKeyName"],
        hub_key=hub["SharedAccessKey"],
        ca_file=server.ca_file,
    )


@pytest.fixture
def enrolled(deployment: Deployment, fleet: Fleet, tpm: TpmDevice) -> Enrolled:
    """A new enrollment for the TPM; one TPM may be known under many IDs."""
    endorsement_key = base64.b64encode(tpm.endorsement_key()).decode()
    record = fleet.enroll_device(attestation={"type": "tpm", "tpm": {"endorsementKey": endorsement_key}})
    return Enrolled(deployment=deployment, tpm=tpm, registration_id=record["registrationId"])


@over_each
def test_registers_and_opens_its_hub(way: Way, enrolled: Enrolled, server: Server, fleet: Fleet) -> None:
    state = way(enrolled).register()
    assert (state["assignedHub"], state["deviceId"]) == (server.hub, enrolled.registration_id)
    enrolled.tpm.activate(hub_key_of(state))
    assert enrolled.tpm.name == f"{state['assignedHub']}/devices/{state['deviceId']}"
    assert enrolled.connect_to(state["assignedHub"], state["deviceId"]) == Connack(ReturnCode.ACCEPTED)
    assert fleet.record_of(enrolled.registration_id)["status"] == "assigned"


@over_each
def test_registers_again_and_gets_a_key_that_opens_its_hub(way: Way, enrolled: Enrolled) -> None:
    way(enrolled).register()
    state = way(enrolled).register()
    enrolled.tpm.activate(hub_key_of(state))
    assert enrolled.connect_to(state["assignedHub"], state["deviceId"]) == Connack(ReturnCode.ACCEPTED)


@over_each
def test_the_key_of_the_challenge_does_not_open_the_hub(way: Way, enrolled: Enrolled) -> None:
    state = way(enrolled).register()
    answer = enrolled.connect_to(state["assignedHub"], state["deviceId"])
    assert answer == Connack(ReturnCode.NOT_AUTHORIZED)


@over_each
def test_the_key_to_the_hub_is_for_this_tpm_alone(way: Way, enrolled: Enrolled, foreign_tpm: TpmDevice) -> None:
    state = way(enrolled).register()
    with pytest.raises(TpmRefused, match="ActivateCredential"):
        foreign_tpm.activate(hub_key_of(state))


def test_the_key_of_the_challenge_says_what_it_is_for(enrolled: Enrolled) -> None:
    enrolled.over_https().take_challenge()
    assert enrolled.tpm.name == f"{enrolled.deployment.id_scope}/registrations/{enrolled.registration_id}"


def test_a_foreign_tpm_is_not_even_challenged(enrolled: Enrolled, foreign_tpm: TpmDevice) -> None:
    foreign = Enrolled(deployment=enrolled.deployment, tpm=foreign_tpm, registration_id=enrolled.registration_id)
    assert_refused(foreign.over_https().show_keys(), "endorsement key is not that of")
    assert foreign.over_amqp().prove() == SASL_AUTH


def test_an_unknown_id_is_refused(enrolled: Enrolled) -> None:
    nobody = Enrolled(deployment=enrolled.deployment, tpm=enrolled.tpm, registration_id=new_id())
    answer = nobody.over_https().show_keys()
    assert (answer.status, "authenticationKey" in answer.json()) == (404, False)
    assert nobody.over_amqp().prove() == SASL_AUTH


def test_a_challenge_that_was_tampered_with_is_refused_by_the_tpm(enrolled: Enrolled) -> None:
    answer = enrolled.over_https().show_keys()
    blob = base64.b64decode(answer.json()["authenticationKey"])
    for position in (2, 60, 320, 460, 720):  # in each of the parts that a TPM checks
        with pytest.raises(TpmRefused):
            enrolled.tpm.activate(blob[:position] + bytes([blob[position] ^ 1]) + blob[position + 1 :])


def test_a_key_that_is_not_the_challenges_proves_nothing(enrolled: Enrolled) -> None:
    """The TPM signs with the key of an earlier registration."""
    device = enrolled.over_https()
    device.register()
    enrolled.over_https().show_keys()
    signed_before = registration_token(enrolled.tpm, enrolled.deployment.id_scope, enrolled.registration_id)
    assert_refused(device.begin(signed_before), "newest challenge")
    assert enrolled.over_amqp().prove(signed_before) == SASL_AUTH


def test_a_newer_challenge_ends_the_older_one(enrolled: Enrolled) -> None:
    first, second = enrolled.over_https(), enrolled.over_https()
    first.take_challenge()
    second.take_challenge()
    assert_refused(first.begin(), "newest challenge")
    assert second.begin().status == 202


def test_a_token_begins_one_registration(enrolled: Enrolled) -> None:
    device = enrolled.over_https()
    device.take_challenge()
    operation = device.begin().json()["operationId"]
    device.poll(operation)
    assert device.begin().json() == {"operationId": operation, "status": "assigning"}
    assert device.poll(operation)["deviceId"] == enrolled.registration_id


def test_a_token_is_worth_nothing_once_another_registration_has_followed(enrolled: Enrolled) -> None:
    device = enrolled.over_https()
    device.register()
    enrolled.over_https().register()
    assert_refused(device.begin(), "challenge")


def test_a_token_that_opened_a_connection_begins_nothing_elsewhere(enrolled: Enrolled) -> None:
    device = enrolled.over_amqp()
    assert device.prove() == SASL_OK
    assert_refused(enrolled.over_https().begin(device.token), "used before")


def test_neither_challenge_nor_key_shows_in_the_record(enrolled: Enrolled, fleet: Fleet) -> None:
    """What only the device may have, the service's owner need not see."""
    state = enrolled.over_https().register()
    assert state["tpm"]["authenticationKey"] not in json.dumps(fleet.record_of(enrolled.registration_id))


def hub_key_of(state: dict[str, Any]) -> bytes:
    """The second blob: the key to the hub."""
    return base64.b64decode(state["tpm"]["authenticationKey"])


def assert_refused(answer: Answer, reason: str) -> None:
    """A 401 that is an error, not a challenge."""
    body = answer.json()
    assert (answer.status, body["errorCode"], "authenticationKey" in body) == (401, UNAUTHORIZED, False)
    assert reason in body["message"]
