"""What frames say of themselves must not give a secret away."""

import pytest

from homeport.protocols.amqp.performatives import SaslChallenge, SaslInit, SaslResponse
from homeport.protocols.amqp.types import Symbol


@pytest.mark.parametrize(
    "frame", [SaslInit(Symbol("PLAIN"), b"secret"), SaslChallenge(b"secret"), SaslResponse(b"secret")]
)
def test_sasl_frames_hide_what_they_carry(frame: object) -> None:
    assert "secret" not in repr(frame)
