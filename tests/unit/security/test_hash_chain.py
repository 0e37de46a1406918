import hashlib

from homeport.security.hash_chain import START, link


def test_the_rule_is_as_published() -> None:
    covered = START + b"\x00\x01w" + (1).to_bytes(8, "big") + b"{}"
    assert link(START, "w", 1, b"{}") == hashlib.sha256(covered).digest()


def test_every_part_counts() -> None:
    links = {
        link(START, "w", 1, b"{}"),
        link(bytes([1]) + START[1:], "w", 1, b"{}"),
        link(START, "v", 1, b"{}"),
        link(START, "w", 2, b"{}"),
        link(START, "w", 1, b"[]"),
    }
    assert len(links) == 5


def test_a_longer_name_cannot_take_over_the_beginning_of_what_follows() -> None:
    assert link(START, "w", 0, b"x") != link(START, "w\x00", 0, b"x")
