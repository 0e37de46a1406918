"""What is prepared once for many devices is never older than the read of the request that uses it."""

from tests.pki import make_root
from tests.unit.provisioning.certified import store_ca_certificate, store_group, x509_mechanism
from tests.unit.provisioning.floor import ID, Floor, on_floor

from homeport.provisioning.candidates import CandidateCache, Candidates


async def candidates(cache: CandidateCache, floor: Floor) -> Candidates:
    context = await floor.world.storage.registrations.context(floor.world.service_id, ID)
    return await cache.of(floor.world.service_id, context)


@on_floor
async def test_groups_stand_ready_for_each_mechanism(floor: Floor) -> None:
    await floor.enroll_group("Keys")
    await store_group(floor, "Certificates", x509_mechanism(signing=make_root()))
    ready = await candidates(CandidateCache(floor.world.storage), floor)
    assert set(ready.groups) == {"Keys", "Certificates"}
    assert [each.group.enrollment_group_id for each in ready.symmetric_key] == ["Keys"]
    assert [group.enrollment_group_id for found in ready.x509.groups.values() for group in found] == ["Certificates"]


@on_floor
async def test_they_are_prepared_again_only_after_a_change(floor: Floor) -> None:
    cache = CandidateCache(floor.world.storage)
    await floor.enroll_group("Line-1")
    first = await candidates(cache, floor)
    assert await candidates(cache, floor) is first
    await floor.enroll_group("Line-2")
    assert set((await candidates(cache, floor)).groups) == {"Line-1", "Line-2"}


@on_floor
async def test_a_new_ca_certificate_counts_at_once(floor: Floor) -> None:
    cache = CandidateCache(floor.world.storage)
    await store_group(floor, "Line-1", x509_mechanism(reference="acme"))
    assert (await candidates(cache, floor)).x509.dangling == {"Line-1": "acme"}
    await store_ca_certificate(floor, "acme", make_root())
    assert not (await candidates(cache, floor)).x509.dangling
