"""Statements of a person, an institution, the funds, for ``start`` ≤ day < ``end``."""

from collections.abc import Sequence
from datetime import date
from itertools import groupby
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.ledger import service as ledger
from yibao.ledger.chart import kind_of
from yibao.ledger.model import (
    advanced_account,
    claimed_account,
    collected_account,
    deducted_account,
    fund_account,
    payable_account,
    withheld_account,
)
from yibao.ledger.statements import store
from yibao.ledger.statements.model import (
    CANCELLATION,
    SETTLEMENT,
    AccountStatement,
    Movement,
    PartStatement,
    Sum,
)
from yibao.platform.archive import missing

if TYPE_CHECKING:
    from asyncpg import Connection

_PURSES = (
    claimed_account,
    collected_account,
    payable_account,
    advanced_account,
    withheld_account,
    deducted_account,
)


async def person(
    connection: "Connection[Any]", pool: Pool, member: str, start: date, end: date
) -> list[PartStatement]:
    """A personal account (个人账户), part by part; empty when the person has none."""
    parts = (await ledger.balances(connection, pool, [member])).get(member, [])
    accounts = [part.account for part in parts]
    await _bring_back(connection, pool, start, end, accounts)
    opening = await store.openings(connection, pool, accounts, start)
    moved = await store.movements(connection, pool, accounts, start, end)
    statements = []
    for part in parts:
        balance = first = opening.get(part.account, 0)
        movements = []
        for one in moved:
            if one.account == part.account:
                balance += one.amount
                what = one.kind or _of_settlement(part.account, gains=one.amount > 0)
                movements.append(
                    Movement(
                        one.day,
                        one.posting,
                        one.amount,
                        balance,
                        what,
                        one.institution if one.kind is None else None,
                        one.reason,
                    )
                )
        statements.append(PartStatement(part.name, first, tuple(movements), part.held))
    return statements


async def institution(
    connection: "Connection[Any]", code: str, start: date, end: date
) -> list[AccountStatement]:
    """An institution's purses (定点医药机构往来) in all pools: claimed, payable, withheld …"""
    accounts = [purse(code) for purse in _PURSES]
    await _bring_back(connection, None, start, end, accounts)
    return _statements(await store.sums(connection, None, accounts, None, start, end))


async def funds(
    connection: "Connection[Any]",
    start: date,
    end: date,
    *,
    pool: Pool | None = None,
    fund: str | None = None,
) -> list[AccountStatement]:
    """The funds (基金) of one pool or all, one fund or all."""
    accounts, word = ([], "fund") if fund is None else ([fund_account(fund)], None)
    await _bring_back(connection, pool, start, end, accounts)
    return _statements(await store.sums(connection, pool, accounts, word, start, end))


async def _bring_back(
    connection: "Connection[Any]",
    pool: Pool | None,
    start: date,
    end: date,
    accounts: Sequence[str],
) -> None:
    """What was put away comes back, from the first of the month: sums are carried by months.

    No accounts: those of all. Refused when it is too much.
    """
    only = {"account": accounts} if accounts else {}
    await missing.bring_days(connection, pool, start.replace(day=1), end, only)


def _statements(summed: Sequence[store.Summed]) -> list[AccountStatement]:
    statements = []
    for (pool, account), of_account in groupby(summed, lambda one: (one.pool, one.account)):
        opening, moved = 0, dict[str, tuple[int, int]]()
        for one in of_account:
            if one.before:
                opening += one.amount
                continue
            what = one.kind or _of_settlement(account, gains=one.gains)
            count, amount = moved.get(what, (0, 0))
            moved[what] = count + one.entries, amount + one.amount
        sums = tuple(Sum(what, *figures) for what, figures in moved.items())
        statements.append(AccountStatement(pool, account, opening, sums))
    return statements


def _of_settlement(account: str, *, gains: bool) -> str:
    """Which way a settlement's own posting went: accounts that pay are lessened by it."""
    kind = kind_of(account)
    pays = kind.name in {"account", "fund", "cash"}
    return CANCELLATION if gains is pays else SETTLEMENT
