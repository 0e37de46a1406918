"""What an attacker would send over HTTP: requests of all three APIs with one part replaced by something wrong."""

from dataclasses import dataclass
from typing import Any

from tests.hostile.site import Site
from tests.sockets.devices import Device
from tests.sockets.raw_http import Headers, request

VERSION = "2021-10-01"
GOOD_QUERY = f"api-version={VERSION}"

BAD_QUERIES = {
    "missing": "",
    "without a value": "api-version",
    "empty": "api-version=",
    "a word": "api-version=latest",
    "without dashes": "api-version=20211001",
    "a thirteenth month": "api-version=2021-13-01",
    "a day zero": "api-version=2021-10-00",
    "a five-digit year": "api-version=12021-10-01",
    "another suffix": "api-version=2021-10-01-beta",
    "a space in front": "api-version=%202021-10-01",
    "a line feed behind": "api-version=2021-10-01%0A",
    "a null character": "api-version=2021-10-01%00",
    "other digits": "api-version=%D9%A2%D9%A0%D9%A2%D9%A1-10-01",
    "not UTF-8": "api-version=%ff%fe",
    "SQL": "api-version=2021-10-01'%20OR%201=1--",
    "10,000 characters": "api-version=" + "2" * 10_000,
}

BAD_IDS = {
    "a null character": "a%00b",
    "a slash": "a%2Fb",
    "a backslash": "a%5Cb",
    "a question mark": "a%3Fb",
    "a percent sign": "a%25b",
    "a broken escape": "a%zzb",
    "a space": "a%20b",
    "a line feed": "ab%0A",
    "a quote": "a'b",
    "129 characters": "a" * 129,
    "5,000 characters": "a" * 5000,
    "letters of Unicode": "%C3%A4",
    "Unicode that folds to ASCII": "%E2%84%AA1",
    "not UTF-8": "%ff",
    "a full stop at its end": "device.",
    "an underscore at its end": "device_",
    "two full stops": "..",
    "two encoded full stops": "%2e%2e",
}

NOT_HTTP: dict[str, bytes] = {
    "Content-Length negative": b"Content-Length: -1\r\n",
    "Content-Length of a word": b"Content-Length: two\r\n",
    "Content-Length hexadecimal": b"Content-Length: 0x2\r\n",
    "Content-Length with a sign": b"Content-Length: +2\r\n",
    "Content-Length of a list": b"Content-Length: 2, 3\r\n",
    "Content-Length beyond 64 bits": b"Content-Length: " + b"9" * 30 + b"\r\n",
    "Content-Length of 5,000 digits": b"Content-Length: " + b"9" * 5000 + b"\r\n",
    "Content-Length twice": b"Content-Length: 2\r\nContent-Length: 3\r\n",
    "Content-Length and chunks": b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n",
    "chunks before another coding": b"Transfer-Encoding: chunked, gzip\r\n",
    "a header without colon": b"Authorization\r\n",
    "a header without name": b": value\r\n",
    "a space before the colon": b"X-Header : value\r\n",
    "a name of other letters": b"X-H\xc3\xa4der: value\r\n",
    "a null character in a value": b"X-Header: a\0b\r\n",
    "a bare carriage return": b"X-Header: a\rb\r\n",
}


@dataclass(frozen=True)
class DeviceAttempt:
    """Requests of one device to the device API, authorized as they should be."""

    site: Site
    device: Device

    def register(self, body: bytes | None = b"{}", *, headers: Headers = (), **parts: Any) -> bytes:
        """`register`; `parts` are those of `target`."""
        return request("PUT", self.target(**parts), [*self.headers(), *headers], body)

    def ask(self, operation_id: str, *, query: str = GOOD_QUERY) -> bytes:
        """An operation's status."""
        return request("GET", self.target(tail=f"/operations/{operation_id}", query=query), self.headers())

    def look_up(self, body: bytes = b"{}", *, query: str = GOOD_QUERY) -> bytes:
        """The registration's status."""
        return request("POST", self.target(tail="", query=query), [*self.headers(), *_JSON], body)

    def target(
        self, *, scope: str | None = None, name: str | None = None, tail: str = "/register", query: str = GOOD_QUERY
    ) -> str:
        """A request target; what is not given is as it should be."""
        scope = self.site.deployment.id_scope if scope is None else scope
        name = self.device.registration_id if name is None else name
        return f"/{scope}/registrations/{name}{tail}?{query}"

    def headers(self) -> list[tuple[str, str | bytes]]:
        """The headers of a good request, but for the body's."""
        return [
            ("Host", self.site.deployment.host),
            ("Authorization", self.site.witness(self.device.token)),
        ]


@dataclass(frozen=True)
class OwnerAttempt:
    """Requests to the service API or to the hub's, authorized as they should be."""

    site: Site
    token: str

    def send(
        self, method: str, path: str, body: bytes | None = None, *, headers: Headers = (), query: str = GOOD_QUERY
    ) -> bytes:
        """A request whose body says that it is JSON, unless `headers` say something else."""
        named = {name.lower() for name, _ in headers}
        typed = _JSON if body is not None and "content-type" not in named else ()
        own = (("Host", self.site.deployment.host), ("Authorization", self.token))
        return request(method, f"{path}?{query}", [*own, *typed, *headers], body)

    def with_head(self, line: bytes, head: bytes) -> bytes:
        """A request of these bytes behind the request line `line`."""
        own = f"Host: {self.site.deployment.host}\r\nAuthorization: {self.token}\r\n".encode("latin-1")
        return line + b"\r\n" + own + head + b"\r\n{}"


_JSON: Headers = (("Content-Type", "application/json"),)
