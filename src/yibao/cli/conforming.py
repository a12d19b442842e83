"""What ``yibao conformance`` does: choose the target, watch the run, show the report."""

import asyncio
from collections.abc import Callable
from pathlib import Path

from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table

from yibao.cli.printing import print_whole
from yibao.cli.serving import served
from yibao.conformance.model import Report, Target, Verdict
from yibao.conformance.run import run
from yibao.gateway.tables import tables
from yibao.platform.settings import load_settings
from yibao.sandbox.accounts import collect
from yibao.sandbox.target import target_of

_COLOURS = {
    Verdict.PASSED: "green",
    Verdict.FAILED: "bold red",
    Verdict.NOT_OFFERED: "yellow",
    Verdict.NOT_TRIED: "dim",
}


def sandbox(data: Path | None) -> Target:
    """The sandbox that runs on a data folder. Raises SettingsFault, TargetFault."""
    return target_of(collect(served(load_settings({"data": data, "sandbox": True}))))


def watched(target: Target, *, with_forms: bool) -> Report:
    """Run, telling on standard error how far it is."""
    console = Console(stderr=True)
    with Progress(SpinnerColumn(), TextColumn("{task.description}"), console=console) as bars:
        task = bars.add_task("")
        tell: Callable[[str], None] = lambda name: bars.update(task, description=name)  # noqa: E731
        return asyncio.run(run(target, with_forms=with_forms, on_story=tell))


def show(report: Report) -> None:
    """The report as a table for people."""
    console = Console()
    table = Table(title="Conformance 联调自测", title_justify="left")
    for heading in ("number", "交易", "verdict", "checks", "what was wrong"):
        table.add_column(heading, overflow="fold")
    known = tables()
    for number in report.numbers():
        verdict = report.verdict(number)
        found = known.find(number)
        wrong = "\n".join(f"{check.what}: {check.detail}" for check in report.failures(number))
        said = report.not_offered.get(number) or report.not_tried.get(number, "")
        table.add_row(
            number,
            "" if found is None else found.title,
            f"[{_COLOURS[verdict]}]{verdict}[/]",
            str(sum(check.number == number for check in report.checks)),
            wrong or said,
        )
    print_whole(console, table)
    counts = dict.fromkeys(Verdict, 0)
    for number in report.numbers():
        counts[report.verdict(number)] += 1
    told = ", ".join(f"{count} {verdict}" for verdict, count in counts.items() if count)
    console.print(told, highlight=False)
