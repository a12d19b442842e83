"""Who saw whom is written before it is shown, in a chain in which every change shows."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import pytest

from yibao.kernel.areas import Pool
from yibao.platform.access import service
from yibao.platform.access.model import Seen, Viewer, ViewerKind
from yibao.platform.access.record import CHAIN, AccessRecord
from yibao.platform.clock import SettableClock
from yibao.platform.crypto import Vault
from yibao.platform.database import Database

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)
VAULT = Vault(b"k" * 32)
HOSPITAL = Viewer(ViewerKind.INSTITUTION, "H11000000001", "1101", "0001")
PHARMACY = Viewer(ViewerKind.INSTITUTION, "P11000000004", "5203")
POOL = Pool("110000")
PERSON = Seen(7, f"{POOL}00000000000001", POOL)


async def opened(database: Database, clock: SettableClock | None = None) -> AccessRecord:
    """A process's record."""
    numbers = await database.numbers()
    return AccessRecord(database.writer, numbers.writer, VAULT, (clock or SettableClock(NOW)).now)


async def verdict(database: Database, vault: Vault = VAULT) -> service.Verdict:
    """What a look at the whole record comes to."""
    async with database.reader(None) as connection, connection.transaction():
        return await service.verify(connection, vault)


@asynccontextmanager
async def tampering(database: Database, statement: str) -> AsyncIterator[None]:
    """The record as somebody with all rights has changed it; undone at the end."""
    async with database.owner() as owner:
        for table in ("access", "access_block", "access_removal"):
            await owner.execute(f"CREATE TABLE kept_{table} AS TABLE safety.{table}")
        await owner.execute(statement)
        yield
        for table in ("access", "access_block", "access_removal"):
            await owner.execute(
                f"TRUNCATE safety.{table}; INSERT INTO safety.{table} TABLE kept_{table};"
                f"DROP TABLE kept_{table}"
            )


async def test_who_saw_a_person_is_told_newest_first(database: Database) -> None:
    clock = SettableClock(NOW)
    record = await opened(database, clock)
    await record.note(HOSPITAL, [PERSON, Seen(8)])
    clock.set(NOW + timedelta(minutes=1))
    await record.note(PHARMACY, [Seen(None, PERSON.member, POOL, found=False)])
    async with database.reader(None) as connection:
        of_person = await service.of_person(connection, 7, [PERSON.member or ""], 10)
        by_hospital = await service.by_viewer(connection, "H11000000001", 10)
    assert [(one.viewer, one.found) for one in of_person] == [(PHARMACY, False), (HOSPITAL, True)]
    assert [one.identity for one in by_hospital] == [8, 7]
    assert of_person[0].seen_at == NOW + timedelta(minutes=1)


async def test_what_is_noted_at_once_is_one_block(database: Database) -> None:
    record = await opened(database)
    await asyncio.gather(*(record.note(HOSPITAL, [Seen(number)]) for number in range(50)))
    found = await verdict(database)
    assert (found.rows, found.faults) == (50, ())
    assert found.blocks < 5


async def test_a_chain_goes_on_in_the_next_process_of_the_number(database: Database) -> None:
    for _ in range(3):
        await (await opened(database)).note(HOSPITAL, [PERSON])
    found = await verdict(database)
    assert (found.rows, found.blocks, found.faults) == (3, 3, ())


CHANGES = {
    "UPDATE safety.access SET who = 'H99' WHERE number = 3": "a row was changed",
    "UPDATE safety.access SET identity = NULL WHERE number = 3": "a row was changed",
    "UPDATE safety.access SET seen_at = seen_at + interval '1 us' WHERE number = 3": (
        "a row was changed"
    ),
    "DELETE FROM safety.access WHERE number = 3": "missing",
    "DELETE FROM safety.access_block WHERE block = 2": "missing",
    "UPDATE safety.access_block SET link = before WHERE block = 2": "its seal says otherwise",
    """INSERT INTO safety.access
       SELECT pool, writer, 99, block, seen_at, kind, who, operator, purpose, identity, member,
              found FROM safety.access WHERE number = 3""": "no block",
    """DELETE FROM safety.access_block WHERE block = 1;
       DELETE FROM safety.access WHERE block = 1""": "missing",
    """INSERT INTO safety.access_removal SELECT writer, block, sealed, written_at
           FROM safety.access_block WHERE block = 3;
       DELETE FROM safety.access_block WHERE block <= 3;
       DELETE FROM safety.access WHERE block <= 3""": "not one of a removal",
}


@pytest.mark.parametrize(("change", "told"), CHANGES.items(), ids=range(len(CHANGES)))
async def test_every_change_shows(database: Database, change: str, told: str) -> None:
    record = await opened(database)
    for number in range(4):
        await record.note(HOSPITAL, [Seen(number), PERSON])
    assert (await verdict(database)).faults == ()
    async with tampering(database, change):
        (fault,) = (await verdict(database)).faults
        assert told in fault
    assert (await verdict(database)).faults == ()


async def test_another_keys_seal_shows(database: Database) -> None:
    await (await opened(database)).note(HOSPITAL, [PERSON])
    (fault,) = (await verdict(database, Vault(b"x" * 32))).faults
    assert "seal" in fault


async def test_what_is_over_is_removed_and_the_rest_still_proves_itself(
    database: Database,
) -> None:
    clock = SettableClock(NOW)
    record = await opened(database, clock)
    for _ in range(3):
        await record.note(HOSPITAL, [PERSON, Seen(8)])
        clock.set(clock.now() + timedelta(days=10))
    job = service.removal(VAULT, 15)
    async with database.owner() as owner, owner.transaction():
        assert await job(owner, clock.now()) == 4
        assert await job(owner, clock.now()) == 0
        assert await service.removal(VAULT, 0)(owner, clock.now()) == 0
    found = await verdict(database)
    assert (found.rows, found.faults) == (2, ())
    await record.note(HOSPITAL, [PERSON])
    async with database.owner() as owner, owner.transaction():
        assert await job(owner, clock.now() + timedelta(days=99)) == 3
    await (await opened(database)).note(HOSPITAL, [PERSON])
    found = await verdict(database)
    assert (found.rows, found.faults) == (1, ())


async def test_a_clock_that_stood_back_removes_nothing_before_its_time(database: Database) -> None:
    clock = SettableClock(NOW)
    record = await opened(database, clock)
    await record.note(HOSPITAL, [PERSON])
    clock.set(NOW - timedelta(days=2000))
    await record.note(HOSPITAL, [PERSON])
    job = service.removal(VAULT, days=1096)
    async with database.owner() as owner, owner.transaction():
        assert await job(owner, NOW + timedelta(days=1)) == 0
    assert ((await verdict(database)).rows, (await verdict(database)).faults) == (2, ())


async def test_a_link_that_somebody_had_sealed_as_a_text_proves_nothing(
    database: Database,
) -> None:
    """Whoever has the database can upload a file and take its sealed bytes."""
    await (await opened(database)).note(HOSPITAL, [PERSON])
    async with database.owner() as owner:
        sealed = await owner.fetchval("SELECT sealed FROM safety.access_block")
        said = VAULT.open(sealed, CHAIN)
        await owner.execute("UPDATE safety.access_block SET sealed = $1", VAULT.seal(said))
    assert "its seal says otherwise" in (await verdict(database)).faults[0]


async def test_what_cannot_be_written_is_told_to_who_waits(database: Database) -> None:
    record = await opened(database)
    async with database.owner() as owner:
        await owner.execute("ALTER TABLE safety.access RENAME TO elsewhere")
        with pytest.raises(Exception, match="safety"):
            await record.note(HOSPITAL, [PERSON])
        await owner.execute("ALTER TABLE safety.elsewhere RENAME TO access")
    await record.note(HOSPITAL, [PERSON])
    assert (await verdict(database)).rows == 1


async def test_an_institutions_reader_sees_nothing_of_the_record(database: Database) -> None:
    await (await opened(database)).note(HOSPITAL, [PERSON])
    async with database.reader(["H11000000001"]) as connection:
        assert await service.by_viewer(connection, "H11000000001", 10) == []
