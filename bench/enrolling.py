"""Enrolling the benchmark's group through the service API, with nothing but the standard library.

The token is the service SAS token of `provisioningserviceowner`: signed text is the host as it stands in
`sr`, a line feed, and the expiry in seconds.
"""

import base64
import hashlib
import hmac
import http.client
import json
import ssl
import time
from urllib.parse import quote_plus

from bench.failures import BenchError
from bench.servers.homeport import Homeport

GROUP_ID = "bench"
API_VERSION = "2021-10-01"
TOKEN_LIFETIME_SECONDS = 600

# Keys of a benchmark that lives for minutes on loopback: fixed, so that runs differ in nothing.
GROUP_KEY = base64.b64encode(bytes(range(64))).decode()
SECONDARY_KEY = base64.b64encode(bytes(range(64, 128))).decode()


def enroll_group(server: Homeport) -> None:
    """Create the enrollment group that every simulated device belongs to."""
    body = {
        "enrollmentGroupId": GROUP_ID,
        "attestation": {
            "type": "symmetricKey",
            "symmetricKey": {"primaryKey": GROUP_KEY, "secondaryKey": SECONDARY_KEY},
        },
    }
    trust = ssl.create_default_context(cafile=str(server.ca_file))
    connection = http.client.HTTPSConnection(server.tls.address, server.tls.port, context=trust, timeout=10)
    headers = {
        "Authorization": service_token(server.service_connection_string, expiry=_in_ten_minutes()),
        "Content-Type": "application/json; charset=utf-8",
    }
    path = f"/enrollmentGroups/{GROUP_ID}?api-version={API_VERSION}"
    connection.request("PUT", path, json.dumps(body), headers)
    response = connection.getresponse()
    answer = response.read().decode(errors="replace")
    connection.close()
    if response.status != 200:
        raise BenchError(f"homeport refused the enrollment group with {response.status}: {answer}")


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


def _in_ten_minutes() -> int:
    return int(time.time()) + TOKEN_LIFETIME_SECONDS
