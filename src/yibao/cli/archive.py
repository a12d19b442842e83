"""``yibao archive``: cold months as Parquet files (归档): put away, list, verify, recall."""

from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, errors, tell
from yibao.cli.printing import bars, counted, print_whole

if TYPE_CHECKING:
    from yibao.kernel.areas import Pool
    from yibao.kernel.identifiers import PoolKey
    from yibao.platform.archive.model import Manifest
    from yibao.platform.archive.service import Archive, Due
    from yibao.platform.database import Database

archive_cli = typer.Typer(
    name="archive",
    help="Cold months as Parquet files (归档): put them away, list, verify, bring back.",
    no_args_is_help=True,
)

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
OfPool = Annotated[str | None, typer.Option("--pool", help="One pool (统筹区), such as 110000.")]


@archive_cli.command()
def month(
    through: Annotated[
        datetime | None,
        typer.Argument(
            metavar="YYYY-MM", formats=["%Y-%m"], help="The last month that goes; default: all due."
        ),
    ] = None,
    at: Annotated[
        datetime | None,
        typer.Option("--now", hidden=True, parser=datetime.fromisoformat, metavar="INSTANT"),
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Put a cold month away, with all before it; the server does it by itself (setting hot_months).

    Its rows are written as Parquet by day and pool, read back and compared; only then they are
    dropped. What fails on the way leaves the month in the database; run it again. The server may go
    on working meanwhile. A month with open stays, with bills that were not cleared or are to be
    settled again, or with money on the way has to stay.

    Example: yibao archive month 2024-05
    """
    from yibao.platform.clock import SystemClock

    last = None if through is None else through.date()
    now = at or SystemClock().now()  # the server says it: a sandbox's clock may have been set

    async def work(_: "Database", archive: "Archive") -> "tuple[Sequence[Manifest], int] | Due":
        with bars(errors) as progress:
            put = await archive.put_away(now, last, progress)
        if put is None:
            return await archive.due(now)
        return put.manifests, put.kept

    done = _run(data, work, as_json=as_json)
    if not isinstance(done, tuple):
        _tell_nothing_due(done, as_json=as_json)
        return
    manifests, kept = done
    if as_json:
        echo_json({"months": [_row(one) for one in manifests], "kept_numbers": kept})
        return
    _print_months(manifests)
    rows = sum(one.rows for one in manifests)
    console.print(f"{counted(rows, 'row')} put away; {kept} numbers stay, later ones need them")


def _tell_nothing_due(due: "Due", *, as_json: bool) -> None:
    if as_json:
        echo_json({"months": [], "kept_numbers": 0} | _next(due))
    elif due.stays and due.next_month is not None:
        console.print(f"{due.next_month:%Y-%m} has to stay: {'; '.join(map(str, due.stays))}")
    else:
        console.print("no month is due")


@archive_cli.command("list")
def list_(pool: OfPool = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """List what was put away, which month is next, and why it has to stay.

    Example: yibao archive list
    """
    from yibao.platform.clock import SystemClock

    async def work(database: "Database", archive: "Archive") -> "tuple[list[Manifest], Due]":
        where = await _known(database, pool)
        return await archive.manifests(where), await archive.due(SystemClock().now())

    found, due = _run(data, work, as_json=as_json)
    if as_json:
        echo_json({"months": [_row(one) for one in found]} | _next(due))
        return
    if found:
        _print_months(found)
    else:
        console.print("nothing was put away yet")
    if due.through is not None:
        console.print(f"due now: {due.through:%Y-%m} and what is before it")
    if due.stays and due.next_month is not None:
        console.print(f"{due.next_month:%Y-%m} has to stay:")
        for stay in due.stays:
            console.print(f"  {stay}", highlight=False)


@archive_cli.command()
def verify(pool: OfPool = None, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Compare every file with its signed manifest; exit code 1 when one is missing or was changed.

    What the files hold is held against the ledger's chain by `yibao ledger verify`.

    Example: yibao archive verify
    """

    async def work(database: "Database", archive: "Archive") -> "tuple[list[Any], int]":
        where = await _known(database, pool)
        files = sum(len(one.files) for one in await archive.manifests(where))
        with bars(errors) as progress:
            return await archive.verify(where, progress), files

    faults, files = _run(data, work, as_json=as_json)
    if as_json:
        echo_json(
            {"files": files, "faults": [{"pool": where, "fault": text} for where, text in faults]}
        )
    else:
        for where, text in faults:
            console.print(f"pool {where}: {text}", highlight=False, soft_wrap=True, markup=False)
        outcome = counted(len(faults), "fault") if faults else "the archive is whole"
        console.print(f"{outcome}: {counted(files, 'file')}", highlight=False)
    raise typer.Exit(1 if faults else 0)


@archive_cli.command()
def recall(
    ids: Annotated[
        list[str] | None,
        typer.Argument(metavar="[ID]...", help="Visits or settlements (mdtrt_id, setl_id)."),
    ] = None,
    first: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="All that was written from this day on."),
    ] = None,
    last: Annotated[
        datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Until this day.")
    ] = None,
    pool: OfPool = None,
    limit: Annotated[
        int | None, typer.Option(min=1, help="Most numbers of days that come back; default 20,000.")
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Bring rows back into the database (调回): bills by their ids, or whole days.

    Whoever names a bill that was put away gets it without this: it comes back when it is missed.
    Days are for lists and reconciliations of old periods. What nobody changes leaves again after a
    week; the files stay as they are.

    Example: yibao archive recall --from 2024-05-01 --to 2024-05-31 --pool 110000 --limit 5000000
    """
    days = _days(first, last)
    keys = _keys(ids or ())
    if bool(keys) == bool(days):
        tell("name bills by their ids, or days by --from and --to")
        raise typer.Exit(2)

    async def work(database: "Database", archive: "Archive") -> int:
        from yibao.platform.archive.service import MOST_NUMBERS
        from yibao.platform.clock import SystemClock

        now = SystemClock().now()
        if days:
            where = await _known(database, pool)
            return await archive.recall_days(where, *days, now, most=limit or MOST_NUMBERS)
        return sum([await archive.recall(key.pool, [key.number], now) for key in keys])

    back = _run(data, work, as_json=as_json)
    if as_json:
        echo_json({"numbers": back})
    else:
        console.print(
            f"{counted(back, 'number')} came back"
            if back
            else "nothing came back: it is in the database, or was never there"
        )


# ------------------------------------------------------------------------------------------ parts


def _days(first: datetime | None, last: datetime | None) -> tuple[date, date] | None:
    if first is None and last is None:
        return None
    if first is None or last is None or last < first:
        tell("a period needs --from and --to, in this order")
        raise typer.Exit(2)
    return first.date(), last.date()


def _keys(ids: "Sequence[str]") -> "list[PoolKey]":
    from yibao.kernel.identifiers import parse_pool_key

    keys = [(text, parse_pool_key(text)) for text in ids]
    for text, key in keys:
        if key is None:
            tell(f"{text} is no id of a visit or settlement: six characters of a pool, 19 digits")
            raise typer.Exit(2)
    return [key for _, key in keys if key is not None]


def _row(manifest: "Manifest") -> dict[str, Any]:
    return {
        "pool": manifest.pool,
        "month": f"{manifest.month:%Y-%m}",
        "rows": manifest.rows,
        "files": len(manifest.files),
        "revision": manifest.revision,
        "made_at": manifest.made_at.isoformat(timespec="seconds"),
    }


def _next(due: "Due") -> dict[str, Any]:
    return {
        "due": None if due.through is None else f"{due.through:%Y-%m}",
        "next": None if due.next_month is None else f"{due.next_month:%Y-%m}",
        "stays": [{"why": stay.why, "count": stay.count} for stay in due.stays],
    }


def _print_months(found: "Sequence[Manifest]") -> None:
    from yibao.kernel.periods import local_time

    table = Table("pool", "month", "rows", "files", "put away")
    for one in found:
        made = f"{local_time(one.made_at):%Y-%m-%d %H:%M}"
        table.add_row(one.pool, f"{one.month:%Y-%m}", f"{one.rows:,}", str(len(one.files)), made)
    print_whole(console, table)


async def _known(database: "Database", named: str | None) -> "Pool | None":
    from yibao.cli.naming import known_pool_or_all

    async with database.reader(None) as connection:
        return await known_pool_or_all(connection, named)


def _run(data: Any, work: "Callable[[Database, Archive], Awaitable[Any]]", *, as_json: bool) -> Any:
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings
    from yibao.settlement.archiving.service import archive_of_bills

    with told_faults(as_json):
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))
        return on_database(
            settings, lambda database: work(database, archive_of_bills(settings, vault, database))
        )
