"""``yibao vault``: keys that seal personal data (密钥库): status, rotate, reseal, retire.

A change of keys is three commands, with the servers running all the while: ``rotate`` brings a new
key in, ``reseal`` seals everything anew under it, ``retire`` takes the old one away.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from yibao.cli.law import AsJson, console, echo_json, errors, tell
from yibao.cli.printing import print_whole
from yibao.platform.clock import SystemClock

if TYPE_CHECKING:
    from yibao.platform.crypto import Vault
    from yibao.platform.database import Database
    from yibao.platform.vault.service import Holding

vault_cli = typer.Typer(
    name="vault",
    help="Keys that seal personal data (密钥库): status, rotate, reseal, retire.",
    no_args_is_help=True,
)

DataFolder = Annotated[
    Path | None, typer.Option("--data", help="Folder of the database and the key file.")
]


@vault_cli.command()
def status(data: DataFolder = None, as_json: AsJson = False) -> None:
    """List the keys, newest first, and how many values lie under each; nothing secret is shown.

    Example: yibao vault status
    """
    from yibao.platform.vault.service import holdings

    async def work(database: "Database", vault: "Vault") -> "tuple[Vault, list[Holding]]":
        async with database.owner() as connection:
            return vault, await holdings(connection)

    vault, held = _run(data, work, as_json=as_json)
    rows = _rows(vault, held)
    if as_json:
        echo_json({"keys": rows})
        return
    table = Table("key", "seals from", "state", "values", "where")
    for row in rows:
        where = "\n".join(f"{place} {number}" for place, number in row["where"].items())
        table.add_row(row["id"], row["since"] or "", row["state"], str(row["values"]), where)
    print_whole(console, table)


@vault_cli.command()
def rotate(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Make a new key: servers open and find with it at once, and seal with it ten seconds later.

    Keep a copy of the key file apart from the database's backups: without it nothing opens.

    Example: yibao vault rotate
    """
    from yibao.cli.on_database import told_faults
    from yibao.platform.crypto import load_key
    from yibao.platform.keyring import announce
    from yibao.platform.settings import load_settings

    with told_faults(as_json):
        ring = announce(load_key(load_settings({"data": data})), SystemClock().now())
    new = ring.keys[0]
    if as_json:
        echo_json({"id": new.id.hex(), "since": new.since.isoformat(), "file": str(ring.path)})
        return
    console.print(
        f"key {new.id.hex()} seals from {new.since:%H:%M:%S} UTC on; it is in {ring.path}"
    )
    console.print("Copy that file to where its copies are kept, then run `yibao vault reseal`.")


@vault_cli.command()
def reseal(data: DataFolder = None, as_json: AsJson = False) -> None:
    """Seal everything anew under the newest key, and make look-up keys anew, in small steps.

    Servers may run; broken off, the command goes on with what is left when it is run again.

    Example: yibao vault reseal
    """
    from yibao.platform.vault.service import reseal as seal_anew

    done: Counter[str] = Counter()

    def progress(table: str, rows: int) -> None:
        done[table] += rows
        if errors.is_terminal:
            errors.print(f"{table}: {done[table]}", end="\r", highlight=False)

    async def work(database: "Database", vault: "Vault") -> int:
        return await seal_anew(database, vault, progress)

    number = _run(data, work, as_json=as_json)
    if as_json:
        echo_json({"resealed": number, "tables": dict(done)})
    else:
        console.print(f"{number} rows sealed anew; now `yibao vault retire` the old key")


@vault_cli.command()
def retire(
    key: Annotated[str, typer.Argument(help="Id of the key, as `yibao vault status` shows it.")],
    data: DataFolder = None,
    as_json: AsJson = False,
) -> None:
    """Take an old key away; refused while a value lies under it.

    Example: yibao vault retire 1f2e3d4c
    """
    from yibao.platform.vault.service import retire as take_away

    try:
        identifier = bytes.fromhex(key)
    except ValueError:
        tell(f"{key!r} is no id of a key: yibao vault status lists them")
        raise typer.Exit(2) from None

    async def work(database: "Database", vault: "Vault") -> None:
        await take_away(database, vault, identifier)

    _run(data, work, as_json=as_json)
    if as_json:
        echo_json({"retired": key})
    else:
        console.print(f"key {key} is gone from the key file; older backups still need it")


def _run(data: Any, work: "Callable[[Database, Vault], Awaitable[Any]]", *, as_json: bool) -> Any:
    from yibao.cli.on_database import on_database, told_faults
    from yibao.platform.crypto import Vault, load_key
    from yibao.platform.settings import load_settings
    from yibao.platform.vault.service import StillNeeded

    with told_faults(as_json):
        settings = load_settings({"data": data})
        vault = Vault(load_key(settings))
        try:
            return on_database(settings, lambda database: work(database, vault))
        except StillNeeded as fault:
            tell(str(fault))
            raise typer.Exit(1) from None


def _rows(vault: "Vault", held: "list[Holding]") -> list[dict[str, Any]]:
    under: dict[str, dict[str, int]] = {}
    for one in held:
        under.setdefault(one.key, {})[f"{one.table}.{one.column}"] = one.values
    now = SystemClock().now()
    sealing = vault.ring.sealing(now).id
    rows = []
    for key in vault.ring.keys:
        where = under.pop(key.id.hex(), {})
        state = "seals" if key.id == sealing else "announced" if key.since > now else "opens"
        since = None if key.since.year == 1 else key.since.isoformat(timespec="seconds")
        rows.append(_row(key.id.hex(), since, state, where))
    return rows + [_row(key, None, "missing", where) for key, where in sorted(under.items())]


def _row(key: str, since: str | None, state: str, where: dict[str, int]) -> dict[str, Any]:
    return {
        "id": key,
        "since": since,
        "state": "before keys had marks" if key == "unmarked" else state,
        "values": sum(where.values()),
        "where": where,
    }
