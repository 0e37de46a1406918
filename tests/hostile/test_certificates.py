"""Certificates gone wrong: each has one defined answer, the same on each transport, and an exact cause on record.

Refused by the enrollment: 401, or 404 where there is nothing to enroll by. OpenSSL lets all that through which it can
read; what it cannot read ends with an alert in the handshake, before any transport is spoken.
"""

import itertools
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from tests import pki
from tests.hostile.certificate_attempts import (
    TRANSPORTS,
    Entries,
    cause_on_record,
    check_refusal,
    entries_of,
    over_https,
    performatives,
)
from tests.hostile.site import Site
from tests.hostile.wrong_certificates import LINE, OTHER, OWN, ROOT, RSA_ROOT, SECRETS, WRONG, Shown
from tests.pki import Identity, make_root, make_self_signed
from tests.sockets.devices import VERSION
from tests.sockets.openssl_client import Presented, TlsAlert, presenting
from tests.sockets.peer import AMQP, HTTPS, MQTT, Handshake, Peer
from tests.sockets.raw_amqp import AMQP_HEADER, CLOSE, OPEN, Described, frame
from tests.sockets.raw_mqtt import MqttPeer

from homeport.protocols.mqtt import dps_topics
from homeport.protocols.mqtt.packets import Connack, Connect, ReturnCode

ATTESTATION_FAILED, ENROLLMENT_DISABLED, ENROLLMENT_NOT_FOUND = 401002, 401003, 404201
INVALID_BODY = 400007
_NUMBERS = itertools.count(1)


@pytest.fixture
def device_id(site: Site) -> str:
    """An ID that was never seen before, and stands in no log."""
    registration_id = f"cert-device-{next(_NUMBERS)}-end"
    site.registration_ids.add(registration_id)
    return registration_id


@pytest.fixture
def entries(site: Site) -> Iterator[Entries]:
    with entries_of(site) as entries:
        yield entries


def let_in(site: Site, device_id: str, device: Presented) -> None:
    """Every transport lets the device in."""
    handshake = presenting(device, site.deployment.ca_file)
    for name, attempt in TRANSPORTS.items():
        outcome = attempt(site, device_id, handshake)
        assert outcome.is_let_in, (name, outcome)


def refused(site: Site, device_id: str, device: Presented, cause: str, *, code: int = ATTESTATION_FAILED) -> None:
    """Every transport refuses the device with this code, and the operator finds this cause."""
    handshake = presenting(device, site.deployment.ca_file)
    for attempt in TRANSPORTS.values():
        check_refusal(site, attempt(site, device_id, handshake), code, secrets=SECRETS)
    assert cause_on_record(site, device_id) == cause


# --- a member of a group --------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", WRONG)
def test_a_group_refuses(site: Site, entries: Entries, device_id: str, cause: str) -> None:
    entries.group("secret-group", ROOT.pem, RSA_ROOT.pem)
    refused(site, device_id, WRONG[cause](device_id), cause)


def test_der_that_openssl_reads_and_we_do_not_is_refused_by_the_group(
    site: Site, entries: Entries, device_id: str
) -> None:
    entries.group("secret-group", ROOT.pem)
    key = pki.make_key()
    refused(site, device_id, Shown(ROOT.with_loose_boolean(device_id, key=key), key), "broken_der")


def test_without_any_entry_there_is_nothing_to_be_refused_by(site: Site, device_id: str) -> None:
    refused(site, device_id, ROOT.leaf(device_id), "unknown_registration_id", code=ENROLLMENT_NOT_FOUND)


def test_certificates_that_do_not_belong_do_no_harm(site: Site, entries: Entries, device_id: str) -> None:
    entries.group("secret-group", ROOT.pem)
    device = LINE.leaf(device_id)
    let_in(site, device_id, Shown((device.der, OTHER.der, ROOT.der, LINE.der, device.der), device.key))


def test_the_root_may_be_rolled_while_both_count(site: Site, entries: Entries, device_id: str) -> None:
    rolled = make_root("Secret Root", key=ROOT.key)
    new = make_root("Secret New Root")
    for old_and_new in ((ROOT.pem, rolled.pem), (ROOT.pem, new.pem)):
        entries.group("secret-group", *old_and_new)
        let_in(site, device_id, LINE.leaf(device_id))
        entries.delete("/enrollmentGroups/secret-group")
    entries.group("secret-group", ROOT.pem, new.pem)
    let_in(site, device_id, new.leaf(device_id))
    entries.delete("/enrollmentGroups/secret-group")
    entries.group("secret-group", new.pem)
    refused(site, device_id, LINE.leaf(device_id), "missing_intermediate")


def test_a_certificate_in_two_groups_lets_nobody_in(site: Site, entries: Entries, device_id: str) -> None:
    entries.group("secret-group-a", ROOT.pem)
    entries.group("secret-group-b", ROOT.pem)
    refused(site, device_id, LINE.leaf(device_id), "certificate_in_two_entries")


def test_a_disabled_intermediate_shuts_out_what_the_root_would_let_in(
    site: Site, entries: Entries, device_id: str
) -> None:
    entries.group("secret-group-root", ROOT.pem)
    entries.group("secret-group-line", LINE.pem, enabled=False)
    refused(site, device_id, LINE.leaf(device_id), "disabled", code=ENROLLMENT_DISABLED)
    entries.delete("/enrollmentGroups/secret-group-line")
    let_in(site, device_id, LINE.leaf(device_id))


def test_a_disabled_individual_entry_shuts_out_a_member_until_it_is_deleted(
    site: Site, entries: Entries, device_id: str
) -> None:
    entries.group("secret-group", ROOT.pem)
    entries.individual_by_key(device_id, enabled=False)
    refused(site, device_id, LINE.leaf(device_id), "disabled_unproven", code=ENROLLMENT_DISABLED)
    entries.delete(f"/enrollments/{device_id}")
    let_in(site, device_id, LINE.leaf(device_id))


def test_a_ca_certificate_that_is_deleted_lets_nobody_in(
    site: Site, entries: Entries, device_id: str, tmp_path: Path
) -> None:
    file = tmp_path / "root.pem"
    file.write_text(ROOT.pem)
    _certificates(site, "add", "secret-ca", str(file))
    _certificates(site, "verify", "secret-ca", "--because", "made by this test")
    entries.group("secret-group", primary="secret-ca")
    let_in(site, device_id, LINE.leaf(device_id))
    _certificates(site, "delete", "secret-ca")
    refused(site, device_id, LINE.leaf(device_id), "ca_certificate_gone")


def _certificates(site: Site, *arguments: str) -> None:
    done = site.server.command("certificates", *arguments)
    assert done.returncode == 0, done


# --- an individual enrollment ---------------------------------------------------------------------------------


def test_an_individual_enrollment_takes_either_of_its_certificates(
    site: Site, entries: Entries, device_id: str
) -> None:
    old, new = make_self_signed(device_id), make_self_signed(device_id)
    for primary, secondary in ((old, new), (new, old)):
        entries.individual(device_id, primary.pem, secondary.pem)
        let_in(site, device_id, old)
        let_in(site, device_id, new)
        entries.delete(f"/enrollments/{device_id}")


def test_an_individual_enrollment_refuses_another_certificate_that_a_group_would_take(
    site: Site, entries: Entries, device_id: str
) -> None:
    entries.group("secret-group", ROOT.pem)
    entries.individual(device_id, make_self_signed(device_id).pem)
    refused(site, device_id, LINE.leaf(device_id), "wrong_certificate")


@pytest.mark.parametrize("cause", OWN)
def test_an_individual_enrollment_refuses_its_own_certificate(
    site: Site, entries: Entries, device_id: str, cause: str
) -> None:
    device = OWN[cause](device_id)
    entries.individual(device_id, device.pem)
    refused(site, device_id, device, cause)


def test_a_certificate_in_two_individual_enrollments_proves_the_id_that_it_names(
    site: Site, entries: Entries, device_id: str
) -> None:
    device, neighbour = make_self_signed(device_id), f"{device_id}-neighbour"
    for registration_id in (device_id, neighbour):
        entries.individual(registration_id, device.pem)
    let_in(site, device_id, device)
    refused(site, neighbour, device, "common_name")


@pytest.mark.parametrize(
    "wrong", [{"extensions": [(pki.SERVER_AUTH, False)]}, {"key": pki.make_key("RSA-1024")}], ids=["EKU", "RSA-1024"]
)
def test_what_could_never_register_is_not_enrolled(entries: Entries, device_id: str, wrong: dict[str, Any]) -> None:
    certificate = make_self_signed(device_id, **wrong).pem
    attestation = {"type": "x509", "x509": {"clientCertificates": {"primary": {"certificate": certificate}}}}
    body = {"registrationId": device_id, "attestation": attestation}
    answer = entries.administrator.service("PUT", f"/enrollments/{device_id}", body)
    assert (answer.status, answer.json()["errorCode"]) == (400, INVALID_BODY)


# --- no certificate -------------------------------------------------------------------------------------------


def test_without_a_certificate_https_refuses(site: Site, entries: Entries, device_id: str) -> None:
    entries.individual(device_id, make_self_signed(device_id).pem)
    outcome = over_https(site, device_id, presenting(None, site.deployment.ca_file))
    check_refusal(site, outcome, ATTESTATION_FAILED, secrets=SECRETS)
    assert cause_on_record(site, device_id) == "no_certificate"


def test_without_a_certificate_mqtt_refuses_to_connect(site: Site, device_id: str) -> None:
    user_name = dps_topics.user_name(site.deployment.id_scope, device_id, VERSION)
    with MqttPeer(site.deployment) as peer:
        peer.say(Connect(client_id=device_id, user_name=user_name))
        assert peer.hear() == Connack(ReturnCode.NOT_AUTHORIZED)
        assert peer.hear() is None


def test_without_a_certificate_amqp_refuses_to_open(site: Site) -> None:
    with Peer(site.deployment, AMQP) as peer:
        peer.send(AMQP_HEADER + frame(Described(OPEN, ["device"])))
        frames = performatives(peer)
        _, closed = next(frames), next(frames)
        assert closed[0].code == CLOSE
        assert closed[0].field(0).field(0) == "amqp:unauthorized-access"
        assert peer.receive() == b""


# --- the handshake --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", ["weak_key", "weak_signature"])
def test_tls_1_2_leaves_weak_certificates_to_the_enrollment_too(
    site: Site, entries: Entries, device_id: str, cause: str
) -> None:
    entries.group("secret-group", ROOT.pem, RSA_ROOT.pem)
    in_tls_1_2 = presenting(WRONG[cause](device_id), site.deployment.ca_file, edit=lambda data: data)
    for attempt in TRANSPORTS.values():
        check_refusal(site, attempt(site, device_id, in_tls_1_2), ATTESTATION_FAILED, secrets=SECRETS)


def ends_with_alert(site: Site, port: int, handshake: Handshake, alert: str, reason: str) -> None:
    """The device hears this alert, and the log says this reason."""
    with pytest.raises(TlsAlert) as refusal:
        Peer(site.deployment, port, handshake)
    assert str(refusal.value) == f"tlsv1 alert {alert}"
    # What is served after it comes after its line in the log.
    site.check_health()
    failures = [json.loads(line) for line in site.server.log().splitlines() if '"handshake_failed"' in line]
    assert reason in [failure["reason"] for failure in failures]


@pytest.mark.parametrize("port", [HTTPS, MQTT, AMQP])
def test_der_that_openssl_cannot_read_ends_the_handshake(site: Site, port: int) -> None:
    device = LINE.leaf("device")
    broken = pki.broken_der(device)
    handshake = presenting(device, site.deployment.ca_file, edit=lambda sent: sent.replace(device.der, broken))
    ends_with_alert(site, port, handshake, "decode error", "client_certificate_malformed")


@pytest.mark.parametrize("port", [HTTPS, MQTT, AMQP])
def test_a_certificate_without_its_key_ends_the_handshake(site: Site, port: int) -> None:
    """Taken from the wire, where TLS 1.2 shows it to everybody."""
    own, taken = _two_of_a_length()
    handshake = presenting(own, site.deployment.ca_file, edit=lambda sent: sent.replace(own.der, taken.der))
    ends_with_alert(site, port, handshake, "decrypt error", "client_certificate_unproven")


def _two_of_a_length() -> tuple[Identity, Identity]:
    while True:
        own, taken = (make_self_signed("device", key=pki.make_key("Ed25519")) for _ in range(2))
        if len(own.der) == len(taken.der):
            return own, taken
