"""``yibao clearing``: what institutions claim, what differs, what is paid (清算); changes nothing.

What changes something is clerks' business: ``yibao bureau propose clearing.…``.
"""

import csv
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypeVar

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, tell
from yibao.cli.printing import counted, print_whole

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.clearing.differences.model import Difference
    from yibao.clearing.payments.model import ListedPayment
    from yibao.clearing.totals.model import TotalsRow
    from yibao.kernel.identifiers import PoolKey
    from yibao.platform.crypto import Vault
    from yibao.registry.institutions.model import Directory
    from yibao.settlement.clearing.model import Application

T = TypeVar("T")
Work = Callable[["Connection[Any]", "Vault", "Directory", datetime], Awaitable[T]]
Row = Mapping[str, Any]

clearing_cli = typer.Typer(
    name="clearing",
    help="Clearing (清算): totals, differences, applications, bank files, statements.",
    no_args_is_help=True,
)
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
Institution = Annotated[str, typer.Option(help="Institution code (定点医药机构编号).")]
First = Annotated[datetime, typer.Option("--from", formats=["%Y-%m-%d"], help="First day.")]
Last = Annotated[
    datetime, typer.Option("--to", formats=["%Y-%m-%d"], help="Last day; it belongs to the span.")
]
AsCsv = Annotated[bool, typer.Option("--csv", help="Print CSV.")]


# ---------------------------------------------------------------------------- totals, differences


@clearing_cli.command()
def totals(
    institution: Institution,
    first: First,
    last: Last,
    daily: Annotated[bool, typer.Option("--daily", help="A row a day.")] = False,
    as_csv: AsCsv = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Sums of an institution's settlements by scheme and clearing class (合计).

    Example: yibao clearing totals --institution H11010599001 --from 2026-10-01 --to 2026-10-31
    """
    from yibao.clearing.totals import service
    from yibao.cli.naming import known_institution

    async def work(connection: "Connection[Any]", *_: Any) -> "list[TotalsRow]":
        await known_institution(connection, institution)
        return await service.totals(connection, institution, first.date(), last.date(), daily=daily)

    rows = [totals_row(row) for row in read_books(data, work, as_json=as_json)]
    show_rows("totals", rows, as_csv=as_csv, as_json=as_json)


@clearing_cli.command()
def differences(
    institution: Institution,
    first: First,
    last: Last,
    books: Annotated[
        list[str] | None,
        typer.Option("--books", help="Two books, such as settlements-file; left out: all."),
    ] = None,
    as_csv: AsCsv = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """What differs between every two books, with cause and repair (差异清单).

    Books: ledger-settlements, settlements-file, settlements-clearing, ledger-clearing,
    clearing-bank, settlements-paper.

    Example: yibao clearing differences --institution H11010599001 --from 2026-10-01 --to 2026-10-31
    """
    from yibao.clearing.differences import service
    from yibao.clearing.differences.model import Books
    from yibao.cli.naming import known_institution

    try:
        chosen = frozenset(Books(one) for one in books) if books else frozenset(Books)
    except ValueError as fault:
        tell(f"{fault}; known are {', '.join(Books)}")
        raise typer.Exit(2) from None

    async def work(
        connection: "Connection[Any]", vault: "Vault", directory: "Directory", now: datetime
    ) -> "list[Difference]":
        await known_institution(connection, institution)
        return await service.differences(
            connection, vault, directory, institution, first.date(), last.date(), now, chosen
        )

    rows = [_difference_row(one) for one in read_books(data, work, as_json=as_json)]
    show_rows("differences", rows, as_csv=as_csv, as_json=as_json)


# --------------------------------------------------------------------------- applications, payments


@clearing_cli.command()
def applications(
    month: Annotated[str | None, typer.Option(help="Month (清算年月), such as 202610.")] = None,
    pool: Annotated[str | None, typer.Option(help="Pool that pays; left out: all.")] = None,
    as_csv: AsCsv = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Applications of institutions (清算申请) with their numbers and states.

    Example: yibao clearing applications --month 202610
    """
    from yibao.cli.naming import known_pool_or_all
    from yibao.settlement.clearing import service

    async def work(connection: "Connection[Any]", *_: Any) -> "list[Application]":
        where = await known_pool_or_all(connection, pool)
        return await service.of_month(connection, where, month)

    rows = [application_row(one) for one in read_books(data, work, as_json=as_json)]
    show_rows("applications", rows, as_csv=as_csv, as_json=as_json)


@clearing_cli.command()
def payments(
    run: Annotated[str | None, typer.Option(help="Number of a run (拨付批次).")] = None,
    pool: Annotated[str | None, typer.Option(help="Pool that pays; left out: all.")] = None,
    as_csv: AsCsv = False,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Payments of runs, with what the bank answered (拨付明细); no account is shown.

    Example: yibao clearing payments --pool 110000
    """
    from yibao.clearing import service
    from yibao.cli.naming import known_pool_or_all

    key = None if run is None else _key(run)

    async def work(connection: "Connection[Any]", *_: Any) -> "list[ListedPayment]":
        where = await known_pool_or_all(connection, pool)
        return await service.payments_of_pool(connection, where, key)

    rows = [_payment_row(one) for one in read_books(data, work, as_json=as_json)]
    show_rows("payments", rows, as_csv=as_csv, as_json=as_json)


@clearing_cli.command("bank-file")
def bank_file(
    run: Annotated[str, typer.Argument(help="Number of the run, as clearing.pay told it.")],
    out: Annotated[Path, typer.Option("--out", help="Folder, or file, to write to.")] = Path(),
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Write the file of a run for the bank (拨付文件): the same bytes each time.

    It names accounts, so only its owner may read what is written.

    Example: yibao clearing bank-file 1100000012345678901234567 --out outbox
    """
    from yibao.clearing import service

    key = _key(run)

    async def work(connection: "Connection[Any]", vault: "Vault", *_: Any) -> tuple[str, bytes]:
        return await service.bank_file_of(connection, vault, key)

    name, content = read_books(data, work, as_json=as_json)
    written = write_file(out / name if out.is_dir() else out, content)
    told = {"run": run, "file": str(written), "bytes": len(content)}
    if as_json:
        echo_json(told)
    else:
        console.print(f"{written}: {len(content)} bytes")


def practise_bank(
    run: Annotated[str, typer.Argument(help="Number of the run, as clearing.pay told it.")],
    out: Annotated[Path, typer.Option("--out", help="File to write.")],
    reject: Annotated[
        list[str] | None, typer.Option("--reject", help="LINE=REASON: the bank sends it back.")
    ] = None,
    data: DataFolder = None,
) -> None:
    """Write what a bank would answer to a run (回盘文件); a sandbox has no bank.

    Example: yibao sandbox bank 1100000012345678901234567 --out answer.csv --reject 2=账号不符
    """
    from yibao.clearing import service
    from yibao.clearing.payments.model import ConfirmedLine, Result, Run
    from yibao.kernel.periods import business_date

    key = _key(run)
    try:
        rejected = {int(line): why for line, why in (one.split("=", 1) for one in reject or ())}
    except ValueError:
        tell("--reject wants LINE=REASON, such as 2=账号不符")
        raise typer.Exit(2) from None

    async def work(
        connection: "Connection[Any]", vault: "Vault", _: Any, now: datetime
    ) -> tuple[Run | None, datetime]:
        return await service.find_run(connection, vault, key), now

    _check_sandbox(data)
    found, now = read_books(data, work, as_json=False)
    if found is None:
        tell(f"there is no run {run}")
        raise typer.Exit(1)
    strange = rejected.keys() - {payment.line for payment in found.payments}
    if strange:
        tell(f"--reject {min(strange)}: the run has {counted(len(found.payments), 'line')}, from 1")
        raise typer.Exit(2)
    lines = [
        ConfirmedLine(
            payment.line,
            payment.payee.name,
            payment.amount,
            Result.REJECTED if payment.line in rejected else Result.PAID,
            rejected.get(payment.line, ""),
            business_date(now),
        )
        for payment in found.payments
    ]
    written = write_file(out, service.confirmation_of(found, lines))
    console.print(f"{written}: {counted(len(lines), 'line')}", highlight=False)


# ------------------------------------------------------------------------- reading and printing


def read_books(data: Path | None, work: Work[T], *, as_json: bool) -> T:
    """What the work reads of one snapshot, with the bureau's sight; faults without traceback."""
    from yibao.cli.clerking import clock_of
    from yibao.cli.on_database import in_snapshot, on_database, told_faults
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings
    from yibao.registry.institutions.service import load_directory

    with told_faults(as_json):
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))

        async def read(connection: Any) -> T:
            directory = await load_directory(connection, vault)
            return await work(connection, vault, directory, clock_of(settings).now())

        return on_database(settings, lambda database: in_snapshot(database, read))


def _check_sandbox(data: Path | None) -> None:
    """Nobody but a bank answers for a bank where money is real."""
    from yibao.cli.on_database import told_faults
    from yibao.platform.settings import load_settings
    from yibao.sandbox.store.shared import SHARED_FILE

    with told_faults(as_json=False):
        folder = load_settings({"data": data}).data
    if not (folder / SHARED_FILE).exists():
        tell(f"{folder} is no sandbox: the bank itself answers there")
        raise typer.Exit(1)


def _key(text: str) -> "PoolKey":
    from yibao.kernel.identifiers import parse_pool_key

    key = parse_pool_key(text)
    if key is None:
        tell(f"{text} is no number of a run: it has 25 characters, the pool first")
        raise typer.Exit(2)
    return key


def write_file(path: Path, content: bytes) -> Path:
    """Write a file that its owner alone may read; a fault is told without a traceback."""
    try:
        path.touch(mode=0o600)
        path.write_bytes(content)
    except OSError as fault:
        tell(f"{path}: {fault.strerror}")
        raise typer.Exit(1) from None
    return path


def show_rows(
    name: str, rows: Sequence[Row], *, as_csv: bool = False, as_json: bool = False
) -> None:
    """Rows as a table, CSV or JSON."""
    if as_json:
        echo_json({name: rows})
    elif as_csv:
        if rows:
            writer = csv.DictWriter(sys.stdout, list(rows[0]), lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)
    elif not rows:
        console.print(f"no {name}")
    else:
        table = Table(*rows[0])
        for row in rows:
            table.add_row(*("" if cell is None else str(cell) for cell in row.values()))
        print_whole(console, table)


def totals_row(row: "TotalsRow") -> Row:
    """Sums as they are printed."""
    from yibao.clearing.statements.as_csv import sums_row

    place = {"day": row.day.isoformat()} if row.day else {}
    return place | {"scheme": row.scheme, "class": row.clearing_class} | sums_row(row.sums)


def _difference_row(one: "Difference") -> Row:
    return {
        "books": one.books.value,
        "cause": one.cause.value,
        "subject": one.subject,
        "day": None if one.day is None else one.day.isoformat(),
        "here": yuan_or_none(one.here),
        "there": yuan_or_none(one.there),
        "explanation": one.explanation,
        "repair": one.repair,
    }


def application_row(one: "Application") -> Row:
    """An application as it is printed."""
    from yibao.kernel.money import yuan

    return {
        "application": one.key.text(),
        "institution": one.institution,
        "month": one.month,
        "class": one.clearing_class,
        "from": one.first_day.isoformat(),
        "to": one.last_day.isoformat(),
        "visits": one.figures.visits,
        "claimed": yuan(one.figures.claimed),
        "state": one.state.value,
    }


def _payment_row(one: "ListedPayment") -> Row:
    from yibao.kernel.money import yuan

    return {
        "run": one.run.text(),
        "line": one.line,
        "payee": one.payee.name,
        "amount": yuan(one.amount),
        "bank": one.bank,
        "result": one.result.value if one.result else "waiting",
        "reason": one.reason,
        "banked_on": one.banked_on.isoformat() if one.banked_on else None,
    }


def yuan_or_none(amount: int | None) -> str | None:
    """Yuan as text; None stays None."""
    from yibao.kernel.money import yuan

    return None if amount is None else yuan(amount)
