"""What was found out about CA certificates, so that a device costs one signature check: that of its own certificate.

That one is remembered for a while as well, since a device that registers over HTTPS shows its certificate again with
each poll. Only good verdicts are kept, and only of paths that end at a trusted certificate: strangers can neither fill
the cache nor profit from it. A verdict says nothing of what is trusted now; whoever asks names the anchor. So nothing
needs to be forgotten when an anchor is withdrawn. Belongs to one event loop; takes no lock.
"""

from collections import OrderedDict
from collections.abc import Sequence
from datetime import datetime
from itertools import pairwise
from typing import Generic, TypeVar

import msgspec

from homeport.security.certificates import Certificate

POLICY_VERSION = 1
"""Part of every key: to be raised when the rules for CA certificates change, should verdicts ever outlive a process."""

_Key = TypeVar("_Key")
_Value = TypeVar("_Value")
_VerdictKey = tuple[int, bool, tuple[str, ...]]


class IssuerVerdict(msgspec.Struct, frozen=True, kw_only=True):
    """While the CA certificates of a path are all valid; that they held is what its existence says."""

    valid_from: datetime
    valid_until: datetime

    def holds_at(self, now: datetime, *, allow_expired: bool) -> bool:
        """Whether the verdict would be the same at `now`."""
        return self.valid_from <= now and (allow_expired or now <= self.valid_until)


class VerdictCache:
    """Verdicts by path, the leaf's issuer first and the anchor last. Bounded; the least recently used goes first.

    The key is the whole path by thumbprints and not just its ends: two ways to the same root may differ in what they
    allow, and a verdict must not depend on which of them was seen before. Devices are many and come seldom, so that
    they have a place of their own and push no CA out.
    """

    def __init__(self, *, most: int = 4096) -> None:
        self._verdicts: _Recent[_VerdictKey, IssuerVerdict] = _Recent(most)
        self._signatures: _Recent[tuple[str, str], bool] = _Recent(most)
        self._devices: _Recent[tuple[str, str], bool] = _Recent(most)

    def verdict(self, issuers: Sequence[Certificate], now: datetime, *, allow_expired: bool) -> IssuerVerdict | None:
        """The verdict on this path, if there is one that holds at `now`."""
        found = self._verdicts.get(_key(issuers, allow_expired=allow_expired))
        return found if found is not None and found.holds_at(now, allow_expired=allow_expired) else None

    def remember(self, issuers: Sequence[Certificate], *, allow_expired: bool) -> IssuerVerdict:
        """Keep that this path held, each signature in it included."""
        verdict = IssuerVerdict(
            valid_from=max(each.parsed.not_valid_before_utc for each in issuers),
            valid_until=min(each.parsed.not_valid_after_utc for each in issuers),
        )
        self._verdicts.put(_key(issuers, allow_expired=allow_expired), verdict)
        for lower, upper in pairwise(issuers):
            self._signatures.put((lower.sha256_thumbprint, upper.sha256_thumbprint), True)
        return verdict

    def remember_device(self, leaf: Certificate, issuer: Certificate) -> None:
        """Keep that `issuer` signed a device's certificate whose path held. Whether it holds is judged anew."""
        self._devices.put((leaf.sha256_thumbprint, issuer.sha256_thumbprint), True)

    def knows_signature(self, certificate: Certificate, issuer: Certificate) -> bool:
        """Whether `issuer` was seen to have signed `certificate`, in a path that held; it never changes."""
        pair = (certificate.sha256_thumbprint, issuer.sha256_thumbprint)
        return self._signatures.get(pair) is True or self._devices.get(pair) is True

    @property
    def size(self) -> int:
        """How many verdicts there are. Not `__len__`: an empty cache must not be false."""
        return len(self._verdicts)


class _Recent(Generic[_Key, _Value]):
    """A bounded mapping that forgets what was not asked for longest."""

    def __init__(self, most: int) -> None:
        self._most = most
        self._entries: OrderedDict[_Key, _Value] = OrderedDict()

    def get(self, key: _Key) -> _Value | None:
        value = self._entries.get(key)
        if value is not None:
            self._entries.move_to_end(key)
        return value

    def put(self, key: _Key, value: _Value) -> None:
        self._entries[key] = value
        self._entries.move_to_end(key)
        if len(self._entries) > self._most:
            self._entries.popitem(last=False)

    def __len__(self) -> int:
        return len(self._entries)


def _key(issuers: Sequence[Certificate], *, allow_expired: bool) -> _VerdictKey:
    # Whether expiry is waived belongs to the key, because the library is asked about another moment then.
    return POLICY_VERSION, allow_expired, tuple(each.sha256_thumbprint for each in issuers)
