"""The same lists, written one after the other on SQLite and all at once on PostgreSQL, come to the same."""

import asyncio
from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.storage.material import (
    HUB,
    SERVICE,
    append_audit,
    ensure_device,
    later,
    open_storage,
    put_individual,
    put_record,
    put_service,
    put_subject,
)

from homeport.model.identifiers import DeviceId, ETag, RegistrationId
from homeport.storage.changes import Change, ChangedMeanwhile, DeleteRegistration
from homeport.storage.store import Store

DEVICES = ("dev-a", "dev-B", "dev-c", "dev-d")
ETAGS = st.sampled_from(["1", "2"])


def changes_of(device: str) -> st.SearchStrategy[list[Change]]:
    """A list that touches one device only, with expectations that hold or not."""
    expected = st.none() | ETAGS
    claims = st.none() | st.integers(0, 9).map(later)
    deletion = DeleteRegistration(service_id=SERVICE, registration_id=RegistrationId(device), expected=ETag("1"))
    one = st.one_of(
        st.builds(put_subject, st.just(device), st.sampled_from([f"s1 of {device}", f"s2 of {device}"])),
        st.builds(put_record, st.just(device), ETAGS, expected=expected, claimed_until=claims),
        st.builds(ensure_device, st.just(device), ETAGS, reset_twin=st.booleans()),
        st.builds(put_individual, st.just(device), ETAGS, expected=expected),
        st.just(deletion),
        st.builds(append_audit, st.sampled_from(["A", "B"])),
    )
    return st.lists(one, min_size=1, max_size=4)


BATCHES = st.lists(st.tuples(*map(changes_of, DEVICES)), min_size=1, max_size=4)


async def outcomes(storage: Store, batches: Sequence[Sequence[list[Change]]], *, at_once: bool) -> list[str]:
    """How each list ended, then what is stored of each device, then how many audit entries there are."""
    await storage.apply([put_service()])
    ends: list[object] = []
    for lists in batches:
        if at_once:
            ends += await asyncio.gather(*map(storage.apply, lists), return_exceptions=True)
        else:
            for changes in lists:
                ends += await asyncio.gather(storage.apply(changes), return_exceptions=True)
    assert all(end is None or isinstance(end, ChangedMeanwhile) for end in ends)
    entries = await storage.audit.entries("writer-0", after=0, limit=1000)
    stored = [await everything_about(storage, device) for device in DEVICES]
    return [*(type(end).__name__ for end in ends), *stored, f"{len(entries)} entries"]


async def everything_about(storage: Store, device: str) -> str:
    context = await storage.registrations.context(SERVICE, RegistrationId(device))
    hub_device = await storage.hub_devices.device(SERVICE, HUB, DeviceId(device))
    twin = await storage.hub_devices.twin(SERVICE, HUB, DeviceId(device))
    return f"{context} {hub_device} {twin}"


@pytest.mark.parametrize("database", ["postgresql"], indirect=True)
def test_it_does_not_matter_whether_lists_are_written_together(database: str) -> None:
    from tests import postgresql

    @settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
    @given(BATCHES)
    def agree(batches: Sequence[Sequence[list[Change]]]) -> None:
        async def story() -> None:
            url = postgresql.fresh_database()
            one, many = await open_storage(), await open_storage(url)
            try:
                expected = await outcomes(one, batches, at_once=False)
                assert await outcomes(many, batches, at_once=True) == expected
            finally:
                await one.close()
                await many.close()
                postgresql.give_back(url)

        asyncio.run(story())

    agree()
