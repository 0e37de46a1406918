"""The vocabulary: nothing that a log line may show of it holds a credential."""

import msgspec

from homeport import errors
from homeport.errors import HomeportError
from homeport.model.attestation import PresentedCredential
from homeport.model.identifiers import RegistrationId
from homeport.protocols import conversation
from homeport.protocols.conversation import Attest, OpenHubSession, Refuse

CREDENTIAL = PresentedCredential(sas_token="SharedAccessSignature secret", certificate_chain=(b"secret",))


def test_questions_do_not_show_the_credential_that_they_carry() -> None:
    attest = Attest(id_scope="scope", registration_id=RegistrationId("device"), credential=CREDENTIAL)
    open_session = OpenHubSession(hub_host_name="hub", device_id="device", credential=CREDENTIAL)
    assert "secret" not in f"{attest!r}{open_session!r}"


def test_a_refuse_keeps_the_error_itself() -> None:
    error = HomeportError(errors.THROTTLED, retry_after=7)
    assert Refuse(error, "1 rid").error is error


def test_no_event_and_no_command_can_be_changed() -> None:
    types = [value for value in vars(conversation).values() if isinstance(value, type)]
    structs = [type_ for type_ in types if issubclass(type_, msgspec.Struct)]
    assert structs
    assert all(type_.__struct_config__.frozen for type_ in structs)
