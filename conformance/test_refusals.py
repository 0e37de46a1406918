"""A device that may not register is refused, and its SDK gives its user the reason.

What an SDK can say differs: over HTTPS and after an accepted MQTT connection it keeps the server's error body; a
refused MQTT connection leaves only the class of the exception.
"""

from collections.abc import Callable

import pytest

from conformance.conftest import Judges
from conformance.fleet import Credential, Fleet, group_member, key_of, new_id, register
from conformance.judges import Refusal
from conformance.keys import new_key
from conformance.matrix import Cell, passing
from conformance.server import Server

UNAUTHORIZED = 401002
DISABLED = 401003

Case = Callable[[Fleet], Credential]


def wrong_key(fleet: Fleet) -> Credential:
    record = fleet.enroll_device()
    return Credential(registration_id=record["registrationId"], symmetric_key=new_key())


def wrong_key_of_a_group(fleet: Fleet) -> Credential:
    return group_member_with_key(fleet, new_key())


def unknown_id(fleet: Fleet) -> Credential:
    return Credential(registration_id=new_id("nobody"), symmetric_key=new_key())


def groups_own_key(fleet: Fleet) -> Credential:
    return Credential(registration_id=new_id("member"), symmetric_key=key_of(fleet.enroll_group()))


def neighbours_derived_key(fleet: Fleet) -> Credential:
    neighbour = group_member(fleet.enroll_group(), new_id("neighbour"))
    return Credential(registration_id=new_id("member"), symmetric_key=neighbour.symmetric_key)


def group_member_with_key(fleet: Fleet, key: str) -> Credential:
    fleet.enroll_group()
    return Credential(registration_id=new_id("member"), symmetric_key=key)


INDIVIDUAL = [wrong_key, unknown_id]
GROUP = [wrong_key_of_a_group, groups_own_key, neighbours_derived_key]
BAD_CREDENTIALS = [
    pytest.param(cell, case, id=f"{cell}-{case.__name__}")
    for attestation, cases in (("individual key", INDIVIDUAL), ("group key", GROUP))
    for cell in passing("provisioning", attestation)
    for case in cases
]


@pytest.mark.parametrize(("cell", "case"), BAD_CREDENTIALS)
def test_bad_credential(cell: Cell, case: Case, server: Server, fleet: Fleet, device: Judges) -> None:
    with pytest.raises(Refusal) as caught:
        register(device(cell.client), cell, server, case(fleet))
    refusal = caught.value
    assert refusal.type == {"python-device": "CredentialError"}.get(cell.client, "UnauthorizedError")
    if cell.transport == "HTTPS":
        assert (refusal.status, refusal.body["errorCode"]) == (401, UNAUTHORIZED)


@pytest.mark.parametrize("cell", passing("provisioning"), ids=str)
def test_disabled_entry(cell: Cell, server: Server, fleet: Fleet, device: Judges) -> None:
    credential = fleet.new_device(cell.attestation, provisioningStatus="disabled")
    with pytest.raises(Refusal) as caught:
        register(device(cell.client), cell, server, credential)
    assert_names_disabled(cell, caught.value)
    assert fleet.record_of(credential.registration_id)["status"] == "disabled"


def assert_names_disabled(cell: Cell, refusal: Refusal) -> None:
    if cell.client == "python-device":  # keeps the status of the answer, but not its body
        assert refusal.type == "ClientError"
        assert any("status code 401" in cause["message"] for cause in refusal.causes)
    else:
        assert refusal.type == "UnauthorizedError"
        assert (refusal.status, refusal.body["errorCode"]) == (401, DISABLED)
        assert "disabled" in refusal.body["message"]
