"""JSON bodies that are none, or not what was asked for; each door picks those that it must refuse."""

DEEP = 100_000
LARGE = 1024 * 1024

NOT_JSON: dict[str, bytes] = {
    "cut off": b'{"registrationId": ',
    "text behind it": b"{} {}",
    "single quotes": b"{'a': 1}",
    "a comment": b"{/* */}",
    "NaN": b'{"payload": NaN}',
    "a bare word": b"provision",
    "not UTF-8": b'{"payload": "\xff\xfe"}',
    "UTF-16": "{}".encode("utf-16"),
    "half a surrogate pair": b'{"payload": "\\ud800", "registrationId": "\\udfff"}',
    "a null character": b'{"payload": "\0"}',
    "nothing but a byte order mark": b"\xef\xbb\xbf",
}
NOT_AN_OBJECT: dict[str, bytes] = {
    "an array": b"[]",
    "a string": b'"registrationId"',
    "a number": b"1",
    "true": b"true",
    "null": b"null",
}


def nested(levels: int) -> str:
    """So many brackets, opened and closed again."""
    return "[" * levels + "]" * levels


def nested_objects(levels: int) -> str:
    """So many objects, one in the other."""
    return '{"a":' * levels + "1" + "}" * levels


def unclosed(levels: int) -> bytes:
    """So many brackets that are never closed."""
    return b"[" * levels
