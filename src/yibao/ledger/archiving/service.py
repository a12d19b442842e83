"""Carry balances over when a month's entries are put away; tell what is on the way."""

from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.ledger.archiving import store
from yibao.ledger.verification import service as verification

if TYPE_CHECKING:
    from asyncpg import Connection

carry = store.carry
"""Called while the entries are there, in the transaction that drops them. Whoever sums over all
time reads ``ledger.balance_entry``: what was carried, and the entries since."""


async def on_the_way_since(connection: "Connection[Any]", before: date) -> int:
    """How many sums left one place before a day and have not arrived at another one."""
    return sum(one.since < before for one in await verification.on_the_way(connection))
