"""What is remembered of CA certificates: for which path, for how long, and how much of it."""

from datetime import UTC, datetime, timedelta

from tests.pki import NOW, make_root

from homeport.security.certificates import Certificate, parse_certificate
from homeport.security.verdict_cache import VerdictCache

ROOT = make_root()
UNTIL = datetime(2031, 1, 1, tzinfo=UTC)
LINE = ROOT.intermediate("Line 1", valid=(NOW, UNTIL))
PATH = (parse_certificate(LINE.der), parse_certificate(ROOT.der))


def path(name: str) -> tuple[Certificate, ...]:
    return parse_certificate(ROOT.intermediate(name).der), PATH[1]


def test_a_verdict_holds_while_all_its_certificates_do() -> None:
    cache = VerdictCache()
    verdict = cache.remember(PATH, allow_expired=False)
    assert (verdict.valid_from, verdict.valid_until) == (NOW, UNTIL)
    assert cache.verdict(PATH, NOW, allow_expired=False) == verdict
    assert cache.verdict(PATH, UNTIL, allow_expired=False) == verdict
    assert cache.verdict(PATH, UNTIL + timedelta(seconds=1), allow_expired=False) is None
    assert cache.verdict(PATH, NOW - timedelta(seconds=1), allow_expired=False) is None


def test_a_verdict_without_expiry_is_another_one_and_has_no_end() -> None:
    cache = VerdictCache()
    cache.remember(PATH, allow_expired=True)
    assert cache.verdict(PATH, NOW, allow_expired=False) is None
    assert cache.verdict(PATH, UNTIL + timedelta(days=1), allow_expired=True) is not None
    assert cache.verdict(PATH, NOW - timedelta(days=1), allow_expired=True) is None


def test_a_verdict_is_of_one_path() -> None:
    cache = VerdictCache()
    cache.remember(PATH, allow_expired=False)
    assert cache.verdict(path("Line 2"), NOW, allow_expired=False) is None
    assert cache.verdict(PATH[1:], NOW, allow_expired=False) is None


def test_the_signatures_of_a_good_path_are_known() -> None:
    cache = VerdictCache()
    assert not cache.knows_signature(*PATH)
    cache.remember(PATH, allow_expired=False)
    assert cache.knows_signature(*PATH)
    assert not cache.knows_signature(PATH[1], PATH[0])


def test_a_devices_signature_is_known_until_others_have_come() -> None:
    cache = VerdictCache(most=2)
    cache.remember(PATH, allow_expired=False)
    first, second, third = (parse_certificate(LINE.leaf(f"device-{number}").der) for number in range(3))
    cache.remember_device(first, PATH[0])
    assert cache.knows_signature(first, PATH[0])
    assert not cache.knows_signature(first, PATH[1])
    assert not cache.knows_signature(second, PATH[0])
    cache.remember_device(second, PATH[0])
    cache.remember_device(third, PATH[0])
    assert not cache.knows_signature(first, PATH[0])
    assert cache.knows_signature(*PATH), "devices push no CA out"


def test_the_one_not_asked_for_longest_is_forgotten() -> None:
    cache = VerdictCache(most=2)
    first, second, third = path("1"), path("2"), path("3")
    cache.remember(first, allow_expired=False)
    cache.remember(second, allow_expired=False)
    assert cache.verdict(first, NOW, allow_expired=False) is not None
    cache.remember(third, allow_expired=False)
    assert cache.size == 2
    assert cache.verdict(first, NOW, allow_expired=False) is not None
    assert cache.verdict(second, NOW, allow_expired=False) is None
