"""The demo's report as tables and text."""

from collections.abc import Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from yibao.kernel.money import Fen, yuan
from yibao.policy.terms import EMPLOYEE, RESIDENT
from yibao.sandbox.books import Amounts, Label, total_of
from yibao.sandbox.reconciliation import Comparison
from yibao.sandbox.traffic import Traffic

DEMO_DATA = (
    "Persons, institutions, prices, price ceilings and most classes and self-pay ratios of the "
    "catalogue are demo data: invented, and marked so in the data. The law's numbers were read off "
    "public pages and are not confirmed by any bureau."
)

_SCHEMES: dict[str, str] = {EMPLOYEE: "310 employees", RESIDENT: "390 residents"}
_LEVELS = {
    "prov": "provincial",
    "l3": "tertiary",
    "l2": "secondary",
    "l1": "primary",
    "grass": "grass-roots",
}
_TRANSACTIONS = {
    "1101": "person 人员信息",
    "2201": "register 挂号",
    "2202": "withdraw registration 挂号撤销",
    "2203": "diagnosis 就诊信息",
    "2204": "upload lines 费用上传",
    "2205": "withdraw lines 费用撤销",
    "2206": "trial 预结算",
    "2207": "settle 结算",
    "2208": "cancel 结算撤销",
    "2601": "reverse 冲正",
}


def percentile(seconds: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the sorted values lie."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def speed(traffic: Traffic) -> RenderableType:
    """Visits and calls per second, response times by transaction."""
    tally = traffic.tally
    table = Table(title="Response times 响应时间", title_justify="left")
    table.add_column("transaction")
    for heading in ("calls", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    for infno in sorted(tally.seconds):
        seconds = tally.seconds[infno]
        table.add_row(
            f"{infno} {_TRANSACTIONS.get(infno, '')}",
            f"{len(seconds):,}",
            f"{percentile(seconds, 0.5) * 1000:.1f}",
            f"{percentile(seconds, 0.99) * 1000:.1f}",
        )
    bills = sum(len(hospital.books.bills) for hospital in traffic.hospitals)
    summary = Text(
        f"{traffic.visits:,} visits, {bills:,} bills and {tally.calls:,} calls in "
        f"{traffic.seconds:.1f} s: {traffic.visits / traffic.seconds:.0f} visits/s, "
        f"{tally.calls / traffic.seconds:.0f} calls/s (the simulated hospitals share the machine). "
        f"On purpose: {tally.lost_requests} requests and {tally.lost_replies} replies lost, "
        f"{tally.repeated} messages repeated."
    )
    return Group(summary, table)


def payers(traffic: Traffic) -> RenderableType:
    """Who paid what, by scheme and level."""
    sums: dict[Label, list[Amounts]] = {}
    for hospital in traffic.hospitals:
        for key, amounts in hospital.books.bills.items():
            sums.setdefault(hospital.books.labels[key], []).append(amounts)
    table = Table(title="Who paid what (yuan) 谁付了多少", title_justify="left")
    table.add_column("scheme 险种")
    table.add_column("level 等级")
    for heading in ("total", "funds 基金", "account 账户", "cash 现金", "funds %"):
        table.add_column(heading, justify="right")
    order = list(_LEVELS)
    for label in sorted(sums, key=lambda label: (label.scheme, order.index(label.level))):
        table.add_row(
            _SCHEMES.get(label.scheme, label.scheme),
            _LEVELS[label.level],
            *_columns(total_of(sums[label])),
        )
    table.add_section()
    table.add_row("all", "", *_columns(total_of(a for found in sums.values() for a in found)))
    return table


def _columns(amounts: Amounts) -> tuple[str, ...]:
    share = f"{100 * amounts.funds / amounts.total:.1f}" if amounts.total else "-"
    return (*map(_yuan, (amounts.total, amounts.funds, amounts.account, amounts.cash)), share)


def books(comparisons: Sequence[Comparison], ledger_faults: Sequence[str]) -> RenderableType:
    """The three books side by side."""
    table = Table(title="Three books 三本账 (yuan)", title_justify="left")
    table.add_column("institution")
    table.add_column("bills", justify="right")
    for heading in ("hospital", "settlements", "ledger", "cash (all three)"):
        table.add_column(heading, justify="right")
    table.add_column("agree")
    for row in comparisons:
        table.add_row(
            row.name,
            f"{row.bills:,}",
            _yuan(row.hospital.funds + row.hospital.account),
            _yuan(row.settlements.funds + row.settlements.account),
            _yuan(row.ledger.claimed),
            _yuan(row.ledger.collected),
            "[red]no[/red]" if row.differences else "[green]to the fen[/green]",
        )
    notes = [
        Text(f"  {difference}", style="red")
        for row in comparisons
        for difference in row.differences[:5]
    ]
    notes += [Text(f"  ledger: {fault}", style="red") for fault in ledger_faults]
    caption = Text("hospital, settlements, ledger: what funds and personal accounts owe.", "dim")
    return Group(table, caption, *notes)


def bill(title: str, text: str) -> RenderableType:
    """One explained bill."""
    return Panel(Text(text), title=title, title_align="left", expand=False)


def _yuan(amount: Fen) -> str:
    whole, decimals = yuan(amount).split(".")
    return f"{int(whole):,}.{decimals}" if amount >= 0 else yuan(amount)
