"""A change of keys: announced, sealed anew while all goes on, the old one retired."""

import asyncio
import signal
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.platform.crypto import Unsealable, Vault, load_key
from yibao.platform.database import Database
from yibao.platform.keyring import ANNOUNCED, KeyRing, announce, read_ring
from yibao.platform.settings import Settings
from yibao.platform.vault import service as keys
from yibao.policy.terms import PersonType, Scheme
from yibao.registry.credentials import service as credentials
from yibao.registry.institutions import service as institutions
from yibao.registry.merging import service as merging
from yibao.registry.people import service as people
from yibao.registry.people.model import Enrolment, NewMembership, NewPerson

NOW = datetime(2026, 7, 15, 4, tzinfo=UTC)
POOL = Pool("430100")
ALWAYS = Period(date(2020, 1, 1))
LONG_AGO = NOW - 10 * ANNOUNCED


def ring(folder: Path) -> KeyRing:
    """The ring of a sandbox's key file, made at the first look."""
    return load_key(Settings(data=folder, sandbox=True))


def quiet(_table: str, _rows: int) -> None:
    """Progress that nobody watches."""


async def admit(database: Database, vault: Vault, count: int) -> list[str]:
    """Admit people with a card each; the numbers of their documents."""
    documents = [f"99010119800101{number:04d}" for number in range(count)]
    enrolment = Enrolment(Scheme("310"), Division(POOL), PersonType("1101"), ALWAYS)
    newcomers = [
        NewPerson(
            "01", document, "测试人员", "1", date(1980, 1, 1),
            (NewMembership(POOL, ALWAYS, (enrolment,)),),
        )
        for document in documents
    ]  # fmt: skip
    async with database.writer() as connection, connection.transaction():
        await institutions.found_pool(connection, POOL, "长沙", now=NOW)
        admitted = await people.admit(connection, vault, newcomers, now=NOW)
        cards = [
            (one.identity, f"card {document}", f"serial {document}")
            for one, document in zip(admitted, documents, strict=True)
        ]
        await credentials.issue_cards(connection, vault, cards, ALWAYS, now=NOW)
    return documents


async def found(database: Database, vault: Vault, documents: Sequence[str]) -> int:
    """How many of the people are found by document and by card, and are who they were."""
    number = 0
    async with database.reader([]) as connection:
        for document in documents:
            (insured,) = await people.find_by_document(connection, vault, "01", document)
            card = f"card {document}", f"serial {document}"
            holder = await credentials.holder_of_card(
                connection, vault, *card, day=date(2026, 7, 15)
            )
            assert holder is not None
            assert holder.identity == insured.identity.id
            number += insured.identity.document_number == document
    return number


async def used_keys(database: Database) -> set[str]:
    """Ids of the keys under which something lies."""
    async with database.owner() as connection:
        return {holding.key for holding in await keys.holdings(connection)}


async def test_an_announced_key_opens_at_once_and_seals_later(tmp_path: Path) -> None:
    old = ring(tmp_path)
    announce(old, datetime.now(UTC))
    vault = Vault(read_ring(tmp_path / "vault.key"))
    assert vault.key_id == old.keys[0].id
    assert len(vault.look_up_keys("01", "1")) == 3, "both keys', and one without a mark"
    assert vault.open(Vault(old).seal("甲")) == "甲"
    announce(old, LONG_AGO)
    assert Vault(read_ring(tmp_path / "vault.key")).key_id != old.keys[0].id


async def test_a_running_vault_takes_a_new_key_without_being_told(tmp_path: Path) -> None:
    running = Vault(ring(tmp_path))
    other = Vault(announce(running.ring, LONG_AGO))
    assert running.open(other.seal("甲")) == "甲"
    assert running.key_id == other.key_id
    assert running.fingerprint("1") == other.fingerprint("1"), "what is not about people stays"


async def test_a_damaged_key_file_leaves_the_keys_as_they_were(tmp_path: Path) -> None:
    running = Vault(ring(tmp_path))
    (tmp_path / "vault.key").write_text("no key at all\n")
    with pytest.raises(Unsealable):
        running.open(b"\0" * 40)
    assert running.open(running.seal("甲")) == "甲"


async def test_people_are_found_before_while_and_after_all_is_sealed_anew(
    database: Database, tmp_path: Path
) -> None:
    running = Vault(ring(tmp_path))
    (old,) = running.ring.keys
    documents = await admit(database, running, 30)
    changed = announce(running.ring, LONG_AGO)
    vault = Vault(changed)
    seen: list[int] = []

    async def watch() -> None:
        while True:
            seen.append(await found(database, running, documents))

    watching = asyncio.create_task(watch())
    await asyncio.sleep(0)
    assert await keys.reseal(database, vault, quiet) == 60
    watching.cancel()
    await asyncio.gather(watching, return_exceptions=True)
    assert set(seen) <= {30}
    assert await used_keys(database) == {changed.keys[0].id.hex()}
    await keys.retire(database, vault, old.id)
    alone = Vault(read_ring(tmp_path / "vault.key"))
    assert [key.id for key in alone.ring.keys] == [changed.keys[0].id]
    assert await found(database, alone, documents) == 30


async def test_nothing_of_the_old_key_is_left_anywhere(database: Database, tmp_path: Path) -> None:
    vault = Vault(ring(tmp_path))
    await admit(database, vault, 3)
    old = vault.key_id.hex()
    await keys.reseal(database, Vault(announce(vault.ring, LONG_AGO)), quiet)
    async with database.owner() as connection:
        for table in ("registry.identity", "registry.card"):
            rows = await connection.fetchval(f"SELECT string_agg(t::text, '') FROM {table} AS t")
            assert rows
            assert old not in rows


async def test_a_key_that_is_still_needed_is_not_retired(
    database: Database, tmp_path: Path
) -> None:
    vault = Vault(ring(tmp_path))
    await admit(database, vault, 1)
    (old,) = vault.ring.keys
    changed = Vault(announce(vault.ring, LONG_AGO))
    with pytest.raises(keys.StillNeeded, match=r"registry\.identity\.document_key"):
        await keys.retire(database, changed, old.id)
    with pytest.raises(keys.StillNeeded, match="newest"):
        await keys.retire(database, changed, changed.key_id)
    assert len(read_ring(tmp_path / "vault.key").keys) == 2


async def test_a_person_from_before_keys_had_marks_is_found_and_sealed_anew(
    database: Database, tmp_path: Path
) -> None:
    vault = Vault(ring(tmp_path))
    (document,) = await admit(database, vault, 1)
    async with database.owner() as owner:
        await owner.execute(
            "UPDATE registry.identity SET document_key = $1", vault.fingerprint("01", document)
        )
        await owner.execute(
            "UPDATE registry.card SET number_key = $1, serial_key = $2",
            vault.fingerprint("card", f"card {document}".upper()),
            vault.fingerprint("card serial", f"serial {document}".upper()),
        )
    assert await found(database, vault, [document]) == 1
    assert keys.UNMARKED in await used_keys(database)
    assert await keys.reseal(database, vault, quiet) == 2
    assert await used_keys(database) == {vault.key_id.hex()}
    assert await found(database, vault, [document]) == 1


async def test_nobody_is_admitted_twice_while_keys_change(
    database: Database, tmp_path: Path
) -> None:
    vault = Vault(ring(tmp_path))
    (document,) = await admit(database, vault, 1)
    changed = Vault(announce(vault.ring, LONG_AGO))
    same = NewPerson("01", document, "测试人员", "1", date(1980, 1, 1), ())
    async with database.writer() as connection, connection.transaction():
        (admitted,) = await people.admit(connection, changed, [same], now=NOW)
    async with database.owner() as owner:
        assert await owner.fetchval("SELECT count(*) FROM registry.identity") == 1
        assert await owner.fetchval("SELECT id FROM registry.identity") == admitted.identity


KILLED = """
import asyncio, sys
from pathlib import Path
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.keyring import read_ring
from yibao.platform.vault import service
service.BATCH = 10
async def main():
    database = await Database.open(sys.argv[1], 1, 1)
    said = lambda table, rows: print(table, rows, flush=True)
    await service.reseal(database, Vault(read_ring(Path(sys.argv[2]))), said)
asyncio.run(main())
"""


async def test_sealing_anew_that_is_killed_loses_nothing_and_goes_on(
    database: Database, dsn: str, tmp_path: Path
) -> None:
    vault = Vault(ring(tmp_path))
    documents = await admit(database, vault, 400)
    changed = Vault(announce(vault.ring, LONG_AGO))

    def run_and_kill() -> int:
        path = str(tmp_path / "vault.key")
        with subprocess.Popen(
            [sys.executable, "-c", KILLED, dsn, path], stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            for _ in range(7):
                process.stdout.readline()
            process.send_signal(signal.SIGKILL)
            return process.wait()

    assert await asyncio.to_thread(run_and_kill) == -signal.SIGKILL
    assert len(await used_keys(database)) == 2, "it was in the middle"
    assert await found(database, changed, documents) == 400
    assert 0 < await keys.reseal(database, changed, quiet) <= 730
    assert await used_keys(database) == {changed.key_id.hex()}
    assert await found(database, changed, documents) == 400


async def test_a_document_that_was_exchanged_finds_its_human_under_a_new_key(
    database: Database, tmp_path: Path
) -> None:
    """It lies in a superseded row, which is sealed anew like any other."""
    running = Vault(ring(tmp_path))
    (old,) = running.ring.keys
    (former,) = await admit(database, running, 1)
    async with database.writer() as connection, connection.transaction():
        (insured,) = await people.find_by_document(connection, running, "01", former)
        await merging.exchange_document(
            connection,
            running,
            insured,
            document_type="01",
            document_number="990101198001019999",
            name=None,
            now=LONG_AGO,
        )
    vault = Vault(announce(running.ring, LONG_AGO))
    await keys.reseal(database, vault, quiet)
    await keys.retire(database, vault, old.id)
    alone = Vault(read_ring(tmp_path / "vault.key"))
    async with database.reader([]) as connection:
        for document in (former, "990101198001019999"):
            (again,) = await people.find_by_document(connection, alone, "01", document)
            assert again.identity.id == insured.identity.id
