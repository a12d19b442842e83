"""The floor: how fast PostgreSQL takes the same rows when nothing but COPY happens.

The rows that the measured visits wrote are read back in binary form, cut into portions of 32
visits (or as many as is said), and copied into tables of the same columns, indexes and checks, one
transaction a portion, on one connection, with the same durability. Updates of working rows
(accumulators, account parts, charge batches) are not in it.
"""

import io
import struct
import time
from dataclasses import dataclass
from typing import Any

import asyncpg

PORTION = 32
"""Visits in one transaction."""

SCHEMAS = ("ledger", "settlement", "platform")
_SIGNATURE = b"PGCOPY\n\xff\r\n\x00" + struct.pack("!II", 0, 0)
_TRAILER = struct.pack("!h", -1)


@dataclass(frozen=True, slots=True)
class Floor:
    """What the floor came to."""

    visits: int
    seconds: float
    rows_a_visit: float
    bytes_a_visit: float
    """Bytes of the COPY stream."""

    @property
    def visits_a_second(self) -> float:
        return self.visits / self.seconds


async def counted(dsn: str) -> dict[str, int]:
    """Rows of every table of ours, now."""
    connection = await asyncpg.connect(dsn)
    try:
        return await counts(connection)
    finally:
        await connection.close()


async def copied(
    dsn: str, before: dict[str, int], done: int | None = None, portion: int = PORTION
) -> Floor:
    """The floor of what was written since ``before``: ``done`` of it, or as many as visits."""
    connection = await asyncpg.connect(dsn)
    try:
        after = await counts(connection)
        if done is None:
            done = after["settlement.visit"] - before["settlement.visit"]
        return await measure(connection, before, after, done, portion)
    finally:
        await connection.close()


async def counts(connection: "asyncpg.Connection[Any]") -> dict[str, int]:
    """Rows in every ordinary or partitioned table of ours."""
    tables = await connection.fetch(
        """SELECT format('%I.%I', n.nspname, c.relname) AS name
           FROM pg_class AS c JOIN pg_namespace AS n ON n.oid = c.relnamespace
           WHERE n.nspname = ANY ($1) AND c.relkind IN ('r', 'p') AND NOT c.relispartition
           ORDER BY 1""",
        list(SCHEMAS),
    )
    return {
        row["name"]: await connection.fetchval(f"SELECT count(*) FROM {row['name']}")
        for row in tables
    }


async def measure(
    connection: "asyncpg.Connection[Any]",
    before: dict[str, int],
    after: dict[str, int],
    visits: int,
    portion: int = PORTION,
    *,
    at_most: int = 6_400,
) -> Floor:
    """Copy the rows of ``visits`` visits (a sample of ``at_most``) into empty twins."""
    sample = min(visits, at_most)
    if sample > portion:
        sample -= sample % portion
    portions: list[dict[str, bytes]] = [{} for _ in range(max(1, sample // portion))]
    rows = size = 0
    await connection.execute("DROP SCHEMA IF EXISTS floor CASCADE; CREATE SCHEMA floor")
    for name in before:
        grown = after[name] - before[name]
        if grown < visits // 2:
            continue  # working rows, partitions' bookkeeping
        wanted = grown * sample // visits
        twin = f"floor.{name.replace('.', '_')}"
        await connection.execute(
            f"CREATE TABLE {twin} (LIKE {name} INCLUDING ALL EXCLUDING IDENTITY)"
        )
        stream = io.BytesIO()
        await connection.copy_from_query(
            f"SELECT * FROM {name} ORDER BY tableoid DESC, ctid DESC LIMIT {wanted}",
            output=stream,
            format="binary",
        )
        tuples = _tuples(stream.getvalue())
        rows += len(tuples)
        for i, streams in enumerate(portions):
            share = tuples[
                i * len(tuples) // len(portions) : (i + 1) * len(tuples) // len(portions)
            ]
            streams[twin] = _SIGNATURE + b"".join(share) + _TRAILER
            size += len(streams[twin])
    await connection.execute("CHECKPOINT")
    started = time.perf_counter()
    for streams in portions:
        async with connection.transaction():
            for twin, data in streams.items():
                schema, table = twin.split(".")
                await connection.copy_to_table(
                    table, schema_name=schema, source=io.BytesIO(data), format="binary"
                )
    seconds = time.perf_counter() - started
    await connection.execute("DROP SCHEMA floor CASCADE")
    return Floor(sample, seconds, rows / sample, size / sample)


def _tuples(stream: bytes) -> list[bytes]:
    """The tuples of a binary COPY stream, each as it stands in it."""
    found: list[bytes] = []
    at = len(_SIGNATURE)
    while True:
        start = at
        (fields,) = struct.unpack_from("!h", stream, at)
        if fields < 0:
            return found
        at += 2
        for _ in range(fields):
            (length,) = struct.unpack_from("!i", stream, at)
            at += 4 + max(length, 0)
        found.append(stream[start:at])
