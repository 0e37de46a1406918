"""What the fleet's owner and its devices do in nearly every test, in their words.

Enrolling goes through a real service client as well; only the registration itself is left to the client that a
test is about.
"""

import re
import secrets
from dataclasses import dataclass
from typing import Any

from conformance.judges import Judge
from conformance.keys import derived_key, new_key
from conformance.matrix import Cell
from conformance.server import Server

INITIAL_TWIN = {
    "tags": {"site": "Utrecht"},
    "properties": {"desired": {"interval": 30, "mode": {"night": False}}},
}


@dataclass(frozen=True, kw_only=True)
class Credential:
    """What a device was made with."""

    registration_id: str
    symmetric_key: str


class Fleet:
    """The owner of some devices, with a service client at hand."""

    def __init__(self, server: Server, service: Judge) -> None:
        self.server = server
        self._service = service

    def enroll_device(self, **fields: object) -> dict[str, Any]:
        """A new individual enrollment with keys of its own; returns the record with its keys."""
        return self._put("enrollment", {"registrationId": new_id(), **fields})

    def enroll_group(self, **fields: object) -> dict[str, Any]:
        """A new enrollment group with keys of its own; returns the record with its keys."""
        return self._put("enrollmentGroup", {"enrollmentGroupId": new_id("group"), **fields})

    def new_device(self, attestation: str, **fields: object) -> Credential:
        """A device that may register, enrolled in the way that a matrix cell names."""
        match attestation:
            case "individual key":
                record = self.enroll_device(**fields)
                return Credential(registration_id=record["registrationId"], symmetric_key=key_of(record))
            case "group key":
                return group_member(self.enroll_group(**fields), new_id())
        raise NotImplementedError(f"nobody enrolls by {attestation} here yet")

    def record_of(self, registration_id: str) -> dict[str, Any]:
        """The registration record as the service shows it."""
        return self._ask("getRegistration", id=registration_id)

    def registered_in(self, group: dict[str, Any], page_size: int) -> list[list[dict[str, Any]]]:
        """The registrations of a group, page by page."""
        return self._ask("queryRegistrations", groupId=group["enrollmentGroupId"], pageSize=page_size)

    def _put(self, kind: str, fields: dict[str, object]) -> dict[str, Any]:
        keys = {"primaryKey": new_key(), "secondaryKey": new_key()}
        record = {"attestation": {"type": "symmetricKey", "symmetricKey": keys}, **fields}
        return self._ask("put", kind=kind, record=record)

    def _ask(self, verb: str, **request: object) -> Any:
        return self._service.ask(verb, connectionString=self.server.service_connection_string, **request)


DEVICE_ID = re.compile(r"device-[0-9a-f]{12}")
"""What every device of the suite is called, so that one can tell whether a log betrays any."""


def new_id(kind: str = "device") -> str:
    """An identifier that no other test uses."""
    return f"{kind}-{secrets.token_hex(6)}"


def key_of(record: dict[str, Any], which: str = "primaryKey") -> str:
    """A key of an enrollment or group, from the answer to its PUT."""
    return record["attestation"]["symmetricKey"][which]


def group_member(group: dict[str, Any], registration_id: str, which: str = "primaryKey") -> Credential:
    """A device of a group, with the key that its maker derived for it."""
    key = derived_key(key_of(group, which), registration_id)
    return Credential(registration_id=registration_id, symmetric_key=key)


def register(judge: Judge, cell: Cell, server: Server, credential: Credential, **request: object) -> Any:
    """Let the client of a cell register a device over the cell's transport."""
    return judge.ask(
        "register",
        **common_request(cell, server),
        registrationId=credential.registration_id,
        symmetricKey=credential.symmetric_key,
        **request,
    )


def common_request(cell: Cell, server: Server) -> dict[str, object]:
    """Where to register and whom to trust: the part of a request that all devices share."""
    return {
        "transport": cell.transport,
        "provisioningHost": server.device_host,
        "idScope": server.id_scope,
        "caFile": str(server.ca_file),
    }
