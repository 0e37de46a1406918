"""The names of what can go wrong (part 2, 2.8.15 to 2.8.18), and the exception that carries one to the peer.

A violation ends the connection: `session.py` tells the peer its condition in a `close` frame and hangs up.
"""

from homeport.protocols.amqp.types import Symbol

INTERNAL_ERROR = Symbol("amqp:internal-error")
NOT_FOUND = Symbol("amqp:not-found")
UNAUTHORIZED_ACCESS = Symbol("amqp:unauthorized-access")
DECODE_ERROR = Symbol("amqp:decode-error")
NOT_ALLOWED = Symbol("amqp:not-allowed")
RESOURCE_LIMIT_EXCEEDED = Symbol("amqp:resource-limit-exceeded")
PRECONDITION_FAILED = Symbol("amqp:precondition-failed")
ILLEGAL_STATE = Symbol("amqp:illegal-state")
CONNECTION_FORCED = Symbol("amqp:connection:forced")
FRAMING_ERROR = Symbol("amqp:connection:framing-error")
HANDLE_IN_USE = Symbol("amqp:session:handle-in-use")
UNATTACHED_HANDLE = Symbol("amqp:session:unattached-handle")
MESSAGE_SIZE_EXCEEDED = Symbol("amqp:link:message-size-exceeded")
TRANSFER_LIMIT_EXCEEDED = Symbol("amqp:link:transfer-limit-exceeded")

# Conditions of Microsoft's services; Node tells its errors apart by them (amqp-base, amqp_common_errors.js).
ARGUMENT_ERROR = Symbol("com.microsoft:argument-error")
THROTTLED = Symbol("com.microsoft:device-container-throttled")


class Violation(Exception):
    """The peer broke the standard or a limit; its text is the reason for the log and for the peer."""

    def __init__(self, condition: Symbol, text: str) -> None:
        super().__init__(text)
        self.condition = condition


class Malformed(Violation):
    """Bytes that are no AMQP: values, composites, messages."""

    def __init__(self, text: str) -> None:
        super().__init__(DECODE_ERROR, text)


class MalformedFrame(Violation):
    """Bytes that are no frame, or too long a one."""

    def __init__(self, text: str) -> None:
        super().__init__(FRAMING_ERROR, text)
