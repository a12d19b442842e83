"""``yibao whatif``: two laws over one population, and who gains and who loses (方案测算)."""

import asyncio
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn

from yibao.cli.law import AsJson, Language, LawsFolder, console, echo_json, errors, tell, told

if TYPE_CHECKING:
    from yibao.analysis.reading import Scan
    from yibao.policy.model import Law

_WIDTH = 140
"""Columns of the report where the output is no terminal."""


def whatif(
    before: Annotated[
        str, typer.Option("--from", help="Law A: a file, or AREA/SCHEME such as 430100/390.")
    ],
    after: Annotated[str, typer.Option("--to", help="Law B, of the same scheme.")],
    bills: Annotated[
        Path | None, typer.Option(help="Population: a Parquet file (docs/law/whatif.md).")
    ] = None,
    database: Annotated[
        bool, typer.Option("--database", help="Population: the living settlements.")
    ] = False,
    generate: Annotated[
        int | None, typer.Option(min=1, help="Population: so many artificial bills.")
    ] = None,
    seed: Annotated[int, typer.Option(min=0, help="Which artificial bills.")] = 1,
    year: Annotated[
        int | None, typer.Option(help="Year of the artificial bills; the last whole one.")
    ] = None,
    keep: Annotated[
        Path | None, typer.Option(help="Keep the bills made or read here, for the next time.")
    ] = None,
    csv: Annotated[Path | None, typer.Option(help="Write every figure as CSV.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write the page with charts.")] = None,
    language: Annotated[
        Language, typer.Option(help="Language the page opens in.")
    ] = Language.CHINESE,
    workers: Annotated[
        int | None, typer.Option(min=1, help="Processes; one for each core.")
    ] = None,
    laws: LawsFolder = None,
    data: Annotated[
        Path | None, typer.Option("--data", help="With --database: folder of the database.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Decide every bill of a population under two laws: who pays less, who pays more, which fund.

    Example: yibao whatif --from 430100/390 --to mine.toml --generate 100000 --html whatif.html
    """
    from datetime import UTC, datetime

    from yibao.analysis.page import as_page
    from yibao.analysis.report import as_csv, render
    from yibao.analysis.report import as_json as figures
    from yibao.analysis.whatif import compare
    from yibao.cli.law_files import Shelf
    from yibao.kernel.periods import business_date

    today = business_date(datetime.now(UTC))
    with _told(as_json), _folder() as folder, _progress(quiet=as_json) as steps:
        shelf = Shelf(laws)
        law_a = shelf.law(before)
        law_b = shelf.law(after, law_a.scheme)
        sources = _Sources(folder, keep, steps)
        match bills, database, generate:
            case Path(), False, None:
                file = bills
            case None, True, None:
                file = sources.database(law_a, data)
            case None, False, int(number):
                file = sources.generated((law_a, law_b), number, seed, year or today.year - 1)
            case _:
                tell("say one of --bills FILE, --database and --generate N")
                raise typer.Exit(2)
        scan = sources.scanned(file)
        done = steps("deciding bills 测算", scan.facts.bills)
        result = compare(scan, law_a, law_b, today=today, workers=workers, progress=done)
        if csv is not None:
            csv.write_text(as_csv(result), encoding="utf-8-sig")
        if html is not None:
            html.write_text(as_page(result, language.value), encoding="utf-8")
    if as_json:
        echo_json(figures(result))
        return
    shown = console if console.is_terminal else Console(width=_WIDTH)
    shown.print(render(result))
    rate = scan.facts.bills / result.seconds if result.seconds else 0
    shown.print(
        f"{scan.facts.bills:,} bills decided twice in {result.seconds:.1f} s ({rate:,.0f}/s)"
    )


Steps = Callable[[str, int], Callable[[int], None]]
"""Begins a step of so many bills; what it gives is told how many more are done."""


class _Sources:
    """Where bills come from, made into one sorted file."""

    def __init__(self, folder: Path, keep: Path | None, steps: Steps) -> None:
        self._folder = folder
        self._keep = keep
        self._steps = steps

    def generated(self, laws: "tuple[Law, Law]", number: int, seed: int, year: int) -> Path:
        from yibao.analysis.generator import generate, words_of
        from yibao.analysis.needs import same_line_rules

        target = self._target()
        words = words_of(laws, date(year, 7, 1))
        generate(
            target,
            words,
            bills=number,
            year=year,
            seed=seed,
            lines=self._keep is not None or not same_line_rules(*laws),
            progress=self._steps("making bills 生成数据", number),
        )
        return target

    def database(self, law: "Law", data: Path | None) -> Path:
        from yibao.analysis.database import export
        from yibao.cli.serving import open_database
        from yibao.platform.archive.service import archived_through
        from yibao.platform.database import Database
        from yibao.platform.settings import load_settings

        target = self._target()
        progress = self._steps("reading settlements 读取结算", 0)

        async def read(dsn: str) -> None:
            opened = await Database.open(dsn)
            try:
                async with opened.reader(None) as connection:
                    _tell_archived(await archived_through(connection))
                await export(opened, law, target, progress)
            finally:
                await opened.close()

        with open_database(load_settings({"data": data})) as dsn:
            asyncio.run(read(dsn))
        return target

    def scanned(self, file: Path) -> "Scan":
        """Look through the file; one that is not sorted is sorted into a new one first."""
        from yibao.analysis.reading import scan
        from yibao.analysis.sorting import sort_into

        found = scan(file)
        if found.fault is None:
            return found
        errors.print(
            f"{file.name} is not sorted ({found.fault}): sorting it first", highlight=False
        )
        target = self._folder / f"sorted-{file.name}"
        sort_into(found, target, self._steps("sorting 排序", found.facts.bills))
        return scan(target)

    def _target(self) -> Path:
        return self._keep or self._folder / "bills.parquet"


@contextmanager
def _folder() -> Iterator[Path]:
    with TemporaryDirectory(prefix="yibao-whatif-") as folder:
        yield Path(folder)


@contextmanager
def _progress(*, quiet: bool) -> Iterator[Steps]:
    """A bar a step on stderr; none where nobody looks."""
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
    )
    off = quiet or not errors.is_terminal
    with Progress(*columns, console=errors, transient=True, disable=off) as shown:

        def begin(name: str, total: int) -> Callable[[int], None]:
            task = shown.add_task(name, total=total or None)
            return lambda more: shown.advance(task, more)

        yield begin


def _tell_archived(through: date | None) -> None:
    if through is not None:
        tell(
            f"settlements through {through} lie in the archive; those that are not back in the"
            " database are not among these (yibao archive recall)"
        )


@contextmanager
def _told(as_json: bool) -> Iterator[None]:
    """Faults of laws, files and settings are told by name, without a traceback; exit code 1."""
    from yibao.analysis.model import PopulationError
    from yibao.platform.postgres import PostgresFailed
    from yibao.platform.settings import SettingsFault

    with told(as_json):
        try:
            yield
        except PopulationError as error:
            if as_json:
                fault: dict[str, Any] = {
                    "file": error.file,
                    "column": error.column,
                    "reason": error.reason,
                }
                echo_json({"error": fault})
            tell(str(error))
            raise typer.Exit(1) from None
        except (PostgresFailed, SettingsFault) as error:
            tell(str(error))
            raise typer.Exit(1) from None
