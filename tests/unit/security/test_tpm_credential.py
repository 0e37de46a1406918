"""Credentials for TPMs, judged by a TPM: what it activates and refuses, and which public keys make no credential."""

import hashlib
import hmac
import os
from collections.abc import Iterator

import pytest
from tests.tpm.commands import TpmRefused
from tests.tpm.device import PARTS, TpmDevice, manufactured, split

from homeport.security.tpm_credential import (
    MAX_RESOURCE,
    TpmKeyMalformed,
    make_credential_blob,
    parse_public,
    registration_id_of,
)

KEY = bytes(range(32))
RESOURCE = "0ne00000001/registrations/dev-1"
MESSAGE = b"what a device signs"
TYPE, NAME_ALGORITHM, ATTRIBUTES = 2, 4, 6
CIPHER, CIPHER_BITS, CIPHER_MODE, SCHEME, BITS, EXPONENT, MODULUS = 44, 46, 48, 50, 52, 54, 60
"""Offsets in a TPM2B_PUBLIC with a policy of 32 bytes, as endorsement keys have it."""


@pytest.fixture(scope="module")
def device() -> Iterator[TpmDevice]:
    with manufactured() as made:
        yield made


@pytest.fixture(scope="module")
def another() -> Iterator[TpmDevice]:
    with manufactured() as made:
        yield made


def blob_for(device: TpmDevice, *, key: bytes = KEY, resource: str = RESOURCE, root: TpmDevice | None = None) -> bytes:
    """What is made for a device's keys; `root` lends its storage root key in place of the device's own."""
    storage_root_key = (root or device).storage_root_key()
    return make_credential_blob(device.endorsement_key(), storage_root_key, key, resource, random=os.urandom)


def signature(key: bytes) -> bytes:
    return hmac.digest(key, MESSAGE, hashlib.sha256)


@pytest.mark.parametrize("size", [16, 32, 64])
def test_the_tpm_signs_with_the_key(device: TpmDevice, size: int) -> None:
    key = os.urandom(size)
    device.activate(blob_for(device, key=key))
    assert device.sign(MESSAGE) == signature(key)


def test_the_tpm_reads_what_the_key_is_for(device: TpmDevice) -> None:
    device.activate(blob_for(device))
    assert device.name == RESOURCE


def test_a_later_key_takes_the_place_of_the_first(device: TpmDevice) -> None:
    for key in (bytes(32), KEY):
        device.activate(blob_for(device, key=key))
    assert device.sign(MESSAGE) == signature(KEY)


@pytest.mark.parametrize(
    ("part", "refused_by"),
    [
        ("credential", "ActivateCredential"),
        ("credential secret", "ActivateCredential"),
        ("duplicate", "Import"),
        ("import seed", "Import"),
        ("public", "Import"),
    ],
)
def test_a_part_that_was_changed_is_refused(device: TpmDevice, part: str, refused_by: str) -> None:
    device.activate(blob_for(device))
    with pytest.raises(TpmRefused) as caught:
        device.activate(changed(blob_for(device, key=bytes(32)), part))
    assert caught.value.command == refused_by
    assert device.sign(MESSAGE) == signature(KEY), "the key from before stays"


def test_a_name_that_was_changed_leaves_the_key_alone(device: TpmDevice) -> None:
    """Nothing protects the last part, in no client: a name decides nothing."""
    device.activate(changed(blob_for(device), "name"))
    assert device.name != RESOURCE
    assert device.sign(MESSAGE) == signature(KEY)


def test_parts_of_two_blobs_do_not_fit_together(device: TpmDevice) -> None:
    one, other = split(blob_for(device)), split(blob_for(device))
    with pytest.raises(TpmRefused, match="Import"):
        device.activate(b"".join([*one[:2], *other[2:]]))


def test_another_tpm_cannot_open_it(device: TpmDevice, another: TpmDevice) -> None:
    with pytest.raises(TpmRefused, match="ActivateCredential"):
        another.activate(blob_for(device))


def test_the_storage_root_key_counts_as_well(device: TpmDevice, another: TpmDevice) -> None:
    """Someone who has the endorsement key's public part cannot have the blob made for a root key of their own."""
    blob = blob_for(device, root=another)
    for tpm in (device, another):
        with pytest.raises(TpmRefused, match="ActivateCredential"):
            tpm.activate(blob)


def test_the_parts_have_the_sizes_that_clients_know(device: TpmDevice) -> None:
    assert [len(part) for part in split(blob_for(device))] == [54, 258, 144, 258, 50, 2 + len(RESOURCE)]


def test_the_key_does_not_show(device: TpmDevice) -> None:
    assert KEY not in blob_for(device)
    assert RESOURCE.encode() not in blob_for(device)


def test_two_blobs_have_nothing_in_common(device: TpmDevice) -> None:
    pairs = zip(split(blob_for(device)), split(blob_for(device)), strict=True)
    assert [one == other for one, other in pairs] == [False] * 6


def test_all_chance_comes_from_the_caller(device: TpmDevice) -> None:
    """Encryption to RSA keys is the exception: padding takes its salt from the operating system."""
    one, other = (
        split(make_credential_blob(device.endorsement_key(), device.storage_root_key(), KEY, RESOURCE, random=bytes))
        for _ in range(2)
    )
    assert [one[part] == other[part] for part in range(6)] == [True, False, True, False, True, True]


def test_the_longest_resource(device: TpmDevice) -> None:
    device.activate(blob_for(device, resource="r" * MAX_RESOURCE))
    assert device.name == "r" * MAX_RESOURCE


@pytest.mark.parametrize("resource", ["", "r" * (MAX_RESOURCE + 1), "é" * (MAX_RESOURCE // 2 + 1)])
def test_a_resource_that_is_none(device: TpmDevice, resource: str) -> None:
    with pytest.raises(ValueError, match="the resource has"):
        blob_for(device, resource=resource)


def test_what_a_tpm_calls_its_key(device: TpmDevice) -> None:
    public = parse_public(device.endorsement_key())
    assert public.name == device.endorsement_key_name()
    assert (public.key.key_size, public.key.public_numbers().e) == (2048, 65537)


def test_an_exponent_may_be_spelled_out(device: TpmDevice) -> None:
    spelled = edited(device.endorsement_key(), EXPONENT, (65537).to_bytes(4, "big"))
    assert parse_public(spelled).key == parse_public(device.endorsement_key()).key


def test_a_public_key_that_breaks_off(device: TpmDevice) -> None:
    key = device.endorsement_key()
    for size in range(len(key)):
        with pytest.raises(TpmKeyMalformed):
            parse_public(key[:size])


def test_an_area_that_breaks_off_within_its_size(device: TpmDevice) -> None:
    area = device.endorsement_key()[2:]
    for size in range(len(area)):
        with pytest.raises(TpmKeyMalformed):
            parse_public(size.to_bytes(2, "big") + area[:size])


@pytest.mark.parametrize(
    ("offset", "value", "reason"),
    [
        (TYPE, "0023", "not RSA"),
        (NAME_ALGORITHM, "0004", "SHA-256"),
        (ATTRIBUTES, "000300b0", "stays"),  # not fixedTPM
        (ATTRIBUTES, "000300a2", "stays"),  # not fixedParent
        (ATTRIBUTES, "000200b2", "stays"),  # not restricted
        (ATTRIBUTES, "000100b2", "stays"),  # not decrypt
        (CIPHER, "0010", "AES"),
        (CIPHER_BITS, "0100", "AES-128"),
        (CIPHER_MODE, "0042", "CFB"),
        (SCHEME, "0014", "scheme"),
        (BITS, "0400", "RSA-2048"),
        (EXPONENT, "00000003", "65537"),
        (MODULUS, "00" * 256, "modulus"),
        (MODULUS, "7f" + "ff" * 255, "modulus"),
        (MODULUS, "ff" * 255 + "fe", "modulus"),
    ],
)
def test_a_public_key_of_another_kind(device: TpmDevice, offset: int, value: str, reason: str) -> None:
    with pytest.raises(TpmKeyMalformed, match=reason):
        parse_public(edited(device.endorsement_key(), offset, bytes.fromhex(value)))


def test_a_public_key_with_something_behind_it(device: TpmDevice) -> None:
    key = device.endorsement_key()
    for longer in (key + b"\0", (len(key) - 1).to_bytes(2, "big") + key[2:] + b"\0"):
        with pytest.raises(TpmKeyMalformed, match="behind"):
            parse_public(longer)


@pytest.mark.parametrize("which", ["endorsement", "storage root"])
def test_no_blob_for_a_malformed_key(device: TpmDevice, which: str) -> None:
    keys = {"endorsement": device.endorsement_key(), "storage root": device.storage_root_key(), which: b"\0\1x"}
    with pytest.raises(TpmKeyMalformed):
        make_credential_blob(keys["endorsement"], keys["storage root"], KEY, RESOURCE, random=os.urandom)


def test_the_registration_id_that_tools_suggest() -> None:
    """Against coreutils: printf '\\0\\3key' | sha256sum, its digest through base32, lower case."""
    assert registration_id_of(b"\0\3key") == "3vwg76qhrcnjc4zvbwtjlechbbhnfwvpp3ildobwlsie47emecca"


def changed(blob: bytes, part: str) -> bytes:
    """The blob with the last bit of one part turned over."""
    parts = split(blob)
    index = PARTS.index(part)
    parts[index] = parts[index][:-1] + bytes([parts[index][-1] ^ 1])
    return b"".join(parts)


def edited(public: bytes, offset: int, value: bytes) -> bytes:
    return public[:offset] + value + public[offset + len(value) :]
