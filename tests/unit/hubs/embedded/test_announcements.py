"""What travels on a channel: all of it, together, in bounds, and nothing that a stranger could use."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from homeport.hubs.embedded.announcements import (
    MAX_PAYLOAD,
    MAX_WAITING,
    Announcement,
    Announcements,
    Channel,
    DesiredPropertiesAdvanced,
    DeviceAltered,
    DeviceConnected,
    DeviceGone,
    JoinedChannels,
    LocalChannel,
)
from homeport.storage.port import StorageUnavailable

ONE_OF_EACH: list[Announcement] = [
    DeviceConnected("hub.test", "d", 7, "c"),
    DesiredPropertiesAdvanced("hub.test", "d", 3),
    DeviceAltered("hub.test", "d"),
    DeviceGone("hub.test", "d"),
]


class Tapped(LocalChannel):
    """A channel that keeps what it carries."""

    def __init__(self) -> None:
        super().__init__()
        self.payloads: list[bytes] = []

    async def publish(self, payload: bytes) -> None:
        self.payloads.append(payload)
        await super().publish(payload)


class Broken(LocalChannel):
    """A channel that fails at first."""

    def __init__(self, *failures: Exception) -> None:
        super().__init__()
        self.failures = list(failures)

    async def publish(self, payload: bytes) -> None:
        if self.failures:
            raise self.failures.pop(0)
        await super().publish(payload)


class Process:
    """One end, and what it hears."""

    def __init__(self, channel: Channel, name: str) -> None:
        self.heard: list[Announcement] = []
        self.end = Announcements(channel, sender=name, receive=self.heard.append)


async def settled() -> None:
    """Let everything that is under way come to rest."""
    for _ in range(5):
        await asyncio.sleep(0)


def live(scenario: Callable[[], Awaitable[None]]) -> Callable[[], None]:
    async def lived() -> None:
        await scenario()

    def test() -> None:
        asyncio.run(lived())

    test.__name__ = scenario.__name__
    return test


@live
async def test_all_others_hear_in_order_and_the_sender_does_not() -> None:
    channel = Tapped()
    one, two, three = (Process(channel, name) for name in ("one", "two", "three"))
    for announcement in ONE_OF_EACH:
        one.end.announce(announcement)
    await settled()
    assert (one.heard, two.heard, three.heard) == ([], ONE_OF_EACH, ONE_OF_EACH)
    assert len(channel.payloads) == 1, "what is announced together travels together"


@live
async def test_payloads_are_text_and_keep_to_their_bound() -> None:
    channel = Tapped()
    sender, receiver = Process(channel, "s" * 16), Process(channel, "r" * 16)
    many = [DeviceGone("h" * 253, f"ü\u0001{number}".ljust(128, "d")) for number in range(100)]
    for announcement in many:
        sender.end.announce(announcement)
    await settled()
    assert receiver.heard == many
    assert max(len(payload) for payload in channel.payloads) <= MAX_PAYLOAD
    assert len(channel.payloads) < 20
    for payload in channel.payloads:
        assert "\0" not in payload.decode()


@pytest.mark.parametrize("failure", [OSError("no peer"), StorageUnavailable("no database")])
def test_a_channel_that_fails_loses_a_payload_and_works_again(failure: Exception) -> None:
    @live
    async def scenario() -> None:
        channel = Broken(failure)
        one, two = Process(channel, "one"), Process(channel, "two")
        one.end.announce(DeviceGone("hub.test", "lost"))
        await settled()
        one.end.announce(DeviceGone("hub.test", "d"))
        await settled()
        assert two.heard == [DeviceGone("hub.test", "d")]

    scenario()


@live
async def test_joined_channels_reach_whom_either_reaches() -> None:
    broken, left, right = Broken(OSError("down")), LocalChannel(), LocalChannel()
    one = Process(JoinedChannels(broken, left, right), "one")
    others = [Process(channel, "other") for channel in (left, right, JoinedChannels(left, right))]
    alone = Process(JoinedChannels(), "alone")
    one.end.announce(DeviceGone("hub.test", "d"))
    alone.end.announce(DeviceGone("hub.test", "e"))
    await settled()
    assert [len(other.heard) for other in others] == [1, 1, 2]
    assert (one.heard, alone.heard) == ([], [])


@live
async def test_what_waits_is_bounded() -> None:
    one, two = (Process(channel, name) for channel in (LocalChannel(),) for name in ("one", "two"))
    for number in range(MAX_WAITING + 5):
        one.end.announce(DeviceGone("hub.test", str(number)))
    await settled()
    assert len(two.heard) == MAX_WAITING
    assert two.heard[0] == DeviceGone("hub.test", "5")


@live
async def test_lines_of_other_versions_are_passed_over() -> None:
    channel = LocalChannel()
    process = Process(channel, "me")
    lines = [b"stranger", b'["rebooted","hub.test","d"]', b'["gone","hub.test"]', b'["gone","hub.test","d"]', b"\xff"]
    await channel.publish(b"\n".join(lines))
    assert process.heard == [DeviceGone("hub.test", "d")]


@given(st.binary(max_size=200))
def test_no_payload_breaks_a_receiver(payload: bytes) -> None:
    @live
    async def scenario() -> None:
        channel = LocalChannel()
        Process(channel, "me")
        await channel.publish(payload)
        await channel.publish(b"x\n" + payload)
        await channel.publish(b'x\n["connected","h","d",' + payload + b',"c"]')

    scenario()


@live
async def test_after_close_nothing_is_sent() -> None:
    channel = Tapped()
    process = Process(channel, "me")
    process.end.close()
    process.end.announce(DeviceGone("hub.test", "d"))
    process.end.close()
    await settled()
    assert channel.payloads == []
