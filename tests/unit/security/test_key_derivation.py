"""Derived keys, against the vector that the service's documentation publishes."""

from homeport.security.key_derivation import derive_device_key, encode_key
from homeport.security.sas import decode_key

# Source: the concept page on symmetric-key attestation.
GROUP_KEY = "8isrFI1sGsIlvvFSSFRiMfCNzv21fjbE/+ah/lSh3lF8e2YG1Te7w1KpZhJFFXJrqYKi9yegxkqIChbqOS9Egw=="
REGISTRATION_ID = "sn-007-888-abc-mac-a1-b2-c3-d4-e5-f6"
DEVICE_KEY = "Jsm0lyGpjaVYVP2g3FnmnmG9dI/9qU24wNoykUmermc="


def test_the_published_vector() -> None:
    assert encode_key(derive_device_key(decode_key(GROUP_KEY), REGISTRATION_ID)) == DEVICE_KEY


def test_the_id_enters_as_it_was_written() -> None:
    key = decode_key(GROUP_KEY)
    assert derive_device_key(key, REGISTRATION_ID.upper()) != derive_device_key(key, REGISTRATION_ID)


def test_a_key_travels_as_base64() -> None:
    assert decode_key(encode_key(b"\xff\xfe")) == b"\xff\xfe"
    assert encode_key(b"\xff\xfe") == "//4="
