"""`homeport enrollments`: individual enrollments, through the service API."""

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import click

from homeport.cli import endorsement
from homeport.cli.certificate_file import EXISTING_FILE, certificate_text
from homeport.cli.client import service_client
from homeport.cli.data_directory import data_dir_option
from homeport.errors import HomeportError
from homeport.model.identifiers import parse_registration_id

_VERSION = "2021-10-01"
_EXISTS = 409


@click.group()
def enrollments() -> None:
    """Create, list, show and delete individual enrollments of the server on this machine."""


@enrollments.command()
@click.argument("registration_id")
@click.option("--device-id", help="The device's ID at its hub.  [default: REGISTRATION_ID]")
@click.option(
    "--initial-twin", metavar="JSON", help='For example {"tags": {}, "properties": {"desired": {"rate": 5}}}.'
)
@click.option("--certificate", type=EXISTING_FILE, help="The device proves itself by this certificate, PEM or DER.")
@click.option(
    "--endorsement-key", metavar="BASE64", help="The device proves itself by the TPM with this endorsement key."
)
@click.option(
    "--endorsement-certificate",
    type=EXISTING_FILE,
    help="The certificate of the TPM's endorsement key, from which the key is taken unless it is given.",
)
@click.option(
    "--manufacturer-ca",
    "manufacturer_cas",
    type=EXISTING_FILE,
    multiple=True,
    help="Certificates of TPM makers, under one of which the endorsement certificate must stand.",
)
@click.option("--keep", is_flag=True, help="If it is enrolled already, change nothing and print what it has.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole enrollment.")
@data_dir_option
def create(
    registration_id: str,
    *,
    device_id: str | None,
    initial_twin: str | None,
    certificate: Path | None,
    endorsement_key: str | None,
    endorsement_certificate: Path | None,
    manufacturer_cas: tuple[Path, ...],
    keep: bool,
    as_json: bool,
    data_dir: Path,
) -> None:
    """Enroll the device REGISTRATION_ID, with fresh symmetric keys unless told otherwise.

    Prints what the device is known by: its primary key, its certificate's SHA-256 thumbprint, or its TPM's
    endorsement key.
    """
    path = _path(registration_id)
    enrolled_key = endorsement.endorsement_key(endorsement_key, endorsement_certificate, manufacturer_cas)
    attestation = _attestation(certificate, enrolled_key)
    body: dict[str, object] = {"registrationId": registration_id, "attestation": attestation}
    if device_id:
        body["deviceId"] = device_id
    if initial_twin:
        body["initialTwin"] = _json(initial_twin)
    with service_client(data_dir) as client:
        answer = client.call("PUT", path, body=body, version=_VERSION, tolerated=_EXISTS if keep else None)
        if answer.status_code == _EXISTS:
            answer = client.call("POST", f"{path}/attestationmechanism", version=_VERSION)
    mechanism = answer.json()
    mechanism = mechanism.get("attestation", mechanism)
    click.echo(answer.text if as_json else _essence(mechanism))


@enrollments.command("list")
@data_dir_option
def list_enrollments(data_dir: Path) -> None:
    """Print each enrollment as one line of JSON, without keys."""
    with service_client(data_dir) as client:
        for enrollment in client.every("/enrollments/query", version=_VERSION):
            click.echo(json.dumps(enrollment))


@enrollments.command()
@click.argument("registration_id")
@data_dir_option
def show(registration_id: str, data_dir: Path) -> None:
    """Print the enrollment REGISTRATION_ID and the state of its registration, without keys."""
    path = _path(registration_id)
    with service_client(data_dir) as client:
        found = client.call("GET", path, version=_VERSION)
    click.echo(json.dumps(found.json(), indent=2))


@enrollments.command()
@click.argument("registration_id")
@data_dir_option
def delete(registration_id: str, data_dir: Path) -> None:
    """Delete the enrollment REGISTRATION_ID and its registration record; the hub keeps the device."""
    path = _path(registration_id)
    with service_client(data_dir) as client:
        client.call("DELETE", path, version=_VERSION)


def _attestation(certificate: Path | None, endorsement_key: str | None) -> dict[str, object]:
    if certificate is not None and endorsement_key is not None:
        raise click.UsageError("Give either a certificate or an endorsement key, not both.")
    if certificate is not None:
        client_certificates = {"primary": {"certificate": certificate_text(certificate)}}
        return {"type": "x509", "x509": {"clientCertificates": client_certificates}}
    if endorsement_key is not None:
        return {"type": "tpm", "tpm": {"endorsementKey": endorsement_key}}
    return {"type": "symmetricKey"}


def _essence(mechanism: dict[str, Any]) -> str:
    """What the device is known by: its primary key, its certificate's thumbprint or its TPM's endorsement key."""
    if mechanism["type"] == "x509":
        thumbprint: str = mechanism["x509"]["clientCertificates"]["primary"]["info"]["sha256Thumbprint"]
        return thumbprint
    essence: str = mechanism["tpm"]["endorsementKey"] if "tpm" in mechanism else mechanism["symmetricKey"]["primaryKey"]
    return essence


def _path(registration_id: str) -> str:
    try:
        return f"/enrollments/{quote(parse_registration_id(registration_id), safe='')}"
    except HomeportError as error:
        raise click.BadParameter(error.message, param_hint="REGISTRATION_ID") from error


def _json(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"it is not JSON: {error}.", param_hint="--initial-twin") from error
    if not isinstance(value, dict):
        raise click.BadParameter("it must be a JSON object.", param_hint="--initial-twin")
    return value
