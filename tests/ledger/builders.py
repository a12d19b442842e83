"""A ledger of one pool to post in: units that commit, people with accounts, books that are told."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.money import Fen
from yibao.ledger import service as ledger
from yibao.ledger.model import (
    Credit,
    Entry,
    Occasion,
    OccasionKind,
    Part,
    Posting,
    bank_account,
    fund_account,
)
from yibao.platform.commands.model import Unit
from yibao.platform.database import Database

POOL = Pool("110000")
NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
ANNA, BERT = "11000000000000000001", "11000000000000000002"
CARRIED, CURRENT = "2025:carried", "2026:current"


@dataclass
class Books:
    """A ledger and the time in it."""

    database: Database
    numbers: NumberSource
    now: datetime = NOON

    @asynccontextmanager
    async def unit(self, pool: Pool = POOL) -> AsyncIterator[Unit]:
        """A unit that commits."""
        async with self.database.writer() as connection, connection.transaction():
            yield Unit(pool, connection, self.now, self.numbers)

    def wait(self, **span: float) -> None:
        """Let time pass."""
        self.now += timedelta(**span)

    async def credit(self, member: str, *, current: Fen = 0, carried: Fen = 0) -> None:
        """Credit a person's account."""
        wanted = [
            Credit(member, "310", 2026, "current", current),
            Credit(member, "310", 2025, "carried", carried),
        ]
        async with self.unit() as unit:
            await ledger.credit(unit, [credit for credit in wanted if credit.amount])

    async def pay(self, amount: Fen, *, pool: Pool = POOL) -> Posting:
        """Move money from a fund to the bank, for no particular reason."""
        async with self.unit(pool) as unit:
            posting = Posting(
                unit.numbers.next(unit.now),
                unit.day,
                (Entry(fund_account("310100"), -amount), Entry(bank_account("test"), amount)),
                Occasion(OccasionKind.PAYMENT, {"run": 1}, "试付"),
            )
            await ledger.post(unit, [posting])
        return posting

    async def parts(self, member: str) -> dict[str, Part]:
        """A person's account parts by name."""
        async with self.database.reader(None) as connection:
            found = await ledger.balances(connection, POOL, [member])
        return {part.name: part for part in found.get(member, [])}

    async def faults(self) -> list[str]:
        """What is wrong with the books."""
        async with self.database.reader(None) as connection:
            return await ledger.verify(connection)

    async def tamper(self, statement: str, *arguments: object) -> None:
        """Change rows as somebody could who has the database."""
        async with self.database.owner() as connection:
            await connection.execute(statement, *arguments)
