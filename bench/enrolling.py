"""Enrolling the benchmark's devices through the service API, with nothing but the standard library.

The token is the service SAS token of `provisioningserviceowner`: signed text is the host as it stands in
`sr`, a line feed, and the expiry in seconds.
"""

import base64
import hashlib
import hmac
import http.client
import itertools
import json
import ssl
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any
from urllib.parse import quote_plus

from bench.failures import BenchError
from bench.servers.homeport import Homeport

SYMMETRIC_GROUP, SIGNING_GROUP = "bench-symmetric", "bench-signing"
API_VERSION = "2021-10-01"
TOKEN_LIFETIME_SECONDS = 600
BULK_ITEMS = 10

# Keys of a benchmark that lives for minutes on loopback: fixed, so that runs differ in nothing.
GROUP_KEY = base64.b64encode(bytes(range(64))).decode()
SECONDARY_KEY = base64.b64encode(bytes(range(64, 128))).decode()


def enroll_symmetric_group(server: Homeport) -> None:
    """Create the enrollment group that every simulated device with a token belongs to."""
    keys = {"primaryKey": GROUP_KEY, "secondaryKey": SECONDARY_KEY}
    _enroll_group(server, SYMMETRIC_GROUP, {"type": "symmetricKey", "symmetricKey": keys})


def enroll_signing_group(server: Homeport, signing_certificate: str) -> None:
    """Create the group of all devices below a CA certificate (PEM)."""
    certificates = {"primary": {"certificate": signing_certificate}}
    _enroll_group(server, SIGNING_GROUP, {"type": "x509", "x509": {"signingCertificates": certificates}})


def enroll_individuals(server: Homeport, certificates: Mapping[str, str]) -> None:
    """Enroll devices by their own certificates (PEM), by registration ID; as many at a time as the API takes."""
    entries = (_individual(registration_id, certificate) for registration_id, certificate in certificates.items())
    with _service_api(server) as ask:
        while batch := list(itertools.islice(entries, BULK_ITEMS)):
            _create(ask, batch)


def enroll_in_bulk(server: Homeport, numbers: Sequence[int]) -> None:
    """Enroll devices individually with keys of their own, in tens; their registration IDs are `device-<number>`."""
    entries = iter([_with_key(f"device-{number:08d}") for number in numbers])
    with _service_api(server) as ask:
        while batch := list(itertools.islice(entries, BULK_ITEMS)):
            _create(ask, batch)


def device_key(registration_id: str, *, group_key: str = GROUP_KEY) -> str:
    """The key of one device, derived from the group's as the load generator derives it."""
    digest = hmac.digest(base64.b64decode(group_key), registration_id.encode(), hashlib.sha256)
    return base64.b64encode(digest).decode()


def service_token(connection_string: str, *, expiry: int) -> str:
    """A SAS token for the service API from `HostName=…;SharedAccessKeyName=…;SharedAccessKey=…`."""
    parts = dict(part.split("=", 1) for part in connection_string.split(";"))
    resource = quote_plus(parts["HostName"])
    key = base64.b64decode(parts["SharedAccessKey"])
    digest = hmac.digest(key, f"{resource}\n{expiry}".encode(), hashlib.sha256)
    signature = quote_plus(base64.b64encode(digest))
    return f"SharedAccessSignature sr={resource}&sig={signature}&se={expiry}&skn={parts['SharedAccessKeyName']}"


def _enroll_group(server: Homeport, group_id: str, attestation: Mapping[str, Any]) -> None:
    with _service_api(server) as ask:
        ask("PUT", f"/enrollmentGroups/{group_id}", {"enrollmentGroupId": group_id, "attestation": attestation})


def _create(ask: "_ServiceApi", entries: Sequence[Mapping[str, Any]]) -> None:
    answer = ask("POST", "/enrollments", {"mode": "create", "enrollments": entries})
    if not answer["isSuccessful"]:
        raise BenchError(f"homeport refused enrollments: {answer['errors'][0]}")


def _with_key(registration_id: str) -> dict[str, Any]:
    """As rich as a real one: tags, desired properties, information about the device."""
    keys = {"primaryKey": device_key(registration_id), "secondaryKey": SECONDARY_KEY}
    return {
        "registrationId": registration_id,
        "attestation": {"type": "symmetricKey", "symmetricKey": keys},
        "optionalDeviceInformation": {"serialNumber": f"SN-{registration_id}", "batch": "2026-01", "tested": True},
        "initialTwin": {
            "tags": {"site": "plant-7", "line": "line-03", "owner": "operations", "hardware": "rev-c"},
            "properties": {"desired": {"telemetryIntervalSeconds": 60, "firmware": {"channel": "stable"}}},
        },
    }


def _individual(registration_id: str, certificate: str) -> dict[str, Any]:
    certificates = {"primary": {"certificate": certificate}}
    attestation = {"type": "x509", "x509": {"clientCertificates": certificates}}
    return {"registrationId": registration_id, "attestation": attestation}


@contextmanager
def _service_api(server: Homeport) -> Iterator["_ServiceApi"]:
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    connection = http.client.HTTPSConnection(server.tls.address, server.tls.port, context=trust, timeout=10)
    try:
        yield _ServiceApi(connection, service_token(server.service_connection_string, expiry=_in_ten_minutes()))
    finally:
        connection.close()


class _ServiceApi:
    """One connection, asked again and again."""

    def __init__(self, connection: http.client.HTTPSConnection, token: str) -> None:
        self._connection = connection
        self._headers = {"Authorization": token, "Content-Type": "application/json; charset=utf-8"}

    def __call__(self, method: str, path: str, body: object) -> dict[str, Any]:
        """The answer's JSON. Raises `BenchError` when it is no 200."""
        self._connection.request(method, f"{path}?api-version={API_VERSION}", json.dumps(body), self._headers)
        response = self._connection.getresponse()
        answer = response.read().decode(errors="replace")
        if response.status != 200:
            raise BenchError(f"homeport refused {method} {path} with {response.status}: {answer}")
        parsed: dict[str, Any] = json.loads(answer)
        return parsed


def _in_ten_minutes() -> int:
    return int(time.time()) + TOKEN_LIFETIME_SECONDS
