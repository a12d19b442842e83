"""The demo's report as tables and text."""

from collections.abc import Mapping, Sequence

from rich.console import Group, RenderableType
from rich.panel import Panel
from rich.table import Table
from rich.text import Text

from yibao.kernel.money import Fen, yuan
from yibao.policy.terms import EMPLOYEE, RESIDENT
from yibao.sandbox.books import Amounts, Kind, Label, total_of
from yibao.sandbox.line import Tally
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
_KINDS = {
    Kind.OUTPATIENT: "outpatients 门诊",
    Kind.STAY: "stays 住院",
    Kind.PURCHASE: "purchases 购药",
}
_FAMILIES: dict[str, dict[str, str]] = {
    "person 人员": {"1101": "person 人员信息"},
    "pharmacy 药店": {
        "2101": "trial 预结算",
        "2102": "purchase 结算",
        "2103": "take back 结算撤销",
    },
    "outpatient 门诊": {
        "2201": "register 挂号",
        "2202": "withdraw registration 挂号撤销",
        "2203": "diagnosis 就诊信息",
        "2204": "upload lines 费用上传",
        "2205": "withdraw lines 费用撤销",
        "2206": "trial 预结算",
        "2207": "settle 结算",
        "2208": "cancel 结算撤销",
    },
    "inpatient 住院": {
        "2401": "admit 入院",
        "2403": "correct admission 住院信息变更",
        "2404": "cancel admission 入院撤销",
        "2301": "upload lines 费用上传",
        "2402": "discharge 出院",
        "2405": "take discharge back 出院撤销",
        "2303": "trial 预结算",
        "2304": "settle 结算",
        "2305": "cancel 结算撤销",
    },
    "recovery 补救": {
        "5204": "ask for lines 费用明细查询",
        "5203": "ask for settlement 结算查询",
        "2601": "reverse 冲正",
    },
}


def percentile(seconds: Sequence[float], share: float) -> float:
    """The value below which ``share`` of the sorted values lie."""
    ordered = sorted(seconds)
    return ordered[min(len(ordered) - 1, int(len(ordered) * share))]


def speed(traffic: Traffic) -> RenderableType:
    """Visits and calls per second, response times by transaction."""
    tally = traffic.tally
    seen, bills = traffic.seen, sum(len(one.books.bills) for one in traffic.institutions)
    summary = Text(
        f"{seen.total():,} visits ({seen[Kind.OUTPATIENT]:,} outpatients, {seen[Kind.STAY]:,} "
        f"stays, {seen[Kind.PURCHASE]:,} purchases), {bills:,} bills and {tally.calls:,} calls in "
        f"{traffic.seconds:.1f} s: {seen.total() / traffic.seconds:.0f} visits/s, "
        f"{tally.calls / traffic.seconds:.0f} calls/s (the simulated institutions share the "
        f"machine). On purpose: {tally.lost_requests} requests and {tally.lost_replies} replies "
        f"lost, {tally.repeated} messages repeated."
    )
    return Group(summary, _transactions(tally))


def _transactions(tally: Tally) -> Table:
    """Calls and response times of each transaction, by family."""
    table = Table(title="What was called 交易", title_justify="left")
    table.add_column("transaction")
    for heading in ("calls", "p50 ms", "p99 ms"):
        table.add_column(heading, justify="right")
    left = dict(tally.seconds)
    for family, names in _FAMILIES.items():
        rows = [(f"  {n} {name}", left.pop(n)) for n, name in names.items() if n in left]
        if rows:
            table.add_section()
            _add_times(table, family, [one for _, seconds in rows for one in seconds], "bold")
        for name, seconds in rows:
            _add_times(table, name, seconds)
    for number, seconds in sorted(left.items()):
        _add_times(table, number, seconds)
    return table


def _add_times(table: Table, name: str, seconds: Sequence[float], style: str | None = None) -> None:
    times = (f"{percentile(seconds, share) * 1000:.1f}" for share in (0.5, 0.99))
    table.add_row(name, f"{len(seconds):,}", *times, style=style)


def payers(traffic: Traffic) -> RenderableType:
    """Who paid what, by kind of care, scheme and level."""
    sums: dict[Label, list[Amounts]] = {}
    for institution in traffic.institutions:
        for key, amounts in institution.books.bills.items():
            sums.setdefault(institution.books.labels[key], []).append(amounts)
    table = Table(title="Who paid what (yuan) 谁付了多少", title_justify="left")
    table.add_column("scheme 险种")
    table.add_column("level 等级")
    for heading in ("total", "funds 基金", "account 账户", "cash 现金", "funds %"):
        table.add_column(heading, justify="right")
    for kind, name in _KINDS.items():
        of_kind = {label: sums[label] for label in sums if label.kind is kind}
        if of_kind:
            table.add_section()
            _add_payers(table, name, of_kind)
    table.add_section()
    table.add_row("all", "", *_sum(sums), style="bold")
    return table


def _add_payers(table: Table, name: str, sums: Mapping[Label, Sequence[Amounts]]) -> None:
    """A kind of care and, below it, its schemes and levels."""
    table.add_row(name, "", *_sum(sums), style="bold")
    levels = list(_LEVELS)
    for label in sorted(sums, key=lambda label: (label.scheme, levels.index(label.level))):
        table.add_row(
            f"  {_SCHEMES.get(label.scheme, label.scheme)}",
            "" if label.kind is Kind.PURCHASE else _LEVELS[label.level],
            *_columns(total_of(sums[label])),
        )


def _sum(sums: Mapping[Label, Sequence[Amounts]]) -> tuple[str, ...]:
    return _columns(total_of(amounts for found in sums.values() for amounts in found))


def _columns(amounts: Amounts) -> tuple[str, ...]:
    share = f"{100 * amounts.funds / amounts.total:.1f}" if amounts.total else "-"
    return (
        *map(_yuan, (amounts.total, amounts.funds, amounts.account + amounts.family, amounts.cash)),
        share,
    )


def books(comparisons: Sequence[Comparison], ledger_faults: Sequence[str]) -> RenderableType:
    """The three books side by side."""
    table = Table(title="Three books 三本账 (yuan)", title_justify="left")
    table.add_column("institution")
    table.add_column("bills", justify="right")
    for heading in ("its own", "settlements", "ledger", "cash (all three)"):
        table.add_column(heading, justify="right")
    table.add_column("agree")
    for row in comparisons:
        table.add_row(
            row.name,
            f"{row.bills:,}",
            _yuan(row.own.claimed),
            _yuan(row.settlements.claimed),
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
    caption = Text("its own, settlements, ledger: what funds and personal accounts owe.", "dim")
    return Group(table, caption, *notes)


def bill(title: str, text: str) -> RenderableType:
    """One explained bill."""
    return Panel(Text(text), title=title, title_align="left", expand=False)


def _yuan(amount: Fen) -> str:
    whole, decimals = yuan(amount).split(".")
    return f"{int(whole):,}.{decimals}" if amount >= 0 else yuan(amount)
