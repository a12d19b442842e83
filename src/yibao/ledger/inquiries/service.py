"""Questions to the ledger: what is owed and claimed, and what an older system brought in."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.ledger.inquiries import store
from yibao.ledger.inquiries.model import InstitutionPosting, Movement
from yibao.ledger.model import OccasionKind, claimed_account, collected_account
from yibao.platform.archive import missing

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = [
    "all_balances",
    "balances",
    "brought_in",
    "claimed_balance",
    "institution_postings",
    "movements",
]

balances = store.balances
"""Balances of payable, withheld, advanced, deducted, owed and transit accounts; zero if unmoved."""
all_balances = store.all_balances
"""Such accounts by a LIKE pattern, those at zero left out."""
claimed_balance = store.claimed_balance
"""An institution's claim that is not cleared."""


async def brought_in(
    connection: "Connection[Any]", pool: Pool, accounts: Sequence[str]
) -> set[str]:
    """Those of personal accounts, part by part, that an older system's balance was put into.

    And was not taken back since. What was put away of it comes back.
    """
    there = await store.opened(connection, pool, accounts)
    if there:
        kind = missing.Rows("ledger.occasion", "kind", [OccasionKind.BROUGHT_IN.value])
        of_parts = missing.Rows("ledger.entry", "account", there)
        await missing.bring_having(connection, pool, [kind, of_parts])
    return await store.brought_in(connection, pool, there)


async def movements(
    connection: "Connection[Any]", pool: Pool, accounts: Sequence[str], start: date, end: date
) -> list[Movement]:
    """Entries of such accounts, posted ``start`` ≤ day < ``end``, with what they were made for.

    Refused when too many of them were put away.
    """
    await missing.bring_days(connection, pool, start, end, {"account": accounts})
    return await store.movements(connection, pool, accounts, start, end)


async def institution_postings(
    connection: "Connection[Any]", institution: str, start: date, end: date
) -> list[InstitutionPosting]:
    """What each posting of ``start`` ≤ day < ``end`` moved of an institution's claim and cash.

    Refused when too many of them were put away.
    """
    accounts = [claimed_account(institution), collected_account(institution)]
    await missing.bring_days(connection, None, start, end, {"account": accounts})
    return await store.institution_postings(connection, institution, start, end)
