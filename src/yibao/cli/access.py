"""``yibao access``: who saw which person (查阅记录), and whether that record was changed."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, tell
from yibao.cli.printing import print_whole

if TYPE_CHECKING:
    from yibao.platform.access.model import Sighting
    from yibao.platform.access.service import Verdict
    from yibao.platform.crypto import Vault
    from yibao.platform.database import Database

access_cli = typer.Typer(
    name="access", help="Who saw which person (查阅记录).", no_args_is_help=True
)

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]


@access_cli.callback()
def _group() -> None:
    """Who saw which person (查阅记录)."""


@access_cli.command()
def show(
    person: Annotated[
        str | None,
        typer.Argument(help="Number of the person (psn_no), or of the identity card."),
    ] = None,
    by: Annotated[
        str | None, typer.Option(help="Institution, clerk or person that looked.")
    ] = None,
    verify: Annotated[
        bool, typer.Option("--verify", help="Prove that nobody changed the record.")
    ] = False,
    limit: Annotated[int, typer.Option(min=1, help="The newest so many.")] = 100,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Tell who saw a person, or whom somebody saw; or verify the whole record.

    With --verify the exit code is 1 when something was changed. Its heads, kept elsewhere, also
    show that the newest rows were not cut off.

    Example: yibao access show 11000000000000000001
    """
    if (person is not None) + (by is not None) + verify != 1:
        tell("name a person, or --by who looked, or --verify")
        raise typer.Exit(2)
    if verify:
        _tell_verdict(_run(data, _verified, as_json=as_json), as_json=as_json)
        return

    async def work(database: "Database", vault: "Vault") -> "list[Sighting] | None":
        from yibao.platform.access import service

        async with database.reader(None) as connection:
            if by is not None:
                return await service.by_viewer(connection, by, limit)
            found = await _found(connection, vault, person or "")
            if found is None:
                return None
            return await service.of_person(connection, *found, limit)

    sightings = _run(data, work, as_json=as_json)
    if sightings is None:
        tell(f"nobody has the number {person}")
        raise typer.Exit(1)
    rows = [_row(one) for one in sightings]
    if as_json:
        echo_json({"sightings": rows})
        return
    table = Table("when", "kind", "who", "operator", "by what", "human", "member", "found")
    for row in rows:
        table.add_row(*("" if value is None else str(value) for value in row.values()))
    print_whole(console, table)


async def _verified(database: "Database", vault: "Vault") -> "Verdict":
    from yibao.platform.access import service

    async with (
        database.reader(None) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        return await service.verify(connection, vault)


async def _found(
    connection: Any, vault: "Vault", number: str
) -> "tuple[int | None, list[str]] | None":
    """A human and the numbers that the human has; None when nobody has the number."""
    from yibao.registry.people.service import (
        find_by_document,
        find_by_identity,
        find_by_numbers,
    )

    known = await find_by_numbers(connection, [number])
    if number in known:
        identity = known[number][1]
        insured = await find_by_identity(connection, vault, identity)
    else:
        insured = await find_by_document(connection, vault, "01", number)
        if not insured:
            return None
        identity = insured[0].identity.id
    return identity, [one.membership.number for one in insured]


def _run(data: Any, work: "Callable[[Database, Vault], Awaitable[Any]]", *, as_json: bool) -> Any:
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings

    with told_faults(as_json):
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))
        return on_database(settings, lambda database: work(database, vault))


def _tell_verdict(verdict: "Verdict", *, as_json: bool) -> None:
    if as_json:
        echo_json(
            {
                "rows": verdict.rows,
                "blocks": verdict.blocks,
                "faults": list(verdict.faults),
                "heads": {str(writer): link for writer, link in verdict.heads.items()},
            }
        )
    else:
        for fault in verdict.faults:
            tell(fault)
        if not verdict.faults:
            console.print(f"{verdict.rows} rows in {verdict.blocks} blocks, all as written")
        for writer, link in verdict.heads.items():
            console.print(f"head of writer {writer}: {link}", soft_wrap=True)
    raise typer.Exit(1 if verdict.faults else 0)


def _row(one: "Sighting") -> dict[str, Any]:
    from yibao.kernel.periods import CHINA_TIME

    return {
        "seen_at": one.seen_at.astimezone(CHINA_TIME).isoformat(timespec="seconds"),
        "kind": one.viewer.kind.value,
        "who": one.viewer.who,
        "operator": one.viewer.operator,
        "purpose": one.viewer.purpose,
        "identity": one.identity,
        "member": one.member,
        "found": one.found,
    }
