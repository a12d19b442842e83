"""``yibao law cases``: published cases put to the law, by the product's own runner."""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from yibao.adjudication.documents.cases import CaseResult, run_cases
from yibao.cli.law_files import Shelf, document, is_file_name, packaged_cases
from yibao.cli.printing import print_whole
from yibao.policy.model import Law
from yibao.policy.parameters import LawError
from yibao.policy.table import proposal


def run(paths: list[Path], folder: Path | None) -> list[CaseResult]:
    """The cases of files and folders (default: the packaged ones). Raises LawError."""
    shelf = Shelf(folder)

    def find_law(file: str, name: str) -> Law:
        """A law file named by a case lies beside the case's file."""
        beside = Path(file).parent / name
        try:
            return shelf.law(str(beside) if is_file_name(name) or beside.is_file() else name)
        except OSError as error:  # of this case alone: the others are still run
            raise LawError(str(beside), "(file)", f"cannot be read: {error.strerror}") from None

    return run_cases(_documents(paths) if paths else packaged_cases(), find_law)


def of_id(results: list[CaseResult], wanted: str) -> CaseResult:
    """The case with an id. Raises LawError, proposing a near one."""
    ids = [result.id for result in results]
    if wanted not in ids:
        raise LawError("--explain", "id", f"no case{proposal(wanted, ids)}")
    return results[ids.index(wanted)]


def _documents(paths: list[Path]) -> dict[str, Mapping[str, Any]]:
    files: dict[str, Mapping[str, Any]] = {}
    for path in paths:
        if not path.is_dir():
            files[str(path)] = document(path)
            continue
        within = sorted(p for p in path.rglob("*") if p.suffix in (".toml", ".json"))
        cases = {str(p): found for p in within if "case" in (found := document(p))}
        if not cases:
            raise LawError(str(path), "(folder)", "holds no file with [[case]]")
        files.update(cases)
    return files


def print_results(console: Console, results: list[CaseResult]) -> None:
    """A row a figure, then the slips of the sources, then how many came out."""
    print_whole(console, _table(results))
    for line in _below(results):
        console.print(line, highlight=False, soft_wrap=True)


def _table(results: list[CaseResult]) -> Table:
    table = Table("", "case", "figure", "expected", "got", "difference")
    for column in table.columns:
        column.overflow = "fold"
    for column in table.columns[3:]:
        column.justify = "right"
    for result in results:
        for row in _rows(result):
            table.add_row(*row)
        table.add_section()
    return table


def _below(results: list[CaseResult]) -> Iterator[str]:
    slips = [
        f"[bold]{escape(result.id)}[/bold] {slip.figure}: printed {slip.printed}, {slip.size} off:"
        f" {escape(slip.reason)}"
        for result in results
        for slip in result.slips
    ]
    if slips:
        yield from ("Slips of the sources:", *slips)
    right = sum(result.ok for result in results)
    yield f"{right} of {len(results)} cases come out to the cent"


def _rows(result: CaseResult) -> Iterator[tuple[str, ...]]:
    """A row a figure; the first one names the case."""
    first = ("[green]✓[/green]" if result.ok else "[red]✗[/red]", escape(result.id))
    for name in dict.fromkeys([*result.expected, *result.got]):
        figures = (result.expected, result.got, result.difference)
        yield (*first, name, *(escape(figure.get(name, "")) for figure in figures))
        first = ("", "")
