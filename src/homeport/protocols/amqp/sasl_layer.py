"""SASL on one connection (5.3.2): frames in, a mechanism's steps, and at the end who the device is.

Counterparts: `sasl.py` and `tpm.py`, the mechanisms; `session.py`, which goes on with AMQP when this has passed.
"""

from collections.abc import Callable, Iterable

from homeport.protocols.amqp.conditions import MalformedFrame
from homeport.protocols.amqp.frames import encode_frame
from homeport.protocols.amqp.outbox import Outbox
from homeport.protocols.amqp.performatives import (
    Performative,
    SaslChallenge,
    SaslInit,
    SaslMechanisms,
    SaslOutcome,
    SaslPerformative,
    SaslResponse,
)
from homeport.protocols.amqp.sasl import (
    AUTH,
    OK,
    SYS_TEMP,
    Certificate,
    Challenge,
    Failed,
    Mechanism,
    Passed,
    Plain,
    Step,
)
from homeport.protocols.amqp.tpm import Tpm
from homeport.protocols.amqp.types import Array, Symbol, Ubyte
from homeport.protocols.conversation import Answered, Attest

_BY_KEY: dict[str, Callable[[tuple[bytes, ...]], Mechanism]] = {"PLAIN": Plain, "TPM": Tpm}
_BY_CERTIFICATE: dict[str, Callable[[tuple[bytes, ...]], Mechanism]] = {
    "EXTERNAL": Certificate,
    "ANONYMOUS": Certificate,
}


def _offer(mechanisms: Iterable[str]) -> bytes:
    return encode_frame(SaslMechanisms(Array(Symbol(name) for name in mechanisms)))


# What nearly every connection is told is encoded once.
_OFFER = _offer(_BY_KEY)
_OFFER_BESIDE_CERTIFICATE = _offer(_BY_KEY | _BY_CERTIFICATE)
_PASSED = encode_frame(SaslOutcome(Ubyte(OK)))


class SaslLayer:
    """One exchange. `passed` is its result, None until it has one; a failure closes the connection."""

    def __init__(self, outbox: Outbox, certificate_chain: tuple[bytes, ...]) -> None:
        self._outbox = outbox
        self._certificate_chain = certificate_chain
        self._mechanism: Mechanism | None = None
        self._question: Attest | None = None
        self.passed: Passed | None = None

    @property
    def asking(self) -> bool:
        """Whether it waits for a judgement, and nothing more may be taken until then."""
        return self._question is not None

    def begin(self) -> None:
        """Offer the mechanisms. Node's library takes the first that it knows; those without a use are not offered."""
        self._outbox.send_bytes(_OFFER_BESIDE_CERTIFICATE if self._certificate_chain else _OFFER)

    def take(self, performative: Performative | SaslPerformative | None) -> None:
        """The client's next frame.

        Raises:
            Violation: it is none that a client may send now.
        """
        if isinstance(performative, SaslInit) and self._mechanism is None:
            self._start(performative)
        elif isinstance(performative, SaslResponse) and self._mechanism is not None:
            self._go(self._mechanism.respond(performative.response))
        else:
            raise MalformedFrame("a SASL frame out of turn")

    def answered(self, answer: Answered) -> bool:
        """The services have judged; whether that has proved who the device is."""
        if self._mechanism is None or self._question is None or answer.question != self._question:
            return False
        self._question = None
        self._go(self._mechanism.judged(answer.outcome))
        return self.passed is not None

    def postpone(self, reason: str) -> None:
        """The device may try again, elsewhere or later."""
        self._go(Failed(SYS_TEMP, reason))

    def _offered(self) -> dict[str, Callable[[tuple[bytes, ...]], Mechanism]]:
        return _BY_KEY | _BY_CERTIFICATE if self._certificate_chain else _BY_KEY

    def _start(self, init: SaslInit) -> None:
        make = self._offered().get(init.mechanism)
        if make is None:
            return self._go(Failed(AUTH, "a SASL mechanism that is not offered"))
        self._mechanism = make(self._certificate_chain)
        self._go(self._mechanism.start(init.initial_response or b""))

    def _go(self, step: Step) -> None:
        match step:
            case Challenge():
                self._outbox.send(SaslChallenge(step.data))
            case Attest():
                self._question = step
                self._outbox.ask(step)
            case Passed():
                self.passed = step
                self._outbox.send_bytes(_PASSED)
            case Failed():
                self._outbox.send(SaslOutcome(Ubyte(step.code)))
                self._outbox.close(step.reason)
