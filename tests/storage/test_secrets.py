"""No key lies in the files as it is, and a sealed one opens in its own row only."""

import asyncio
import base64
from pathlib import Path

import pytest
from tests.storage.material import (
    HUB,
    PRIMARY,
    SECONDARY,
    SERVICE,
    ensure_device,
    on_storage,
    open_storage,
    policy,
    put_group,
    put_individual,
    put_service,
    tell,
)

from homeport.model.identifiers import DeviceId, EnrollmentGroupId, RegistrationId
from homeport.security.sealing import SealBroken, Sealer
from homeport.storage.changes import PutPolicy
from homeport.storage.store import Store
from homeport.storage.transaction import Transaction


async def fill(storage: Store) -> None:
    entries = [put_individual("dev-1"), put_individual("dev-2"), put_group("group-1"), ensure_device("dev-1")]
    await storage.apply([put_service(), *entries, PutPolicy(policy=policy("owner"))])


def search(folder: Path) -> list[str]:
    """Fails if a key is in a file of the folder; returns which were searched."""
    files = sorted(folder.iterdir())
    for content in (file.read_bytes() for file in files):
        for key in (PRIMARY, SECONDARY):
            assert key.encode() not in content
            assert base64.b64decode(key) not in content
    return [file.name for file in files]


def test_no_key_is_in_the_database_or_its_log(tmp_path: Path) -> None:
    async def story() -> None:
        storage = await open_storage(tmp_path / "h.db")
        await fill(storage)
        assert search(tmp_path) == ["h.db", "h.db-shm", "h.db-wal"]
        await storage.close()
        assert search(tmp_path) == ["h.db"]

    asyncio.run(story())


def test_no_key_is_in_a_row_of_any_table(database: str) -> None:
    async def story() -> None:
        storage = await open_storage(database)
        await fill(storage)
        await storage.close()

    asyncio.run(story())
    for table in ("individual_enrollments", "enrollment_groups", "policies", "hub_devices"):
        content = "".join(tell(database, f"SELECT * FROM {table}"))
        assert "dev-1" in content or "group-1" in content or "owner" in content
        for key in (PRIMARY.encode(), SECONDARY.encode()):
            for form in (key, base64.b64decode(key)):
                assert form.hex() not in content
                assert repr(form)[2:-1] not in content


def test_what_is_deleted_is_overwritten(tmp_path: Path) -> None:
    async def story() -> None:
        storage = await open_storage(tmp_path / "h.db")
        await storage.apply([put_service(), put_individual("a-planted-identifier")])

        async def delete(transaction: Transaction) -> None:
            await transaction.execute("DELETE FROM individual_enrollments", ())

        await storage._writer.submit(delete)
        await storage.close()

    asyncio.run(story())
    assert [file.name for file in tmp_path.iterdir()] == ["h.db"]
    assert b"a-planted-identifier" not in (tmp_path / "h.db").read_bytes()


def test_a_sealed_key_moved_to_another_row_does_not_open(database: str) -> None:
    async def story() -> None:
        storage = await open_storage(database)
        await fill(storage)
        tell(
            database,
            "UPDATE individual_enrollments SET sealed_keys = "
            "(SELECT sealed_keys FROM individual_enrollments WHERE folded_id = 'dev-2') WHERE folded_id = 'dev-1'",
        )
        assert await storage.enrollments.individual(SERVICE, RegistrationId("dev-2")) is not None
        with pytest.raises(SealBroken):
            await storage.enrollments.individual(SERVICE, RegistrationId("dev-1"))
        await storage.close()

    asyncio.run(story())


def test_nothing_opens_with_another_sealing_key(database: str) -> None:
    async def story() -> None:
        storage = await open_storage(database)
        await fill(storage)
        await storage.close()
        stolen = await open_storage(database, sealer=Sealer(bytes(32)))
        with pytest.raises(SealBroken):
            await stolen.enrollments.individual(SERVICE, RegistrationId("dev-1"))
        with pytest.raises(SealBroken):
            await stolen.enrollments.group(SERVICE, EnrollmentGroupId("group-1"))
        with pytest.raises(SealBroken):
            await stolen.hub_devices.device(SERVICE, HUB, DeviceId("dev-1"))
        with pytest.raises(SealBroken):
            await stolen.settings.policy(SERVICE, "owner")
        await stolen.close()

    asyncio.run(story())


@on_storage
async def test_a_listing_opens_no_key(storage: Store) -> None:
    await storage.apply([put_individual("dev-1")])
    (entry,) = await storage.enrollments.individuals(SERVICE, after="", limit=9)
    assert entry.attestation.symmetric_key is None
