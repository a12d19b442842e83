"""The demo's report: everything that was called, by family; everything that was paid, by kind."""

from rich.console import Console, RenderableType

from tests.sandbox.builders import hospital, setlinfo
from yibao.sandbox import report
from yibao.sandbox.books import Kind, Label
from yibao.sandbox.institution import Institution
from yibao.sandbox.traffic import Traffic


def told(what: RenderableType) -> list[list[str]]:
    """The cells of each line of a table as it is printed."""
    console = Console(width=120)
    with console.capture() as captured:
        console.print(what)
    lines = captured.get().splitlines()
    return [[cell.strip() for cell in line.strip("│┃").split("│")] for line in lines]


def calling(**counts: int) -> Institution:
    """A hospital that called each transaction (``t2304=…``) so many times."""
    one = hospital()
    for name, count in counts.items():
        one.tally.seconds[name[1:]] = [0.001] * count
    return one


def test_calls_are_summed_by_family_over_all_institutions() -> None:
    one, other = calling(t2301=3, t2401=1, t2207=5), calling(t2301=2)
    rows = told(report.speed(Traffic([one, other], seconds=1.0)))
    calls = {row[0]: row[1] for row in rows if len(row) == 4}
    assert calls["inpatient 住院"] == "6"
    assert calls["2301 upload lines 费用上传"] == "5"
    assert calls["outpatient 门诊"] == "5"
    assert "pharmacy 药店" not in calls, "what was not called is not listed"


def test_a_transaction_of_no_family_is_listed_all_the_same() -> None:
    rows = told(report.speed(Traffic([calling(t9999=7)], seconds=1.0)))
    assert [row[1] for row in rows if row[0] == "9999"] == ["7"]


def test_what_was_paid_is_summed_by_kind_scheme_and_level() -> None:
    one = hospital()
    labels = (
        Label(Kind.OUTPATIENT, "310", "l3"),
        Label(Kind.STAY, "310", "l3"),
        Label(Kind.STAY, "390", "l2"),
        Label(Kind.PURCHASE, "390", "grass"),
    )
    for serial, label in enumerate(labels):
        one.books.settled("visit", label, setlinfo(setl_id=str(serial)))
    rows = [row for row in told(report.payers(Traffic([one]))) if len(row) == 7]
    sums = {(row[0], row[1]): row[2:4] for row in rows}
    assert sums["outpatients 门诊", ""] == ["100.00", "50.00"]
    assert sums["stays 住院", ""] == ["200.00", "100.00"]
    assert sums["390 residents", "secondary"] == ["100.00", "50.00"]
    assert sums["purchases 购药", ""] == ["100.00", "50.00"]
    assert sums["all", ""] == ["400.00", "200.00"]
