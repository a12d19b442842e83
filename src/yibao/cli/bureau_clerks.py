"""``yibao bureau clerk``: enter clerks (经办人员), list and suspend them.

A personal key is shown once, when it is made; the database holds a hash of it.
"""

from collections.abc import Awaitable, Callable
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json
from yibao.cli.printing import print_whole

if TYPE_CHECKING:
    from collections.abc import Sequence

    from asyncpg import Connection

    from yibao.bureau.clerks.model import Clerk, MadeClerk
    from yibao.platform.crypto import Vault

clerk_cli = typer.Typer(
    name="clerk", help="Clerks (经办人员): add, list, suspend.", no_args_is_help=True
)

Work = Callable[["Connection[Any]", "Vault", datetime], Awaitable[Any]]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
Code = Annotated[str, typer.Argument(help="The clerk's code: letters and digits.")]


@clerk_cli.command()
def add(
    code: Code,
    name: Annotated[str, typer.Argument(help="The clerk's name.")],
    pool: Annotated[
        list[str] | None, typer.Option(help="Pool (统筹区) the clerk works in; left out: all.")
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Enter a clerk, or give one a new key. The key is shown this once.

    Example: yibao bureau clerk add W1 王一 --pool 110000
    """
    from yibao.bureau.clerks import service
    from yibao.bureau.clerks.model import Clerk
    from yibao.kernel.areas import Pool

    clerk = Clerk(code, name, tuple(Pool(one) for one in pool or ()))

    async def work(connection: "Connection[Any]", vault: "Vault", now: datetime) -> "MadeClerk":
        return await service.add(connection, vault, clerk, now=now)

    made = _run(data, work, as_json=as_json)
    if as_json:
        echo_json({"code": code, "name": name, "pools": pool or [], "key": made.key})
    else:
        console.print(f"{code}: {made.key}", highlight=False)
        console.print("The key is shown this once; the database holds a hash of it.")


@clerk_cli.command("list")
def show(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the clerks; nothing secret is shown.

    Example: yibao bureau clerk list --json
    """
    from yibao.bureau.clerks import service

    async def work(connection: "Connection[Any]", vault: "Vault", _: datetime) -> "Sequence[Clerk]":
        return await service.listed(connection, vault)

    found = _run(data, work, as_json=as_json)
    if as_json:
        rows = [
            {"code": c.code, "name": c.name, "pools": list(c.pools), "suspended": c.suspended}
            for c in found
        ]
        echo_json({"clerks": rows})
        return
    table = Table("code", "name", "pools", "state")
    for clerk in found:
        state = "suspended" if clerk.suspended else "active"
        table.add_row(clerk.code, clerk.name, ", ".join(clerk.pools) or "all", state)
    print_whole(console, table)


@clerk_cli.command()
def suspend(code: Code, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Let a clerk sign in no more; ``add`` with the same code lets him in again.

    Example: yibao bureau clerk suspend W1
    """
    from yibao.bureau.clerks import service

    async def work(connection: "Connection[Any]", _: "Vault", now: datetime) -> None:
        await service.suspend(connection, code, now=now)

    _run(data, work, as_json=as_json)
    if as_json:
        echo_json({"suspended": code})
    else:
        console.print(f"{code} signs in no more", highlight=False)


def _run(data: Path | None, work: Work, *, as_json: bool) -> Any:
    """What the work makes of a writing transaction; faults are told without a traceback."""
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.clock import SystemClock
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings

    with told_faults(as_json):
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))

        async def whole(database: Any) -> Any:
            async with database.writer() as connection, connection.transaction():
                return await work(connection, vault, SystemClock().now())

        return on_database(settings, whole)
