"""What the commands of releases do: check laws and their cases, then change the pointer at once."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from yibao.adjudication.documents.cases import CaseResult, run_cases
from yibao.cli.law_files import SCHEMES, Shelf, document, is_file_name
from yibao.cli.on_database import on_database
from yibao.platform.database import Database
from yibao.platform.settings import Settings
from yibao.policy.law_book import check_shared_counters
from yibao.policy.load import load_law, load_law_book
from yibao.policy.model import Law
from yibao.policy.parameters import LawError
from yibao.registry.laws import service as laws
from yibao.registry.laws.model import Release

if TYPE_CHECKING:
    from asyncpg import Connection

_Change = Callable[["Connection[Any]"], Awaitable[list[Release]]]


def propose(
    settings: Settings,
    files: Sequence[Path],
    cases: Sequence[Path],
    start: date,
    by: str,
    reason: str,
) -> list[Release]:
    """Check laws, run their cases, propose them from a day on.

    Raises LawError for a law that cannot be used, one without a case, or a case that does not come
    out; Refused for a day or a name; OSError.
    """
    proposed = [load_law(path, settings.law) for path in files]
    check_shared_counters({(law.area, law.scheme): law for law in proposed})
    count = _check_cases(proposed, files, cases, settings.law)
    return _changed(
        settings,
        lambda connection: laws.propose(
            connection,
            proposed,
            effective_from=start,
            cases=count,
            by=by,
            reason=reason,
            now=datetime.now(UTC),
        ),
    )


def release_proposals(settings: Settings, numbers: Sequence[int], by: str) -> list[Release]:
    """Let proposals count, as the second person. Raises Refused, LawError."""
    packaged = load_law_book(settings.law)
    return _changed(
        settings,
        lambda connection: laws.release(
            connection, numbers, packaged, by=by, now=datetime.now(UTC)
        ),
    )


def withdraw_releases(
    settings: Settings, numbers: Sequence[int], by: str, reason: str
) -> list[Release]:
    """Let releases count no more. Raises Refused, LawError."""
    packaged = load_law_book(settings.law)
    return _changed(
        settings,
        lambda connection: laws.withdraw(
            connection, numbers, packaged, by=by, reason=reason, now=datetime.now(UTC)
        ),
    )


def all_releases(settings: Settings) -> list[Release]:
    """All releases in the order they were proposed."""

    async def read(database: Database) -> list[Release]:
        async with database.reader(None) as connection:
            return await laws.releases(connection)

    return on_database(settings, read)


def _changed(settings: Settings, change: _Change) -> list[Release]:
    async def work(database: Database) -> list[Release]:
        async with database.writer() as connection, connection.transaction():
            return await change(connection)

    return on_database(settings, work)


# ------------------------------------------------------------------------------------------- cases


def _check_cases(
    proposed: Sequence[Law], files: Sequence[Path], cases: Sequence[Path], folder: Path | None
) -> int:
    """How many cases came out; every proposed law must be put to one at least."""
    shelf = Shelf(folder)
    met: set[tuple[str, str]] = set()

    def find_law(file: str, name: str) -> Law:
        """A case that names a proposed law by area and scheme, or by file, is put to that one."""
        law = _named(proposed, name)
        if law is None:
            beside = Path(file).parent / name
            law = shelf.law(str(beside) if is_file_name(name) or beside.is_file() else name)
            law = _named(proposed, f"{law.area}/{law.scheme}") or law
        met.add((law.area, law.scheme))
        return law

    results = run_cases({str(path): document(path) for path in cases}, find_law)
    wrong = [result for result in results if not result.ok]
    if wrong:
        raise LawError(str(cases[0]), wrong[0].id, _difference(wrong))
    for law, path in zip(proposed, files, strict=True):
        if (law.area, law.scheme) not in met:
            raise LawError(str(path), "law", f"no case is for {law.area}/{law.scheme}")
    return len(results)


def _named(proposed: Sequence[Law], name: str) -> Law | None:
    area, _, scheme = name.partition("/")
    for law in proposed:
        if law.area == area and law.scheme == SCHEMES.get(scheme, scheme):
            return law
    return None


def _difference(wrong: Sequence[CaseResult]) -> str:
    told = [
        f"{result.id}: "
        + "; ".join(
            f"{name} expected {result.expected.get(name)}, got {got}"
            for name, got in result.got.items()
            if got != result.expected.get(name)
        )
        for result in wrong
    ]
    noun = "case does" if len(wrong) == 1 else "cases do"
    return f"{len(wrong)} {noun} not come out: " + " | ".join(told)
