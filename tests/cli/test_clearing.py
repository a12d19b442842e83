"""``yibao clearing``: what is asked is told; what cannot be is explained without a traceback."""

from pathlib import Path

import pytest

from tests.cli.releasing import Office
from tests.registry.builders import BEIJING, instant, institution
from yibao.platform.database import Database
from yibao.registry.institutions import service as bureau

HOSPITAL = "H11010599001"
SPAN = ("--institution", HOSPITAL, "--from", "2026-07-01", "--to", "2026-07-31")


@pytest.fixture
async def office(tmp_path: Path, dsn: str, database: Database) -> Office:
    """A bureau with one designated hospital, and a vault's key in its folder."""
    async with database.writer() as connection, connection.transaction():
        await bureau.found_pool(connection, BEIJING, "北京市", now=instant(1))
        await bureau.designate(connection, [institution()], now=instant(1))
    office = Office(tmp_path, dsn)
    office.write("data/vault.key", "7" * 64)
    return office


async def test_a_quiet_month_is_told_in_every_form(office: Office) -> None:
    folder = ("--data", office.folder / "data")
    assert await office.answer("clearing", "totals", *SPAN, *folder) == {"totals": []}
    assert await office.answer("clearing", "differences", *SPAN, *folder) == {"differences": []}
    told = await office.answer("clearing", "statement", HOSPITAL, "--month", "2026-07", *folder)
    assert (told["unexplained"], told["accounts"]["payable"]["now"]) == ("0.00", "0.00")
    pdf = office.folder / "july.pdf"
    written = await office.run(
        "clearing", "statement", HOSPITAL, "--month", "2026-07", "--format", "pdf", "--out", pdf,
        *folder,
    )  # fmt: skip
    assert written.returncode == 0, written.stderr
    assert pdf.read_bytes().startswith(b"%PDF")


async def test_what_cannot_be_told_is_explained(office: Office) -> None:
    folder = ("--data", office.folder / "data")
    for asked, code, word in (
        (("statement", "H0"), 1, "H0"),
        (("statement", HOSPITAL, "--month", "July"), 1, "July"),
        (("statement", HOSPITAL, "--format", "pdf"), 2, "--out"),
        (("differences", *SPAN, "--books", "nonsense"), 2, "settlements-file"),
        (("bank-file", "7"), 2, "25 characters"),
        (("bank-file", "1100000000000000000000007"), 1, "1100000000000000000000007"),
    ):
        ended = await office.run("clearing", *asked, *folder)
        assert (ended.returncode, word in ended.stderr) == (code, True), (asked, ended.stderr)
        assert "Traceback" not in ended.stderr


async def test_nobody_answers_for_a_bank_outside_of_a_sandbox(office: Office) -> None:
    out = office.folder / "answer.csv"
    arguments = ("sandbox", "bank", f"{BEIJING}{7:019d}", "--out", out)
    told = await office.run(*arguments, "--data", office.folder / "data")
    assert told.returncode == 1
    assert "is no sandbox" in told.stderr
    assert not out.exists()
