"""``yibao affected`` and ``yibao explain`` over settled bills, as table, CSV and JSON."""

import csv
import io
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.releasing import Office
from tests.settlement.builders import NOON, POOL, Town, key_of
from tests.settlement.builders import town as laid_out
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.platform.database import Database
from yibao.policy.terms import EMPLOYEE, EntitlementExtent
from yibao.registry.people import service as people
from yibao.registry.people.model import Entitlement


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    """The town under a law that pays half, up to 1,000 yuan a year."""
    async with laid_out(database) as built:
        await let_count(built, law(capped("1000"), counters=SPENT))
        yield built


@pytest.fixture
def office(tmp_path: Path, dsn: str) -> Office:
    """A policy office on the town's database."""
    return Office(tmp_path, dsn)


async def test_a_law_file_lists_its_bills_with_the_difference_by_payer(
    town: Town, office: Office
) -> None:
    settled = await town.bill(await town.insure(), "100")
    answer = await office.answer("affected", "--law", office.new, "--since", "2026-07-01")
    (one,) = answer["settlements"]
    assert one["settlement"] == key_of(settled).text()
    assert one["differences"]["fund 310100"] == "30.00"
    assert answer["totals"]["personal"] == "-30.00"
    table = (await office.run("affected", "--law", office.new)).stdout
    assert key_of(settled).text() in table
    assert "1 living settlements" in table
    assert (await office.answer("affected", "--law", office.new, "--since", "2026-08-01")) == {
        "settlements": [], "totals": {},
    }  # fmt: skip


async def test_csv_has_a_row_an_amount(town: Town, office: Office) -> None:
    settled = await town.bill(await town.insure(), "100")
    printed = (await office.run("affected", "--law", office.new, "--csv")).stdout
    rows = {row["amount"]: row for row in csv.DictReader(io.StringIO(printed))}
    assert set(rows) == {"funds", "personal", "cash", "fund 310100"}
    assert rows["cash"]["settlement"] == key_of(settled).text()
    assert (rows["cash"]["settled"], rows["cash"]["again"]) == ("50.00", "20.00")


async def test_a_release_lists_the_bills_it_reaches_back_to(town: Town, office: Office) -> None:
    await town.bill(await town.insure(), "100")
    number = await office.propose("2026-07-10")
    assert (await office.release(number)).returncode == 0
    answer = await office.answer("affected", "--release", number)
    assert answer["totals"]["funds"] == "30.00"
    under = await town.bill(await town.insure(), "100")
    assert under.funds == 8000, "the next bill is settled by the released law"
    again = await office.answer("affected", "--release", number)
    assert len(again["settlements"]) == 1, "and is not touched by it"


async def test_facts_known_later_list_their_bills(town: Town, office: Office) -> None:
    member = await town.insure()
    await town.bill(member, "100")
    assert (await office.answer("affected", "--facts"))["settlements"] == []
    async with town.database.writer() as connection, connection.transaction():
        period = (
            (await people.load_members(connection, town.vault, POOL, [member]))[member]
            .enrolments[0]
            .period
        )
        owed = Entitlement(EMPLOYEE, EntitlementExtent.NONE, period, "欠费")
        await people.set_entitlement(connection, POOL, member, owed, now=NOON)
    (one,) = (await office.answer("affected", "--facts"))["settlements"]
    assert one["causes"] == ["entitlement"]
    assert one["differences"]["funds"] == "-50.00"


async def test_a_settlement_is_told_to_patient_and_auditor(town: Town, office: Office) -> None:
    settled = await town.bill(await town.insure(), "100")
    number = key_of(settled).text()
    told = await office.run("explain", number, "--language", "en")
    assert told.returncode == 0, told.stderr
    assert told.stdout.startswith("Of 100.00 yuan on 2026-07-15")
    auditor = (await office.run("explain", number, "--auditor")).stdout
    assert settled.law in auditor
    answer = await office.answer("explain", number)
    assert answer["amounts"]["funds"] == "50.00"
    assert answer["differences"] == []
    assert {step["parameter"] for step in answer["steps"]} - {None}


async def test_a_settlement_that_differs_ends_with_its_names(town: Town, office: Office) -> None:
    settled = await town.bill(await town.insure(), "100")
    async with town.database.owner() as connection:
        await connection.execute(
            "UPDATE settlement.settlement SET cash = cash - 1, account = account + 1"
        )
    done = await office.run("explain", key_of(settled).text(), "--language", "en")
    assert done.returncode == 1
    assert "account: 0.01 → 0.00" in done.stdout
