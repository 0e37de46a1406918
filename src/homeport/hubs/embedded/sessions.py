"""What a connected device asks of its hub, answered: let in, telemetry, twin, reported properties.

Counterpart: `protocols/conversation.py` holds the questions, `protocols/mqtt/` asks them. Knows no protocol: the
device brings a SAS token of its own key, or its certificate, and from then on a `HubSession` speaks for it.
"""

import hashlib
import hmac
from typing import assert_never

import msgspec

from homeport import errors
from homeport.clock import Clock
from homeport.errors import HomeportError
from homeport.hubs.embedded import twins
from homeport.hubs.embedded.connections import AdmittedSession, Listener
from homeport.hubs.embedded.device_twins import DeviceTwins, not_found
from homeport.hubs.embedded.directory import EmbeddedHubs
from homeport.hubs.embedded.node_memory import NodeMemory
from homeport.hubs.embedded.openers import opener_of_certificate, opener_of_key
from homeport.hubs.embedded.presence import Presence
from homeport.model.attestation import PresentedCredential
from homeport.model.hub_device import HubDevice, JsonObject
from homeport.model.identifiers import DeviceId, parse_device_id
from homeport.model.linked_hub import LinkedHub
from homeport.protocols.conversation import (
    Done,
    GetTwin,
    HubQuestion,
    HubSession,
    OpenHubSession,
    Outcome,
    PatchReportedProperties,
    ReportedPropertiesVersion,
    SendTelemetry,
    TwinDocument,
)
from homeport.security.sas import SasMalformed, SasToken, decode_key, parse_sas_token
from homeport.storage.port import HubDeviceReader

_JSON_OBJECT = msgspec.json.Decoder(JsonObject)


class HubSessions:
    """The devices' side of every embedded hub."""

    def __init__(
        self,
        *,
        hubs: EmbeddedHubs,
        devices: HubDeviceReader,
        twins: DeviceTwins,
        memory: NodeMemory,
        presence: Presence,
        clock: Clock,
    ) -> None:
        self._hubs = hubs
        self._devices = devices
        self._twins = twins
        self._memory = memory
        self._presence = presence
        self._clock = clock

    async def answer(self, question: HubQuestion) -> Outcome:
        """Answer a device.

        Raises:
            HomeportError: UNAUTHORIZED to open a session; DEVICE_NOT_FOUND once the device is gone; INVALID_BODY
                for reported properties that are none.
            StorageUnavailable: the database does not answer.
        """
        match question:
            case OpenHubSession():
                return await self._open(question)
            case SendTelemetry():
                return self._take(question)
            case GetTwin(session=session):
                twin = await self._twins.of_device(await self._hub(session), DeviceId(session.device_id))
                return TwinDocument(twins.devices_document(twin))
            case PatchReportedProperties(session=session):
                patch = _read_patch(question.patch)
                twin = await self._twins.report(await self._hub(session), DeviceId(session.device_id), patch)
                return ReportedPropertiesVersion(twin.reported_version)
            case _:
                assert_never(question)

    def attach(self, session: HubSession, listener: Listener) -> None:
        """Make this the connection of the session's device; an earlier one is displaced."""
        self._presence.attach(_admitted(session), listener)

    def detach(self, session: HubSession, listener: Listener) -> None:
        """The connection is over."""
        self._presence.detach(_admitted(session), listener)

    def _take(self, question: SendTelemetry) -> Done:
        """A device that was deleted, or is connected elsewhere by now, leaves nothing here any more."""
        session = question.session
        if not self._presence.is_here(_admitted(session)):
            raise not_found()
        self._memory.record(
            session.hub_host_name,
            session.device_id,
            body=question.body,
            properties=question.properties,
            at=self._clock.now(),
        )
        return Done()

    async def _hub(self, session: HubSession) -> LinkedHub:
        hub = await self._hubs.named(session.hub_host_name)
        if hub is None:
            raise not_found()
        return hub

    async def _open(self, question: OpenHubSession) -> AdmittedSession:
        credential = question.credential
        token = _read_token(credential) if credential.sas_token or not credential.certificate_chain else None
        hub = await self._hubs.named(question.hub_host_name)
        if hub is None:
            raise _refused("This server has no hub of this host name.", "unknown_hub")
        device_id = parse_device_id(question.device_id)
        if token is not None:
            _check_resource(token, hub, device_id)
        as_of = self._presence.changes
        device = await self._devices.device(hub.service_id, hub.host_name, device_id)
        now = self._clock.now().timestamp()
        if token is None:
            opener = _check_certificate(device, credential.certificate_chain[0])
        else:
            opener = _check_token(device, token, now)
        twin = await self._devices.twin(hub.service_id, hub.host_name, device_id)
        return AdmittedSession(
            service_id=hub.service_id,
            hub_host_name=hub.host_name,
            device_id=device_id,
            expires_in=None if token is None else token.expiry - now,
            opener=opener,
            desired_version=0 if twin is None else twin.desired_version,
            desired=msgspec.json.encode({} if twin is None else twin.desired),
            as_of=as_of,
        )


def _admitted(session: HubSession) -> AdmittedSession:
    """What `_open` has returned; a protocol passes it on as it is."""
    if not isinstance(session, AdmittedSession):
        raise TypeError("The hub has not opened this session.")
    return session


def _read_token(credential: PresentedCredential) -> SasToken:
    if not credential.sas_token:
        raise _refused("Send a SAS token as the password, or a client certificate.", "no_token")
    try:
        return parse_sas_token(credential.sas_token)
    except SasMalformed as error:
        raise _refused(f"The password is no SAS token: {error}.", "malformed") from error


def _check_resource(token: SasToken, hub: LinkedHub, device_id: DeviceId) -> None:
    """Clients encode `sr` differently; decoded, it names host and device. Only the host ignores case."""
    host, _, rest = token.decoded_resource.partition("/")
    if host.lower() != hub.host_name.lower() or rest != f"devices/{device_id}":
        raise _refused("The token's sr names another resource; make it for hub/devices/deviceId.", "wrong_resource")


def _check_token(device: HubDevice | None, token: SasToken, now: float) -> str:
    """The opener. Unknown device and wrong key get one answer: who has no key learns nothing of who exists."""
    if device is None:
        raise _refused(_NO_MATCH, "unknown_device")
    if device.has_certificate:
        raise _refused(_NO_MATCH, "certificate_expected", device)
    signed_by = [key for key in (device.primary_key, device.secondary_key) if token.is_signed_by(decode_key(key))]
    if not signed_by:
        raise _refused(_NO_MATCH, "wrong_signature", device)
    if token.is_expired(now):
        raise _refused("The token has expired; make a new one and check the device's clock.", "expired", device)
    _check_enabled(device)
    return opener_of_key(signed_by[0])


def _check_certificate(device: HubDevice | None, leaf: bytes) -> str:
    """The opener. By its thumbprint alone: that pins the certificate, and whoever registered it has judged when it
    ends."""
    if device is None:
        raise _refused(_NO_MATCH, "unknown_device")
    if not device.has_certificate:
        raise _refused(_NO_MATCH, "token_expected", device)
    known = (device.primary_thumbprint, device.secondary_thumbprint)
    shown = [thumbprint for thumbprint in known if thumbprint and _is_of(leaf, thumbprint)]
    if not shown:
        raise _refused(_NO_MATCH, "wrong_certificate", device)
    _check_enabled(device)
    return opener_of_certificate(shown[0])


def _is_of(leaf: bytes, thumbprint: str) -> bool:
    """SHA-1 where an operator has given one; it names the certificate, TLS proves that the device holds its key."""
    digest = hashlib.sha256(leaf) if len(thumbprint) == _SHA256_DIGITS else hashlib.sha1(leaf, usedforsecurity=False)
    return hmac.compare_digest(digest.hexdigest().upper(), thumbprint)


def _check_enabled(device: HubDevice) -> None:
    if not device.enabled:
        raise _refused("The device is disabled at its hub.", "disabled", device)


_NO_MATCH = "The hub does not know the device, or it has another key or certificate."
_SHA256_DIGITS = 64


def _refused(detail: str, cause: str, device: HubDevice | None = None) -> HomeportError:
    subject = "" if device is None else device.subject_key
    return HomeportError(errors.UNAUTHORIZED, detail, cause=cause, subject=subject)


def _read_patch(patch: bytes) -> JsonObject:
    try:
        return twins.without_shown(_JSON_OBJECT.decode(patch))
    except (msgspec.MsgspecError, UnicodeDecodeError, RecursionError) as error:
        raise HomeportError(errors.INVALID_BODY, "Reported properties are a JSON object.", cause="no_object") from error
