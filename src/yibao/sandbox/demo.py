"""The demo: a fresh platform, some thousand visits, a report, three books that must agree."""

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.markup import escape
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    SpinnerColumn,
    TextColumn,
    TimeElapsedColumn,
)

from yibao.adjudication.explanation.explain import explain, explain_line
from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit
from yibao.kernel.money import QUANTITY_SCALE, unscaled, yuan
from yibao.kernel.periods import business_date
from yibao.ledger import service as ledger
from yibao.platform.database import Database
from yibao.platform.settings import Settings
from yibao.policy.terms import EMPLOYEE, GENERAL_OUTPATIENT, RESIDENT
from yibao.registry.catalogue.model import Catalogue
from yibao.registry.catalogue.service import load_catalogue
from yibao.sandbox import report
from yibao.sandbox.accounts import collect
from yibao.sandbox.line import Troubles
from yibao.sandbox.places import BEIJING, CHANGSHA
from yibao.sandbox.reconciliation import Comparison, LedgerTotals, ledger_totals, reconcile
from yibao.sandbox.stay import ORDINARY as ORDINARY_STAY
from yibao.sandbox.traffic import Traffic, run_visits
from yibao.settlement import service as settlement
from yibao.settlement.model import LineFacts, SettlementFacts, SettlementKind

if TYPE_CHECKING:
    from asyncpg import Connection

_EXPLAINED = 4
_LINES_SHOWN = 8
"""Of a bill that is explained; a stay has a hundred."""
_FAULTS_SHOWN = 20
_APPROVED = {"0": None, "1": True, "2": False}
"""``hosp_appr_flag``."""


@dataclass(frozen=True, slots=True)
class Findings:
    """What the database says after the run."""

    comparisons: Sequence[Comparison]
    ledger_faults: Sequence[str]
    explained: Sequence[tuple[str, str]]
    """Title and text of bills explained cent by cent."""


def run_demo(settings: Settings, console: Console, *, visits: int, seed: int) -> int:
    """Run visits against the running server of ``settings`` and report; 0 only if all agrees.

    ``settings`` name the address and the database that are really in use.
    """
    dsn = settings.database_url
    assert dsn is not None, "the server serves, so its database is known"
    found = collect(settings)
    console.print(f"the institution interface answers at {found['base_url']}")
    with _progress(console) as bars:
        traffic, before, days = asyncio.run(_run(dsn, found, visits, seed, console, bars))
        checking = bars.add_task("books 对账", total=1)
        findings = asyncio.run(_look(dsn, traffic, before, days))
        bars.update(checking, completed=1)
    return _tell(console, traffic, findings)


async def _run(
    dsn: str, found: Mapping[str, Any], visits: int, seed: int, console: Console, bars: Progress
) -> tuple[Traffic, dict[str, LedgerTotals], tuple[date, date]]:
    """The visits; with the ledger before them, and the days they may fall on."""
    today = business_date(datetime.now(UTC))
    days = (today, today + timedelta(days=2))
    async with _reading(dsn) as connection:
        before = await ledger_totals(connection, *days)
    running = bars.add_task("visits 就诊", total=visits)
    traffic = await run_visits(
        found,
        visits,
        seed=seed,
        troubles=Troubles(),
        on_visit=lambda: bars.advance(running),
        on_first_bill=lambda bill: console.print(_first_bill(bill)),
    )
    return traffic, before, days


async def _look(
    dsn: str,
    traffic: Traffic,
    before: Mapping[str, LedgerTotals],
    days: tuple[date, date],
) -> Findings:
    async with _reading(dsn) as connection:
        comparisons, settled = await reconcile(
            connection, traffic.institutions, *days, before=before
        )
        catalogue = await load_catalogue(connection)
        return Findings(
            comparisons,
            await ledger.verify(connection),
            [
                (title, await _explained(connection, catalogue, bill))
                for title, bill in telling_bills(settled)
            ],
        )


def telling_bills(settled: Sequence[SettlementFacts]) -> list[tuple[str, SettlementFacts]]:
    """A few bills worth explaining: each the one of its kind in which most happens."""
    kinds: tuple[tuple[str, Callable[[SettlementFacts], bool]], ...] = (
        (
            "Beijing, an employee whose deductible ends in this bill 北京职工",
            lambda bill: (
                bill.visit.pool == BEIJING.pool
                and bill.scheme == EMPLOYEE
                and bill.care_kind == GENERAL_OUTPATIENT
                and bill.deductible > 0
                and bill.funds > 0
            ),
        ),
        (
            "Changsha, an employee 长沙职工",
            lambda bill: (
                bill.visit.pool == CHANGSHA.pool
                and bill.scheme == EMPLOYEE
                and bill.care_kind == GENERAL_OUTPATIENT
                and bill.funds > 0
            ),
        ),
        (
            "a resident 居民",
            lambda bill: (
                bill.scheme == RESIDENT and bill.care_kind == GENERAL_OUTPATIENT and bill.funds > 0
            ),
        ),
        ("a stay 住院", lambda bill: bill.care_kind == ORDINARY_STAY and bill.funds > 0),
        *(("a bill 账单", lambda _: True) for _ in range(_EXPLAINED)),
    )
    living = [
        bill
        for bill in settled
        if bill.kind is SettlementKind.SETTLEMENT and bill.cancelled_by is None
    ]
    chosen: list[tuple[str, SettlementFacts]] = []
    for title, fits in kinds:
        fitting = [bill for bill in living if fits(bill) and all(bill is not c for _, c in chosen)]
        if fitting and len(chosen) < _EXPLAINED:
            chosen.append((title, max(fitting, key=_parts)))
    return chosen


def _parts(bill: SettlementFacts) -> tuple[int, int]:
    """How many different things happen in a bill; the smaller sum is easier to follow."""
    sums = bill.sums
    amounts = (
        *(sums.own, sums.over_limit, sums.first_pay, bill.deductible),
        *(payment.amount for payment in bill.payments),
        *(bill.account, bill.cash),
    )
    return sum(amount != 0 for amount in amounts), -sums.total


async def _explained(
    connection: "Connection[Any]", catalogue: Catalogue, bill: SettlementFacts
) -> str:
    """A bill with its lines, decided again from its stored facts and the kept text of its law."""
    decision = (await settlement.explained(connection, bill)).decision
    lines = [
        line
        for line, _ in await settlement.lines(connection, bill.visit, None, catalogue)
        if line.line.batch == bill.batch
    ]
    shown = lines[:_LINES_SHOWN]
    paid = f"基金 {yuan(bill.funds)}，个人账户 {yuan(bill.account)}，现金 {yuan(bill.cash)}"
    return "\n".join(
        [
            f"{bill.day} 险种 {bill.scheme} 人员类别 {bill.person_type} 机构等级 {bill.level}",
            *(
                f"  {line.item_name} × {_count(line)}：{_line(line)}"
                for line in lines[:_LINES_SHOWN]
            ),
            *([f"  …… 共 {len(lines)} 条明细"] if len(lines) > len(shown) else []),
            explain(decision),
            f"合计 {yuan(bill.sums.total)} = {paid}",
        ]
    )


def _count(line: LineFacts) -> str:
    return unscaled(line.line.quantity, QUANTITY_SCALE).rstrip("0").rstrip(".")


def _line(line: LineFacts) -> str:
    sent = line.line
    return explain_line(
        ChargedLine(sent.amount, sent.price, sent.quantity, _APPROVED[sent.approval]),
        ItemTerms(line.item_class, line.first_pay_rate, line.ceiling, line.restricted),
        LineSplit(line.own, line.over_limit, line.first_pay, line.in_scope),
    )


def _first_bill(bill: Mapping[str, Any]) -> str:
    return (
        f"[green]first settled bill[/green] {bill['setl_id']}: {bill['medfee_sumamt']} yuan = "
        f"funds {bill['fund_pay_sumamt']} + account {bill['acct_pay']} + "
        f"cash {bill['psn_cash_pay']}"
    )


def _tell(console: Console, traffic: Traffic, findings: Findings) -> int:
    """Print the report; the exit code."""
    console.print()
    console.print(report.speed(traffic))
    console.print()
    console.print(report.payers(traffic))
    console.print()
    for title, text in findings.explained:
        console.print(report.bill(title, text))
    console.print()
    console.print(report.books(findings.comparisons, findings.ledger_faults))
    faults = traffic.faults
    for fault in faults[:_FAULTS_SHOWN]:
        console.print(f"[red]{escape(fault)}[/red]")
    console.print()
    console.print(report.DEMO_DATA, style="yellow")
    agree = (
        not faults
        and not findings.ledger_faults
        and not any(comparison.differences for comparison in findings.comparisons)
    )
    console.print(
        "[bold green]The three books agree to the fen. 三本账一致，分毫不差。[/bold green]"
        if agree
        else f"[bold red]The books do not agree ({len(faults)} faults). 账目不一致。[/bold red]"
    )
    return 0 if agree else 1


@asynccontextmanager
async def _reading(dsn: str) -> "AsyncIterator[Connection[Any]]":
    """A connection that reads as the bureau does."""
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        async with database.reader(None) as connection:
            yield connection
    finally:
        await database.close()


def _progress(console: Console) -> Progress:
    return Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(bar_width=30),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
    )
