"""What the fleet's owner and its devices do in nearly every test, in their words.

Enrolling goes through a real service client as well; only the registration itself is left to the client that a
test is about.
"""

import base64
import re
import secrets
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.pki import Authority, Identity, make_root, make_self_signed
from tests.tpm import simulator
from tests.tpm.commands import Tpm
from tests.tpm.device import TpmDevice

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
    """What a device was made with: a key, or the files of a certificate, its chain included, and of its key, or a TPM,
    which is a directory here.
    """

    registration_id: str
    symmetric_key: str = ""
    certificate_file: Path | None = None
    key_file: Path | None = None
    tpm_directory: Path | None = None

    @property
    def proof(self) -> dict[str, str]:
        """As a client program takes it."""
        if self.tpm_directory is not None:
            return {"tpmDirectory": str(self.tpm_directory)}
        if self.certificate_file is None:
            return {"symmetricKey": self.symmetric_key}
        return {"certificateFile": str(self.certificate_file), "keyFile": str(self.key_file)}


class Fleet:
    """The owner of some devices, with a service client at hand."""

    def __init__(self, server: Server, service: Judge, directory: Path) -> None:
        self.server = server
        self.directory = directory
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
            case "X.509 individual":
                return self._self_signed_device(**fields)
            case "X.509 group by root" | "X.509 group by intermediate" | "X.509 group by CA reference":
                return self._certified_device(attestation, **fields)
            case "TPM":
                return self._device_with_tpm(**fields)
        raise NotImplementedError(f"nobody enrolls by {attestation} here yet")

    def record_of(self, registration_id: str) -> dict[str, Any]:
        """The registration record as the service shows it."""
        return self._ask("getRegistration", id=registration_id)

    def registered_in(self, group: dict[str, Any], page_size: int) -> list[list[dict[str, Any]]]:
        """The registrations of a group, page by page."""
        return self._ask("queryRegistrations", groupId=group["enrollmentGroupId"], pageSize=page_size)

    def _self_signed_device(self, **fields: object) -> Credential:
        registration_id = new_id()
        device = make_self_signed(registration_id)
        x509 = {"clientCertificates": {"primary": {"certificate": device.pem}}}
        self.enroll_device(registrationId=registration_id, attestation={"type": "x509", "x509": x509}, **fields)
        return self.keep(registration_id, device)

    def _certified_device(self, attestation: str, **fields: object) -> Credential:
        """A device with a leaf and an intermediate, whose group knows one of the CAs above it."""
        root = make_root(new_id("root"))
        intermediate = root.intermediate(new_id("line"))
        x509: dict[str, object]
        if attestation.endswith("CA reference"):
            x509 = {"caReferences": {"primary": self.add_ca(root)}}
        else:
            known = root if attestation.endswith("root") else intermediate
            x509 = {"signingCertificates": {"primary": {"certificate": known.pem}}}
        self.enroll_group(attestation={"type": "x509", "x509": x509}, **fields)
        registration_id = new_id()
        return self.keep(registration_id, intermediate.leaf(registration_id))

    def _device_with_tpm(self, **fields: object) -> Credential:
        directory, endorsement_key = self.make_tpm()
        tpm = {"endorsementKey": base64.b64encode(endorsement_key).decode()}
        record = self.enroll_device(attestation={"type": "tpm", "tpm": tpm}, **fields)
        return Credential(registration_id=record["registrationId"], tpm_directory=directory)

    def make_tpm(self) -> tuple[Path, bytes]:
        """A new TPM, powered off again, and what its maker wrote down of it: the endorsement key."""
        directory = self.directory / new_id("tpm")
        directory.mkdir()
        with simulator.powered(directory) as chip:
            device = TpmDevice(Tpm(chip))
            device.manufacture()
            return directory, device.endorsement_key()

    def add_ca(self, authority: Authority) -> str:
        """Add a CA certificate to the service, verified by the operator's word; returns its name."""
        name = new_id("ca")
        file = self.directory / f"{name}.pem"
        file.write_text(authority.pem)
        self.server.command("certificates", "add", name, str(file))
        self.server.command("certificates", "verify", name, "--because", "this suite made it")
        return name

    def keep(self, registration_id: str, device: Identity) -> Credential:
        """Write a device's certificate, with its chain, and its key into files, as clients want them."""
        certificate, key = self.directory / f"{registration_id}.pem", self.directory / f"{registration_id}.key"
        certificate.write_text(device.chain_pem)
        key.write_text(device.key_pem)
        return Credential(registration_id=registration_id, certificate_file=certificate, key_file=key)

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
        **credential.proof,
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
