"""`homeport enrollments`: individual enrollments, through the service API."""

import json
from pathlib import Path
from urllib.parse import quote

import click

from homeport.cli.client import service_client
from homeport.cli.data_directory import data_dir_option

_VERSION = "2021-10-01"
_PAGE = 100
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
@click.option("--keep", is_flag=True, help="If it is enrolled already, change nothing and print its key.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole enrollment.")
@data_dir_option
def create(
    registration_id: str, device_id: str | None, initial_twin: str | None, keep: bool, as_json: bool, data_dir: Path
) -> None:
    """Enroll the device REGISTRATION_ID with fresh symmetric keys, and print its primary key."""
    client, path = service_client(data_dir), _path(registration_id)
    body: dict[str, object] = {"registrationId": registration_id, "attestation": {"type": "symmetricKey"}}
    if device_id:
        body["deviceId"] = device_id
    if initial_twin:
        body["initialTwin"] = _json(initial_twin)
    answer = client.call("PUT", path, body=body, version=_VERSION, tolerated=_EXISTS if keep else None)
    if answer.status_code == _EXISTS:
        answer = client.call("POST", f"{path}/attestationmechanism", version=_VERSION)
        click.echo(answer.text if as_json else answer.json()["symmetricKey"]["primaryKey"])
        return
    click.echo(answer.text if as_json else answer.json()["attestation"]["symmetricKey"]["primaryKey"])


@enrollments.command("list")
@data_dir_option
def list_enrollments(data_dir: Path) -> None:
    """Print each enrollment as one line of JSON, without keys."""
    client, query = service_client(data_dir), {"query": "*"}
    headers = {"x-ms-max-item-count": str(_PAGE)}
    while True:
        page = client.call("POST", "/enrollments/query", body=query, headers=headers, version=_VERSION)
        for enrollment in page.json():
            click.echo(json.dumps(enrollment))
        if "x-ms-continuation" not in page.headers:
            return
        headers["x-ms-continuation"] = page.headers["x-ms-continuation"]


@enrollments.command()
@click.argument("registration_id")
@data_dir_option
def show(registration_id: str, data_dir: Path) -> None:
    """Print the enrollment REGISTRATION_ID and the state of its registration, without keys."""
    found = service_client(data_dir).call("GET", _path(registration_id), version=_VERSION)
    click.echo(json.dumps(found.json(), indent=2))


@enrollments.command()
@click.argument("registration_id")
@data_dir_option
def delete(registration_id: str, data_dir: Path) -> None:
    """Delete the enrollment REGISTRATION_ID and its registration record; the hub keeps the device."""
    service_client(data_dir).call("DELETE", _path(registration_id), version=_VERSION)


def _path(registration_id: str) -> str:
    return f"/enrollments/{quote(registration_id, safe='')}"


def _json(text: str) -> dict[str, object]:
    try:
        value = json.loads(text)
    except ValueError as error:
        raise click.BadParameter(f"it is not JSON: {error}.", param_hint="--initial-twin") from error
    if not isinstance(value, dict):
        raise click.BadParameter("it must be a JSON object.", param_hint="--initial-twin")
    return value
