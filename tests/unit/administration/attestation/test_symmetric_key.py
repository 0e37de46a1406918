"""The keys of an entry: sent, stored, or made."""

import base64

import pytest
from tests.unit.administration.world import PRIMARY, SECONDARY, CountedRandomness, refused

from homeport import errors
from homeport.administration.attestation.symmetric_key import completed
from homeport.model.attestation import SymmetricKeyAttestation


def keys(primary: str | None = None, secondary: str | None = None) -> SymmetricKeyAttestation:
    return SymmetricKeyAttestation(primary_key=primary, secondary_key=secondary)


def key(size: int) -> str:
    return base64.b64encode(bytes(size)).decode()


@pytest.mark.parametrize("size", [16, 64])
def test_own_keys_have_16_to_64_bytes(size: int) -> None:
    own = keys(key(size), key(size))
    assert completed(own, None, CountedRandomness()) == own


@pytest.mark.parametrize("wrong", [key(15), key(65), "?", "a"])
def test_other_keys_are_refused_without_repeating_them(wrong: str) -> None:
    for sent in (keys(wrong, None), keys(None, wrong)):
        with refused(errors.INVALID_BODY) as caught:
            completed(sent, None, CountedRandomness())
        assert f"{wrong} " not in caught.value.message


@pytest.mark.parametrize("sent", [None, keys(), keys("", "")])
def test_an_absent_or_empty_key_is_made(sent: SymmetricKeyAttestation | None) -> None:
    made = completed(sent, None, CountedRandomness())
    assert made.primary_key != made.secondary_key
    for text in (made.primary_key, made.secondary_key):
        assert len(base64.b64decode(text or "")) == 64


def test_what_is_stored_stays_where_nothing_is_sent() -> None:
    assert completed(None, keys(PRIMARY, SECONDARY), CountedRandomness()) == keys(PRIMARY, SECONDARY)
    assert completed(keys(primary=key(32)), keys(PRIMARY, SECONDARY), CountedRandomness()) == keys(key(32), SECONDARY)
