"""Short words for what clerks do with accounts and links, over the town of the settlements."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

from tests.settlement.builders import POOL, Town, laws_of_beijing
from yibao.accounts.family import service as family
from yibao.accounts.family.model import NewLink
from yibao.kernel.areas import Pool
from yibao.kernel.money import fen_from_yuan
from yibao.ledger import service as ledger
from yibao.ledger.model import Part
from yibao.platform.commands.model import Unit
from yibao.registry.family.model import FamilyLink


@asynccontextmanager
async def unit(town: Town, pool: Pool = POOL) -> AsyncIterator[Unit]:
    """A unit that commits, at the town's time."""
    async with town.database.writer() as connection, connection.transaction():
        yield Unit(pool, connection, town.clock.now(), town.numbers)


async def let_pay(
    town: Town, owner: str, relative: str, relation: str = "child", **more: Any
) -> FamilyLink:
    """Let an owner's account pay for a relative, from today."""
    for limit in ("bill_limit", "year_limit"):
        if limit in more:
            more[limit] = fen_from_yuan(more[limit])
    new = NewLink(owner, relative, POOL, relation, "测试柜台", **more)
    async with unit(town) as u:
        return await family.let_pay(u, town.vault, laws_of_beijing(), new)


async def withdraw(town: Town, link: FamilyLink) -> None:
    """Let a link pay no more."""
    async with unit(town) as u:
        await family.withdraw(u, link.number, "测试")


async def parts_of(town: Town, member: str) -> dict[str, int]:
    """What an account holds, by the name of the part."""
    return {part.name: part.amount for part in await account(town, member)}


async def account(town: Town, member: str) -> list[Part]:
    """An account's parts."""
    async with town.database.reader(None) as connection:
        return (await ledger.balances(connection, POOL, [member])).get(member, [])


async def balance_of(town: Town, name: str) -> int:
    """The balance of any account of the ledger."""
    async with town.database.reader(None) as connection:
        total: int = await connection.fetchval(
            "SELECT coalesce(sum(amount), 0)::bigint FROM ledger.entry WHERE account = $1", name
        )
    return total
