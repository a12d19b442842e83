"""``yibao archive``: months put away, listed, verified and brought back."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.cli.releasing import Office
from tests.settlement.builders import TERTIARY, Town
from tests.settlement.builders import town as laid_out
from yibao.platform.database import Database

pytestmark = pytest.mark.database


@pytest.fixture
async def town(database: Database) -> AsyncIterator[Town]:
    """A town whose July 2026 is over."""
    async with laid_out(database) as built:
        yield built


@pytest.fixture
def office(tmp_path: Path, dsn: str, monkeypatch: pytest.MonkeyPatch) -> Office:
    """A bureau that keeps one month in the database."""
    monkeypatch.setenv("YIBAO_HOT_MONTHS", "1")
    office = Office(tmp_path, dsn)
    office.write("data/vault.key", (b"k" * 32).hex())
    return office


def folder(office: Office) -> tuple[object, ...]:
    """Where the bureau has its key, and its archive."""
    return ("--data", office.folder / "data")


async def test_a_month_goes_is_listed_and_verified_and_a_bill_of_it_explained(
    town: Town, office: Office
) -> None:
    settled = await town.bill(await town.insure(), "100")
    assert settled.key is not None
    told = await office.answer("archive", "month", *folder(office))
    assert [one["month"] for one in told["months"]] == ["2026-07"]
    assert await town.rows("ledger.entry") == 0
    told = await office.answer("archive", "list", *folder(office))
    assert (told["months"][0]["pool"], told["due"], told["stays"]) == ("110000", None, [])
    printed = await office.run("archive", "verify", *folder(office))
    assert "the archive is whole" in printed.stdout
    assert (await office.answer("ledger", "verify", *folder(office)))["faults"] == 0
    printed = await office.run("explain", settled.key.text(), *folder(office))
    assert "100.00" in printed.stdout
    assert await town.rows("ledger.entry") > 0


async def test_a_month_that_has_to_stay_is_told_with_its_reasons(
    town: Town, office: Office
) -> None:
    await town.bill(await town.insure(), "2500")
    printed = await office.run("archive", "month", *folder(office))
    assert "2026-07 has to stay: institutions with bills not cleared (未清算): 1" in printed.stdout
    told = await office.answer("archive", "list", *folder(office))
    assert told["next"] == "2026-07"
    refused = await office.run("archive", "month", "2026-07", *folder(office))
    assert refused.returncode == 1
    assert "2026-07 has to stay" in refused.stderr
    assert "Traceback" not in refused.stderr


async def test_affected_bills_are_looked_for_where_since_says(town: Town, office: Office) -> None:
    settled = await town.bill(await town.insure(), "100")
    assert settled.key is not None
    await office.answer("archive", "month", "2026-07", *folder(office))
    asked = ("affected", "--law", office.new, *folder(office))
    printed = await office.run(*asked)
    assert printed.returncode == 0
    assert "bills from 2026-08-01 on; older ones lie in the archive" in printed.stderr
    assert settled.key.text() not in printed.stdout
    told = await office.answer(*asked, "--since", "2026-07-01")
    assert [one["settlement"] for one in told["settlements"]] == [settled.key.text()]


async def test_a_snapshot_of_the_books_has_what_came_back_for_it(
    town: Town, office: Office
) -> None:
    await town.bill(await town.insure(), "100")
    await office.answer("archive", "month", "2026-07", *folder(office))
    span = ("--institution", TERTIARY, "--from", "2026-07-01", "--to", "2026-07-31")
    told = await office.answer("clearing", "totals", *span, *folder(office))
    assert [one["total"] for one in told["totals"]] == ["100.00"]


async def test_a_changed_file_is_named(town: Town, office: Office) -> None:
    await town.bill(await town.insure(), "100")
    await office.answer("archive", "month", "2026-07", *folder(office))
    (path,) = (office.folder / "data").rglob("ledger.entry.parquet")
    content = bytearray(path.read_bytes())
    content[9] ^= 1
    path.write_bytes(content)
    printed = await office.run("archive", "verify", *folder(office))
    assert printed.returncode == 1
    assert "ledger.entry.parquet was changed" in printed.stdout


async def test_days_come_back_when_they_are_asked_for(town: Town, office: Office) -> None:
    await town.bill(await town.insure(), "100")
    await office.answer("archive", "month", "2026-07", *folder(office))
    days = ("--from", "2026-07-01", "--to", "2026-07-31")
    refused = await office.run("archive", "recall", *days, "--limit", "1", *folder(office))
    assert "more than 1" in refused.stderr
    told = await office.answer("archive", "recall", *days, *folder(office))
    assert told["numbers"] > 0
    assert await town.rows("ledger.entry") > 0


async def test_a_backup_tells_what_it_took_of_the_archive_or_left_out(
    town: Town, office: Office
) -> None:
    await town.bill(await town.insure(), "100")
    await office.answer("archive", "month", "2026-07", *folder(office))
    printed = await office.run("backup", str(office.folder / "all"), *folder(office))
    assert "6 files of the archive" in printed.stdout
    told = await office.run(
        "backup", str(office.folder / "alone"), *folder(office), "--without-archive"
    )
    assert "1 month of the archive not in it" in told.stdout
    assert "110000/2026-07" in told.stdout


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (("month", "May"), "'May' does not match"),
        (("recall",), "name bills by their ids, or days"),
        (("recall", "12"), "12 is no id of a visit or settlement"),
        (("recall", "--from", "2026-07-02", "--to", "2026-07-01"), "in this order"),
    ],
)
async def test_what_cannot_be_meant_is_told(
    office: Office, words: tuple[str, ...], told: str
) -> None:
    refused = await office.run("archive", *words, *folder(office))
    assert refused.returncode == 2
    assert told in refused.stderr
