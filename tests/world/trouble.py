"""Breaks things on time, and mends what does not mend itself."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Awaitable, Callable

import asyncpg

from tests.world.chronicle import Chronicle
from tests.world.disk import Disk
from tests.world.plan import Break, Breakage
from tests.world.server import DATABASE_DOWN, Served, started

BACK_WITHIN = 90.0
"""Seconds that the platform gets to be ready again by itself."""


class Trouble:
    """The one who breaks things."""

    def __init__(self, served: Served, disk: Disk, chronicle: Chronicle) -> None:
        self._served = served
        self._disk = disk
        self._chronicle = chronicle
        self._ways: dict[Breakage, Callable[[Break], Awaitable[None]]] = {
            Breakage.KILL_WORKER: self._kill_worker,
            Breakage.KILL_SERVER: self._kill_server,
            Breakage.KILL_DATABASE: self._kill_database,
            Breakage.KILL_BACKEND: self._kill_backend,
            Breakage.KILL_BOTH: self._kill_both,
            Breakage.RESTART: self._restart,
            Breakage.MIGRATE: self._migrate,
            Breakage.CUT_CONNECTIONS: self._cut_connections,
            Breakage.DEADLOCK: self._deadlock,
            Breakage.FREEZE_WORKER: self._freeze_worker,
            Breakage.FREEZE_DATABASE: self._freeze_database,
            Breakage.SLOW_DISK: self._slow_disk,
            Breakage.FULL_DISK: self._full_disk,
        }

    async def run(self, breaks: "tuple[Break, ...]", began: float) -> None:
        """Break everything that is planned, one thing after the other.

        What was mended late gets half its time all the same: nobody would work on it otherwise.
        """
        before = 0.0
        for one in breaks:
            left = began + one.at - time.monotonic()
            await asyncio.sleep(max(0.0, left, (one.at - before) / 2))
            before = one.at
            self._chronicle.broke(one.what, f"for {one.seconds} s" if one.seconds else "")
            try:
                await self._ways[one.what](one)
            except DATABASE_DOWN as error:
                # it hit what was down already: nothing more is broken by that
                self._chronicle.broke("missed", repr(error))
            await self.mend()

    async def mend(self) -> None:
        """Start the server again if it ended."""
        if not self._served.is_up:
            await started(self._served)
            self._chronicle.broke("started again")

    # ------------------------------------------------------------------------------- processes

    async def _kill_worker(self, one: Break) -> None:
        if workers := self._served.workers():
            workers[one.aim % len(workers)].kill()

    async def _kill_server(self, _: Break) -> None:
        self._served.kill(application=True)

    async def _kill_database(self, _: Break) -> None:
        self._served.kill(database=True)

    async def _kill_both(self, _: Break) -> None:
        self._served.kill(application=True, database=True)

    async def _kill_backend(self, one: Break) -> None:
        if backends := self._served.backends():
            backends[one.aim % len(backends)].kill()

    async def _restart(self, _: Break) -> None:
        await asyncio.to_thread(self._served.stop)

    async def _freeze_worker(self, one: Break) -> None:
        if workers := self._served.workers():
            with self._served.frozen([workers[one.aim % len(workers)]]):
                await asyncio.sleep(one.seconds)

    async def _freeze_database(self, one: Break) -> None:
        with self._served.frozen(self._served.database()):
            await asyncio.sleep(one.seconds)

    async def _migrate(self, _: Break) -> None:
        done = await asyncio.to_thread(self._served.command, "migrate")
        self._chronicle.broke("migrated", f"exit code {done.returncode}")

    # ------------------------------------------------------------------------------ the database

    async def _cut_connections(self, _: Break) -> None:
        async with self._owner() as connection:
            await connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE pid <> pg_backend_pid() AND datname = current_database()"
            )

    async def _deadlock(self, one: Break) -> None:
        """Lock counters first and visits then: the wrong way round."""
        async with self._owner() as connection:
            transaction = connection.transaction()
            await transaction.start()
            try:
                await connection.execute(
                    "SELECT 1 FROM settlement.accumulator ORDER BY member DESC FOR UPDATE"
                )
                await asyncio.sleep(one.seconds / 2)
                await connection.execute("SELECT 1 FROM settlement.visit ORDER BY id FOR UPDATE")
                await asyncio.sleep(one.seconds / 2)
            except asyncpg.DeadlockDetectedError:
                self._chronicle.broke("deadlock", "it was the intruder that was ended")
            finally:
                with contextlib.suppress(*DATABASE_DOWN):
                    await transaction.rollback()

    async def _slow_disk(self, one: Break) -> None:
        """Every commit waits a tenth of a second, and nobody writes behind."""
        async with self._owner() as connection:
            await connection.execute("ALTER SYSTEM SET commit_delay = 100000")
            await connection.execute("ALTER SYSTEM SET commit_siblings = 0")
            await connection.execute("SELECT pg_reload_conf()")
        with self._served.frozen(self._served.background_writers()):
            await asyncio.sleep(one.seconds)
        async with self._owner() as connection:
            await connection.execute("ALTER SYSTEM RESET commit_delay")
            await connection.execute("ALTER SYSTEM RESET commit_siblings")
            await connection.execute("SELECT pg_reload_conf()")

    async def _full_disk(self, one: Break) -> None:
        with self._disk.full(self._served.database()):
            await asyncio.sleep(one.seconds)

    @contextlib.asynccontextmanager
    async def _owner(self) -> "AsyncIterator[asyncpg.Connection]":
        dsn = self._served.dsn
        if dsn is None:
            raise ConnectionError("no database runs")
        connection = await asyncpg.connect(dsn, timeout=10)
        try:
            yield connection
        finally:
            connection.terminate()
