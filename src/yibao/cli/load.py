"""``yibao load``: put a city in from files of an older system, and take a load back."""

import csv
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli import bureau
from yibao.cli.law import AsJson, console, echo_json, errors, tell
from yibao.cli.printing import counted, print_whole

if TYPE_CHECKING:
    from asyncpg import Connection
    from rich.progress import Progress as Bar

    from yibao.loading.model import Fault, Kind, Progress, Report
    from yibao.platform.database import Database

NAMES = (
    "institutions", "catalogue", "prices", "persons", "enrolments", "payments", "identities",
    "filings", "openings",
)  # fmt: skip
"""The kinds, in the order a city is put in."""

load_cli = typer.Typer(
    name="load",
    help="Put a city in from files: CSV or Parquet (数据装载). See docs/operating/loading.md.",
    no_args_is_help=True,
)
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
KindName = Annotated[str, typer.Argument(help=f"One of {', '.join(NAMES)}.")]
RunNumber = Annotated[
    int, typer.Argument(help="Number of the load, as `yibao load runs` shows it.")
]


def _loader(name: str) -> Callable[..., None]:
    def enter(
        file: Annotated[Path, typer.Argument(help="CSV (UTF-8, GB18030) or Parquet.")],
        source: Annotated[
            str | None, typer.Option(help="Source of all rows, for a file without the column.")
        ] = None,
        pool: Annotated[
            str | None, typer.Option(help="Pool of all rows, for a file without the column.")
        ] = None,
        dry_run: Annotated[
            bool, typer.Option("--dry-run", help="Check only; nothing is written.")
        ] = False,
        skip_bad: Annotated[
            bool, typer.Option("--skip-bad", help="Leave wrong rows out and load the others.")
        ] = False,
        error_file: Annotated[
            Path | None, typer.Option("--errors", help="CSV that all faults are written to.")
        ] = None,
        show: Annotated[int, typer.Option(min=0, help="Faults shown.")] = 20,
        data: DataFolder = None,
        as_json: AsJson = False,
    ) -> None:
        from yibao.loading.model import Options

        options = Options(source, pool, dry_run, skip_bad)  # type: ignore[arg-type]
        _load(name, file, options, error_file, show, data, as_json=as_json)

    enter.__doc__ = (
        f"Load {name}. Exit code 1 when the file is not in.\n\n"
        f"Example: yibao load {name} {name}.csv --source old --dry-run"
    )
    return enter


for _name in NAMES:
    load_cli.command(_name)(_loader(_name))


def _load(
    name: str,
    file: Path,
    options: Any,
    error_file: Path | None,
    show: int,
    data: Path | None,
    *,
    as_json: bool,
) -> None:
    from yibao.cli.on_database import on_database, told_faults
    from yibao.loading.kinds import KINDS
    from yibao.loading.service import UnreadableFile, load
    from yibao.platform.clock import SystemClock
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings
    from yibao.policy.load import load_law_book
    from yibao.registry.service import ReferenceCache

    with told_faults(as_json), _told_to(error_file) as told, _shown(as_json) as shown:
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))
        references = ReferenceCache(vault, load_law_book(settings.law))

        async def work(database: "Database") -> "Report":
            return await load(
                database, vault, references, SystemClock(), KINDS[name], file, options,
                progress=shown, tell=told,
            )  # fmt: skip

        try:
            report = on_database(settings, work)
        except OSError as fault:
            tell(f"{fault.filename or file}: {fault.strerror or fault}")
            raise typer.Exit(2) from None
        except UnreadableFile as fault:
            tell(f"{file}: {fault}")
            raise typer.Exit(2) from None
    if as_json:
        echo_json(_report(report))
    else:
        _print(report, show, options, error_file)
    if not report.loaded and not (options.dry_run and not report.counts.bad):
        raise typer.Exit(1)


@load_cli.command()
def columns(kind: KindName, as_json: AsJson = False) -> None:
    """List the columns of a kind of file.

    Example: yibao load columns persons
    """
    from yibao.loading.reference import told_of
    from yibao.loading.rows import columns_of

    found = columns_of(_kind(kind))
    if as_json:
        rows = [
            {
                "name": column.name, "title": column.title, "required": column.required,
                "content": told_of(column), "example": column.example,
            }
            for column in found
        ]  # fmt: skip
        echo_json({"kind": kind, "columns": rows})
        return
    table = Table("column", "Chinese", "needed", "content", "example")
    for column in found:
        needed = "yes" if column.required else ""
        table.add_row(column.name, column.title, needed, told_of(column), column.example)
    print_whole(console, table)


@load_cli.command()
def example(kind: KindName) -> None:
    """Print a small valid CSV of a kind.

    Example: yibao load example persons > persons.csv
    """
    from yibao.loading.reference import example as text_of

    sys.stdout.write(text_of(_kind(kind)))


@load_cli.command("runs")
def list_runs(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the latest loads.

    Example: yibao load runs
    """
    from yibao.kernel.periods import CHINA_TIME
    from yibao.loading.service import runs

    async def work(connection: "Connection[Any]") -> Any:
        return await runs(connection, 30)

    rows = [
        {
            "run": run.number,
            "kind": run.kind,
            "file": run.file,
            "started_at": run.started_at.astimezone(CHINA_TIME).isoformat(timespec="seconds"),
            "state": "undone" if run.undone_at else "done" if run.finished_at else "broken off",
            "rows": run.rows_done,
            "written": run.counts.written,
            "changed": run.counts.changed,
        }
        for run in _read(data, work, as_json=as_json)
    ]
    if as_json:
        echo_json({"runs": rows})
        return
    if not rows:
        console.print("nothing was loaded yet", highlight=False)
        return
    table = Table("run", "kind", "file", "started", "state", "rows", "written", "changed")
    for row in rows:
        started = str(row["started_at"])[:16].replace("T", " ")
        table.add_row(*(str(value) for value in (row | {"started_at": started}).values()))
    print_whole(console, table)


@load_cli.command()
def result(run: RunNumber, data: DataFolder = None) -> None:
    """Print as CSV what the rows of a load became: numbers of persons, ids of visits.

    Example: yibao load result 335631561523200000 > numbers.csv
    """
    from yibao.loading.service import known_run, subjects

    async def work(connection: "Connection[Any]") -> None:
        if await known_run(connection, run) is None:
            tell(f"there is no load {run}: yibao load runs lists them")
            raise typer.Exit(1)
        writer = csv.writer(sys.stdout)
        writer.writerow(("source", "source_key", "pool", "subject"))
        async with connection.transaction():
            async for row in subjects(connection, run):
                writer.writerow(row)

    _read(data, work, as_json=False)


@load_cli.command()
def undo(
    run: RunNumber,
    reason: Annotated[str, typer.Option("--reason", help="Why; always needed.")] = "",
    clerk: bureau.Acting = "",
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Propose to take a load back (撤销装载); `yibao bureau approve` carries it out.

    Refused once something was settled upon what was loaded.

    Example: yibao load undo 335631561523200000 --reason 文件有误 --as W1
    """
    bureau.propose("loading.undo", [f"run={run}"], reason, None, clerk, data, as_json)


# ----------------------------------------------------------------------------------------- private


def _kind(name: str) -> "Kind":
    from yibao.loading.kinds import KINDS

    if name not in KINDS:
        tell(f"there is no kind {name}; known are {', '.join(NAMES)}")
        raise typer.Exit(2)
    return KINDS[name]


def _read(data: Path | None, work: Callable[..., Any], *, as_json: bool) -> Any:
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.settings import load_settings

    async def whole(database: "Database") -> Any:
        async with database.reader(None) as connection:
            return await work(connection)

    with told_faults(as_json):
        return on_database(load_settings({"data": data}), whole)


@contextmanager
def _told_to(path: Path | None) -> Iterator[Callable[["Fault"], None]]:
    """Writes every fault to a file; the file is only there when something is wrong."""
    if path is None:
        yield lambda _: None
        return
    path.unlink(missing_ok=True)
    opened: list[Any] = []

    def write(fault: "Fault") -> None:
        if not opened:
            file = path.open("w", encoding="utf-8-sig", newline="")
            opened.extend((file, csv.writer(file)))
            opened[1].writerow(("row", "column", "错误", "error", "value"))
        opened[1].writerow(fault)

    try:
        yield write
    finally:
        if opened:
            opened[0].close()


@contextmanager
def _shown(as_json: bool) -> Iterator[Callable[["Progress"], None]]:
    """A bar with rows a second and the time left, on a terminal alone."""
    from rich.progress import BarColumn, MofNCompleteColumn, TextColumn, TimeRemainingColumn
    from rich.progress import Progress as Bar

    if as_json or not errors.is_terminal:
        yield lambda _: None
        return
    with Bar(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("{task.fields[rate]}"),
        TimeRemainingColumn(),
        console=errors,
        transient=True,
    ) as bar:
        yield _advancing(bar)


def _advancing(bar: "Bar") -> Callable[["Progress"], None]:
    tasks: dict[str, Any] = {}

    def show(progress: "Progress") -> None:
        if progress.stage not in tasks:
            tasks[progress.stage] = bar.add_task(progress.stage, total=progress.total, rate="")
        task = tasks[progress.stage]
        bar.update(task, completed=progress.rows, total=progress.total)
        speed = bar.tasks[bar.task_ids.index(task)].speed
        bar.update(task, rate="" if speed is None else f"{speed:,.0f} rows/s")

    return show


def _report(report: "Report") -> dict[str, Any]:
    counts = report.counts
    return {
        "kind": report.kind,
        "loaded": report.loaded,
        "run": report.run,
        "resumed_at": report.resumed_at,
        "rows": counts.rows,
        "written": counts.written,
        "changed": counts.changed,
        "unchanged": counts.unchanged,
        "bad": counts.bad,
        "totals": report.totals,
        "faults": [fault._asdict() for fault in report.faults],
    }


def _print(report: "Report", show: int, options: Any, error_file: Path | None) -> None:
    from rich.markup import escape

    counts = report.counts
    if report.faults[:show]:
        table = Table("row", "column", "错误", "error", "value")
        for fault in report.faults[:show]:
            table.add_row(*(escape(str(cell)) for cell in fault))
        print_whole(console, table)
    for what, amount in report.totals.items():
        console.print(f"total of {what}: {amount / 100:,.2f}", highlight=False)
    came = (
        f"{counted(counts.rows, 'row')}: {counts.written} new, {counts.changed} changed,"
        f" {counts.unchanged} known already, {counts.bad} wrong"
    )
    if report.resumed_at:
        came += f" (went on behind row {report.resumed_at})"
    console.print(came, highlight=False)
    if report.loaded:
        console.print(f"loaded as run {report.run}", highlight=False)
    elif counts.bad:
        where = f"; all faults are in {error_file}" if error_file else ""
        console.print(f"nothing was written{where}", highlight=False)
    elif options.dry_run:
        console.print("nothing was written: this was a dry run", highlight=False)
