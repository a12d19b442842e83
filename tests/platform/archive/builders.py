"""A shop of our own: visits, charges, bills and entries by month, as any room could have them."""

import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import NumberSource
from yibao.platform.archive import rules
from yibao.platform.archive.model import PURPOSE, Stay
from yibao.platform.archive.service import Archive, Reason
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.platform.signing import signer_for

POOL, OTHER = Pool("110000"), Pool("430100")
NOW = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
MAY, JUNE, APRIL = date(2024, 5, 1), date(2024, 6, 1), date(2024, 4, 1)

_TABLES = """
CREATE SCHEMA shop;
CREATE TABLE shop.visit (
    pool text NOT NULL, id bigint NOT NULL, begin_at timestamptz NOT NULL, born date,
    notes jsonb NOT NULL, words text[], hashes bytea[], counts bigint[], open boolean NOT NULL,
    PRIMARY KEY (pool, id)) PARTITION BY RANGE (id);
CREATE TABLE shop.charge (
    pool text NOT NULL, id bigint NOT NULL, visit bigint NOT NULL, living bigint,
    PRIMARY KEY (pool, id, visit)) PARTITION BY RANGE (visit);
CREATE TABLE shop.line (
    pool text NOT NULL, charge bigint NOT NULL, line smallint NOT NULL, amount bigint NOT NULL,
    PRIMARY KEY (pool, charge, line)) PARTITION BY RANGE (charge);
CREATE TABLE shop.bill (
    pool text NOT NULL, id bigint NOT NULL, visit bigint NOT NULL, member text NOT NULL,
    total bigint NOT NULL, law bytea NOT NULL, turn integer,
    PRIMARY KEY (pool, id)) PARTITION BY RANGE (id);
CREATE TABLE shop.entry (
    pool text NOT NULL, posting bigint NOT NULL, line smallint NOT NULL, amount bigint NOT NULL,
    PRIMARY KEY (pool, posting, line)) PARTITION BY RANGE (posting);
"""
TABLES = ("visit", "charge", "line", "bill", "entry")


@dataclass
class Sale:
    """A visit with one charge of two lines and one bill, by their numbers."""

    visit: int
    charge: int
    bill: int


@dataclass
class Shop:
    """The shop's rows in a database, and an archive of it."""

    database: Database
    folder: Path
    vault: Vault
    stays: list[Stay] = field(default_factory=list)
    _writers: Iterator[int] = field(default_factory=itertools.count)

    @property
    def archive(self) -> Archive:
        """The archive, as a process opens it."""
        return self.archive_with(hot_months=24)

    def archive_with(self, *, hot_months: int) -> Archive:
        """The same with another setting."""
        return Archive(
            self.folder,
            signer_for(self.vault, PURPOSE),
            self.database.owner,
            hot_months=hot_months,
            reasons=[self._reason()],
        )

    def _reason(self) -> Reason:
        async def told(connection: Any, before: date) -> list[Stay]:
            return self.stays

        return told

    def number(self, now: datetime) -> int:
        """A number of an instant, be it before the last one."""
        return NumberSource(next(self._writers)).next(now)

    async def sell(
        self,
        day: date,
        *,
        settled: date | None = None,
        pool: Pool = POOL,
        member: str = "M1",
        total: int = 1_250,
    ) -> Sale:
        """One visit of a day, settled then or later."""
        begun = _noon(day)
        sale = Sale(self.number(begun), self.number(begun), self.number(_noon(settled or day)))
        async with self.database.owner() as connection, connection.transaction():
            await connection.execute(
                """INSERT INTO shop.visit VALUES ($1, $2, $3, $4, $5, $6, $7, $8, true)""",
                pool,
                sale.visit,
                begun,
                date(1980, 2, 29),
                {"price": "1.50", "备注": ["甲", 1, None]},
                ["一", "two", None],
                [b"\x00\xff", b""],
                [1, 2**62, None],
            )
            await connection.execute(
                "INSERT INTO shop.charge VALUES ($1, $2, $3, $4)",
                pool,
                sale.charge,
                sale.visit,
                sale.bill,
            )
            for line, amount in enumerate((total - 250, 250)):
                await connection.execute(
                    "INSERT INTO shop.line VALUES ($1, $2, $3, $4)",
                    pool,
                    sale.charge,
                    line,
                    amount,
                )
            await connection.execute(
                "INSERT INTO shop.bill VALUES ($1, $2, $3, $4, $5, $6, $7)",
                pool,
                sale.bill,
                sale.visit,
                member,
                total,
                b"\x01\x02",
                7,
            )
            for line, amount in enumerate((total, -total)):
                await connection.execute(
                    "INSERT INTO shop.entry VALUES ($1, $2, $3, $4)", pool, sale.bill, line, amount
                )
        return sale

    async def value(self, query: str, *arguments: Any) -> Any:
        """One value."""
        async with self.database.owner() as connection:
            return await connection.fetchval(query, *arguments)

    async def contents(self) -> dict[str, list[str]]:
        """Every row of every table, as text."""
        found = {}
        async with self.database.owner() as connection:
            for table in TABLES:
                rows = await connection.fetch(
                    f"SELECT t::text FROM shop.{table} t ORDER BY t::text"
                )
                found[table] = [row[0] for row in rows]
        return found

    async def count(self) -> int:
        """Rows of all tables."""
        return sum(len(rows) for rows in (await self.contents()).values())

    async def partitions(self) -> set[str]:
        """Names of the parts of the bills' table."""
        async with self.database.owner() as connection:
            rows = await connection.fetch(
                "SELECT inhrelid::regclass::text FROM pg_inherits"
                " WHERE inhparent = 'shop.bill'::regclass"
            )
        return {row[0] for row in rows}


@asynccontextmanager
async def shop_of(database: Database, folder: Path) -> AsyncIterator[Shop]:
    """An empty shop with partitions for April to July 2024 and one for all else."""
    async with database.owner() as connection:
        await connection.execute(_TABLES)
        for table in TABLES:
            await connection.execute(
                f"CREATE TABLE shop.{table}_default PARTITION OF shop.{table} DEFAULT"
            )
            for month in (APRIL, MAY, JUNE, date(2024, 7, 1)):
                low, high = rules.first_number(month), rules.first_number(rules.next_month(month))
                await connection.execute(
                    f"CREATE TABLE shop.{table}_{month:%Y_%m} PARTITION OF shop.{table}"
                    f" FOR VALUES FROM ({low}) TO ({high})"
                )
    yield Shop(database, folder, Vault(b"a" * 32))


def _noon(day: date) -> datetime:
    return datetime.combine(day, datetime.min.time(), UTC) + timedelta(hours=4)
