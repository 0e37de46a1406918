"""Hostile AMQP to the provisioning service: input -> SASL outcome, the condition of one close, or the end."""

from collections.abc import Iterator
from typing import Any

import pytest
from tests.hostile.amqp_attempts import (
    BEGINNING,
    OPENING,
    REQUESTS,
    AmqpPeer,
    LinkedPeer,
    ProvedPeer,
    address,
    attach,
    condition,
    granted,
    init,
    message,
    plain,
    raw,
    receiver,
    request,
    sender,
)
from tests.hostile.amqp_bytes import (
    BREAKS_A_CONNECTION,
    BREAKS_A_LINK,
    BREAKS_SASL,
    DECODE_ERROR,
    FRAMING_ERROR,
    FULL,
    ILLEGAL_STATE,
    IN_USE,
    NO_HEADER,
    NOT_ALLOWED,
    REFUSED_PROOFS,
    TOO_MUCH,
)
from tests.hostile.site import Site
from tests.sockets.devices import Device
from tests.sockets.raw_amqp import (
    ACCEPTED,
    AMQP_HEADER,
    BEGIN,
    CHALLENGE,
    CLOSE,
    DETACH,
    DISPOSITION,
    END,
    FLOW,
    MECHANISMS,
    OPEN,
    OUTCOME,
    REJECTED,
    SASL_HEADER,
    TRANSFER,
    Described,
    Uint,
    frame,
)

AUTH = 1


@pytest.fixture
def device(site: Site) -> Device:
    return site.device()


@pytest.fixture
def opened(site: Site, device: Device) -> Iterator[ProvedPeer]:
    with ProvedPeer(site, device) as peer:
        yield peer


@pytest.fixture
def linked(site: Site, device: Device) -> Iterator[LinkedPeer]:
    with LinkedPeer.attach(site, device) as peer:
        yield peer


# --- before the proof ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("data", NO_HEADER.values(), ids=NO_HEADER)
def test_what_is_no_header_is_told_what_is_spoken(site: Site, data: bytes) -> None:
    with AmqpPeer(site) as peer:
        peer.send(data)
        assert peer.hear() == SASL_HEADER
        assert peer.hear() is None


def test_open_without_sasl(site: Site) -> None:
    with AmqpPeer(site) as peer:
        peer.send(AMQP_HEADER + OPENING)
        assert peer.hear_end() == ["amqp:unauthorized-access"]


@pytest.mark.parametrize("name", REFUSED_PROOFS)
def test_a_proof_is_refused(site: Site, name: str) -> None:
    with AmqpPeer(site) as peer:
        peer.send(SASL_HEADER + init(*REFUSED_PROOFS[name]))
        assert peer.hear_until(OUTCOME).field(0) == AUTH
        assert peer.hear() is None


@pytest.mark.parametrize("data", BREAKS_SASL.values(), ids=BREAKS_SASL)
def test_what_breaks_sasl_is_told_nothing(site: Site, data: bytes) -> None:
    with AmqpPeer(site) as peer:
        peer.send(SASL_HEADER + data)
        assert peer.hear() == SASL_HEADER
        assert peer.hear_until(MECHANISMS)
        heard = peer.hear()
        assert heard is None or heard[0] == Described(CHALLENGE, [b"\0"])
        assert peer.hear() is None


@pytest.mark.parametrize("data", [init("PLAIN", b"\0a/registrations/b\0t"), SASL_HEADER], ids=["init", "the header"])
def test_sasl_behind_its_end_is_no_header(site: Site, device: Device, data: bytes) -> None:
    with AmqpPeer(site) as peer:
        peer.send(SASL_HEADER + plain(address(site, device), site.witness(device.token)) + data)
        assert peer.hear_until(OUTCOME).field(0) == 0
        assert peer.hear() == AMQP_HEADER
        assert peer.hear() is None


def test_a_wrong_token_is_told_why_three_times(site: Site, device: Device) -> None:
    with AmqpPeer(site) as peer:
        named = address(site, device)
        peer.send(SASL_HEADER + plain(named, "SharedAccessSignature wrong") + AMQP_HEADER + OPENING + BEGINNING)
        peer.send(receiver(named) + granted(9) + sender(named))
        peer.hear_until(FLOW)
        for number in range(3):
            peer.send(request(number, message("iotdps-register")))
            outcome = peer.hear_until(DISPOSITION).field(4)
            assert outcome.code == REJECTED
            site.check_error_body(outcome.field(0).field(1).encode(), 401002)
        assert peer.hear_end() == ["amqp:unauthorized-access"]


def test_silence_has_its_end(site: Site, device: Device) -> None:
    """At the header, in SASL, in a frame, and behind a header of AMQP: whoever proves nothing is hung up on."""
    words = [b"", AMQP_HEADER[:5], SASL_HEADER, SASL_HEADER + init("TPM", b"\0a\0b\0c")[:-1], AMQP_HEADER]
    peers = [AmqpPeer(site) for _ in words]
    for peer, said in zip(peers, words, strict=True):
        peer.send(said)
    endings = [peer.hear_end() for peer in peers]
    for peer in peers:
        peer.close()
    assert endings == [[], [], [], [], ["amqp:connection:forced"]]


# --- the connection -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BREAKS_A_CONNECTION)
def test_a_violation_closes_once_with_its_condition(opened: ProvedPeer, name: str) -> None:
    data, expected = BREAKS_A_CONNECTION[name]
    opened.send(data)
    assert opened.hear_end() == [expected]


@pytest.mark.parametrize("data", [BEGINNING, frame(Described(CLOSE, []))], ids=["begin", "close"])
def test_before_open(site: Site, device: Device, data: bytes) -> None:
    with ProvedPeer(site, device, opened=False) as peer:
        peer.send(data)
        assert peer.hear_end() == [ILLEGAL_STATE]


@pytest.mark.parametrize("fields", [["a", "b", Uint(511)], ["a", "b", None, None, Uint(1)]], ids=["frames", "time-out"])
def test_limits_that_nobody_can_keep(site: Site, device: Device, fields: list[Any]) -> None:
    with ProvedPeer(site, device, opened=False) as peer:
        peer.send(frame(Described(OPEN, fields)))
        assert peer.hear_end() == [NOT_ALLOWED]


@pytest.mark.parametrize("name", FULL)
def test_every_field_has_its_type(site: Site, device: Device, name: str) -> None:
    code, fields, required = FULL[name]
    spoilt = [[*fields[:place], ["a list"], *fields[place + 1 :]] for place in range(len(fields))]
    spoilt += [[*fields[:place], None, *fields[place + 1 :]] for place in required]
    spoilt.append([*fields, None])
    for wrong in spoilt:
        with ProvedPeer(site, device) as peer:
            peer.send(frame(Described(code, wrong)))
            assert peer.hear_end() == [DECODE_ERROR], wrong


def test_close_twice(opened: ProvedPeer) -> None:
    opened.send(frame(Described(CLOSE, [])) * 2 + BEGINNING)
    assert opened.hear_end() == [None]


def test_a_flood_of_empty_frames_says_nothing(opened: ProvedPeer) -> None:
    for _ in range(20):
        opened.send(raw(b"") * 1000)
    opened.send(BEGINNING)
    assert opened.hear_until(BEGIN)


def test_a_flood_of_sessions_leaves_nothing(opened: ProvedPeer) -> None:
    for _ in range(500):
        opened.send(BEGINNING + receiver(opened.address) + frame(Described(END, [])))
        opened.hear_until(END)
    opened.send(frame(Described(CLOSE, [])))
    assert opened.hear_end() == [None]


# --- links --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", BREAKS_A_LINK)
def test_a_violation_on_a_link_closes_once_with_its_condition(linked: LinkedPeer, name: str) -> None:
    data, expected = BREAKS_A_LINK[name]
    linked.send(data)
    assert linked.hear_end() == [expected]


@pytest.mark.parametrize(
    ("named", "expected"),
    [
        ("{scope}/registrations/neighbour", "amqp:unauthorized-access"),
        ("elsewhere/registrations/{id}", "amqp:unauthorized-access"),
        ("$management", "amqp:not-found"),
        ("devices/{id}/messages/events", "amqp:not-found"),
        ("{scope}/registrations/{id}/../neighbour", "amqp:not-found"),
        ("x" * 20_000, "amqp:not-found"),
    ],
)
def test_a_foreign_link_is_refused(site: Site, device: Device, opened: ProvedPeer, named: str, expected: str) -> None:
    named = named.format(scope=site.deployment.id_scope, id=device.registration_id)
    for link in (receiver(named), sender(named)):
        opened.send(BEGINNING + link)
        ending = opened.hear_until(DETACH)
        assert condition(ending) == expected
        opened.send(frame(Described(DETACH, [ending.field(0), True])) + frame(Described(END, [])))
        opened.hear_until(END)


def test_a_flood_of_links(opened: ProvedPeer) -> None:
    opened.send(BEGINNING + b"".join(receiver(opened.address, handle) for handle in range(100)))
    assert opened.hear_end() == [FRAMING_ERROR]


def test_a_flood_of_foreign_links_that_are_never_given_up(opened: ProvedPeer) -> None:
    opened.send(BEGINNING + receiver("foreign") * 100)
    assert opened.hear_end() == [IN_USE]


def test_a_transaction_has_no_coordinator(opened: ProvedPeer) -> None:
    opened.send(BEGINNING + attach("transaction", 0, False, [None, Described(0x30, [])]))
    assert condition(opened.hear_until(DETACH)) == "amqp:not-found"


def test_replies_that_are_never_settled(site: Site, device: Device) -> None:
    with LinkedPeer.attach(site, device, credit=1000, settle_mode=0) as peer:
        assert _conditions_of_asking_on(peer) == [TOO_MUCH]


def test_replies_that_are_never_taken(site: Site, device: Device) -> None:
    with LinkedPeer.attach(site, device, credit=0) as peer:
        assert _conditions_of_asking_on(peer) == [TOO_MUCH]


def test_a_question_that_never_ends_costs_no_memory(linked: LinkedPeer) -> None:
    for _ in range(20):
        linked.send(request(0, b"", more=True) * 500)
    linked.send(request(0, message("iotdps-get-operationstatus")))
    assert linked.hear_until(DISPOSITION).field(4).code == REJECTED


def test_deliveries_that_are_given_up_do_not_use_up_the_credit(linked: LinkedPeer) -> None:
    for number in range(100):
        aborted = Described(TRANSFER, [REQUESTS, Uint(number), b"t", Uint(0), False, False, None, None, False, True])
        linked.send(frame(aborted, b"x"))
        if number % 16 == 15:
            linked.hear_until(FLOW)
    assert linked.ask(100).field(4).code == REJECTED


def test_a_flood_of_flows_is_answered_one_by_one(linked: LinkedPeer) -> None:
    for _ in range(10):
        linked.send(granted(1, echo=True) * 100)
        for _ in range(100):
            linked.hear_until(FLOW)
    assert linked.ask(0).field(4).code == REJECTED


def test_dispositions_of_what_never_was(linked: LinkedPeer) -> None:
    everything = Described(DISPOSITION, [True, Uint(0), Uint(2**32 - 1), False, Described(ACCEPTED, [])])
    linked.send(frame(everything) * 1000)
    assert linked.ask(0).field(4).code == REJECTED


@pytest.mark.parametrize("body", [b"null", b"[]", b"{", b'{"registrationId": 1}', b"\xff", b"[" * 100_000])
def test_a_bad_registration_is_told_so(site: Site, linked: LinkedPeer, body: bytes) -> None:
    data = message("iotdps-register", body)
    pieces = [data[place : place + 30_000] for place in range(0, len(data), 30_000)]
    for place, piece in enumerate(pieces):
        linked.send(request(0, piece, more=place < len(pieces) - 1))
    outcome = linked.hear_until(DISPOSITION).field(4)
    assert outcome.code == REJECTED
    site.check_error_body(outcome.field(0).field(1).encode(), 400007)


# --- pieces -------------------------------------------------------------------------------------------------------


def test_cut_off_anywhere(site: Site, device: Device) -> None:
    said = _conversation(site, device)
    for place in range(len(said)):
        for cut in {1, 4, 7, 8, len(said[place]) - 1}:
            with AmqpPeer(site) as peer:
                peer.send(b"".join(said[:place]) + said[place][:cut])
                peer.finish()
                assert peer.hear_end() == []


def test_a_conversation_may_come_byte_by_byte(site: Site, device: Device) -> None:
    with AmqpPeer(site) as peer:
        for byte in b"".join(_conversation(site, device)):
            peer.send(bytes((byte,)))
        assert peer.hear_until(DISPOSITION).field(4).code == ACCEPTED


def _conditions_of_asking_on(peer: LinkedPeer) -> list[str | None]:
    """Register again and again, each time once the last request is settled; how that ends."""
    for number in range(200):
        peer.send(request(number, message("iotdps-register")))
        while isinstance(heard := peer.hear(), tuple) and heard[0].code != DISPOSITION:
            if heard[0].code == CLOSE:
                return [condition(heard[0]), *peer.hear_end()]
    return []


def _conversation(site: Site, device: Device) -> list[bytes]:
    """All that a device says until its first question."""
    named = address(site, device)
    proof = plain(named, site.witness(device.token))
    links = [receiver(named), granted(9), sender(named)]
    return [SASL_HEADER, proof, AMQP_HEADER, OPENING, BEGINNING, *links, request(0, message("iotdps-register"))]
