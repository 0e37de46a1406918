"""May this caller do that? The table from operation to right, and the check of a caller's SAS token.

Serves the service API and, by their own policies, the embedded hubs. Source: the service's page on controlling
access; what clients put into `sr` differs, so its host is compared without scheme, port and case, and its path
as a prefix by whole segments. Counterpart: `security/sas.py` knows the token's form. This module knows no
storage: whoever holds policies is asked through `PolicyReader`.
"""

import enum
from collections.abc import Collection, Mapping
from types import MappingProxyType
from typing import Protocol
from urllib.parse import unquote

from homeport import errors
from homeport.clock import Clock
from homeport.errors import HomeportError
from homeport.model.access_policy import AccessRight, SharedAccessPolicy
from homeport.model.identifiers import ServiceId
from homeport.security.sas import SasMalformed, SasToken, decode_key, parse_sas_token


class Operation(enum.StrEnum):
    """Everything that a caller with a policy can ask for; log and metrics use these names too."""

    GET_INDIVIDUAL_ENROLLMENT = "getIndividualEnrollment"
    PUT_INDIVIDUAL_ENROLLMENT = "putIndividualEnrollment"
    DELETE_INDIVIDUAL_ENROLLMENT = "deleteIndividualEnrollment"
    BULK_INDIVIDUAL_ENROLLMENTS = "bulkIndividualEnrollments"
    QUERY_INDIVIDUAL_ENROLLMENTS = "queryIndividualEnrollments"
    GET_INDIVIDUAL_ATTESTATION = "getIndividualAttestation"
    GET_ENROLLMENT_GROUP = "getEnrollmentGroup"
    PUT_ENROLLMENT_GROUP = "putEnrollmentGroup"
    DELETE_ENROLLMENT_GROUP = "deleteEnrollmentGroup"
    BULK_ENROLLMENT_GROUPS = "bulkEnrollmentGroups"
    QUERY_ENROLLMENT_GROUPS = "queryEnrollmentGroups"
    GET_GROUP_ATTESTATION = "getGroupAttestation"
    GET_REGISTRATION = "getRegistration"
    DELETE_REGISTRATION = "deleteRegistration"
    QUERY_REGISTRATIONS = "queryRegistrations"
    GET_DEVICE = "getDevice"
    GET_DEVICES = "getDevices"
    PUT_DEVICE = "putDevice"
    DELETE_DEVICE = "deleteDevice"
    GET_TWIN = "getTwin"
    UPDATE_TWIN = "updateTwin"
    READ_HUB_EVENTS = "readHubEvents"


RIGHT_NEEDED: Mapping[Operation, AccessRight] = MappingProxyType(
    {
        Operation.GET_INDIVIDUAL_ENROLLMENT: AccessRight.ENROLLMENT_READ,
        Operation.PUT_INDIVIDUAL_ENROLLMENT: AccessRight.ENROLLMENT_WRITE,
        Operation.DELETE_INDIVIDUAL_ENROLLMENT: AccessRight.ENROLLMENT_WRITE,
        Operation.BULK_INDIVIDUAL_ENROLLMENTS: AccessRight.ENROLLMENT_WRITE,
        Operation.QUERY_INDIVIDUAL_ENROLLMENTS: AccessRight.ENROLLMENT_READ,
        # It returns keys, so the stricter of the two rights; the documentation names none.
        Operation.GET_INDIVIDUAL_ATTESTATION: AccessRight.ENROLLMENT_WRITE,
        Operation.GET_ENROLLMENT_GROUP: AccessRight.ENROLLMENT_READ,
        Operation.PUT_ENROLLMENT_GROUP: AccessRight.ENROLLMENT_WRITE,
        Operation.DELETE_ENROLLMENT_GROUP: AccessRight.ENROLLMENT_WRITE,
        Operation.BULK_ENROLLMENT_GROUPS: AccessRight.ENROLLMENT_WRITE,
        Operation.QUERY_ENROLLMENT_GROUPS: AccessRight.ENROLLMENT_READ,
        Operation.GET_GROUP_ATTESTATION: AccessRight.ENROLLMENT_WRITE,
        Operation.GET_REGISTRATION: AccessRight.REGISTRATION_STATUS_READ,
        Operation.DELETE_REGISTRATION: AccessRight.REGISTRATION_STATUS_WRITE,
        Operation.QUERY_REGISTRATIONS: AccessRight.REGISTRATION_STATUS_READ,
        Operation.GET_DEVICE: AccessRight.REGISTRY_READ,
        Operation.GET_DEVICES: AccessRight.REGISTRY_READ,
        Operation.PUT_DEVICE: AccessRight.REGISTRY_WRITE,
        Operation.DELETE_DEVICE: AccessRight.REGISTRY_WRITE,
        Operation.GET_TWIN: AccessRight.SERVICE_CONNECT,
        Operation.UPDATE_TWIN: AccessRight.SERVICE_CONNECT,
        Operation.READ_HUB_EVENTS: AccessRight.SERVICE_CONNECT,
    }
)

# Stands in for an unknown policy's key, so that its name costs the same work and earns the same answer.
_NO_KEY = bytes(32)


class PolicyReader(Protocol):
    """Whoever holds the shared access policies; `storage.port.SettingsReader` is one."""

    async def policy(
        self, service_id: ServiceId, key_name: str, hub_host_name: str | None = None
    ) -> SharedAccessPolicy | None:
        """A policy by its name, compared ignoring case."""
        ...


class Authorizer:
    """Checks callers of the service API and of the embedded hubs' REST API."""

    def __init__(self, *, policies: PolicyReader, clock: Clock) -> None:
        self._policies = policies
        self._clock = clock

    async def authorize(
        self,
        *,
        service_id: ServiceId,
        authorization: str | None,
        host: str,
        operation: Operation,
        path: str = "",
        also_known_as: Collection[str] = (),
        hub_host_name: str | None = None,
    ) -> str:
        """The name of the policy that admits the caller: the actor of what follows.

        `authorization` is the header's text, `host` the request's Host header, `path` its decoded path.
        `also_known_as` are further host names that a token may be made for. With `hub_host_name` the policies
        of that hub decide, otherwise those of the service.

        Raises:
            HomeportError: UNAUTHORIZED, or MISSING_RIGHT when the policy is known and does not suffice.
        """
        token = _parse(authorization)
        names = {host, *also_known_as} if hub_host_name is None else {host, hub_host_name, *also_known_as}
        if not covers(token.decoded_resource, hosts=names, path=path):
            raise _refused(f"The token's sr names another resource; make it for {bare_host(host)}.", "wrong_resource")
        policy = await self._policies.policy(service_id, unquote(token.key_name or ""), hub_host_name)
        if not _is_signed_by(token, policy) or policy is None:
            raise _refused("The policy (skn) is unknown, or neither of its keys made the signature.", "wrong_signature")
        if token.is_expired(self._clock.now().timestamp()):
            raise _refused("The token has expired; make a new one and check the caller's clock.", "expired")
        _check_right(policy, operation)
        return policy.key_name


def bare_host(authority: str) -> str:
    """The host name of a Host header, URL or connection string: without scheme, port, path and case."""
    host = _without_scheme(authority).partition("/")[0].lower()
    if host.startswith("["):
        return host[1:].partition("]")[0]
    # Two colons and no bracket: a bare IPv6 address, which has no port.
    return (host.partition(":")[0] if host.count(":") == 1 else host).rstrip(".")


def covers(resource: str, *, hosts: Collection[str], path: str) -> bool:
    """Whether a token for `resource` (decoded) admits to `path` at one of `hosts`."""
    if bare_host(resource) not in {bare_host(host) for host in hosts if host}:
        return False
    granted = _segments(_without_scheme(resource).partition("/")[2])
    return _segments(path)[: len(granted)] == granted


def _without_scheme(text: str) -> str:
    return text.rpartition("://")[2]


def _segments(path: str) -> list[str]:
    return [segment for segment in path.lower().split("/") if segment]


def _parse(authorization: str | None) -> SasToken:
    if not authorization:
        raise _refused("Send a SAS token of a shared access policy in the Authorization header.", "missing")
    try:
        token = parse_sas_token(authorization)
    except SasMalformed as error:
        raise _refused(f"The Authorization header is no SAS token: {error}.", "malformed") from error
    if not token.key_name:
        raise _refused("The token names no shared access policy; add its name as skn.", "no_policy_name")
    return token


def _is_signed_by(token: SasToken, policy: SharedAccessPolicy | None) -> bool:
    keys = (_NO_KEY, _NO_KEY)
    if policy is not None:
        keys = (decode_key(policy.primary_key), decode_key(policy.secondary_key))
    # Both are always computed: the time taken does not tell which one fitted.
    matches = [token.is_signed_by(key) for key in keys]
    return policy is not None and any(matches)


def _check_right(policy: SharedAccessPolicy, operation: Operation) -> None:
    needed = RIGHT_NEEDED[operation]
    if needed not in policy.rights:
        raise HomeportError(errors.MISSING_RIGHT, f"It needs {needed}.", info={"right": needed}, cause="missing_right")


def _refused(detail: str, cause: str) -> HomeportError:
    return HomeportError(errors.UNAUTHORIZED, detail, cause=cause)
