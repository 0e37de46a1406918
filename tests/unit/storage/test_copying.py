"""A copy, step by step: it begins in an empty database, goes on where it was, and says whether all is equal.

That it survives being killed is played in tests/faults/test_copy.py.
"""

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from tests.storage.material import (
    StoppedClock,
    append_audit,
    open_storage,
    put_group,
    put_individual,
    put_record,
    put_service,
    put_subject,
    tell,
)

from homeport.storage.copying import Comparison, Copy, CopyRefused
from homeport.storage.database_url import DatabaseUrl
from homeport.storage.opening import alone_with, connected
from homeport.storage.port import StorageUnavailable
from homeport.storage.postgresql_migrator import migrate
from homeport.storage.tables import TABLES

CHANGES = [put_service(), put_group("g"), put_individual("dev-1"), put_subject("dev-1", "s1"), put_record("dev-1")]


async def make_source(file: Path, *changes: object) -> Path:
    storage = await open_storage(file)
    await storage.apply([*CHANGES, append_audit("E"), *changes])  # type: ignore[list-item]
    await storage.close()
    return file


def play(tmp_path: Path, url: str, story: Callable[[Copy], Awaitable[None]]) -> None:
    async def run() -> None:
        file = tmp_path / "h.db"
        if not file.exists():
            await make_source(file)
        await migrate(DatabaseUrl(url), StoppedClock(), to_be_copied_into=True)
        with alone_with(file) as source:
            async with connected(DatabaseUrl(url)) as target:
                await story(Copy(source, target))

    asyncio.run(run())


async def copy_all(copying: Copy) -> int:
    """Rows that were copied now."""
    counted = 0

    def told(table: str, count: int) -> None:
        nonlocal counted
        counted += count

    await copying.run(await copying.begin(), told)
    return counted


async def compare(copying: Copy) -> list[Comparison]:
    return [each async for each in copying.compare(lambda *_: None)]


def test_what_is_copied_is_equal_and_is_not_copied_again(tmp_path: Path, url: str) -> None:
    async def story(copying: Copy) -> None:
        # One row of each change; the group has a version.
        assert await copy_all(copying) == len(CHANGES) + 2
        assert await copy_all(copying) == 0
        compared = await compare(copying)
        assert [each.table for each in compared] == [table.name for table in TABLES]
        assert all(each.is_equal for each in compared)
        await copying.end()

    play(tmp_path, url, story)
    assert tell(url, "SELECT registration_id FROM registrations") == ["dev-1"]


def test_a_row_that_differs_is_noticed(tmp_path: Path, url: str) -> None:
    async def story(copying: Copy) -> None:
        await copy_all(copying)
        tell(url, "UPDATE registrations SET etag = 'another'")
        assert [each.table for each in await compare(copying) if not each.is_equal] == ["registrations"]

    play(tmp_path, url, story)


def test_a_target_that_is_in_use_is_refused(tmp_path: Path, url: str) -> None:
    async def story(copying: Copy) -> None:
        tell(url, "INSERT INTO subjects VALUES (1, 'a', 'A', 's')")
        with pytest.raises(CopyRefused, match="it has rows in subjects"):
            await copying.begin()

    play(tmp_path, url, story)


def test_half_a_copy_of_another_deployment_is_not_gone_on_with(tmp_path: Path, url: str) -> None:
    async def begin(copying: Copy) -> None:
        await copying.begin()

    async def refused(copying: Copy) -> None:
        with pytest.raises(CopyRefused, match="another deployment"):
            await copying.begin()

    play(tmp_path, url, begin)
    other = tmp_path / "other"
    other.mkdir()
    asyncio.run(make_source(other / "h.db", put_service(2)))
    play(other, url, refused)


def test_two_copies_at_once_do_not_mix(tmp_path: Path, url: str) -> None:
    async def story(copying: Copy) -> None:
        progress = await copying.begin()
        await copying.run(progress, lambda *_: None)
        with pytest.raises(CopyRefused):
            await copying.run(progress, lambda *_: None)

    play(tmp_path, url, story)


def test_no_storage_opens_half_of_a_copy(tmp_path: Path, url: str) -> None:
    async def story(copying: Copy) -> None:
        await copying.begin()
        with pytest.raises(StorageUnavailable, match="under way"):
            await open_storage(url)
        await copying.end()
        await (await open_storage(url)).close()

    play(tmp_path, url, story)
