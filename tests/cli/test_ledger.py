"""``yibao ledger``: books verified, days signed and exported, statements printed."""

import csv
import io
import json
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from tests.cli.releasing import Office
from tests.settlement.builders import NOON, TERTIARY, Town, key_of
from tests.settlement.builders import town as laid_out
from yibao.ledger.heads import service as heads
from yibao.platform.crypto import Vault
from yibao.platform.database import Database

SECRET = b"k" * 32


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    """A town with a bill in it."""
    async with laid_out(database) as built:
        yield built


@pytest.fixture
def office(tmp_path: Path, dsn: str) -> Office:
    """A bureau with the vault's key in its folder."""
    office = Office(tmp_path, dsn)
    office.write("data/vault.key", SECRET.hex())
    return office


def folder(office: Office) -> tuple[object, ...]:
    """Where the bureau has its key."""
    return ("--data", office.folder / "data")


async def end_the_day(town: Town) -> None:
    """A day passes, and housekeeping signs it."""
    town.clock.move(timedelta(days=1))
    async with town.database.owner() as connection:
        assert await heads.make(connection, heads.signer(Vault(SECRET)), town.clock.now()) == 1


async def test_right_books_are_told_with_figures(town: Town, office: Office) -> None:
    await town.bill(await town.insure(account="300"), "2500")
    await end_the_day(town)
    told = await office.answer("ledger", "verify", *folder(office))
    assert told["faults"] == 0
    assert told["figures"]["settlements"] == 1
    assert told["figures"]["heads"] == 1
    printed = await office.run("ledger", "verify", *folder(office))
    assert printed.returncode == 0
    assert "the books are right" in printed.stdout


async def test_empty_books_are_right(town: Town, office: Office) -> None:
    assert "they are empty" in (await office.run("ledger", "verify", *folder(office))).stdout


async def test_books_of_a_pool_that_does_not_exist_are_not_called_right(
    town: Town, office: Office
) -> None:
    for what in (("verify",), ("heads",), ("statement", "fund")):
        ended = await office.run("ledger", *what, "--pool", "999999", *folder(office))
        assert ended.returncode == 2
        assert "there is no pool 999999" in ended.stderr
    ended = await office.run("ledger", "statement", "institution", "H99", *folder(office))
    assert (ended.returncode, "there is no institution H99" in ended.stderr) == (2, True)


async def test_heads_that_cannot_be_written_are_told_without_a_traceback(
    town: Town, office: Office
) -> None:
    nowhere = office.folder / "nowhere" / "heads.json"
    ended = await office.run("ledger", "heads", "--export", nowhere, *folder(office))
    assert ended.returncode == 1
    assert f"{nowhere}: No such file or directory" in ended.stderr


async def test_an_entry_changed_by_sql_is_named_and_the_code_is_1(
    town: Town, office: Office
) -> None:
    settled = await town.bill(await town.insure(account="300"), "2500")
    async with town.database.owner() as connection:
        await connection.execute(
            "UPDATE ledger.entry SET amount = amount + 1 WHERE account LIKE '%:collected'"
        )
    ended = await office.run("ledger", "verify", *folder(office))
    assert ended.returncode == 1
    first = ended.stdout.splitlines()[0]
    assert f"posting {key_of(settled).number}" in first
    told = await office.run("ledger", "verify", "--json", *folder(office))
    assert json.loads(told.stdout)["first"][0]["posting"] == key_of(settled).number


async def test_a_past_that_was_rewritten_shows_against_exported_heads(
    town: Town, office: Office
) -> None:
    await town.bill(await town.insure(account="300"), "2500")
    await end_the_day(town)
    kept = office.folder / "heads.json"
    exported = await office.run("ledger", "heads", "--export", kept, *folder(office))
    assert "1 head written" in exported.stdout
    assert (await office.run("ledger", "verify", "--heads", kept, *folder(office))).returncode == 0
    async with town.database.owner() as connection:
        for table in ("entry", "block", "occasion", "head", "account_part"):
            await connection.execute(f"DELETE FROM ledger.{table}")
        await connection.execute("TRUNCATE settlement.settlement CASCADE")
    assert (await office.run("ledger", "verify", *folder(office))).returncode == 0
    ended = await office.run("ledger", "verify", "--heads", kept, *folder(office))
    assert ended.returncode == 1
    assert "is not here any more" in ended.stdout
    assert "cut off" in ended.stdout


async def test_heads_are_listed_and_their_key_is_told(town: Town, office: Office) -> None:
    await town.insure(account="300")
    await end_the_day(town)
    (head,) = (await office.answer("ledger", "heads", *folder(office)))["heads"]
    assert head["day"] == f"{NOON:%Y-%m-%d}"
    key = (await office.run("ledger", "key", *folder(office))).stdout.strip()
    assert key == "04" + head["public_key"]
    assert head["hash"] in (await office.run("ledger", "heads", *folder(office))).stdout


@pytest.mark.parametrize("content", ["", "{}", '{"heads": [{"pool": "110000"}]}'])
async def test_what_are_no_heads_is_told_without_a_traceback(office: Office, content: str) -> None:
    file = office.write("heads.json", content)
    ended = await office.run("ledger", "verify", "--heads", file, *folder(office))
    assert ended.returncode == 2
    assert "no exported heads" in ended.stderr


async def test_statements_of_a_person_as_table_csv_and_json(town: Town, office: Office) -> None:
    member = await town.insure(account="300")
    await town.bill(member, "50")
    span = ("--from", "2026-07-01", "--to", "2026-07-31")
    command = ("ledger", "statement", "person", member, *span)
    told = await office.answer(*command)
    assert [row["what"] for row in told["rows"]][:2] == ["opening 期初", "credit 划入"]
    assert told["rows"][-1]["what"] == "closing 期末"
    rows = list(csv.DictReader(io.StringIO((await office.run(*command, "--csv")).stdout)))
    assert rows == told["rows"]
    assert "300.00" in (await office.run(*command)).stdout


async def test_statements_of_institution_and_funds(town: Town, office: Office) -> None:
    settled = await town.bill(await town.insure(), "25000")
    span = ("--from", "2026-07-01", "--to", "2026-07-31")
    purses = await office.answer("ledger", "statement", "institution", TERTIARY, *span)
    funds = await office.answer("ledger", "statement", "fund", "--pool", "110000", *span)
    paid = sum(payment.amount for payment in settled.payments)
    assert f"{paid / 100:.2f}" in {row["amount"] for row in purses["rows"]}
    assert f"{-paid / 100:.2f}" in {row["amount"] for row in funds["rows"]}
    assert "大额医疗费用补助基金" in funds["rows"][0]["title"]
    nothing = await office.run("ledger", "statement", "fund", "410100", *span)
    assert "nothing moved" in nothing.stdout


async def test_a_person_without_account_and_a_span_turned_round_are_told(
    town: Town, office: Office
) -> None:
    unknown = await office.run("ledger", "statement", "person", "11000000000000009999")
    assert (unknown.returncode, "no personal account" in unknown.stderr) == (1, True)
    turned = await office.run(
        "ledger", "statement", "fund", "--from", "2026-08-01", "--to", "2026-07-01"
    )
    assert (turned.returncode, "before it begins" in turned.stderr) == (2, True)
    pool = await office.run("ledger", "verify", "--pool", "Beijing!", *folder(office))
    assert (pool.returncode, "is no pool" in pool.stderr) == (2, True)
