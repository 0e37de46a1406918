"""A device at its hub, as conversations: who is let in, and what is answered."""

import hashlib

import msgspec
import pytest
from msgspec.structs import replace
from tests.unit.administration.world import HUB, SECONDARY, refused
from tests.unit.hubs.site import DEVICE, WRONG_KEY, Connection, Site, at_site

from homeport import errors
from homeport.errors import HomeportError
from homeport.hubs.embedded.twins import TwinPatch
from homeport.model.attestation import PresentedCredential
from homeport.protocols.conversation import (
    DesiredPropertiesChanged,
    Displaced,
    Done,
    GetTwin,
    HubSession,
    OpenHubSession,
    PatchReportedProperties,
    ReportedPropertiesVersion,
    SendTelemetry,
    TwinDocument,
)


async def cause(site: Site, token: str, **session: str) -> str:
    """Why the hub lets nobody in with this token."""
    with pytest.raises(HomeportError) as caught:
        await site.connect(token=token, **session)
    assert caught.value.row is errors.UNAUTHORIZED
    return caught.value.cause


# --- who is let in --------------------------------------------------------------------------------------------


@at_site
async def test_either_key_opens_a_session_for_as_long_as_its_token_is_good(site: Site) -> None:
    await site.device(secondary_key=SECONDARY)
    for session in (await site.connect(), await site.connect(token=site.token(SECONDARY), hub=HUB.upper())):
        assert (session.hub_host_name, session.device_id, session.expires_in) == (HUB, DEVICE, 3600.0)


@pytest.mark.parametrize(
    "resource",
    [
        f"{HUB}%2Fdevices%2F{DEVICE}",
        f"{HUB}%2fdevices%2f{DEVICE}",
        f"{HUB}/devices/{DEVICE}",
        f"{HUB.lower()}/devices/{DEVICE}",
    ],
)
def test_clients_encode_the_resource_differently(resource: str) -> None:
    @at_site
    async def scenario(site: Site) -> None:
        await site.device()
        assert (await site.connect(token=site.token(resource=resource))).device_id == DEVICE

    scenario()


@pytest.mark.parametrize(
    "resource",
    [
        HUB,
        f"{HUB}/devices",
        f"{HUB}/devices/{DEVICE.upper()}",
        f"{HUB}/devices/{DEVICE}/modules/m",
        f"{HUB}/devices/other",
        f"{HUB}/registrations/{DEVICE}",
        f"other.test/devices/{DEVICE}",
        f"x{HUB}/devices/{DEVICE}",
    ],
)
def test_a_token_for_something_else_opens_nothing(resource: str) -> None:
    @at_site
    async def scenario(site: Site) -> None:
        await site.device()
        assert await cause(site, site.token(resource=resource)) == "wrong_resource"

    scenario()


@at_site
async def test_every_other_refusal_has_a_cause_of_its_own(site: Site) -> None:
    await site.device()
    assert await cause(site, "") == "no_token"
    assert await cause(site, "password") == "malformed"
    assert await cause(site, site.token(), hub="other.test") == "unknown_hub"
    assert await cause(site, site.token(WRONG_KEY)) == "wrong_signature"
    assert await cause(site, site.token(lifetime=0)) == "expired"
    nobody = site.token(resource=f"{HUB}/devices/nobody")
    assert await cause(site, nobody, device_id="nobody") == "unknown_device"
    await site.update(enabled=False)
    assert await cause(site, site.token()) == "disabled"
    # Only who holds the key learns that the device is disabled.
    assert await cause(site, site.token(WRONG_KEY)) == "wrong_signature"


@at_site
async def test_unknown_device_and_wrong_key_sound_the_same(site: Site) -> None:
    await site.device()
    messages = set()
    for device_id in (DEVICE, "nobody"):
        token = site.token(WRONG_KEY, resource=f"{HUB}/devices/{device_id}")
        with pytest.raises(HomeportError) as caught:
            await site.connect(token=token, device_id=device_id)
        messages.add(caught.value.message)
    assert len(messages) == 1


@at_site
async def test_a_device_id_outside_the_grammar_is_refused(site: Site) -> None:
    with refused(errors.INVALID_IDENTIFIER):
        await site.connect(device_id="a b")


@at_site
async def test_a_certificate_alone_opens_nothing(site: Site) -> None:
    await site.device()
    credential = PresentedCredential(certificate_chain=(b"der",))
    question = OpenHubSession(hub_host_name=HUB, device_id=DEVICE, credential=credential)
    with refused(errors.UNAUTHORIZED):
        await site.embedded.sessions.answer(question)


LEAF, OTHER_LEAF = b"the DER of a certificate", b"the DER of another"
SHA1, SHA256 = hashlib.sha1(LEAF).hexdigest().upper(), hashlib.sha256(LEAF).hexdigest().upper()


def shown(*chain: bytes, token: str | None = None) -> PresentedCredential:
    return PresentedCredential(certificate_chain=chain, sas_token=token)


async def certified(site: Site, primary: str = SHA256, secondary: str | None = None) -> None:
    await site.device(authentication_type="selfSigned", primary_thumbprint=primary, secondary_thumbprint=secondary)


@pytest.mark.parametrize(("primary", "secondary"), [(SHA256, None), (SHA1, None), ("0" * 64, SHA256)])
def test_either_certificate_opens_a_session_without_end(primary: str, secondary: str | None) -> None:
    @at_site
    async def scenario(site: Site) -> None:
        await certified(site, primary, secondary)
        session = await site.present(shown(LEAF, OTHER_LEAF))
        assert (session.hub_host_name, session.device_id, session.expires_in) == (HUB, DEVICE, None)

    scenario()


@pytest.mark.parametrize(
    ("chain", "cause"),
    [((OTHER_LEAF,), "wrong_certificate"), ((OTHER_LEAF, LEAF), "wrong_certificate"), ((), "no_token")],
)
def test_another_certificate_opens_nothing(chain: tuple[bytes, ...], cause: str) -> None:
    @at_site
    async def scenario(site: Site) -> None:
        await certified(site)
        with refused(errors.UNAUTHORIZED) as refusal:
            await site.present(shown(*chain))
        assert refusal.value.cause == cause

    scenario()


@at_site
async def test_a_device_with_a_certificate_takes_no_token(site: Site) -> None:
    await certified(site)
    assert await cause(site, site.token()) == "certificate_expected"


@at_site
async def test_a_device_with_keys_takes_no_certificate(site: Site) -> None:
    await site.device()
    with refused(errors.UNAUTHORIZED) as refusal:
        await site.present(shown(LEAF))
    assert refusal.value.cause == "token_expected"


@at_site
async def test_a_token_counts_whatever_certificate_tls_showed(site: Site) -> None:
    await site.device()
    assert (await site.present(shown(LEAF, token=site.token()))).device_id == DEVICE


@at_site
async def test_a_disabled_device_is_refused_with_its_certificate_too(site: Site) -> None:
    await certified(site)
    await site.update(enabled=False)
    with refused(errors.UNAUTHORIZED) as refusal:
        await site.present(shown(LEAF))
    assert refusal.value.cause == "disabled"


# --- life at the hub ------------------------------------------------------------------------------------------


@at_site
async def test_a_device_reads_its_twin_reports_and_hears_of_changes(site: Site) -> None:
    await site.device()
    answer = site.embedded.sessions.answer
    session, connection = await site.connected()

    assert await answer(GetTwin(session=session, tag="1")) == TwinDocument(
        b'{"desired":{"$version":1},"reported":{"$version":1}}'
    )
    report = PatchReportedProperties(session=session, patch=b'{"firmware":{"major":1},"gone":1}', tag="2")
    assert await answer(report) == ReportedPropertiesVersion(2)
    report = PatchReportedProperties(session=session, patch=b'{"firmware":{"minor":2},"gone":null}', tag="3")
    assert await answer(report) == ReportedPropertiesVersion(3)

    patch = TwinPatch(tags={"hidden": True}, desired={"colour": "red"})
    await site.embedded.twins.patch(site.hub, DEVICE, patch, if_match=None, actor="me")
    assert connection.heard == [DesiredPropertiesChanged(patch=b'{"colour":"red","$version":2}', version=2)]

    document = await answer(GetTwin(session=session))
    assert isinstance(document, TwinDocument)
    assert msgspec.json.decode(document.json) == {
        "desired": {"colour": "red", "$version": 2},
        "reported": {"firmware": {"major": 1, "minor": 2}, "$version": 3},
    }


@at_site
async def test_telemetry_arrives_with_its_properties(site: Site) -> None:
    await site.device()
    session, _ = await site.connected()
    question = SendTelemetry(session=session, body=b"21.5", properties=(("$.mid", "m-1"), ("alert", "no")), tag="7")
    assert await site.embedded.sessions.answer(question) == Done()
    (message,) = site.telemetry()
    assert (message.device_id, message.body, message.properties) == (DEVICE, question.body, question.properties)


@at_site
async def test_a_second_connection_displaces_the_first(site: Site) -> None:
    await site.device()
    first_session, first = await site.connected()
    second_session, second = await site.connected()
    assert (first.heard, second.heard) == ([Displaced()], [])
    site.embedded.sessions.detach(first_session, first.listen)
    assert site.embedded.presence.is_connected(HUB, DEVICE)
    site.embedded.sessions.detach(second_session, second.listen)
    assert not site.embedded.presence.is_connected(HUB, DEVICE)


@at_site
async def test_what_only_the_hub_writes_is_dropped_from_a_report(site: Site) -> None:
    await site.device()
    session, _ = await site.connected()
    patch = b'{"a":1,"$version":9,"$metadata":{}}'
    await site.embedded.sessions.answer(PatchReportedProperties(session=session, patch=patch))
    assert (await site.embedded.twins.of_device(site.hub, DEVICE)).reported == {"a": 1}


@pytest.mark.parametrize(
    "patch", [b"", b" ", b"[]", b"null", b"1", b'{"a":', b'{"a.b":1}', b"\xff", b'{"a":' * 5000, b'{"a":"\\ud800"}']
)
def test_reported_properties_that_are_none_are_refused(patch: bytes) -> None:
    @at_site
    async def scenario(site: Site) -> None:
        await site.device()
        session, _ = await site.connected()
        with refused(errors.INVALID_BODY):
            await site.embedded.sessions.answer(PatchReportedProperties(session=session, patch=patch))
        assert (await site.embedded.twins.of_device(site.hub, DEVICE)).reported == {}

    scenario()


@at_site
async def test_after_the_device_is_gone_its_session_finds_nothing(site: Site) -> None:
    await site.device()
    session, connection = await site.connected()
    await site.embedded.identities.delete(site.hub, DEVICE, if_match=None, actor="me")
    assert connection.heard == [Displaced()]
    for question in (GetTwin(session=session), PatchReportedProperties(session=session, patch=b'{"a":1}')):
        with refused(errors.DEVICE_NOT_FOUND):
            await site.embedded.sessions.answer(question)


@at_site
async def test_a_session_at_a_hub_that_is_not_linked_finds_nothing(site: Site) -> None:
    await site.device()
    session, _ = await site.connected()
    stray = replace(session, hub_host_name="other.test")
    with refused(errors.DEVICE_NOT_FOUND):
        await site.embedded.sessions.answer(GetTwin(session=stray))


@at_site
async def test_a_session_that_the_hub_has_not_opened_is_a_mistake_of_ours(site: Site) -> None:
    made_up = HubSession(hub_host_name=HUB, device_id=DEVICE, expires_in=None)
    with pytest.raises(TypeError):
        site.embedded.sessions.attach(made_up, Connection().listen)


@at_site
async def test_what_a_device_sends_after_it_is_gone_is_not_kept(site: Site) -> None:
    await site.device()
    session, _ = await site.connected()
    await site.embedded.identities.delete(site.hub, DEVICE, if_match=None, actor="me")
    with refused(errors.DEVICE_NOT_FOUND):
        await site.embedded.sessions.answer(SendTelemetry(session=session, body=b"late", properties=()))
    assert site.telemetry() == []
