"""What a load takes: CPU, memory, log and bytes of every table, batches; before and after it.

Sizes of tables are ``pg_total_relation_size``: they grow by whole pages of 8 kB, and many at once
where several writers meet, so a window of some thousand visits tells them to about a per cent.
"""

import asyncio
import re
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import asyncpg

from benchmarks.machine import Processes, Usage
from yibao.cli.serving import Running

_SIZES = """
    SELECT n.nspname || '.' || t.relname AS name,
           sum(pg_table_size(c.oid))::bigint AS rows,
           sum(pg_indexes_size(c.oid))::bigint AS indexes
    FROM pg_class AS c
    JOIN pg_class AS t ON t.oid = coalesce(pg_partition_root(c.oid), c.oid)
    JOIN pg_namespace AS n ON n.oid = t.relnamespace
    WHERE c.relkind = 'r' AND n.nspname NOT IN ('pg_catalog', 'information_schema', 'floor')
    GROUP BY 1"""
"""A partitioned table's parts count as the table."""

_LOG = "SELECT pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint"
_METRIC = re.compile(r"^(yibao_batch_(?:commands|seconds)_(?:sum|count)) (\S+)$", re.MULTILINE)

Sizes = Mapping[str, tuple[int, int]]
"""Bytes of rows and of indexes by table."""


@dataclass(frozen=True, slots=True)
class Standing:
    """How much had been taken by a moment."""

    cpu: Mapping[str, float]
    log: int
    sizes: Sizes
    batches: Mapping[str, float]
    usage: Usage


class Consumption:
    """Looks at a server's processes and its database."""

    def __init__(self, server: Running) -> None:
        self._server = server
        self.processes = Processes(server.settings.data)

    def stand(self) -> Standing:
        """As it is now; processor time first, so that looking at the rest falls into the window."""
        cpu, usage = self.processes.seconds(), Usage.now()
        dsn = self._server.settings.database_url
        assert dsn is not None
        log, sizes = asyncio.run(stored(dsn))
        return Standing(cpu, log, sizes, self._batches(), usage)

    def taken(
        self, first: Standing, last: Standing, journeys: int, generator: float
    ) -> dict[str, Any]:
        """What was taken between two moments, for each of so many journeys.

        ``generator``: its CPU seconds meanwhile.
        """
        used = {name: last.cpu[name] - first.cpu[name] for name in last.cpu}
        cores = first.usage.until(last.usage, sum(used.values()) + generator)
        tables = {
            name: {
                "rows": (rows - first.sizes.get(name, (0, 0))[0]) / journeys,
                "indexes": (indexes - first.sizes.get(name, (0, 0))[1]) / journeys,
            }
            for name, (rows, indexes) in last.sizes.items()
            if (rows, indexes) != first.sizes.get(name, (0, 0))
        }
        stored = sum(part for table in tables.values() for part in table.values())
        batches = {name: at - first.batches.get(name, 0) for name, at in last.batches.items()}
        return {
            "cpu_ms": {
                **{name: 1000 * seconds / journeys for name, seconds in used.items()},
                "generator": 1000 * generator / journeys,
            },
            "cores": cores,
            "bytes": {"log": (last.log - first.log) / journeys, "stored": stored},
            "bytes_by_table": dict(sorted(tables.items(), key=lambda one: -sum(one[1].values()))),
            "batch_commands": _mean(batches, "yibao_batch_commands"),
            "batch_ms": 1000 * _mean(batches, "yibao_batch_seconds"),
            "memory_bytes": self.processes.memory(),
        }

    def _batches(self) -> dict[str, float]:
        with urllib.request.urlopen(f"{self._server.base_url}/metrics") as answer:
            text = answer.read().decode()
        return {name: float(value) for name, value in _METRIC.findall(text)}


async def stored(dsn: str) -> tuple[int, Sizes]:
    """Bytes of log written so far, and of every table."""
    connection = await asyncpg.connect(dsn)
    try:
        rows = await connection.fetch(_SIZES)
        sizes = {row["name"]: (row["rows"], row["indexes"]) for row in rows}
        return await connection.fetchval(_LOG), sizes
    finally:
        await connection.close()


def _mean(counted: Mapping[str, float], name: str) -> float:
    count = counted.get(f"{name}_count", 0.0)
    return counted.get(f"{name}_sum", 0.0) / count if count else 0.0
