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


def test_the_addresses_of_one_ipv6_network_count_as_one() -> None:
    admission = HandshakeAdmission(total=10, per_address=2)
    same = ("2001:db8:0:1::1", "2001:0db8::1:ffff:0:0:1", "2001:db8:0:1::3")
    assert [admission.begin(address) for address in same] == [True, True, False]
    assert admission.begin("2001:db8:0:2::1")
    admission.end(same[0])
    assert admission.begin(same[2])


def test_a_zone_is_no_part_of_an_address() -> None:
    admission = HandshakeAdmission(total=10, per_address=1)
    assert admission.begin("fe80::1%eth0")
    assert not admission.begin("fe80::2%eth1")


def test_an_address_that_the_kernel_no_longer_knows_counts_too() -> None:
    admission = HandshakeAdmission(total=10, per_address=1)
    assert [admission.begin("") for _ in range(2)] == [True, False]
