"""``yibao keys``: create, list, rotate and revoke the keys of senders (发送方密钥).

A secret is shown once, when it is made; the database holds it sealed. Which kind of key each way of
sending needs is told in ``docs/interface/dialects.md``.
"""

from collections.abc import Awaitable, Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, tell
from yibao.cli.printing import print_whole
from yibao.registry.institutions.model import HeaderFamily, KeyKind

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.platform.crypto import Vault
    from yibao.registry.keys.model import KeyListing, MadeKey

keys_cli = typer.Typer(
    name="keys", help="Keys of senders: create, list, rotate, revoke.", no_args_is_help=True
)

Work = Callable[["Connection[Any]", "Vault", datetime], Awaitable[Any]]
DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and run-time files.")
]
KeyId = Annotated[str, typer.Argument(help="Id of the key, as `yibao keys list` shows it.")]


@keys_cli.command()
def create(
    sender: Annotated[
        str, typer.Argument(help="Account, access key, appId, client id, or institution code.")
    ],
    family: Annotated[
        HeaderFamily, typer.Option(help="How the sender shows who it is.")
    ] = HeaderFamily.TIF,
    kind: Annotated[KeyKind, typer.Option(help="What the key is for.")] = KeyKind.SECRET,
    institution: Annotated[
        list[str] | None, typer.Option(help="Institution it may speak for; several allowed.")
    ] = None,
    start: Annotated[
        datetime | None,
        typer.Option("--from", formats=["%Y-%m-%d"], help="First day for the institutions; today."),
    ] = None,
    dialect: Annotated[
        str | None, typer.Option(help="Dialect; left out: by the institution's province.")
    ] = None,
    given: Annotated[
        str | None,
        typer.Option(help="Secret, SM4 key or public key agreed upon; left out: one is drawn."),
    ] = None,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a key for a sender, beside those that it has. What is secret is shown this once.

    Example: yibao keys create vendor-1 --institution H11010599001
    """
    from yibao.gateway.dialects.load import dialects
    from yibao.kernel.periods import Period, business_date
    from yibao.platform.clock import SystemClock
    from yibao.registry.keys import service
    from yibao.registry.keys.model import NewKey

    if dialect is not None and dialect not in dialects():
        tell(f"there is no dialect {dialect}; known are {', '.join(dialects())}")
        raise typer.Exit(2)
    first = start.date() if start else business_date(SystemClock().now())
    spoken_for = tuple((code, Period(first)) for code in institution or ())
    wanted = NewKey(family, sender, kind, spoken_for, dialect, given)

    async def work(connection: "Connection[Any]", vault: "Vault", now: datetime) -> "MadeKey":
        return await service.create(connection, vault, wanted, now=now)

    _show_made(_run(data, work, as_json=as_json), as_json=as_json)


@keys_cli.command("list")
def show(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the keys that were not revoked; nothing secret is shown."""
    from yibao.registry.keys import service

    async def work(
        connection: "Connection[Any]", vault: "Vault", now: datetime
    ) -> "tuple[Sequence[KeyListing], datetime]":
        return await service.listed(connection, vault), now

    listings, now = _run(data, work, as_json=as_json)
    rows = [_row(listing, now) for listing in listings]
    if as_json:
        echo_json({"keys": rows})
        return
    table = Table(
        "key", "family", "sender", "kind", "state", "from", "until", "dialect", "speaks for"
    )
    for row in rows:
        table.add_row(
            row["id"], row["family"], row["sender"], row["kind"], row["state"],
            row["valid_from"][:16], (row["valid_until"] or "")[:16], row["dialect"] or "",
            ", ".join(row["institutions"]),
        )  # fmt: skip
    print_whole(console, table)


@keys_cli.command()
def rotate(
    key: KeyId,
    overlap: Annotated[
        float, typer.Option("--overlap", min=0, help="Hours for which the old key goes on.")
    ] = 24,
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Make a new key of the same kind; the old one goes on for a while.

    Example: yibao keys rotate k0123456789 --overlap 72
    """
    from yibao.registry.keys import service

    async def work(connection: "Connection[Any]", vault: "Vault", now: datetime) -> "MadeKey":
        return await service.rotate(connection, vault, key, timedelta(hours=overlap), now)

    _show_made(_run(data, work, as_json=as_json), as_json=as_json)


@keys_cli.command()
def revoke(key: KeyId, data: DataFolder = None, as_json: AsJson = False) -> None:
    """Let a key count no more: running servers refuse it within a second.

    Example: yibao keys revoke k0123456789
    """
    from yibao.registry.keys import service

    async def work(connection: "Connection[Any]", _: "Vault", now: datetime) -> None:
        await service.revoke(connection, key, now)

    _run(data, work, as_json=as_json)
    if as_json:
        echo_json({"revoked": key})
    else:
        console.print(f"{key} counts no more")


def _run(data: Any, work: Work, *, as_json: bool) -> Any:
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


def _show_made(made: "MadeKey", *, as_json: bool) -> None:
    told = {
        "id": made.id,
        "family": made.family.value,
        "sender": made.sender,
        "kind": made.kind.value,
        "secret": made.secret,
        "public_key": made.public_key,
        "valid_from": made.valid_from.isoformat(),
    }
    if as_json:
        echo_json(told)
        return
    table = Table(show_header=False)
    for name, value in told.items():
        if value is not None:
            table.add_row(name, str(value))
    print_whole(console, table)
    if made.secret is not None:
        console.print("The secret is shown this once; the database holds it sealed.")


def _row(listing: "KeyListing", now: datetime) -> dict[str, Any]:
    return {
        "id": listing.id,
        "family": listing.family.value,
        "sender": listing.sender,
        "kind": listing.kind.value,
        "state": listing.state(now).value,
        "public_key": listing.public_key,
        "valid_from": listing.valid_from.isoformat(),
        "valid_until": None if listing.valid_until is None else listing.valid_until.isoformat(),
        "dialect": listing.dialect,
        "institutions": list(listing.institutions),
    }
