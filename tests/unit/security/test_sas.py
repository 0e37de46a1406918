"""SAS tokens against ones that were not made by us: each client's spelling, signed here with the standard library.

The literal tokens were signed with `openssl dgst -sha256 -mac HMAC`; they pin the rule itself.
"""

import base64
import hashlib
import hmac
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.security.sas import SasMalformed, decode_key, parse_sas_token, sign_sas_token

KEY = bytes(range(32))
EXPIRY = 1893553445
SCOPE, ID = "0ne0012A3B4", "Line:7_Device-1"
RAW = f"{SCOPE}/registrations/{ID}"
ENCODED = RAW.replace("/", "%2F").replace(":", "%3A")
LOWER = RAW.replace("/", "%2f").replace(":", "%3a")


def signature(resource: str, key: bytes = KEY) -> str:
    mac = hmac.new(key, f"{resource}\n{EXPIRY}".encode(), hashlib.sha256).digest()
    return quote(base64.b64encode(mac).decode(), safe="")


def fields(order: str, resource: str, name: str | None = None) -> str:
    values = {"sr": resource, "sig": signature(resource), "se": str(EXPIRY), "skn": name}
    return "SharedAccessSignature " + "&".join(f"{key}={values[key]}" for key in order.split(","))


CLIENTS = {
    "Python": (fields("sr,sig,se", ENCODED), ENCODED, None),
    "Node": (fields("sr,sig,skn,se", RAW, "registration"), RAW, "registration"),
    "Node, TPM": (fields("sr,sig,se,skn", ENCODED, "registration"), ENCODED, "registration"),
    "C": (fields("sr,sig,se,skn", LOWER, "registration"), LOWER, "registration"),
    "C#": (fields("sr,sig,se,skn", ENCODED, "registration"), ENCODED, "registration"),
    "Java": (fields("sr,sig,se,skn", RAW, ""), RAW, ""),
    "embedded C": (fields("sr,sig,se", LOWER), LOWER, None),
    "a service caller": (fields("sr,sig,se,skn", "dps.test", "owner"), "dps.test", "owner"),
}


@pytest.mark.parametrize(("text", "resource", "name"), CLIENTS.values(), ids=CLIENTS)
def test_each_clients_token_is_read_and_verified(text: str, resource: str, name: str | None) -> None:
    token = parse_sas_token(text)
    assert (token.resource, token.expiry, token.key_name) == (resource, EXPIRY, name)
    assert token.decoded_resource in {RAW, "dps.test"}
    assert token.is_signed_by(KEY)
    assert not token.is_signed_by(KEY[::-1])


@pytest.mark.parametrize(
    ("resource", "openssl"),
    [
        ("0ne0012A3B4%2Fregistrations%2Fdev-1", "rFTzexn90Fw9gvZIg3bqcycqNO0ma4KTcdHb2wipYyI="),
        ("0ne0012A3B4/registrations/dev-1", "H8Wzrr9KiIIimPe+0ByHl1dMXboGqDEu5GInBka+EeA="),
        ("0ne0012A3B4%2fregistrations%2fdev-1", "EYcOZOu/Q9Nvrnlk1C7vRsH9gkohTsVVTM889GtXf3E="),
    ],
)
def test_openssl_signs_the_same(resource: str, openssl: str) -> None:
    text = f"SharedAccessSignature sr={resource}&sig={quote(openssl, safe='')}&se={EXPIRY}"
    assert parse_sas_token(text).is_signed_by(KEY)
    assert sign_sas_token(resource=resource, key=KEY, expiry=EXPIRY) == text


def test_the_signature_covers_the_resource_as_it_was_sent() -> None:
    text = fields("sr,sig,se", ENCODED).replace("%2F", "%2f")
    assert not parse_sas_token(text).is_signed_by(KEY)


def test_the_signature_covers_the_expiry_as_it_was_sent() -> None:
    text = fields("sr,sig,se", RAW)
    assert not parse_sas_token(text.replace(f"se={EXPIRY}", f"se=0{EXPIRY}")).is_signed_by(KEY)
    assert not parse_sas_token(text.replace(f"se={EXPIRY}", f"se={EXPIRY + 1}")).is_signed_by(KEY)


def test_a_token_ends_with_its_second() -> None:
    token = parse_sas_token(fields("sr,sig,se", RAW))
    assert not token.is_expired(EXPIRY - 0.001)
    assert token.is_expired(EXPIRY)


SIGNATURE = signature(RAW)


@pytest.mark.parametrize(
    "text",
    [
        "",
        "SharedAccessSignature",
        "SharedAccessSignature ",
        f"sharedaccesssignature sr={RAW}&sig={SIGNATURE}&se={EXPIRY}",
        f"SharedAccessSignature sig={SIGNATURE}&se={EXPIRY}",
        f"SharedAccessSignature sr=&sig={SIGNATURE}&se={EXPIRY}",
        f"SharedAccessSignature sr={RAW}&se={EXPIRY}",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}&se=",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}&se=tomorrow",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}&se=-1",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}&se=1e9",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}&se=\u0661\u0662",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}&se={'9' * 16}",
        f"SharedAccessSignature sr={RAW}&sig=%25%25&se={EXPIRY}",
        f"SharedAccessSignature sr={RAW}&sig=c2hvcnQ%3D&se={EXPIRY}",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}&se={EXPIRY}&",
        f"SharedAccessSignature sr={RAW}&sig={SIGNATURE}&se={EXPIRY}&extra=1",
        f"SharedAccessSignature sr={RAW}&sr={RAW}&sig={SIGNATURE}&se={EXPIRY}",
        f"SharedAccessSignature sr={'x' * 4096}&sig={SIGNATURE}&se={EXPIRY}",
    ],
)
def test_anything_else_is_malformed(text: str) -> None:
    with pytest.raises(SasMalformed):
        parse_sas_token(text)


def test_nothing_shows_the_signature() -> None:
    assert repr(parse_sas_token(fields("sr,sig,se", RAW))) == "SasToken(…)"
    with pytest.raises(SasMalformed) as refusal:
        parse_sas_token(f"SharedAccessSignature sr={RAW}&sig=SECRET&se={EXPIRY}")
    assert "SECRET" not in str(refusal.value)
    assert RAW not in str(refusal.value)


@pytest.mark.parametrize("text", ["not base64!", "YQ", "YQ==\n", "ü"])
def test_a_key_is_base64_and_nothing_else(text: str) -> None:
    with pytest.raises(SasMalformed):
        decode_key(text)


LETTERS = st.characters(codec="utf-8", exclude_characters="&=", categories=("L", "N", "P"))
RESOURCES = st.text(LETTERS, min_size=1, max_size=200)


@given(
    resource=RESOURCES,
    key=st.binary(min_size=1, max_size=64),
    expiry=st.integers(0, 10**15 - 1),
    name=st.none() | st.from_regex(r"[A-Za-z0-9]{0,20}", fullmatch=True),
)
def test_what_is_signed_is_read_again(resource: str, key: bytes, expiry: int, name: str | None) -> None:
    token = parse_sas_token(sign_sas_token(resource=resource, key=key, expiry=expiry, key_name=name))
    assert (token.resource, token.expiry, token.key_name) == (resource, expiry, name)
    assert token.is_signed_by(key)
    assert not token.is_signed_by(key + b"x")


@given(st.text())
def test_no_text_does_worse_than_be_malformed(text: str) -> None:
    for candidate in (text, f"SharedAccessSignature {text}"):
        try:
            parse_sas_token(candidate)
        except SasMalformed:
            continue
