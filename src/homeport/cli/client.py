"""The command line's way to a server: its REST API, with a SAS token, like any other administrator.

So that every change passes authorization and the audit log. Where no connection string is given, the policies of
the data directory are read.
"""

import asyncio
import ssl  # noqa: TID251 - the ban is for servers; a client judges the certificate that it is shown
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus

import click
import httpx
import msgspec

from homeport.administration.access_policies import DEFAULT_HUB_POLICY, DEFAULT_SERVICE_POLICY
from homeport.cli.data_directory import config_of
from homeport.cli.local_storage import local_service
from homeport.clock import Clock, SystemClock
from homeport.deployment.first_start import connection_string
from homeport.security.sas import SasMalformed, decode_key, sign_sas_token

_TOKEN_LIFE = 600
_TIMEOUT = 30.0
_PAGE = 100


class Client:
    """Requests to one host, signed with one policy's key; a context manager that closes the connection."""

    def __init__(self, connection: str, *, ca_file: Path, port: int, clock: Clock) -> None:
        """A client of the host that the connection string names.

        Raises:
            click.ClickException: the connection string is malformed, or the CA's certificate cannot be read.
        """
        self._host, self._policy, self._key = _parse(connection)
        self._clock = clock
        self._http = httpx.Client(verify=_trusting(ca_file), timeout=_TIMEOUT, base_url=f"https://{self._host}:{port}")

    def __enter__(self) -> "Client":
        return self

    def __exit__(self, *_: object) -> None:
        self._http.close()

    def call(
        self,
        method: str,
        path: str,
        *,
        version: str,
        body: Any = None,
        query: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
        tolerated: int | None = None,
    ) -> httpx.Response:
        """Send one request. A refusal with the status `tolerated` is returned like an answer.

        Raises:
            click.ClickException: the server cannot be reached, or refused; the message is the server's.
        """
        try:
            response = self._http.request(
                method,
                path,
                params={"api-version": version, **(query or {})},
                json=body,
                headers={"Authorization": self._token(), **(headers or {})},
            )
        except httpx.HTTPError as error:
            raise click.ClickException(f"{self._host} does not answer ({error}). Is the server running?") from error
        if response.is_error and response.status_code != tolerated:
            raise click.ClickException(_refusal(response))
        return response

    def every(self, path: str, *, version: str) -> Iterator[dict[str, Any]]:
        """Every record that a query finds, page by page."""
        headers = {"x-ms-max-item-count": str(_PAGE)}
        while True:
            page = self.call("POST", path, body={"query": "*"}, headers=headers, version=version)
            yield from page.json()
            if "x-ms-continuation" not in page.headers:
                return
            headers["x-ms-continuation"] = page.headers["x-ms-continuation"]

    def _token(self) -> str:
        expiry = int(self._clock.now().timestamp()) + _TOKEN_LIFE
        return sign_sas_token(resource=quote_plus(self._host), key=self._key, expiry=expiry, key_name=self._policy)


def service_client(directory: Path) -> Client:
    """A client of the service API of the server on this data directory."""
    return _local(directory, hub=False)


def hub_client(directory: Path) -> Client:
    """A client of the embedded hub of the server on this data directory."""
    return _local(directory, hub=True)


def _local(directory: Path, *, hub: bool) -> Client:
    config = config_of(directory)
    connection = asyncio.run(_connection_string(directory, hub=hub))
    return Client(
        connection,
        ca_file=directory / "ca.pem",
        port=_running(directory).get("https", config.server.https_port),
        clock=SystemClock(),
    )


def _running(directory: Path) -> dict[str, int]:
    """The ports of the server that runs on the data directory; it leaves them there (`cli/server.py`)."""
    file = directory / "ports.json"
    try:
        return msgspec.json.decode(file.read_bytes(), type=dict[str, int])
    except OSError:
        return {}


async def _connection_string(directory: Path, *, hub: bool) -> str:
    async with local_service(directory) as (storage, service):
        if not hub:
            return await connection_string(storage, service, DEFAULT_SERVICE_POLICY)
        host = (await storage.settings.linked_hubs(service.service_id))[0].host_name
        return await connection_string(storage, service, DEFAULT_HUB_POLICY, hub_host_name=host)


def _trusting(ca_file: Path) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=ca_file)
    except OSError as error:
        raise click.ClickException(
            f"The CA's certificate {ca_file} cannot be read ({error.strerror or error}). "
            "Put the certificate of the CA that signed server.pem there."
        ) from error


def _parse(connection: str) -> tuple[str, str, bytes]:
    fields = dict(part.partition("=")[::2] for part in connection.split(";") if part)
    try:
        return fields["HostName"], fields["SharedAccessKeyName"], decode_key(fields["SharedAccessKey"])
    except (KeyError, SasMalformed) as error:
        raise click.ClickException(
            "The connection string needs HostName, SharedAccessKeyName and SharedAccessKey; "
            "`homeport policies list` prints those of this machine."
        ) from error


def _refusal(response: httpx.Response) -> str:
    try:
        body = response.json()
        return f"{body['message']} (error {body['errorCode']}, tracking ID {body['trackingId']})"
    except (ValueError, KeyError):
        return f"The server answered {response.status_code}."
