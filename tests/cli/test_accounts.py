"""``yibao accounts``: a month credited, a year closed, an account shown."""

from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.accounts.builders import let_pay
from tests.cli.releasing import Office
from tests.settlement.builders import POOL, Town, town
from yibao.platform.database import Database


@pytest.fixture
async def people(database: Database) -> AsyncIterator[Town]:
    """A town whose people have accounts."""
    async with town(database, start=datetime(2025, 7, 15, tzinfo=UTC)) as built:
        yield built


@pytest.fixture
def office(tmp_path: Path, dsn: str) -> Office:
    """An office on the town's database."""
    return Office(tmp_path, dsn)


async def test_an_account_is_shown_with_its_parts_and_entries(people: Town, office: Office) -> None:
    member = await people.insure(account="100", carried="0.50")
    (told,) = [await office.answer("accounts", "show", member)]
    assert (told["balance"], told["owed"]) == ("100.50", "0.00")
    assert {part["part"]: part["amount"] for part in told["parts"]} == {
        "2025:carried": "0.50",
        "2026:current": "100.00",
    }
    assert {entry["for"] for entry in told["entries"]} == {"credit"}
    assert "100.50 yuan" in (await office.run("accounts", "show", member)).stdout


async def test_a_link_names_the_other_side(people: Town, office: Office) -> None:
    owner, child = await people.insure(account="100"), await people.insure()
    await let_pay(people, owner, child)
    assert (await office.answer("accounts", "show", owner))["pays_for"][0]["relative"] == child
    assert (await office.answer("accounts", "show", child))["paid_by"][0]["owner"] == owner


async def test_nobody_s_account_is_told_as_such(people: Town, office: Office) -> None:
    assert people
    done = await office.run("accounts", "show", "nobody")
    assert done.returncode == 1
    assert "there is no person nobody" in done.stderr


async def test_under_a_law_without_credits_nothing_is_credited(
    people: Town, office: Office
) -> None:
    await people.insure()
    told = await office.answer("accounts", "credit", "--pool", POOL, "--month", "2025-07")
    assert (told["members"], told["rows"], told["amount"]) == (1, 0, "0.00")
    assert told["skipped"] == []


async def test_a_year_that_goes_on_is_not_closed(people: Town, office: Office) -> None:
    await people.insure(account="100")
    done = await office.run("accounts", "close-year", "--pool", POOL, "--year", "2199")
    assert done.returncode == 1
    assert "不能结转" in done.stderr
    assert "Traceback" not in done.stderr


async def test_an_unknown_pool_is_told_with_those_that_there_are(
    people: Town, office: Office
) -> None:
    assert people
    done = await office.run("accounts", "credit", "--pool", "999999", "--month", "2025-07")
    assert done.returncode == 2
    assert "there is no pool 999999" in done.stderr
    assert POOL in done.stderr


async def test_a_pool_that_is_none_is_told(people: Town, office: Office) -> None:
    assert people
    done = await office.run("accounts", "close-year", "--pool", "x", "--year", "2024")
    assert done.returncode == 2
    assert "pool" in done.stderr
