"""From a leaf to trusted certificates: which paths are there, the nearest anchor first?

A step goes from a certificate to one that has its issuer's name and made its signature. That a step exists does not
say that it is allowed (the issuer may have expired, or be no CA): `x509_chain.check_path` judges a path, and whoever
asks decides which anchor counts. Work is bounded: strangers choose what they present.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence

import msgspec
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm

from homeport.security.certificate_rules import check_signature_algorithm, refused
from homeport.security.certificates import MAX_PRESENTED, Certificate
from homeport.security.chain_refusals import ChainCause, ChainRefused
from homeport.security.verdict_cache import VerdictCache

_MOST_SIGNATURES = 32
"""Signatures that one walk may check: 2 ms with P-256, 10 ms with P-521. A chain of ten needs ten."""

_MOST_STEPS = 64
"""Partial paths that one walk follows. Each CA that is there twice, cross-signed, doubles those above it."""

Path = tuple[Certificate, ...]


class AnchorIndex:
    """Trusted certificates, found by thumbprint and by subject. Built once, asked for every device."""

    def __init__(self, certificates: Iterable[Certificate]) -> None:
        self._by_thumbprint = {each.sha256_thumbprint: each for each in certificates}
        subjects: dict[bytes, list[Certificate]] = {}
        for each in self._by_thumbprint.values():
            subjects.setdefault(each.subject, []).append(each)
        self._by_subject = {subject: tuple(found) for subject, found in subjects.items()}

    def by_subject(self, subject: bytes) -> tuple[Certificate, ...]:
        """The anchors of this name (DER)."""
        return self._by_subject.get(subject, ())

    def __contains__(self, certificate: Certificate) -> bool:
        return certificate.sha256_thumbprint in self._by_thumbprint


class CandidatePath(msgspec.Struct, frozen=True, kw_only=True):
    """Certificates each of which signed the one before it: the leaf first, a trusted one last. Otherwise unjudged."""

    certificates: Path

    @property
    def leaf(self) -> Certificate:
        """The device's certificate."""
        return self.certificates[0]

    @property
    def issuers(self) -> Path:
        """The CA certificates: who signed the leaf first, the anchor last."""
        return self.certificates[1:]

    @property
    def anchor(self) -> Certificate:
        """The trusted certificate where the path ends."""
        return self.certificates[-1]


def candidate_paths(
    chain: Sequence[Certificate], anchors: AnchorIndex, *, cache: VerdictCache | None = None
) -> Iterator[CandidatePath]:
    """Every path from `chain[0]` to an anchor, the nearest anchor first; paths go on beyond an anchor to the next.

    The rest of the chain comes in any order, with or without the root, with certificates that do not belong to it.
    The leaf itself is no anchor: a group's signing certificate is not one of its devices.

    Raises:
        ChainRefused: there is no path at all: UNKNOWN_ROOT, MISSING_INTERMEDIATE, BAD_SIGNATURE, WEAK_SIGNATURE; or
            CHAIN_TOO_COMPLEX, also between two paths.
    """
    walk = _Walk(chain, anchors, cache)
    open_paths: deque[Path] = deque([(chain[0],)])
    longest = open_paths[0]
    found = False
    while open_paths:
        path = open_paths.popleft()
        longest = max(longest, path, key=len)
        for longer in walk.extend(path):
            open_paths.append(longer)
            if longer[-1] in anchors:
                found = True
                yield CandidatePath(certificates=longer)
    if not found:
        raise walk.dead_end(longest)


class _Walk:
    """One walk: what was presented, what is trusted, and how much work has been done."""

    def __init__(self, chain: Sequence[Certificate], anchors: AnchorIndex, cache: VerdictCache | None) -> None:
        self._presented = AnchorIndex(chain[1:])
        self._anchors = anchors
        self._cache = cache
        self._seen: dict[tuple[str, str], bool] = {}
        self._signatures_left = _MOST_SIGNATURES
        self._steps_left = _MOST_STEPS

    def extend(self, path: Path) -> Iterator[Path]:
        """The paths that are one certificate longer."""
        if self._steps_left == 0:
            raise ChainRefused(ChainCause.CHAIN_TOO_COMPLEX, steps=str(_MOST_STEPS))
        self._steps_left -= 1
        if len(path) > MAX_PRESENTED:
            return
        passed = {_entity(each) for each in path}
        for issuer in self._named_issuers(path[-1]):
            if _entity(issuer) not in passed and self._signed(path[-1], by=issuer):
                yield (*path, issuer)

    def dead_end(self, path: Path) -> ChainRefused:
        """Why `path`, the longest one, leads nowhere."""
        last = path[-1]
        if last.is_self_issued:
            return refused(ChainCause.UNKNOWN_ROOT, last)
        if {_entity(each) for each in self._named_issuers(last)} <= {_entity(each) for each in path}:
            return refused(ChainCause.MISSING_INTERMEDIATE, last, issuer=last.issuer_name)
        try:
            check_signature_algorithm(last)
        except ChainRefused as weak:
            # The library does not even check some of these, hence they look like forgeries.
            return weak
        return refused(ChainCause.BAD_SIGNATURE, last, issuer=last.issuer_name)

    def _named_issuers(self, certificate: Certificate) -> list[Certificate]:
        """Presented or trusted certificates of the issuer's name.

        Those come first whose key identifier is the wanted one. It is a hint (RFC 4158 section 3.5.12): CAs compute it
        differently, so that none is left out for it.
        """
        name = certificate.issuer
        found = {each.sha256_thumbprint: each for each in self._anchors.by_subject(name)}
        found |= {each.sha256_thumbprint: each for each in self._presented.by_subject(name)}
        if len(found) < 2:
            return list(found.values())
        wanted = _authority_key(certificate)
        return sorted(found.values(), key=lambda each: _subject_key(each) != wanted)

    def _signed(self, certificate: Certificate, *, by: Certificate) -> bool:
        pair = (certificate.sha256_thumbprint, by.sha256_thumbprint)
        if pair not in self._seen:
            known = self._cache is not None and self._cache.knows_signature(certificate, by)
            self._seen[pair] = known or self._check_signature(certificate, by)
        return self._seen[pair]

    def _check_signature(self, certificate: Certificate, issuer: Certificate) -> bool:
        if self._signatures_left == 0:
            raise ChainRefused(ChainCause.CHAIN_TOO_COMPLEX, signatures=str(_MOST_SIGNATURES))
        self._signatures_left -= 1
        try:
            certificate.parsed.verify_directly_issued_by(issuer.parsed)
        except (InvalidSignature, ValueError, TypeError, UnsupportedAlgorithm):
            return False
        return True


def _entity(certificate: Certificate) -> tuple[bytes, bytes]:
    """Name and key. A path that comes back to either proves nothing that it had not proved (RFC 4158 section 2.4.2)."""
    return certificate.subject, certificate.public_key


def _authority_key(certificate: Certificate) -> bytes | None:
    identifier = certificate.extension(x509.AuthorityKeyIdentifier)
    return None if identifier is None else identifier.key_identifier


def _subject_key(certificate: Certificate) -> bytes | None:
    identifier = certificate.extension(x509.SubjectKeyIdentifier)
    return None if identifier is None else identifier.digest
