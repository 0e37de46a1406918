"""SAS tokens with one thing wrong in each, for every place that takes one.

Each is signed as it should be, then spoiled in a single field; so what refuses it is the check of that field.
"""

from collections.abc import Callable
from dataclasses import dataclass
from urllib.parse import quote, quote_plus

from tests.sockets.signing import expiry

from homeport.security.sas import decode_key, sign_sas_token

_SCHEME = "SharedAccessSignature "
_OTHER_KEY = bytes(range(64))


@dataclass(frozen=True)
class Signer:
    """Who signs, for what."""

    resource: str
    key: str
    key_name: str | None

    def sign(self, *, resource: str | None = None, key: bytes | None = None, until: int | None = None) -> str:
        """A token; what is not given is as it should be."""
        return sign_sas_token(
            resource=quote_plus(self.resource) if resource is None else resource,
            key=decode_key(self.key) if key is None else key,
            expiry=expiry() if until is None else until,
            key_name=self.key_name,
        )

    def fields(self) -> dict[str, str]:
        """The fields of a good token."""
        return dict(pair.split("=", 1) for pair in self.sign().removeprefix(_SCHEME).split("&"))

    def spoiled(self, **fields: str | None) -> str:
        """A good token with some fields replaced; None leaves one out."""
        kept = {name: value for name, value in {**self.fields(), **fields}.items() if value is not None}
        return _SCHEME + "&".join(f"{name}={value}" for name, value in kept.items())

    def doubled(self, name: str) -> str:
        """A good token in which a field stands twice, with the same value."""
        fields = {"skn": "registration", **self.fields()}
        return f"{self.spoiled(skn=fields['skn'])}&{name}={fields[name]}"


Spoil = Callable[[Signer], str]

BAD_TOKENS: dict[str, Spoil] = {
    "no scheme": lambda good: good.sign().removeprefix(_SCHEME),
    "another scheme": lambda good: "Bearer " + good.sign().removeprefix(_SCHEME),
    "scheme only": lambda good: _SCHEME.strip(),
    "sr missing": lambda good: good.spoiled(sr=None),
    "sig missing": lambda good: good.spoiled(sig=None),
    "se missing": lambda good: good.spoiled(se=None),
    "sr empty": lambda good: good.spoiled(sr=""),
    "sig empty": lambda good: good.spoiled(sig=""),
    "se empty": lambda good: good.spoiled(se=""),
    "sr twice": lambda good: good.doubled("sr"),
    "sig twice": lambda good: good.doubled("sig"),
    "se twice": lambda good: good.doubled("se"),
    "skn twice": lambda good: good.doubled("skn"),
    "unknown field": lambda good: good.sign() + "&admin=true",
    "pair without equals sign": lambda good: good.sign() + "&",
    "sr of another resource": lambda good: good.sign(resource="0ne00000000%2Fregistrations%2Felse"),
    "sr of a neighbour": lambda good: good.sign(resource=quote_plus(good.resource + "x")),
    "sr encoded twice": lambda good: good.sign(resource=quote(quote(good.resource + "/", safe=""), safe="")),
    "sr not UTF-8": lambda good: good.sign(resource="%ff%fe%80"),
    "sr changed after signing": lambda good: good.spoiled(sr=quote_plus(good.resource).lower() + "%20"),
    "sig by another key": lambda good: good.sign(key=_OTHER_KEY),
    "sig by an empty key": lambda good: good.sign(key=b""),
    "sig cut off": lambda good: good.spoiled(sig=good.fields()["sig"][:20]),
    "sig not base64": lambda good: good.spoiled(sig="!" * 44),
    "sig of a broken escape": lambda good: good.spoiled(sig="%zz" * 15),
    "sig of other letters": lambda good: good.spoiled(sig="é" * 44),
    "se in the past": lambda good: good.sign(until=1_000_000_000),
    "se of zero": lambda good: good.sign(until=0),
    "se moved after signing": lambda good: good.spoiled(se=str(expiry() + 10_000)),
    "se negative": lambda good: good.sign(until=-1),
    "se of words": lambda good: good.spoiled(se="tomorrow"),
    "se of a fraction": lambda good: good.spoiled(se=f"{expiry()}.5"),
    "se with a sign": lambda good: good.spoiled(se=f"+{expiry()}"),
    "se of 3,000 digits": lambda good: good.spoiled(se="9" * 3000),
    "se of other digits": lambda good: good.spoiled(se="²³" * 5),
    "skn of nobody": lambda good: good.spoiled(skn="nobody"),
    "skn of other letters": lambda good: good.spoiled(skn="é'--"),
    "skn of a null character": lambda good: good.spoiled(skn="%00"),
    "5,000 characters": lambda good: good.spoiled(skn="x" * 5000),
}
