"""The database: pools of connections, one for each role, and the number of this writer.

A *writer* connection inserts facts; a *reader* sees only the rows of the institutions it was
borrowed for; the *owner* migrates and maintains. The role is set when a connection is made.
"""

import asyncio
import os
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from decimal import Decimal
from pathlib import Path
from typing import Any, cast

import asyncpg
import msgspec
import structlog

from yibao.kernel.identifiers import NumberSource

WRITER_ROLE = "yibao_writer"
READER_ROLE = "yibao_reader"
BUREAU = "*"
"""Value of ``yibao.institutions`` that sees every institution's rows."""

_CODE = re.compile(r"[0-9A-Za-z._-]{1,30}", re.ASCII)
"""An institution's code: no comma, which joins them, and no BUREAU."""

_LOCKS_OF_WRITERS = 0x7962  # first key of the advisory locks that hold writer numbers
_LOCKS_OF_WORK = 0x7963
_RETRY_SECONDS = 1.0

log = structlog.get_logger()


class Database:
    """Open connections to one database. ``await Database.open(dsn)``, later ``await close()``."""

    def __init__(self, dsn: str, writers: asyncpg.Pool, readers: asyncpg.Pool) -> None:
        self.dsn = dsn
        self._writers = writers
        self._readers = readers
        self._number: _WriterNumber | None = None

    @classmethod
    async def open(cls, dsn: str, writers: int = 4, readers: int = 4) -> "Database":
        """Connect; ``writers`` and ``readers`` are the most connections of each kind."""
        writing = await _open_pool(dsn, WRITER_ROLE, writers)
        try:
            reading = await _open_pool(dsn, READER_ROLE, readers)
        except BaseException:
            writing.terminate()
            raise
        return cls(dsn, writing, reading)

    async def close(self) -> None:
        """Wait for borrowed connections to come back, then close all."""
        if self._number is not None:
            await self._number.release()
        await asyncio.gather(self._writers.close(), self._readers.close())

    @asynccontextmanager
    async def writer(self) -> AsyncIterator[asyncpg.Connection]:
        """A connection that may insert facts. The borrower opens and commits transactions."""
        async with self._writers.acquire() as connection:
            yield cast("asyncpg.Connection", connection)

    @asynccontextmanager
    async def alone(self, work: int) -> AsyncIterator[asyncpg.Connection]:
        """A writer's transaction that waits until no other process does the same ``work``."""
        async with self.writer() as connection, connection.transaction():
            await connection.execute("SELECT pg_advisory_xact_lock($1, $2)", _LOCKS_OF_WORK, work)
            yield connection

    @asynccontextmanager
    async def reader(self, institutions: Sequence[str] | None) -> AsyncIterator[asyncpg.Connection]:
        """A connection that sees only rows of these institutions (None: of all, for the bureau)."""
        if institutions is not None and any(not _CODE.fullmatch(i) for i in institutions):
            raise ValueError(f"not institution codes: {institutions!r}")
        sight = BUREAU if institutions is None else ",".join(institutions)
        async with self._readers.acquire() as connection:
            await connection.execute("SELECT set_config('yibao.institutions', $1, false)", sight)
            yield cast("asyncpg.Connection", connection)

    @asynccontextmanager
    async def owner(self, *, urgent: bool = False) -> AsyncIterator[asyncpg.Connection]:
        """A connection of its own with all rights: migrations, partitions, maintenance.

        ``urgent``: it does not give way when this process does. Who holds locks that others wait
        for must not be kept from ending by whoever is more urgent and does not wait.
        """
        connection = await asyncpg.connect(self.dsn, timeout=30)
        try:
            await prepare(connection, urgent=urgent)
            yield connection
        finally:
            await connection.close()

    @asynccontextmanager
    async def owner_alone(self, work: int) -> AsyncIterator[asyncpg.Connection | None]:
        """The owner's transaction; None while another process does the same ``work``."""
        async with self.owner() as connection, connection.transaction():
            mine = await connection.fetchval(
                "SELECT pg_try_advisory_xact_lock($1, $2)", _LOCKS_OF_WORK, work
            )
            yield connection if mine else None

    async def numbers(self) -> NumberSource:
        """This process's source of ids, under a writer number that no live process shares."""
        if self._number is None:
            self._number = await _WriterNumber.take(self.dsn)
        return self._number.source


class _WriterNumber:
    """A writer number, held by an advisory lock on a connection of its own.

    If that connection breaks (the database restarted) the same number is locked again as soon as
    the database answers. Another process can have taken it meanwhile only after all 255 others
    were given since, because numbers rest; even then the keys of the tables would refuse a twin.
    """

    def __init__(self, dsn: str, number: int, connection: asyncpg.Connection) -> None:
        self._dsn = dsn
        self._number = number
        self._connection = connection
        self._lost = asyncio.Event()
        connection.add_termination_listener(lambda _: self._lost.set())
        self._keeper = asyncio.create_task(self._keep())
        self.source = NumberSource(number)

    @classmethod
    async def take(cls, dsn: str) -> "_WriterNumber":
        connection = await _connect_holder(dsn)
        for row in await connection.fetch("SELECT number FROM platform.writer ORDER BY given_at"):
            if await _lock(connection, row["number"]):
                await connection.execute(
                    "UPDATE platform.writer SET given_at = clock_timestamp() WHERE number = $1",
                    row["number"],
                )
                return cls(dsn, row["number"], connection)
        await connection.close()
        raise RuntimeError("all 256 writer numbers are held: too many processes on this database")

    async def release(self) -> None:
        self._keeper.cancel()
        await asyncio.gather(self._keeper, return_exceptions=True)
        if not self._connection.is_closed():
            await self._connection.close()

    async def _keep(self) -> None:
        while True:
            await self._lost.wait()
            try:
                self._connection = await _connect_holder(self._dsn)
                if not await _lock(self._connection, self._number):
                    await self._connection.close()
                    raise ConnectionError("another process holds the number")
            except (OSError, asyncpg.PostgresError, TimeoutError) as error:
                log.warning("writer_number_not_held", number=self._number, error=repr(error))
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            self._lost.clear()
            self._connection.add_termination_listener(lambda _: self._lost.set())


async def _connect_holder(dsn: str) -> asyncpg.Connection:
    settings = {"role": WRITER_ROLE, "application_name": "yibao writer number"}
    return await asyncpg.connect(dsn, timeout=30, server_settings=settings)


async def _lock(connection: asyncpg.Connection, number: int) -> bool:
    return bool(
        await connection.fetchval("SELECT pg_try_advisory_lock($1, $2)", _LOCKS_OF_WRITERS, number)
    )


_KEYED_ACCESS = {"enable_seqscan": "off", "plan_cache_mode": "force_generic_plan"}
"""A writer looks rows up by key, always. Left to itself the planner scans whole tables while they
are young and keeps such plans in prepared statements and foreign-key checks as they grow; and what
is asked with arrays it plans anew at each call, which costs as much again as the call."""


async def _open_pool(dsn: str, role: str, size: int) -> asyncpg.Pool:
    return await asyncpg.create_pool(
        dsn,
        min_size=min(2, size),
        max_size=size,
        max_inactive_connection_lifetime=0,  # the first calls of a connection are the slow ones
        max_queries=10_000_000,
        init=prepare,
        reset=_leave_as_is,
        timeout=30,
        server_settings={
            "role": role,
            "application_name": role,
            # a writer sees all; a reader nothing until it is borrowed for somebody
            "yibao.institutions": BUREAU if role == WRITER_ROLE else "",
            **(_KEYED_ACCESS if role == WRITER_ROLE else {}),
        },
    )


async def _leave_as_is(_: asyncpg.Connection) -> None:
    """Spare a round trip at each return: nothing of ours changes a session but ``reader``.

    The pool rolls an open transaction back before it calls this.
    """


_decode_json = msgspec.json.Decoder(float_hook=Decimal).decode  # money is never a float


async def prepare(connection: asyncpg.Connection, *, urgent: bool = False) -> None:
    """Make a new connection one of ours: how it carries JSON, and how urgent its work is."""
    # plain Python data; in binary form, because COPY needs that
    await connection.set_type_codec(
        "jsonb",
        schema="pg_catalog",
        encoder=_encode_jsonb,
        decoder=_decode_jsonb,
        format="binary",
    )
    if not urgent:
        await _follow_priority(connection)


async def _follow_priority(connection: asyncpg.Connection) -> None:
    """Give the database's process the priority of ours, where that is below the usual.

    Who starts a command with ``nice`` means what the database does for it as well. Only a process
    of this machine can be told so.
    """
    priority = os.getpriority(os.PRIO_PROCESS, 0)
    if priority > 0 and await connection.fetchval("SELECT inet_server_addr() IS NULL"):
        _lower(connection.get_server_pid(), priority)
        # helpers of a query are started by the server, and would be as urgent as it is
        await connection.execute("SET max_parallel_workers_per_gather = 0")


def _lower(server_process: int, priority: int) -> None:
    with suppress(OSError):  # it is another user's, or not in sight
        if Path(f"/proc/{server_process}/comm").read_text() == "postgres\n":
            os.setpriority(os.PRIO_PROCESS, server_process, priority)
            # Linux weighs sessions against each other before the processes in them (autogroup),
            # and each of PostgreSQL's is a session
            Path(f"/proc/{server_process}/autogroup").write_text(str(priority))


def _encode_jsonb(value: Any) -> bytes:
    return b"\x01" + msgspec.json.encode(value)


def _decode_jsonb(data: bytes) -> Any:
    return _decode_json(data[1:])
