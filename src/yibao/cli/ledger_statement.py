"""``yibao ledger statement``: of a person, an institution, the funds (对账单)."""

import csv
import sys
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, tell
from yibao.cli.printing import print_whole

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.ledger.statements.model import AccountStatement, PartStatement

statement_cli = typer.Typer(
    name="statement", help="Statements of a span of days (对账单).", no_args_is_help=True
)

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
First = Annotated[
    datetime | None,
    typer.Option("--from", formats=["%Y-%m-%d"], help="First day; 1 January of the last day."),
]
Last = Annotated[
    datetime | None, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; today.")
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV for spreadsheets.")]
Row = dict[str, Any]


@statement_cli.command()
def person(
    member: Annotated[str, typer.Argument(help="The person's number (psn_no).")],
    first: First = None,
    last: Last = None,
    data: DataFolder = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """A personal account (个人账户), part by part: opening, every entry and what for, closing.

    Example: yibao ledger statement person 11000000000000000001 --from 2026-01-01
    """
    from yibao.kernel.areas import Pool, is_pool
    from yibao.ledger.statements import service

    start, end = _span(first, last)
    if not is_pool(member[:6]):
        tell(f"{member} is no person's number: it begins with a pool, such as 110000")
        raise typer.Exit(2)

    async def work(connection: "Connection[Any]") -> "list[PartStatement]":
        return await service.person(connection, Pool(member[:6]), member, start, end)

    parts = _run(data, work, as_json=as_json)
    if not parts:
        tell(f"{member} has no personal account")
        raise typer.Exit(1)
    rows = [row for part in parts for row in _part_rows(part, start, end)]
    _show({"member": member}, rows, (start, end), as_csv=as_csv, as_json=as_json)


@statement_cli.command()
def institution(
    code: Annotated[str, typer.Argument(help="The institution's code.")],
    first: First = None,
    last: Last = None,
    data: DataFolder = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """An institution's purses in all pools: claimed, payable, advanced, withheld, deducted, paid.

    Example: yibao ledger statement institution H11010599001 --from 2026-06-01 --to 2026-06-30
    """
    from yibao.cli.naming import known_institution
    from yibao.ledger.statements import service

    start, end = _span(first, last)

    async def work(connection: "Connection[Any]") -> "list[AccountStatement]":
        await known_institution(connection, code)
        return await service.institution(connection, code, start, end)

    accounts = _run(data, work, as_json=as_json)
    _show(
        {"institution": code}, _account_rows(accounts), (start, end), as_csv=as_csv, as_json=as_json
    )


@statement_cli.command()
def fund(
    code: Annotated[
        str | None, typer.Argument(help="National code of a fund, such as 310100; left out: all.")
    ] = None,
    pool: Annotated[str | None, typer.Option("--pool", help="One pool (统筹区).")] = None,
    first: First = None,
    last: Last = None,
    data: DataFolder = None,
    as_csv: AsCsv = False,
    as_json: AsJson = False,
) -> None:
    """The funds (基金) of a pool, or of all, by what moved them.

    Example: yibao ledger statement fund 310100 --pool 110000 --from 2026-06-01 --to 2026-06-30
    """
    from yibao.cli.naming import known_pool_or_all
    from yibao.ledger.statements import service

    start, end = _span(first, last)

    async def work(connection: "Connection[Any]") -> "list[AccountStatement]":
        where = await known_pool_or_all(connection, pool)
        return await service.funds(connection, start, end, pool=where, fund=code)

    accounts = _run(data, work, as_json=as_json)
    _show({"fund": code}, _account_rows(accounts), (start, end), as_csv=as_csv, as_json=as_json)


def _part_rows(part: "PartStatement", start: date, end: date) -> list[Row]:
    from yibao.kernel.money import yuan
    from yibao.ledger.statements.model import TITLES

    def row(day: date, what: str, balance: int, **more: Any) -> Row:
        told = {"amount": "", "posting": "", "institution": "", "reason": ""} | more
        return (
            {"part": part.part, "day": str(day), "what": what} | told | {"balance": yuan(balance)}
        )

    moved = [
        row(
            movement.day,
            f"{movement.what} {TITLES.get(movement.what, '')}".strip(),
            movement.balance,
            amount=yuan(movement.amount),
            posting=str(movement.posting),
            institution=movement.institution or "",
            reason=movement.reason,
        )
        for movement in part.movements
    ]
    held = f"of it held: {yuan(part.held)}" if part.held else ""
    return [
        row(start, "opening 期初", part.opening),
        *moved,
        row(end - timedelta(days=1), "closing 期末", part.closing, reason=held),
    ]


def _account_rows(accounts: "Sequence[AccountStatement]") -> list[Row]:
    from yibao.kernel.money import yuan
    from yibao.ledger.chart import title_of
    from yibao.ledger.statements.model import TITLES

    rows: list[Row] = []
    for one in accounts:
        begin = {"pool": one.pool, "account": one.account, "title": title_of(one.account)}
        rows.append(begin | {"what": "opening 期初", "entries": "", "amount": yuan(one.opening)})
        rows += [
            begin
            | {
                "what": f"{moved.what} {TITLES.get(moved.what, '')}".strip(),
                "entries": str(moved.entries),
                "amount": yuan(moved.amount),
            }
            for moved in one.sums
        ]
        rows.append(begin | {"what": "closing 期末", "entries": "", "amount": yuan(one.closing)})
    return rows


def _show(
    about: Row, rows: Sequence[Row], span: tuple[date, date], *, as_csv: bool, as_json: bool
) -> None:
    start, end = span
    last = end - timedelta(days=1)
    if as_json:
        echo_json(about | {"from": str(start), "to": str(last), "rows": list(rows)})
    elif as_csv:
        writer = csv.DictWriter(sys.stdout, list(rows[0]) if rows else ["account"])
        writer.writeheader()
        writer.writerows(rows)
    elif not rows:
        console.print(f"nothing moved until {last}", highlight=False)
    else:
        table = Table(*rows[0], title=f"{start} to {last}, in yuan")
        for row in rows:
            table.add_row(*row.values())
        print_whole(console, table)


def _span(first: datetime | None, last: datetime | None) -> tuple[date, date]:
    """The span, its end not in it; a span that ends before it begins is refused."""
    from yibao.kernel.periods import business_date
    from yibao.platform.clock import SystemClock

    final = business_date(SystemClock().now()) if last is None else last.date()
    start = date(final.year, 1, 1) if first is None else first.date()
    if start > final:
        tell(f"the span begins on {start} and ends on {final}, before it begins")
        raise typer.Exit(2)
    return start, final + timedelta(days=1)


def _run(data: Any, work: "Callable[[Connection[Any]], Awaitable[Any]]", *, as_json: bool) -> Any:
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.settings import load_settings

    with told_faults(as_json):

        async def whole(database: Any) -> Any:
            async with database.reader(None) as connection:
                return await work(connection)

        return on_database(load_settings({"data": data}), whole)
