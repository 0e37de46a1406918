"""The device API over HTTPS, from the device's side, on one connection."""

import json

from failover.conversations import API_VERSION, Answer, Service, Stream
from failover.layout import HTTPS

_END_OF_HEAD = b"\r\n\r\n"


class HttpsConversation:
    """Implements `conversations.Conversation`."""

    def __init__(self, stream: Stream, service: Service, registration_id: str, token: str) -> None:
        self._stream = stream
        self._base = f"/{service.id_scope}/registrations/{registration_id}"
        self._headers = f"Host: {service.host}\r\nAuthorization: {token}\r\nContent-Type: application/json\r\n"

    @classmethod
    async def open(cls, service: Service, registration_id: str, token: str) -> "HttpsConversation":
        """Connect. Raises CutOff."""
        return cls(await Stream.connect(service, HTTPS), service, registration_id, token)

    async def register(self) -> Answer:
        return await self._exchange("PUT", "register", "{}")

    async def ask(self, operation_id: str) -> Answer:
        return await self._exchange("GET", f"operations/{operation_id}", "")

    def close(self) -> None:
        self._stream.close()

    async def _exchange(self, method: str, what: str, body: str) -> Answer:
        head = f"{method} {self._base}/{what}?api-version={API_VERSION} HTTP/1.1\r\n{self._headers}"
        self._stream.send(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
        data = b""
        while (answer := read_answer(data)) is None:
            data += await self._stream.receive()
        return answer


def read_answer(data: bytes) -> Answer | None:
    """An answer with a length and a JSON body; None while it is incomplete."""
    head, end, body = data.partition(_END_OF_HEAD)
    if not end:
        return None
    status, *lines = head.decode("latin-1").split("\r\n")
    headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
    length = int(headers.get("content-length", "0"))
    if len(body) < length:
        return None
    retry_after = headers.get("retry-after")
    return Answer(
        status=int(status.split(" ")[1]),
        body=json.loads(body[:length] or b"{}"),
        retry_after=None if retry_after is None else float(retry_after),
    )
