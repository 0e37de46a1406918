"""Whether what has let a device in would let it in again."""

from msgspec.structs import replace
from tests.unit.administration.world import PRIMARY, SECONDARY, StillClock

from homeport.hubs.embedded.openers import opener_of_certificate, opener_of_key, still_opens
from homeport.model.hub_device import HubDevice
from homeport.model.identifiers import DeviceId, ETag, ServiceId, SubjectKey

KEYED = HubDevice(
    service_id=ServiceId(1),
    hub_host_name="hub.test",
    device_id=DeviceId("d"),
    subject_key=SubjectKey("s"),
    generation_id="g",
    etag=ETag('"1"'),
    primary_key=PRIMARY,
    secondary_key=SECONDARY,
    created_at=StillClock().now(),
    updated_at=StillClock().now(),
)
CERTIFIED = replace(KEYED, primary_key="", secondary_key="", primary_thumbprint="AB", secondary_thumbprint="CD")


def test_either_key_goes_on_opening_for_as_long_as_the_device_has_it() -> None:
    opener = opener_of_key(SECONDARY)
    assert still_opens(opener, KEYED)
    assert still_opens(opener, replace(KEYED, primary_key=SECONDARY, secondary_key="b3RoZXI="))
    assert not still_opens(opener, replace(KEYED, secondary_key=PRIMARY))


def test_so_does_either_certificate() -> None:
    opener = opener_of_certificate("CD")
    assert still_opens(opener, CERTIFIED)
    assert not still_opens(opener, replace(CERTIFIED, secondary_thumbprint=None))


def test_another_kind_of_credential_ends_what_the_first_opened() -> None:
    assert not still_opens(opener_of_key(PRIMARY), CERTIFIED)
    assert not still_opens(opener_of_certificate("AB"), KEYED)
    assert not still_opens(opener_of_key(""), CERTIFIED)


def test_nothing_opens_a_device_that_is_disabled_or_gone() -> None:
    assert not still_opens(opener_of_key(PRIMARY), replace(KEYED, enabled=False))
    assert not still_opens(opener_of_key(PRIMARY), None)


def test_an_opener_gives_no_key_away() -> None:
    assert PRIMARY not in opener_of_key(PRIMARY)
