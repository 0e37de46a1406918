import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.security.sealing import KEY_SIZE, SealBroken, Sealer

SEALER = Sealer(bytes(range(KEY_SIZE)))


class CountingRandomness:
    """Every token is another one, and known."""

    def __init__(self) -> None:
        self.count = 0

    def token(self, size: int) -> bytes:
        self.count += 1
        return self.count.to_bytes(size, "big")

    def guid(self) -> str:
        raise AssertionError("A nonce is no GUID.")


@given(st.binary(max_size=300), st.text(max_size=50))
def test_what_is_sealed_opens_in_its_place(plaintext: bytes, context: str) -> None:
    assert SEALER.open(SEALER.seal(plaintext, context), context) == plaintext


@given(st.binary(min_size=1, max_size=100), st.integers(min_value=0), st.integers(min_value=1, max_value=255))
def test_any_changed_byte_breaks_the_seal(plaintext: bytes, position: int, change: int) -> None:
    sealed = bytearray(SEALER.seal(plaintext, "here"))
    sealed[position % len(sealed)] ^= change
    with pytest.raises(SealBroken):
        SEALER.open(bytes(sealed), "here")


@given(st.binary(max_size=80))
def test_arbitrary_bytes_are_refused(garbage: bytes) -> None:
    with pytest.raises(SealBroken):
        SEALER.open(garbage, "here")


def test_every_cut_blob_is_refused() -> None:
    sealed = SEALER.seal(b"secret", "here")
    for length in range(len(sealed)):
        with pytest.raises(SealBroken):
            SEALER.open(sealed[:length], "here")


def test_a_blob_does_not_open_in_another_place() -> None:
    with pytest.raises(SealBroken, match="another place"):
        SEALER.open(SEALER.seal(b"secret", "row 1"), "row 2")


def test_a_blob_does_not_open_with_another_key() -> None:
    with pytest.raises(SealBroken, match="another key"):
        Sealer(bytes(KEY_SIZE)).open(SEALER.seal(b"secret", "here"), "here")


def test_equal_secrets_are_sealed_differently() -> None:
    sealer = Sealer(bytes(KEY_SIZE), CountingRandomness())
    first, second = sealer.seal(b"secret", "here"), sealer.seal(b"secret", "here")
    assert first != second
    assert b"secret" not in first


def test_blobs_of_one_key_start_alike_and_those_of_another_do_not() -> None:
    own, other = SEALER.seal(b"", "a"), Sealer(bytes(KEY_SIZE)).seal(b"", "a")
    assert own[:5] == SEALER.seal(b"x", "b")[:5]
    assert own[:5] != other[:5]


@pytest.mark.parametrize("size", [0, 16, 31, 33])
def test_a_key_of_another_size_is_refused(size: int) -> None:
    with pytest.raises(ValueError, match="32 bytes"):
        Sealer(bytes(size))
