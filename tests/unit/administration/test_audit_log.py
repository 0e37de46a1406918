import asyncio
import sqlite3
from collections.abc import Callable
from pathlib import Path

from tests.storage.material import append_audit, open_storage

from homeport.administration import audit_log
from homeport.administration.audit_log import ChainVerdict
from homeport.model.identifiers import SubjectKey
from homeport.security import hash_chain

CHAIN = "writer-0"


def verdict_after(tmp_path: Path, tamper: Callable[[sqlite3.Connection], object]) -> ChainVerdict:
    """Write six entries, tamper with the file behind the triggers' back, verify."""

    async def story() -> ChainVerdict:
        storage = await open_storage(tmp_path / "h.db")
        await storage.apply([append_audit(f"Event{number}", "s1") for number in range(6)])
        intruder = sqlite3.connect(tmp_path / "h.db")
        intruder.executescript("DROP TRIGGER audit_refuses_update; DROP TRIGGER audit_refuses_delete;")
        tamper(intruder)
        intruder.commit()
        intruder.close()
        verdict = await audit_log.verify(storage.audit, CHAIN)
        await storage.close()
        return verdict

    return asyncio.run(story())


def test_an_untouched_chain_is_whole(tmp_path: Path) -> None:
    verdict = verdict_after(tmp_path, lambda intruder: None)
    assert verdict.is_whole
    assert verdict.entries == 6
    assert str(verdict) == f"whole: 6 entries, head {verdict.head.hex()}"


def test_a_changed_entry_is_found(tmp_path: Path) -> None:
    change = "UPDATE audit SET body = CAST(replace(CAST(body AS TEXT), 's1', 's2') AS BLOB) WHERE sequence = 4"
    verdict = verdict_after(tmp_path, lambda intruder: intruder.execute(change))
    assert verdict.broken_at == 4
    assert verdict.entries == 3


def test_a_removed_entry_is_found(tmp_path: Path) -> None:
    verdict = verdict_after(tmp_path, lambda intruder: intruder.execute("DELETE FROM audit WHERE sequence = 2"))
    assert verdict.broken_at == 2
    assert "entry 3 stands in its place" in str(verdict)


def test_a_removed_beginning_is_found(tmp_path: Path) -> None:
    verdict = verdict_after(tmp_path, lambda intruder: intruder.execute("DELETE FROM audit WHERE sequence < 3"))
    assert verdict.broken_at == 1


def test_an_entry_with_its_hash_made_to_fit_breaks_the_next_one(tmp_path: Path) -> None:
    def forge(intruder: sqlite3.Connection) -> None:
        (previous,) = intruder.execute("SELECT hash FROM audit WHERE sequence = 2").fetchone()
        (body,) = intruder.execute("SELECT body FROM audit WHERE sequence = 3").fetchone()
        forged = body.replace(b"s1", b"s2")
        digest = hash_chain.link(previous, CHAIN, 3, forged)
        intruder.execute("UPDATE audit SET body = ?, hash = ? WHERE sequence = 3", (forged, digest))

    assert verdict_after(tmp_path, forge).broken_at == 4


def test_an_entry_that_is_no_event_is_found(tmp_path: Path) -> None:
    def forge(intruder: sqlite3.Connection) -> None:
        digest = hash_chain.link(hash_chain.START, CHAIN, 1, b"{}")
        intruder.execute("UPDATE audit SET body = ?, hash = ? WHERE sequence = 1", (b"{}", digest))

    verdict = verdict_after(tmp_path, forge)
    assert verdict.broken_at == 1
    assert "no event" in verdict.reason


def test_a_chain_that_is_longer_than_a_page_is_walked_to_its_end(tmp_path: Path) -> None:
    async def story() -> ChainVerdict:
        storage = await open_storage(tmp_path / "h.db")
        await storage.apply([append_audit("Event") for _ in range(2500)])
        verdict = await audit_log.verify(storage.audit, CHAIN)
        await storage.close()
        return verdict

    assert asyncio.run(story()).entries == 2500


def test_a_chain_that_nobody_wrote_is_whole_and_empty(tmp_path: Path) -> None:
    async def story() -> ChainVerdict:
        storage = await open_storage(tmp_path / "h.db")
        verdict = await audit_log.verify(storage.audit, "nobody's")
        await storage.close()
        return verdict

    verdict = asyncio.run(story())
    assert (verdict.is_whole, verdict.entries, verdict.head) == (True, 0, hash_chain.START)


def test_a_subjects_events_are_found_in_every_chain(tmp_path: Path) -> None:
    async def story() -> list[str]:
        for name, kind in (("writer-0", "One"), ("writer-1", "Two")):
            storage = await open_storage(tmp_path / "h.db", writer_name=name)
            await storage.apply([append_audit(kind, "mine"), append_audit("Other", "other's")])
            await storage.close()
        storage = await open_storage(tmp_path / "h.db")
        found = await audit_log.of_subject(storage.audit, SubjectKey("mine"))
        await storage.close()
        return [logged.event.kind for logged in found]

    assert asyncio.run(story()) == ["One", "Two"]
