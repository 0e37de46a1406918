"""A device that may not register is refused, and its SDK gives its user the reason.

How much an SDK can say differs: Node keeps the server's error body on every transport, Python the status only.
"""

from collections.abc import Callable
from dataclasses import replace

import pytest
from tests.pki import make_root, make_self_signed

from conformance.conftest import Judges
from conformance.fleet import Credential, Fleet, group_member, key_of, new_id, register
from conformance.judges import Refusal
from conformance.keys import new_key
from conformance.matrix import Cell, passing
from conformance.server import Server

UNAUTHORIZED = 401002
DISABLED = 401003


def wrong_key(fleet: Fleet) -> Credential:
    record = fleet.enroll_device()
    return Credential(registration_id=record["registrationId"], symmetric_key=new_key())


def unknown_id(fleet: Fleet) -> Credential:
    fleet.enroll_group()
    return Credential(registration_id=new_id(), symmetric_key=new_key())


def groups_own_key(fleet: Fleet) -> Credential:
    return Credential(registration_id=new_id(), symmetric_key=key_of(fleet.enroll_group()))


def neighbours_derived_key(fleet: Fleet) -> Credential:
    neighbour = group_member(fleet.enroll_group(), new_id())
    return Credential(registration_id=new_id(), symmetric_key=neighbour.symmetric_key)


def another_certificate(fleet: Fleet) -> Credential:
    enrolled = fleet.new_device("X.509 individual")
    return fleet.keep(enrolled.registration_id, make_self_signed(enrolled.registration_id))


def missing_intermediate(fleet: Fleet) -> Credential:
    root = make_root(new_id("root"))
    x509 = {"signingCertificates": {"primary": {"certificate": root.pem}}}
    fleet.enroll_group(attestation={"type": "x509", "x509": x509})
    registration_id = new_id()
    member = root.intermediate(new_id("line")).leaf(registration_id)
    return fleet.keep(registration_id, replace(member, intermediates=()))


Case = Callable[[Fleet], Credential]
REASONS: dict[str, dict[Case, str]] = {
    "individual key": {
        wrong_key: "not signed with a key of the individual enrollment",
        unknown_id: "no individual enrollment with this registration ID",
    },
    "group key": {
        groups_own_key: "an enrollment group's own key",
        neighbours_derived_key: "not signed with a key derived for it from an enrollment group",
    },
    "X.509 individual": {another_certificate: "not one of the individual enrollment"},
    "X.509 group by root": {missing_intermediate: "its last certificate was not presented"},
}
"""By attestation: the bad credential, and the words of the reason."""
BAD_CREDENTIALS = [
    pytest.param(cell, case, reason, id=f"{cell}-{case.__name__}")
    for attestation, cases in REASONS.items()
    for cell in passing("provisioning", attestation)
    for case, reason in cases.items()
]


@pytest.mark.parametrize(("cell", "case", "reason"), BAD_CREDENTIALS)
def test_bad_credential(cell: Cell, case: Case, reason: str, server: Server, fleet: Fleet, device: Judges) -> None:
    with pytest.raises(Refusal) as caught:
        register(device(cell.client), cell, server, case(fleet))
    assert_unauthorized(cell, caught.value, UNAUTHORIZED, reason)


def other_tpm(fleet: Fleet) -> Credential:
    enrolled = fleet.new_device("TPM")
    return replace(enrolled, tpm_directory=fleet.make_tpm()[0])


def disabled_tpm(fleet: Fleet) -> Credential:
    return fleet.new_device("TPM", provisioningStatus="disabled")


# Over AMQP the SDK tells nobody of a refusal that comes before the challenge: `register` never settles, since nothing
# listens to its connection's error yet (azure-iot-provisioning-device-amqp 1.9.1, dist/amqp.js, _getAuthChallenge).
# test_tpm.py hears what the server says there.
TPM_OVER_HTTPS = [cell for cell in passing("provisioning", "TPM") if cell.transport == "HTTPS"]


@pytest.mark.parametrize("cell", TPM_OVER_HTTPS, ids=str)
@pytest.mark.parametrize("case", [other_tpm, disabled_tpm])
def test_a_tpm_that_is_not_challenged(cell: Cell, case: Case, server: Server, fleet: Fleet, device: Judges) -> None:
    with pytest.raises(Refusal) as caught:
        register(device(cell.client), cell, server, case(fleet))
    assert (caught.value.type, "appropriately formatted" in caught.value.message) == ("FormatError", True)


# A TPM of a disabled entry is not challenged, so it cannot prove itself and there is nothing to record.
@pytest.mark.parametrize("cell", [cell for cell in passing("provisioning") if cell.attestation != "TPM"], ids=str)
def test_disabled_entry(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation, provisioningStatus="disabled")
    with pytest.raises(Refusal) as caught:
        register(device(cell.client), cell, server, credential)
    assert_unauthorized(cell, caught.value, DISABLED, "disabled")
    assert fleet.record_of(credential.registration_id)["status"] == "disabled"


def assert_unauthorized(cell: Cell, refusal: Refusal, code: int, reason: str) -> None:
    """The refusal is what this SDK's user gets for a 401, with as much of the reason as the SDK passes on."""
    if cell.client == "python-device":
        assert refusal.type == "ClientError"
        assert any("status code 401" in cause["message"] for cause in refusal.causes)
        return
    expected = "amqp:unauthorized-access" if cell.transport.startswith("AMQP") else "UnauthorizedError"
    assert (refusal.type, refusal.status) == (expected, 401)
    assert refusal.body["errorCode"] == code
    assert reason in refusal.body["message"]
