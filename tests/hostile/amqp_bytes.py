"""What an attacker would send over AMQP, by the stage of the conversation that it is sent in, and what it comes to."""

from typing import Any

from tests.hostile.amqp_attempts import (
    BEGINNING,
    OPENING,
    REPLIES,
    REQUESTS,
    granted,
    init,
    message,
    raw,
    receiver,
    request,
    sender,
)
from tests.sockets.raw_amqp import (
    AMQP_HEADER,
    AMQP_VALUE,
    APPLICATION_PROPERTIES,
    ATTACH,
    BEGIN,
    CHALLENGE,
    CLOSE,
    DATA,
    DETACH,
    DISPOSITION,
    END,
    FLOW,
    INIT,
    MECHANISMS,
    OPEN,
    OUTCOME,
    RESPONSE,
    SASL_HEADER,
    TRANSFER,
    Described,
    Symbol,
    Ubyte,
    Uint,
    encode,
    frame,
)

DECODE_ERROR, FRAMING_ERROR = "amqp:decode-error", "amqp:connection:framing-error"
NOT_ALLOWED, ILLEGAL_STATE = "amqp:not-allowed", "amqp:illegal-state"
UNATTACHED, IN_USE = "amqp:session:unattached-handle", "amqp:session:handle-in-use"
TOO_MUCH = "amqp:resource-limit-exceeded"
HUGE = b"\xff\xff\xff\xff"

# Sent as the first bytes of a connection: answered by the header of what is spoken, and the end.
NO_HEADER: dict[str, bytes] = {
    "AMQP 0-9-1": b"AMQP\x00\x00\x09\x01",
    "AMQP 1.1": b"AMQP\x00\x01\x01\x00",
    "AMQP 2.0": b"AMQP\x00\x02\x00\x00",
    "TLS inside of TLS": b"AMQP\x02\x01\x00\x00",
    "an unknown protocol ID": b"AMQP\x01\x01\x00\x00",
    "small letters": b"amqp\x00\x01\x00\x00",
    "one byte of nothing": b"\x00",
    "HTTP": b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n",
    "MQTT": b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00",
    "a frame": OPENING,
    "zeros": bytes(10_000),
    "ones": b"\xff" * 10_000,
}

# A mechanism and its initial response, which is told no more than that it is not good enough.
REFUSED_PROOFS: dict[str, tuple[str, bytes]] = {
    "an unknown mechanism": ("SCRAM-SHA-256", b"n,,n=user,r=nonce"),
    "a mechanism without a name": ("", b""),
    "a mechanism in small letters": ("plain", b"\0scope/registrations/id\0token"),
    "a mechanism of 200 letters": ("P" * 200, b""),
    "ANONYMOUS without a certificate": ("ANONYMOUS", b"device"),
    "EXTERNAL without a certificate": ("EXTERNAL", b""),
    "PLAIN without anything": ("PLAIN", b""),
    "PLAIN without a separator": ("PLAIN", b"scope/registrations/id"),
    "PLAIN with two parts": ("PLAIN", b"scope/registrations/id\0token"),
    "PLAIN with four parts": ("PLAIN", b"\0scope/registrations/id\0token\0more"),
    "PLAIN of separators": ("PLAIN", b"\0" * 5000),
    "PLAIN without a token": ("PLAIN", b"\0scope/registrations/id\0"),
    "PLAIN with a user name of one word": ("PLAIN", b"\0admin\0admin"),
    "PLAIN with a user name of slashes": ("PLAIN", b"\0////\0token"),
    "PLAIN with another path": ("PLAIN", b"\0scope/devices/id\0token"),
    "PLAIN that is not UTF-8": ("PLAIN", b"\0scope/registrations/\xff\xfe\0token"),
    "PLAIN with an ID of 5,000 letters": ("PLAIN", b"\0scope/registrations/" + b"a" * 5000 + b"\0token"),
    "PLAIN with a space in its ID": ("PLAIN", b"\0scope/registrations/a b\0token"),
    "TPM without anything": ("TPM", b""),
    "TPM with two parts": ("TPM", b"\0scope\0id"),
}

# Sent behind the header of SASL: ends the connection without a word.
BREAKS_SASL: dict[str, bytes] = {
    "a response before init": frame(Described(RESPONSE, [b"x"])),
    "init twice": init("TPM", b"\0scope\0id\0key") * 2,
    "the server's mechanisms": frame(Described(MECHANISMS, [Symbol("PLAIN")])),
    "the server's challenge": frame(Described(CHALLENGE, [b"x"])),
    "the server's outcome": frame(Described(OUTCOME, [Ubyte(0)])),
    "an AMQP frame": OPENING,
    "open in a SASL frame": raw(encode(Described(OPEN, ["device"])), kind=1),
    "an empty frame": raw(b"", kind=1),
    "a frame of type 2": raw(encode(Described(INIT, [Symbol("PLAIN")])), kind=2),
    "a frame of 9 KiB announced": raw(b"", kind=1, size=9 * 1024),
    "a frame of 4 GiB announced": raw(b"", kind=1, size=2**32 - 1),
    "a frame of 7 bytes": raw(b"", kind=1, size=7),
    "a data offset of 1": raw(b"\x40", kind=1, doff=1),
    "a data offset beyond the frame": raw(b"\x40", kind=1, doff=255),
    "init without a mechanism": frame(Described(INIT, [])),
    "init whose mechanism is a string": frame(Described(INIT, ["PLAIN"])),
    "init whose response is a string": frame(Described(INIT, [Symbol("PLAIN"), "x"])),
    "init that is a map": frame(Described(INIT, {})),
    "init with a fourth field": frame(Described(INIT, [Symbol("PLAIN"), b"", "host", "more"])),
    "init that is cut off": raw(encode(Described(INIT, [Symbol("PLAIN"), b"x" * 90]))[:-50], kind=1),
    "the header of AMQP": AMQP_HEADER,
    "the header of SASL": SASL_HEADER,
    "HTTP": b"GET / HTTP/1.1\r\n\r\n",
}

# Bodies of frames that are no values.
NO_VALUES: dict[str, bytes] = {
    "an unknown type": b"\x3f",
    "a descriptor and nothing": b"\x00",
    "a descriptor without a value": b"\x00\x53\x10",
    "a string that is cut off": b"\xa1\x05abc",
    "a string that is not UTF-8": b"\xa1\x02\xff\xfe",
    "a symbol that is not ASCII": b"\xa3\x02\xc3\xa4",
    "a binary of 4 GiB": b"\xb0" + HUGE,
    "a boolean of 2": b"\x56\x02",
    "a list of 4 GiB": b"\xd0" + HUGE + HUGE,
    "a list of 2^32 - 1 values": b"\xd0\x00\x00\x00\x05" + HUGE + b"\x40",
    "a list of 255 values in a byte": b"\xc0\x02\xff\x40",
    "a list that is longer than it says": b"\xc0\x02\x02\x40\x40",
    "a list that is shorter than it says": b"\xc0\x04\x01\x40\x40\x40",
    "a list with a size and no count": b"\xc0\x00",
    "a map of 2^32 - 2 values": b"\xd1\x00\x00\x00\x05\xff\xff\xff\xfe\x40",
    "a map with a key and no value": b"\xc1\x02\x01\x40",
    "a map with a key twice": b"\xc1\x05\x04\x40\x40\x40\x40",
    "a map with a map for a key": b"\xc1\x05\x02\xc1\x01\x00\x40",
    "an array of 2^32 - 1 nothings": b"\xf0\x00\x00\x00\x05" + HUGE + b"\x40",
    "an array of 2^32 - 1 empty lists": b"\xf0\x00\x00\x00\x05" + HUGE + b"\x45",
    "an array of an unknown type": b"\xe0\x02\x01\x3f",
    "an array of arrays without an end": b"\xe0\x40" + b"\x01\xe0" * 40,
    "10,000 lists inside each other": b"\xc0\x02\x01" * 10_000,
    "30,000 descriptors inside each other": b"\x00" * 30_000,
    "values described 10,000 times": b"\x00\x40" * 10_000,
    "a list of 30,000 nothings": b"\xd0\x00\x00\x75\x34\x00\x00\x75\x30" + b"\x40" * 30_000,
}

# Sent by a device that has opened; the condition of the close.
BREAKS_A_CONNECTION: dict[str, tuple[bytes, str]] = {
    **{name: (raw(body), DECODE_ERROR) for name, body in NO_VALUES.items()},
    "a value that is no performative": (raw(b"\x40"), FRAMING_ERROR),
    "an unknown performative": (frame(Described(0x19, [])), FRAMING_ERROR),
    "a section of a message": (frame(Described(DATA, b"x")), FRAMING_ERROR),
    "SASL's init": (init("PLAIN", b"\0scope/registrations/id\0token"), FRAMING_ERROR),
    "SASL's init in an AMQP frame": (raw(encode(Described(INIT, [Symbol("PLAIN")]))), FRAMING_ERROR),
    "a frame of type 2": (raw(b"", kind=2), FRAMING_ERROR),
    "a frame of no bytes": (raw(b"", size=0), FRAMING_ERROR),
    "a frame of 7 bytes": (raw(b"", size=7), FRAMING_ERROR),
    "a frame of 32 KiB and a byte announced": (raw(b"", size=32 * 1024 + 1), FRAMING_ERROR),
    "a frame of 4 GiB announced": (raw(b"", size=2**32 - 1), FRAMING_ERROR),
    "a data offset of 0": (raw(b"", doff=0), FRAMING_ERROR),
    "a data offset of 1": (raw(b"", doff=1), FRAMING_ERROR),
    "a data offset beyond the frame": (raw(bytes(8), doff=255), FRAMING_ERROR),
    "the header of AMQP": (AMQP_HEADER, FRAMING_ERROR),
    "the header of SASL": (SASL_HEADER, FRAMING_ERROR),
    "HTTP": (b"GET / HTTP/1.1\r\n\r\n", FRAMING_ERROR),
    "MQTT": (b"\x10\x0c\x00\x04MQTT\x04\x02\x00\x3c\x00\x00", FRAMING_ERROR),
    "zeros": (bytes(10_000), FRAMING_ERROR),
    "ones": (b"\xff" * 10_000, FRAMING_ERROR),
    "open twice": (OPENING, ILLEGAL_STATE),
    "begin twice": (BEGINNING * 2, NOT_ALLOWED),
    "begin a thousand times": (BEGINNING * 1000, NOT_ALLOWED),
    "begin on channel 1": (raw(BEGINNING[8:], channel=1), FRAMING_ERROR),
    "begin on channel 65,535": (raw(BEGINNING[8:], channel=0xFFFF), FRAMING_ERROR),
    "end on another channel": (BEGINNING + raw(encode(Described(END, [])), channel=7), NOT_ALLOWED),
    "end without begin": (frame(Described(END, [])), NOT_ALLOWED),
    "attach without begin": (receiver("a/registrations/b"), NOT_ALLOWED),
    "flow without begin": (granted(1), NOT_ALLOWED),
    "transfer without begin": (request(0, b""), NOT_ALLOWED),
    "transfer before attach": (BEGINNING + request(0, message("iotdps-register")), UNATTACHED),
    "flow before attach": (BEGINNING + granted(1), UNATTACHED),
    "detach before attach": (BEGINNING + frame(Described(DETACH, [Uint(0)])), UNATTACHED),
    "a handle of 2^32 - 1": (BEGINNING + receiver("a/registrations/b", 2**32 - 1), FRAMING_ERROR),
}

# Performatives as they should be, in full; each field is replaced by something that no field may be.
FULL: dict[str, tuple[int, list[Any], set[int]]] = {
    "open": (OPEN, ["device", "host", *[None] * 8], {0}),
    "begin": (BEGIN, [None, Uint(0), Uint(9), Uint(9), *[None] * 4], {1, 2, 3}),
    "attach": (ATTACH, ["link", Uint(0), True, *[None] * 11], {0, 1, 2}),
    "flow": (FLOW, [Uint(0), Uint(9), Uint(0), Uint(9), *[None] * 7], {1, 2, 3}),
    "transfer": (TRANSFER, [Uint(1), Uint(0), b"tag", *[None] * 8], {0}),
    "disposition": (DISPOSITION, [True, Uint(0), *[None] * 4], {0, 1}),
    "detach": (DETACH, [Uint(0), None, None], {0}),
    "end": (END, [None], set()),
    "close": (CLOSE, [None], set()),
}

# Sent by a device with its two links; the condition of the close.
BREAKS_A_LINK: dict[str, tuple[bytes, str]] = {
    "a second link of one handle": (sender("a/registrations/b"), IN_USE),
    "a transfer on the link of replies": (request(0, message("iotdps-register"), REPLIES), UNATTACHED),
    "a transfer on no link": (request(0, message("iotdps-register"), 3), UNATTACHED),
    "a flow on no link": (granted(1, 3), UNATTACHED),
    "a detach of no link": (frame(Described(DETACH, [Uint(3)])), UNATTACHED),
    "a delivery without an ID": (frame(Described(TRANSFER, [REQUESTS]), message("iotdps-register")), NOT_ALLOWED),
    "a delivery ID twice": (request(0, message("iotdps-register")) * 2, NOT_ALLOWED),
    "33 transfers where credit is for 32": (
        b"".join(request(number, message("iotdps-register")) for number in range(33)),
        "amqp:link:transfer-limit-exceeded",
    ),
    "a message of 150 KB": (request(0, bytes(30_000), more=True) * 5, "amqp:link:message-size-exceeded"),
    "a message that is no section": (request(0, encode("text")), DECODE_ERROR),
    "a message of an unknown section": (request(0, encode(Described(0x7F, b""))), DECODE_ERROR),
    "properties that are a list": (request(0, encode(Described(APPLICATION_PROPERTIES, []))), DECODE_ERROR),
    "data that is a string": (request(0, encode(Described(DATA, "{}"))), DECODE_ERROR),
    **{f"a message of {name}": (request(0, body), DECODE_ERROR) for name, body in NO_VALUES.items()},
    "a body of 10,000 lists": (
        request(0, encode(Described(AMQP_VALUE, None))[:-1] + b"\xc0\x02\x01" * 10_000),
        DECODE_ERROR,
    ),
}
