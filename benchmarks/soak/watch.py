"""A look at the database and the server's processes, and what changed from one to the next."""

import asyncio
from dataclasses import dataclass
from typing import Any

import asyncpg

from benchmarks.machine import Processes, Usage
from yibao.cli.serving import Running

_LOOK = """
    SELECT pg_database_size(current_database()) AS size,
           pg_wal_lsn_diff(pg_current_wal_insert_lsn(), '0/0')::bigint AS log,
           sum(n_live_tup)::bigint AS living, sum(n_dead_tup)::bigint AS dead
    FROM pg_stat_user_tables"""
_DEADEST = """
    SELECT schemaname || '.' || relname AS name, n_dead_tup AS dead, n_live_tup AS living
    FROM pg_stat_user_tables WHERE n_dead_tup > 0 ORDER BY n_dead_tup DESC LIMIT 5"""
_CHECKPOINTS = "SELECT num_timed + num_requested FROM pg_stat_checkpointer"
_CHECKPOINTS_BEFORE_17 = "SELECT checkpoints_timed + checkpoints_req FROM pg_stat_bgwriter"


@dataclass(frozen=True, slots=True)
class Look:
    """As it was at a moment."""

    usage: Usage
    cpu: dict[str, float]
    memory: dict[str, float]
    size: int
    log: int
    living: int
    dead: int
    checkpoints: int

    def since(self, before: "Look") -> dict[str, Any]:
        """What changed, for the report: sizes in bytes, cores on average, rows as they are now."""
        seconds = self.usage.at - before.usage.at
        used = {name: self.cpu[name] - before.cpu[name] for name in self.cpu}
        return {
            "cores": {name: took / seconds for name, took in used.items()},
            "stolen": (self.usage.stolen - before.usage.stolen) / seconds,
            "memory": self.memory,
            "log": self.log - before.log,
            "grown": self.size - before.size,
            "dead_share": self.dead / max(1, self.dead + self.living),
            "dead": self.dead,
            "checkpoints": self.checkpoints - before.checkpoints,
        }


class Watch:
    """Looks at one server."""

    def __init__(self, server: Running) -> None:
        dsn = server.settings.database_url
        assert dsn is not None
        self._dsn = dsn
        self._processes = Processes(server.settings.data)

    def look(self) -> Look:
        """As it is now."""
        usage, cpu = Usage.now(), self._processes.seconds()
        row, checkpoints = asyncio.run(self._asked())
        return Look(usage, cpu, self._processes.memory(), *row, checkpoints)

    async def _asked(self) -> tuple[tuple[int, int, int, int], int]:
        connection = await asyncpg.connect(self._dsn)
        try:
            row = await connection.fetchrow(_LOOK)
            assert row is not None
            major = connection.get_server_version().major
            asked = _CHECKPOINTS if major >= 17 else _CHECKPOINTS_BEFORE_17
            return tuple(row), await connection.fetchval(asked)
        finally:
            await connection.close()

    def deadest(self) -> dict[str, dict[str, int]]:
        """The tables with most rows that nobody needs and vacuum has not removed yet."""

        async def asked() -> dict[str, dict[str, int]]:
            connection = await asyncpg.connect(self._dsn)
            try:
                rows = await connection.fetch(_DEADEST)
            finally:
                await connection.close()
            return {row["name"]: {"dead": row["dead"], "living": row["living"]} for row in rows}

        return asyncio.run(asked())
