"""The whole platform: served, visited over HTTP with troubles on the line, reconciled."""

import asyncio
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from rich.console import Console

from tests.world.server import Pristine
from yibao.cli.serving import running
from yibao.kernel.periods import business_date
from yibao.ledger import service as ledger
from yibao.platform.database import Database
from yibao.platform.settings import load_settings
from yibao.sandbox.accounts import collect
from yibao.sandbox.books import Kind
from yibao.sandbox.demo import run_demo
from yibao.sandbox.line import Troubles
from yibao.sandbox.reconciliation import Comparison, reconcile
from yibao.sandbox.traffic import Traffic, run_visits

MANY_TROUBLES = Troubles(lost_request=0.05, lost_reply=0.1, repeated=0.1)
MIX = {Kind.OUTPATIENT: 0.5, Kind.STAY: 0.3, Kind.PURCHASE: 0.2}

pytestmark = [pytest.mark.system, pytest.mark.xdist_group("system")]


def test_the_three_books_agree_after_visits_over_a_bad_line(
    tmp_path: Path, pristine: Pristine
) -> None:
    data = pristine.copy_to(tmp_path / "data")
    settings = load_settings({"data": data, "sandbox": True, "port": 0, "log_level": "error"}, {})
    with running(settings, Console(quiet=True)) as server:
        found = collect(server.settings)
        assert found["base_url"] == server.base_url
        traffic = asyncio.run(run_visits(found, 60, seed=3, troubles=MANY_TROUBLES, mix=MIX))
        comparisons, faults = asyncio.run(books(server.settings.database_url or "", traffic))
        assert traffic.faults == []
        assert faults == []
        assert [row.differences for row in comparisons if row.differences] == []
        assert sum(row.bills for row in comparisons) > 0
        for kind in Kind:
            assert paid_for(traffic, kind) > 0, f"somebody's {kind} was paid for"
        tally = traffic.tally
        assert tally.lost_replies, "the run shows nothing unless replies were lost"
        assert tally.lost_requests
        assert tally.repeated

        again = Console(quiet=True)
        assert run_demo(server.settings, again, visits=20, seed=4) == 0, "on a used platform too"


def paid_for(traffic: Traffic, kind: Kind) -> int:
    """What funds and accounts paid for a kind of care, by the institutions' books, in fen."""
    return sum(
        amounts.funds + amounts.account
        for books in (institution.books for institution in traffic.institutions)
        for key, amounts in books.bills.items()
        if books.labels[key].kind is kind
    )


async def books(dsn: str, traffic: Traffic) -> tuple[list[Comparison], list[str]]:
    """What the database says of the run, and the ledger's own faults."""
    today = business_date(datetime.now(UTC))
    days = (today - timedelta(days=1), today + timedelta(days=1))
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        async with database.reader(None) as connection:
            comparisons, _ = await reconcile(connection, traffic.institutions, *days, before={})
            return comparisons, await ledger.verify(connection)
    finally:
        await database.close()
