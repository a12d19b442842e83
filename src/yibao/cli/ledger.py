"""``yibao ledger``: verify the books (账簿), sign their days, print statements."""

import json
from collections.abc import Awaitable, Callable, Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, errors, tell
from yibao.cli.ledger_statement import statement_cli
from yibao.cli.printing import bars, counted, print_whole

if TYPE_CHECKING:
    from yibao.ledger.heads.model import Head
    from yibao.ledger.verification.model import Findings, Progress
    from yibao.platform.archive.service import Archive
    from yibao.platform.crypto import Vault
    from yibao.platform.database import Database

ledger_cli = typer.Typer(
    name="ledger",
    help="The ledger (账簿): verify it, sign its days, print statements.",
    no_args_is_help=True,
)
ledger_cli.add_typer(statement_cli)

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
OfPool = Annotated[str | None, typer.Option("--pool", help="One pool (统筹区), such as 110000.")]


@ledger_cli.command()
def verify(
    pool: OfPool = None,
    since: Annotated[
        datetime | None,
        typer.Option(formats=["%Y-%m-%d"], help="Only what was written from this day on."),
    ] = None,
    heads: Annotated[
        Path | None,
        typer.Option(help="Heads that were exported and kept elsewhere: a rewritten past shows."),
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Prove that the books are right, or name the first entry that is not; exit code 1 then.

    Every posting sums to zero, is in the chain as it was written, and is a settlement's or has its
    reason; every account part is the sum of its entries; every settlement's posting says what the
    settlement says; the signed heads stand. What was put away is read from its files; their hashes
    and signed manifests must be right. Money that is on its way to another pool or a bank is listed
    with the day since when; it is no fault. The server may go on working meanwhile.

    Example: yibao ledger verify --since 2026-05-01 --heads /media/auditor/heads.json
    """
    from yibao.platform.archive.service import archive_of
    from yibao.platform.settings import load_settings

    exported = [] if heads is None else _read_heads(heads)
    day = None if since is None else since.date()

    async def work(database: "Database", vault: "Vault") -> "Findings":
        with bars(errors) as progress:
            archive = archive_of(load_settings({"data": data}), vault, database.owner)
            return await _verified(database, vault, archive, pool, day, exported, progress)

    findings = _run(data, work, as_json=as_json)
    if as_json:
        told = [
            {"pool": fault.pool, "posting": fault.posting, "line": fault.line, "fault": fault.text}
            for fault in findings.faults
        ]
        way = [
            {"what": one.what, "fen": one.amount, "since": str(one.since)}
            for one in findings.on_the_way
        ]
        figures = findings.figures
        echo_json({"faults": findings.count, "first": told, "figures": figures, "on_the_way": way})
    else:
        for fault in findings.faults:
            console.print(str(fault), highlight=False, soft_wrap=True, markup=False)
        if findings.count > len(findings.faults):
            console.print(f"and {findings.count - len(findings.faults)} more")
        for one in findings.on_the_way:
            console.print(
                f"on the way since {one.since}: {one.amount} fen, {one.what}",
                highlight=False,
                soft_wrap=True,
                markup=False,
            )
        looked = ", ".join(f"{number:,} {name}" for name, number in findings.figures.items())
        outcome = f"{findings.count} faults" if findings.count else "the books are right"
        console.print(f"{outcome}: {looked or 'they are empty'}", highlight=False, soft_wrap=True)
    raise typer.Exit(1 if findings.count else 0)


async def _verified(
    database: "Database",
    vault: "Vault",
    archive: "Archive",
    named: str | None,
    since: date | None,
    exported: "Sequence[Head]",
    progress: "Progress",
) -> "Findings":
    """Everything in one snapshot; what was put away, from its files."""
    from yibao.accounts.family.elsewhere import service as elsewhere
    from yibao.cli.naming import known_pool_or_all
    from yibao.ledger.heads import service as heads
    from yibao.ledger.verification import service as ledger
    from yibao.platform.archive.reading import ColdRows
    from yibao.settlement.books import service as books

    async with (
        database.reader(None) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        pool = await known_pool_or_all(connection, named)
        cold = await ColdRows.of(connection, archive.folder)
        findings = await ledger.examine(
            connection, pool=pool, since=since, progress=progress, cold=cold
        )
        for where, text in await archive.verify(pool, progress):
            findings.tell(where, text)
        await books.examine(connection, findings, pool=pool, since=since, progress=progress)
        if since is None:
            await books.examine_put_away(connection, findings, cold, pool=pool, progress=progress)
        if pool is None:
            await elsewhere.examine(connection, findings)
        keys = [heads.signer(vault).public]
        await ledger.examine_heads(
            connection, findings, public_keys=keys, exported=exported, pool=pool
        )
    return findings


@ledger_cli.command()
def key(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Print the public key (SM2) that the daily heads are signed with.

    Example: yibao ledger key
    """

    async def work(database: "Database", vault: "Vault") -> str:  # noqa: ARG001
        from yibao.ledger.heads import service

        return "04" + service.signer(vault).public.hex()

    public = _run(data, work, as_json=as_json)
    if as_json:
        echo_json({"public_key": public})
    else:
        typer.echo(public)


@ledger_cli.command()
def heads(
    pool: OfPool = None,
    export: Annotated[
        Path | None, typer.Option(help="Write them to a file, to be kept elsewhere.")
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """List the signed heads of days that have ended (日终签名); the server makes them by itself.

    Example: yibao ledger heads --export /media/auditor/heads.json
    """

    async def work(database: "Database", vault: "Vault") -> "list[Head]":  # noqa: ARG001
        from yibao.cli.naming import known_pool_or_all
        from yibao.ledger.heads import service

        async with database.reader(None) as connection:
            return await service.heads(connection, await known_pool_or_all(connection, pool))

    found = _run(data, work, as_json=as_json)
    told = {"heads": [head.as_json() for head in found]}
    if export is not None:
        try:
            export.write_text(json.dumps(told, indent=1) + "\n", encoding="utf-8")
        except OSError as fault:
            tell(f"{export}: {fault.strerror}")
            raise typer.Exit(1) from None
    if as_json:
        echo_json(told)
    elif export is not None:
        console.print(
            f"{counted(len(found), 'head')} written to {export}", highlight=False, soft_wrap=True
        )
    elif not found:
        console.print("no day on which something was written has ended yet", highlight=False)
    else:
        _print_heads(found)


def _print_heads(found: "Sequence[Head]") -> None:
    from yibao.kernel.periods import local_time

    table = Table("pool", "day", "made", "writers", "blocks", "hash")
    for head in found:
        blocks = sum(mark.number for mark in head.marks)
        made = "" if head.made_at is None else f"{local_time(head.made_at):%Y-%m-%d %H:%M}"
        table.add_row(
            head.pool, str(head.day), made, str(len(head.marks)), str(blocks), head.hash.hex()
        )
    print_whole(console, table)


def _read_heads(path: Path) -> "list[Head]":
    from yibao.ledger.heads.model import head_of_json

    try:
        told = json.loads(path.read_text(encoding="utf-8"))
        return [head_of_json(one) for one in told["heads"]]
    except OSError as fault:
        tell(f"{path}: {fault.strerror}")
        raise typer.Exit(2) from None
    except (ValueError, KeyError, TypeError) as fault:
        tell(f"{path} holds no exported heads: {fault}")
        raise typer.Exit(2) from None


def _run(data: Any, work: "Callable[[Database, Vault], Awaitable[Any]]", *, as_json: bool) -> Any:
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings

    with told_faults(as_json):
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))
        return on_database(settings, lambda database: work(database, vault))
