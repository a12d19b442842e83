"""Count what lies under each key, seal it anew under the newest, and retire a key nobody needs.

Sealing anew goes table by table in small transactions of the owner, each of whole rows: broken off
at any moment it has changed a row entirely or not at all, and begins again with what is left. The
servers go on meanwhile, because they open and find with every key of the ring.
"""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from yibao.platform.clock import SystemClock
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.keyring import ID_BYTES, dropped
from yibao.platform.vault.catalogue import SEALED, Sealed

if TYPE_CHECKING:
    from asyncpg import Connection, Record

BATCH = 500
"""Rows of one transaction; a file may have megabytes, so files go one by one."""
_LOOKS_SECONDS = 2.0
"""Within which every process has noticed that a key has begun to seal."""

Progress = Callable[[str, int], None]
"""Told of a table and how many of its rows were sealed anew since it was last told."""


class StillNeeded(Exception):  # noqa: N818 - reads as a fact
    """A key cannot be retired: values still lie under it."""


@dataclass(frozen=True, slots=True)
class Holding:
    """How many values of one column lie under one key."""

    table: str
    column: str
    key: str
    """Id of the key, in hexadecimal; ``unmarked``: a look-up key from before keys could change."""
    values: int


async def holdings(connection: "Connection[Any]") -> list[Holding]:
    """What lies under which key, by column, in the order of the catalogue."""
    found = []
    for sealed in SEALED:
        found += await _counted(connection, sealed, sealed.column, sealed.value)
        for look_up in sealed.look_ups:
            found += await _counted(connection, sealed, look_up.column, f"t.{look_up.column}")
    return found


async def reseal(database: Database, vault: Vault, progress: Progress) -> int:
    """Seal everything anew that is not under the newest key; how many rows it were.

    Waits until the newest key seals. What servers write with an older key while this runs is found
    by going over it again until nothing is left.
    """
    newest = vault.ring.keys[0]
    settled = newest.since.timestamp() + _LOOKS_SECONDS
    await asyncio.sleep(max(0.0, settled - SystemClock().now().timestamp()))
    done = 0
    async with database.owner() as connection:
        for sealed in SEALED:
            while changed := await _reseal_table(connection, vault, sealed, progress):
                done += changed
    return done


async def retire(database: Database, vault: Vault, id: bytes) -> None:  # noqa: A002 - it is one
    """Take a key out of the key file. Raises StillNeeded, or SettingsFault for the environment's.

    The newest key and one that still holds a value stay.
    """
    if vault.ring.find(id) is None:
        raise StillNeeded(f"there is no key {id.hex()}: yibao vault status lists them")
    if id == vault.ring.keys[0].id or id == vault.key_id:
        raise StillNeeded(f"key {id.hex()} is the newest: rotate first")
    async with database.owner() as connection:
        under = [one for one in await holdings(connection) if one.key in (id.hex(), UNMARKED)]
    if under:
        left = ", ".join(f"{one.values} in {one.table}.{one.column}" for one in under)
        raise StillNeeded(
            f"values still lie under key {id.hex()} ({left}): run `yibao vault reseal`;"
            " what it leaves are cards from before keys could change, which must be issued anew"
        )
    dropped(vault.ring, id)


UNMARKED = "unmarked"


# ----------------------------------------------------------------------------------------- private


async def _counted(
    connection: "Connection[Any]", sealed: Sealed, column: str, value: str
) -> list[Holding]:
    """Look-up keys of 32 bytes are older than the marks of keys."""
    unmarked = "FALSE" if column == sealed.column else f"length({value}) = 32"
    rows = await connection.fetch(
        f"""SELECT CASE WHEN {unmarked} THEN '{UNMARKED}'
                        ELSE encode(substring({value} FROM 1 FOR {ID_BYTES}), 'hex') END AS key,
                   count(*) AS number
            FROM {sealed.table} AS t WHERE {sealed.where} AND {value} IS NOT NULL
            GROUP BY 1 ORDER BY 1"""  # noqa: S608 - our own catalogue
    )
    return [Holding(sealed.table, column, row["key"], row["number"]) for row in rows]


async def _reseal_table(
    connection: "Connection[Any]", vault: Vault, sealed: Sealed, progress: Progress
) -> int:
    """Go over a table once; how many rows were sealed anew."""
    keys = await _primary_key(connection, sealed.table)
    done, last = 0, None
    size = 1 if sealed.table == "platform.file" else BATCH
    while True:
        async with connection.transaction():
            rows = await _stale(connection, vault, sealed, keys, last, size)
            if not rows:
                return done
            await _write(connection, vault, sealed, keys, rows)
        last = [rows[-1][name] for name, _ in keys]
        done += len(rows)
        progress(sealed.table, len(rows))


async def _primary_key(connection: "Connection[Any]", table: str) -> list[tuple[str, str]]:
    """Names and types of a table's key columns, in the key's order."""
    rows = await connection.fetch(
        """SELECT a.attname AS name, format_type(a.atttypid, a.atttypmod) AS type
           FROM pg_index AS i
           CROSS JOIN LATERAL unnest(i.indkey) WITH ORDINALITY AS k (number, place)
           JOIN pg_attribute AS a ON a.attrelid = i.indrelid AND a.attnum = k.number
           WHERE i.indrelid = $1::regclass AND i.indisprimary ORDER BY k.place""",
        table,
    )
    return [(row["name"], row["type"]) for row in rows]


async def _stale(
    connection: "Connection[Any]",
    vault: Vault,
    sealed: Sealed,
    keys: Sequence[tuple[str, str]],
    last: Sequence[Any] | None,
    size: int,
) -> "list[Record]":
    """The next rows of a table with a value that is not under the newest key, locked."""
    names = ", ".join(f"t.{name}" for name, _ in keys)
    after = ", ".join(f"${place}" for place in range(2, len(keys) + 2))
    begin = f"({names}) > ({after})" if last else "TRUE"
    others = [f"t.{look_up.column}" for look_up in sealed.look_ups]
    stale = " OR ".join(
        f"substring({value} FROM 1 FOR {ID_BYTES}) <> $1" for value in (sealed.value, *others)
    )
    besides = "".join(f", t.{name}" for name in sealed.besides)
    rows: list[Record] = await connection.fetch(
        f"""SELECT {names}{besides}, {sealed.value} AS value FROM {sealed.table} AS t
            WHERE {begin} AND {sealed.where} AND {sealed.value} IS NOT NULL AND ({stale})
            ORDER BY {names} LIMIT {size} FOR UPDATE""",  # noqa: S608 - our own catalogue
        vault.key_id,
        *(last or ()),
    )
    return rows


async def _write(
    connection: "Connection[Any]",
    vault: Vault,
    sealed: Sealed,
    keys: Sequence[tuple[str, str]],
    rows: "Sequence[Record]",
) -> None:
    made = [_made(vault, sealed, row) for row in rows]
    columns = [*(name for name, _ in keys), "sealed", *(one.column for one in sealed.look_ups)]
    types = [*(kind for _, kind in keys), *("bytea" for _ in columns[len(keys) :])]
    arrays = ", ".join(f"${place}::{kind}[]" for place, kind in enumerate(types, 1))
    changes = [f"{sealed.column} = {sealed.new_value}"]
    changes += [f"{one.column} = n.{one.column}" for one in sealed.look_ups]
    same = " AND ".join(f"t.{name} = n.{name}" for name, _ in keys)
    await connection.execute(
        f"""UPDATE {sealed.table} AS t SET {", ".join(changes)}
            FROM unnest({arrays}) AS n ({", ".join(columns)}) WHERE {same}""",  # noqa: S608
        *([row[name] for row in rows] for name, _ in keys),
        *([one[place] for one in made] for place in range(1 + len(sealed.look_ups))),
    )


def _made(vault: Vault, sealed: Sealed, row: "Record") -> tuple[bytes, ...]:
    """The value sealed anew, and its look-up keys."""
    content = vault.open_bytes(row["value"], sealed.purpose)
    look_ups = (vault.look_up_key(*one.parts(row, content.decode())) for one in sealed.look_ups)
    return vault.seal_bytes(content, sealed.purpose), *look_ups
