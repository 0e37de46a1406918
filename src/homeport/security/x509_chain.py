"""Is a presented certificate chain good? The rules, put together; `provisioning/attestation/x509.py` is who asks.

Two ways in. Who has one set of trusted certificates asks `validate_path`. Who has many entries, of which the nearest
decides, walks `path_building.candidate_paths` and gives the path that counts to `check_path`. Knows no enrollment, no
clock and no socket; that the device holds the leaf's key was the TLS handshake's to prove. Revocation lists are not
consulted: a device is blocked by disabling its entry.
"""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from homeport.security.certificate_rules import check_leaf
from homeport.security.certificates import Certificate
from homeport.security.chain_refusals import ChainRefused
from homeport.security.name_constraints import check_names
from homeport.security.path_building import AnchorIndex, CandidatePath, candidate_paths
from homeport.security.path_rules import check_issuers
from homeport.security.verdict_cache import VerdictCache


class ValidatedPath(msgspec.Struct, frozen=True, kw_only=True):
    """A path that holds: the leaf first, the anchor last, until `valid_until` (the first end of a validity in it)."""

    certificates: tuple[Certificate, ...]
    valid_until: datetime

    @property
    def leaf(self) -> Certificate:
        """The device's certificate."""
        return self.certificates[0]

    @property
    def issuer(self) -> Certificate:
        """The certificate that signed the leaf; the anchor itself in the shortest path."""
        return self.certificates[1]

    @property
    def anchor(self) -> Certificate:
        """The trusted certificate."""
        return self.certificates[-1]


def validate_path(
    leaf: Certificate,
    intermediates: Iterable[Certificate],
    anchors: AnchorIndex,
    *,
    now: datetime,
    allow_expired: bool = False,
    cache: VerdictCache | None = None,
) -> ValidatedPath:
    """The first path from `leaf` to one of `anchors` that holds, through any of `intermediates`.

    Anchors need not be roots. `allow_expired` waives the end of validity, of the leaf and of CAs, and nothing else.

    Raises:
        ChainRefused: no path leads to an anchor, or none holds; then with what is wrong with the nearest.
    """
    nearest: ChainRefused | None = None
    for path in candidate_paths((leaf, *intermediates), anchors, cache=cache):
        try:
            return check_path(path, now=now, allow_expired=allow_expired, cache=cache)
        except ChainRefused as error:
            nearest = nearest or error
    # Without a path `candidate_paths` has raised, so that there is a refusal here.
    raise nearest or AssertionError("there was neither a path nor a refusal")


def check_path(
    path: CandidatePath, *, now: datetime, allow_expired: bool = False, cache: VerdictCache | None = None
) -> ValidatedPath:
    """Judge one path, all of whose signatures `candidate_paths` has checked (RFC 5280 section 6.1).

    Raises:
        ChainRefused: what is wrong with the leaf, with a CA certificate or with the path.
    """
    check_leaf(path.leaf, now, allow_expired=allow_expired)
    cache = VerdictCache() if cache is None else cache
    verdict = cache.verdict(path.issuers, now, allow_expired=allow_expired)
    if verdict is None:
        check_issuers(path.issuers, now, allow_expired=allow_expired)
        verdict = cache.remember(path.issuers, allow_expired=allow_expired)
    check_names(path.leaf, path.issuers)
    cache.remember_device(path.leaf, path.issuers[0])
    return ValidatedPath(
        certificates=path.certificates,
        valid_until=min(path.leaf.parsed.not_valid_after_utc, verdict.valid_until),
    )
