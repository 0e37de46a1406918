"""The device whose words a transcript plays: its names, its proof, and how it fills the blanks of what a client sends.

Blanks are `<host>`, `<scope>`, `<id>`, `<id-lower>` and `<id-upper>` (percent-encoded with hexadecimal digits of that
case), `<token>`, and those that a replay learns on its way, such as `<operation>`.
"""

import base64
import hashlib
import hmac
import ssl
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote

from tests.pki import Identity, make_self_signed
from tests.sockets.api import Administrator
from tests.sockets.peer import Handshake, handshake_with
from tests.sockets.raw_amqp import Described
from tests.sockets.server_process import Deployment


@dataclass(frozen=True, kw_only=True)
class TokenSpelling:
    """How a client spells its SAS token. `resource` is signed to the letter, as it stands behind `sr=`."""

    resource: str
    form: str
    lifetime: int
    lower_case_escapes: bool = False


@dataclass(frozen=True, kw_only=True)
class Device:
    """An enrolled device, with a key or with a certificate."""

    deployment: Deployment
    registration_id: str
    handshake: Handshake
    key: bytes | None = None

    def fill(self, template: str, spelling: TokenSpelling, **learnt: str) -> str:
        """A text with its blanks filled."""
        blanks = self._blanks() | learnt
        if self.key is not None and "<token>" in template:
            blanks["token"] = self._token(self.key, spelling)
        for name, value in blanks.items():
            template = template.replace(f"<{name}>", value)
        return template

    def fill_value(self, value: Any, spelling: TokenSpelling, **learnt: str) -> Any:
        """The same for the texts within an AMQP value, whose types stay as they are."""
        if isinstance(value, Described):
            return Described(value.code, self.fill_value(value.value, spelling, **learnt))
        if isinstance(value, list):
            return [self.fill_value(each, spelling, **learnt) for each in value]
        if isinstance(value, dict):
            return {key: self.fill_value(each, spelling, **learnt) for key, each in value.items()}
        if isinstance(value, bytes):
            return self.fill(value.decode("latin-1"), spelling, **learnt).encode("latin-1")
        return type(value)(self.fill(value, spelling, **learnt)) if isinstance(value, str) else value

    def _blanks(self) -> dict[str, str]:
        escaped = quote(self.registration_id, safe="_.()*!-")
        return {
            "host": self.deployment.host,
            "scope": self.deployment.id_scope,
            "id": self.registration_id,
            "id-upper": escaped,
            "id-lower": escaped.replace("%3A", "%3a"),
        }

    def _token(self, key: bytes, spelling: TokenSpelling) -> str:
        resource, expiry = self.fill(spelling.resource, spelling), str(int(time.time()) + spelling.lifetime)
        digest = hmac.digest(key, f"{resource}\n{expiry}".encode(), hashlib.sha256)
        signature = quote(base64.b64encode(digest).decode(), safe="")
        if spelling.lower_case_escapes:
            for escape in ("%2B", "%2F", "%3D"):
                signature = signature.replace(escape, escape.lower())
        return self.fill(spelling.form, spelling, resource=resource, signature=signature, expiry=expiry)


def enroll_by_key(deployment: Deployment, registration_id: str) -> Device:
    """A device with an individual enrollment and the key that the service made for it."""
    enrolled = _enroll(deployment, registration_id, {"type": "symmetricKey"})
    key = base64.b64decode(enrolled["attestation"]["symmetricKey"]["primaryKey"])
    handshake = handshake_with(deployment.tls, deployment.host)
    return Device(deployment=deployment, registration_id=registration_id, handshake=handshake, key=key)


def enroll_by_certificate(deployment: Deployment, registration_id: str, directory: Path) -> Device:
    """A device with an individual enrollment that names its self-signed certificate."""
    identity = make_self_signed(registration_id)
    primary = {"certificate": identity.pem}
    _enroll(deployment, registration_id, {"type": "x509", "x509": {"clientCertificates": {"primary": primary}}})
    handshake = handshake_with(_presenting(deployment, identity, directory), deployment.host)
    return Device(deployment=deployment, registration_id=registration_id, handshake=handshake)


def _enroll(deployment: Deployment, registration_id: str, attestation: dict[str, Any]) -> dict[str, Any]:
    enrollment = {"registrationId": registration_id, "attestation": attestation}
    with Administrator(deployment) as administrator:
        answer = administrator.service("PUT", f"/enrollments/{quote(registration_id)}", enrollment)
    assert answer.status == 200, answer
    enrolled: dict[str, Any] = answer.json()
    return enrolled


def _presenting(deployment: Deployment, identity: Identity, directory: Path) -> ssl.SSLContext:
    file = directory / "device.pem"
    file.write_text(identity.key_pem + identity.chain_pem)
    context = ssl.create_default_context(cafile=deployment.ca_file)
    context.load_cert_chain(file)
    return context
