"""Bad SAS in every field, at every door: device API, DPS over MQTT, service API, the hub's REST, the hub's MQTT."""

import pytest
from tests.hostile.site import Site
from tests.hostile.tokens import BAD_TOKENS, Signer
from tests.sockets.devices import VERSION, Device
from tests.sockets.peer import HTTPS, Peer
from tests.sockets.raw_http import exchange, read_answer, request
from tests.sockets.raw_mqtt import MqttPeer

from homeport.protocols.mqtt import dps_topics, hub_topics
from homeport.protocols.mqtt.packets import Connack, Connect, Publish, ReturnCode, Suback, Subscribe

ATTESTATION_FAILED = 401002
UNAUTHORIZED = 401000
TOO_LONG_FOR_A_CONNECT = 10_000

bad_tokens = pytest.mark.parametrize("name", BAD_TOKENS)


@bad_tokens
def test_device_api_refuses_it(site: Site, name: str) -> None:
    device = site.device()
    token = site.witness(BAD_TOKENS[name](_device_signer(site, device)))
    target = f"/{site.deployment.id_scope}/registrations/{device.registration_id}/register?api-version={VERSION}"
    answer = exchange(site.deployment, request("PUT", target, _headers(site, token), b"{}"))
    site.check_refusal(answer, 401, ATTESTATION_FAILED)


@bad_tokens
def test_dps_over_mqtt_accepts_the_connection_and_refuses_each_question(site: Site, name: str) -> None:
    device = site.device()
    token = site.witness(BAD_TOKENS[name](_device_signer(site, device)))
    user_name = dps_topics.user_name(site.deployment.id_scope, device.registration_id, VERSION)
    with MqttPeer(site.deployment) as peer:
        peer.say(Connect(client_id=device.registration_id, user_name=user_name, password=token.encode()))
        assert peer.hear() == Connack(ReturnCode.ACCEPTED)
        peer.say(Subscribe(1, ((dps_topics.RESPONSE_FILTER, 1),)))
        assert peer.hear() == Suback(1, (1,))
        for number in ("one", "two", "three"):
            peer.say(Publish(topic=dps_topics.register_topic(number), qos=1, packet_id=2))
            response = peer.hear_publish()
            assert response.topic == dps_topics.response_topic(401, number)
            site.check_error_body(response.payload, ATTESTATION_FAILED)
        assert peer.hear() is None


@bad_tokens
def test_service_api_refuses_it(site: Site, name: str) -> None:
    signer = Signer(site.deployment.host, site.deployment.service_key, site.deployment.service_policy)
    token = site.witness(BAD_TOKENS[name](signer))
    answer = exchange(
        site.deployment, request("GET", f"/enrollments/anyone?api-version={VERSION}", _headers(site, token))
    )
    site.check_refusal(answer, 401, UNAUTHORIZED)


@bad_tokens
def test_hub_api_refuses_it(site: Site, name: str) -> None:
    signer = Signer(site.deployment.host, site.deployment.hub_key, site.deployment.hub_policy)
    token = site.witness(BAD_TOKENS[name](signer))
    answer = exchange(site.deployment, request("GET", f"/devices/anyone?api-version={VERSION}", _headers(site, token)))
    site.check_refusal(answer, 401, UNAUTHORIZED)


# A hub's device has no policy, and the hub ignores a name.
@pytest.mark.parametrize("name", [name for name in BAD_TOKENS if not name.startswith("skn of")])
def test_hub_over_mqtt_refuses_the_connection(site: Site, name: str) -> None:
    device = site.device()
    device.register_over_https()
    host, registration_id = site.deployment.host, device.registration_id
    token = site.witness(BAD_TOKENS[name](Signer(f"{host}/devices/{registration_id}", device.key, None)))
    user_name = hub_topics.user_name(host, registration_id, VERSION)
    with MqttPeer(site.deployment) as peer:
        peer.say(Connect(client_id=registration_id, user_name=user_name, password=token.encode()))
        assert peer.hear() == Connack(ReturnCode.NOT_AUTHORIZED)
        assert peer.hear() is None


def test_a_token_of_10_kb_is_refused_over_http_and_ends_an_mqtt_connection(site: Site) -> None:
    device = site.device()
    token = site.witness(_device_signer(site, device).spoiled(skn="x" * TOO_LONG_FOR_A_CONNECT))
    target = f"/{site.deployment.id_scope}/registrations/{device.registration_id}/register?api-version={VERSION}"
    answer = exchange(site.deployment, request("PUT", target, _headers(site, token), b"{}"))
    site.check_refusal(answer, 401, ATTESTATION_FAILED)
    user_name = dps_topics.user_name(site.deployment.id_scope, device.registration_id, VERSION)
    with MqttPeer(site.deployment) as peer:
        peer.say(Connect(client_id=device.registration_id, user_name=user_name, password=token.encode()))
        assert peer.hear() is None


def test_a_header_of_null_characters_is_no_http(site: Site) -> None:
    device = site.device()
    target = f"/{site.deployment.id_scope}/registrations/{device.registration_id}/register?api-version={VERSION}"
    answer = exchange(site.deployment, request("PUT", target, _headers(site, b"SharedAccessSignature \0"), b"{}"))
    site.check_refusal(answer, 400, 400004)


def test_a_second_authorization_header_is_refused(site: Site) -> None:
    device = site.device()
    target = f"/{site.deployment.id_scope}/registrations/{device.registration_id}/register?api-version={VERSION}"
    headers = [*_headers(site, site.witness(device.token)), ("Authorization", "SharedAccessSignature sr=a&sig=b&se=1")]
    answer = exchange(site.deployment, request("PUT", target, headers, b"{}"))
    site.check_refusal(answer, 400, 400004)


def test_a_trailer_brings_no_credential(site: Site) -> None:
    device = site.device()
    target = f"/{site.deployment.id_scope}/registrations/{device.registration_id}/register?api-version={VERSION}"
    headers = [("Host", site.deployment.host), ("Transfer-Encoding", "chunked")]
    body = f"2\r\n{{}}\r\n0\r\nAuthorization: {site.witness(device.token)}\r\n\r\n".encode()
    with Peer(site.deployment, HTTPS) as peer:
        peer.send(request("PUT", target, headers, body))
        site.check_refusal(read_answer(peer), 401, ATTESTATION_FAILED)


def _device_signer(site: Site, device: Device) -> Signer:
    return Signer(f"{site.deployment.id_scope}/registrations/{device.registration_id}", device.key, "registration")


def _headers(site: Site, token: str | bytes) -> list[tuple[str, str | bytes]]:
    return [("Host", site.deployment.host), ("Authorization", token), ("Content-Type", "application/json")]
