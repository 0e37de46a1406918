"""Counting handshakes."""

from homeport.endpoints.admission import HandshakeAdmission


def test_one_address_is_bounded() -> None:
    admission = HandshakeAdmission(total=10, per_address=2)
    assert [admission.begin("a") for _ in range(3)] == [True, True, False]
    assert admission.begin("b")
    admission.end("a")
    assert admission.begin("a")


def test_all_are_bounded() -> None:
    admission = HandshakeAdmission(total=2, per_address=2)
    assert [admission.begin(address) for address in "abc"] == [True, True, False]
    admission.end("b")
    assert admission.begin("c")


def test_nothing_is_kept_of_addresses_that_are_gone() -> None:
    admission = HandshakeAdmission(total=10, per_address=2)
    for address in ("a", "a", "b"):
        admission.begin(address)
    for address in ("a", "b", "a"):
        admission.end(address)
    assert admission.pending == 0
    assert vars(admission)["_by_address"] == {}
