"""AMQP bytes by hand: a second, tiny encoder that knows nothing of the one under test.

It writes as the clients do whose frames it stands for: every list with four-byte sizes (Java, C#) or with one-byte
ones (Node, C), and every omitted field as an explicit null.
"""

NULL = b"\x40"
TRUE, FALSE = b"\x41", b"\x42"
AMQP = bytes.fromhex("414d515000010000")
SASL = bytes.fromhex("414d515003010000")

RETRY_KEYS = ("retry-after", "Retry-After")


def ubyte(number: int) -> bytes:
    return b"\x50" + bytes([number])


def ushort(number: int) -> bytes:
    return b"\x60" + number.to_bytes(2)


def uint(number: int) -> bytes:
    return b"\x70" + number.to_bytes(4)


def smalluint(number: int) -> bytes:
    return b"\x52" + bytes([number])


def smallint(number: int) -> bytes:
    return b"\x54" + number.to_bytes(1, signed=True)


def text(words: str) -> bytes:
    return b"\xa1" + bytes([len(words.encode())]) + words.encode()


def symbol(words: str) -> bytes:
    return b"\xa3" + bytes([len(words)]) + words.encode()


def binary(data: bytes) -> bytes:
    return b"\xb0" + len(data).to_bytes(4) + data


def small_binary(data: bytes) -> bytes:
    return b"\xa0" + bytes([len(data)]) + data


def listed(*items: bytes) -> bytes:
    body = b"".join(items)
    return b"\xd0" + (len(body) + 4).to_bytes(4) + len(items).to_bytes(4) + body


def small_list(*items: bytes) -> bytes:
    body = b"".join(items)
    return b"\xc0" + bytes([len(body) + 1, len(items)]) + body


def mapped(*items: bytes) -> bytes:
    body = b"".join(items)
    return b"\xd1" + (len(body) + 4).to_bytes(4) + len(items).to_bytes(4) + body


def described(code: int, value: bytes) -> bytes:
    return b"\x00\x53" + bytes([code]) + value


def frame(body: bytes, *, kind: int = 0, channel: int = 0) -> bytes:
    return (8 + len(body)).to_bytes(4) + bytes([2, kind]) + channel.to_bytes(2) + body


def sasl_frame(body: bytes) -> bytes:
    return frame(body, kind=1)


def sasl_init(mechanism: str, response: bytes, hostname: bytes = NULL) -> bytes:
    return sasl_frame(described(0x41, listed(symbol(mechanism), binary(response), hostname)))


def sasl_response(response: bytes) -> bytes:
    return sasl_frame(described(0x43, listed(binary(response))))


def sasl_challenge(challenge: bytes) -> bytes:
    """As the server writes it: everything in its shortest form."""
    data = small_binary(challenge) if len(challenge) < 256 else binary(challenge)
    return sasl_frame(described(0x42, small_list(data) if len(data) < 255 else listed(data)))


def sasl_outcome(code: int) -> bytes:
    return sasl_frame(described(0x44, small_list(ubyte(code))))


def mechanisms(*names: str) -> bytes:
    body = b"\xa3" + b"".join(bytes([len(name)]) + name.encode() for name in names)
    array = b"\xe0" + bytes([len(body) + 1, len(names)]) + body
    return sasl_frame(described(0x40, small_list(array)))


def opened(container: str, hostname: str) -> bytes:
    return frame(described(0x10, listed(text(container), text(hostname), uint(65536), ushort(65535), NULL)))


def begun() -> bytes:
    return frame(described(0x11, listed(NULL, uint(0), uint(2048), uint(2048))))


def terminus(code: int, address: str) -> bytes:
    return described(code, listed(text(address)))


def api_version(version: str = "2019-03-31", *, client_version: str | None = None) -> bytes:
    pairs = [symbol("com.microsoft:api-version"), text(version)]
    if client_version is not None:
        pairs += [symbol("com.microsoft:client-version"), text(client_version)]
    return mapped(*pairs)


def receiver(name: str, address: str, properties: bytes, *, handle: int = 0, settle: bytes = NULL) -> bytes:
    """attach of a link on which the device receives."""
    ends = [terminus(0x28, address), terminus(0x29, "local_endpoint")]
    fields = [text(name), uint(handle), TRUE, settle, NULL, *ends, NULL, NULL, NULL, NULL, NULL, NULL, properties]
    return frame(described(0x12, listed(*fields)))


def sender(name: str, address: str, properties: bytes, *, handle: int = 1) -> bytes:
    """attach of a link on which the device sends."""
    ends = [terminus(0x28, "remote_endpoint"), terminus(0x29, address)]
    fields = [text(name), uint(handle), FALSE, NULL, NULL, *ends, NULL, NULL, uint(0), NULL, NULL, NULL, properties]
    return frame(described(0x12, listed(*fields)))


def credit(handle: int, link_credit: int) -> bytes:
    fields = [uint(0), uint(2048), uint(0), uint(2048), uint(handle), uint(0), uint(link_credit)]
    return frame(described(0x13, listed(*fields)))


def transfer(message: bytes, *, handle: int = 1, delivery_id: int = 0) -> bytes:
    fields = [uint(handle), uint(delivery_id), binary(b"t"), uint(0), FALSE]
    return frame(described(0x14, listed(*fields)) + message)


def disposition(first: int, *, settled: bytes) -> bytes:
    accepted = described(0x24, b"\x45")
    return frame(described(0x15, listed(TRUE, uint(first), NULL, settled, accepted)))


def closed() -> bytes:
    return frame(described(0x18, b"\x45"))


def application_properties(**pairs: bytes) -> bytes:
    items = [item for key, value in pairs.items() for item in (text(key.replace("_", "-")), value)]
    return described(0x74, mapped(*items))


def message_properties(correlation_id: bytes) -> bytes:
    return described(0x73, listed(NULL, NULL, NULL, NULL, NULL, correlation_id))


def data_section(data: bytes) -> bytes:
    return described(0x75, binary(data))


def value_section(value: bytes) -> bytes:
    return described(0x77, value)
