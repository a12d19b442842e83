"""What a clerk notes of members beside enrolment: traits, and filings for care away from home.

Both are dated and never overwritten. Services run inside the caller's transaction and take its
instant as ``now`` (aware UTC).
"""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import Filing
from yibao.registry.people import store
from yibao.registry.people.model import FiledCare, Trait
from yibao.registry.rules import overwrite

if TYPE_CHECKING:
    from asyncpg import Connection


async def note_trait(
    connection: "Connection[Any]", pool: Pool, number: str, trait: Trait, *, now: datetime
) -> None:
    """Note a word that holds of a member in a period (rank of a civil servant, signed …)."""
    if not trait.word.strip():
        raise Refused(RefusalCode.FIELD_MISSING, "待遇标识不能为空", "word")
    await _rewrite_trait(connection, pool, number, trait.word, trait.period, trait, now)


async def end_trait(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    word: str,
    period: Period,
    *,
    now: datetime,
) -> None:
    """Say that a word does not hold of a member in a period."""
    await _rewrite_trait(connection, pool, number, word, period, None, now)


async def file_care(
    connection: "Connection[Any]", pool: Pool, number: str, filed: FiledCare, *, now: datetime
) -> None:
    """File a member's care away from home for a period (异地就医备案), one place of a kind."""
    if filed.kind is Filing.NONE:
        raise Refused(RefusalCode.FIELD_INVALID, "备案类型不能为空", "kind")
    await _rewrite_filing(connection, pool, number, filed, filed, now)


async def withdraw_filing(
    connection: "Connection[Any]", pool: Pool, number: str, filed: FiledCare, *, now: datetime
) -> None:
    """Withdraw what is on file of a kind and place for the period that ``filed`` names."""
    await _rewrite_filing(connection, pool, number, filed, None, now)


# ----------------------------------------------------------------------------------------- private


async def _rewrite_trait(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    word: str,
    period: Period,
    fact: Trait | None,
    now: datetime,
) -> None:
    await _lock(connection, pool, number)
    same = [
        (row_id, row)
        for row_id, row in await store.traits(connection, pool, number)
        if row.word == word
    ]
    ended, added = overwrite(same, period, fact)
    await store.supersede(connection, "trait", (pool, number), ended, now)
    rows = [store.trait_row(pool, number, row, now) for row in added]
    await store.copy(connection, "trait", rows)


async def _rewrite_filing(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    filed: FiledCare,
    fact: FiledCare | None,
    now: datetime,
) -> None:
    await _lock(connection, pool, number)
    same = [
        (row_id, row)
        for row_id, row in await store.filings(connection, pool, number)
        if (row.kind, row.place) == (filed.kind, filed.place)
    ]
    ended, added = overwrite(same, filed.period, fact)
    await store.supersede(connection, "filing", (pool, number), ended, now)
    rows = [store.filing_row(pool, number, row, now) for row in added]
    await store.copy(connection, "filing", rows)


async def _lock(connection: "Connection[Any]", pool: Pool, number: str) -> None:
    if not await store.lock_membership(connection, pool, number):
        raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 不存在", "number")
