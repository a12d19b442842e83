"""Post money, credit personal accounts, tell balances. Writing services take the unit first."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.ledger import store
from yibao.ledger.chain.rules import content_of
from yibao.ledger.model import (
    AccountState,
    Credit,
    Entry,
    InstitutionTotals,
    Occasion,
    OccasionKind,
    Part,
    PartEntry,
    Posting,
    contributions_account,
    personal_account,
)
from yibao.ledger.verification.model import Cold
from yibao.ledger.verification.service import examine
from yibao.platform.archive import missing
from yibao.platform.commands.model import Unit

if TYPE_CHECKING:
    from asyncpg import Connection


BLOCK_LIMIT = 4_096
"""Most postings in one block: what a bill's batch writes is far below, what is loaded is not."""


async def lock_parts(unit: Unit, members: Sequence[str]) -> dict[str, list[Part]]:
    """Account parts of members, locked until the unit ends; the law says which pays first."""
    return _by_member(await store.parts(unit.connection, unit.pool, members, lock=True))


async def balances(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str]
) -> dict[str, list[Part]]:
    """Account parts of members as last committed; a member without an account is absent."""
    return _by_member(await store.parts(connection, pool, members, lock=False))


async def part_entries(
    connection: "Connection[Any]", pool: Pool, member: str, limit: int
) -> list[PartEntry]:
    """The newest movements of an account's parts, newest first."""
    found = await store.part_entries(connection, pool, member, limit)
    shown = [one.posting for one in found]
    accounts = [
        personal_account(member, part.name)
        for part in await store.parts(connection, pool, [member], lock=False)
    ]
    entries = missing.Rows("ledger.entry", "account", accounts)
    if await missing.bring_newest(connection, pool, entries, shown, limit=limit):
        found = await store.part_entries(connection, pool, member, limit)
    return found


async def held_before(
    connection: "Connection[Any]", pool: Pool, parts: Mapping[str, Sequence[Part]], day: date
) -> dict[str, Fen]:
    """What accounts held when a month began, from their parts as they are now.

    ``day``: the first of the month; of what was put away the sums of months are known.
    """
    since = await store.moved_since(connection, pool, list(parts), day)
    return {
        member: sum(part.amount for part in own) - since.get(member, 0)
        for member, own in parts.items()
    }


async def open_parts(unit: Unit, parts: Sequence[tuple[str, str, str]]) -> None:
    """Open (member, part, origin) that are not there yet, empty and in their account's state."""
    await store.open_parts(unit.connection, unit.pool, sorted(set(parts)))


async def set_state(unit: Unit, member: str, state: AccountState) -> None:
    """Set the state of a whole account, whose parts must have been locked; closed: they are empty.

    Credits and refunds go into a frozen account; what could be spent of it is nothing.
    """
    await store.set_state(unit.connection, unit.pool, member, state)


async def post(unit: Unit, postings: Sequence[Posting]) -> None:
    """Write balanced postings, carry them to the personal-account parts, and chain them in a block.

    The parts must have been locked by ``lock_parts`` in this unit. A part that would go below zero,
    or below what is held of it, is refused by the database (the caller has checked before, so that
    is a fault of ours).
    """
    writer = unit.numbers.writer
    for some in _chunks(postings, BLOCK_LIMIT):
        content = content_of(unit.pool, writer, unit.now, some)
        await store.insert_occasions(unit.connection, unit.pool, unit.now, some)
        await store.write_block(unit.connection, unit.pool, writer, unit.now, some, content)
    if moved := _moved(postings):
        changed = await store.change_parts(unit.connection, unit.pool, moved)
        assert changed == len(moved), f"{len(moved) - changed} account parts do not exist"


def _chunks(postings: Sequence[Posting], size: int) -> Iterator[Sequence[Posting]]:
    return (postings[start : start + size] for start in range(0, len(postings), size))


def _moved(postings: Sequence[Posting]) -> list[tuple[str, str, Fen]]:
    """By how much the parts of personal accounts change, in the order of their locks."""
    changes: dict[tuple[str, str], Fen] = {}
    for posting in postings:
        for entry in posting.entries:
            if entry.account.startswith("account:"):
                _, member, part = entry.account.split(":", 2)
                changes[member, part] = changes.get((member, part), 0) + entry.amount
    return [(member, part, delta) for (member, part), delta in sorted(changes.items()) if delta]


async def postings_of(unit: Unit, numbers: Sequence[int], day: date) -> dict[int, Posting]:
    """The postings with these numbers, read back; ``day`` is given to them anew."""
    entries = await entries_of(unit.connection, unit.pool, numbers)
    return {number: Posting(number, day, found) for number, found in entries.items()}


async def entries_of(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]
) -> dict[int, tuple[Entry, ...]]:
    """The entries of postings, in line order; a posting that moved nothing is absent."""
    found = await store.entries_of(connection, pool, numbers)
    return {number: tuple(Entry(*entry) for entry in entries) for number, entries in found.items()}


async def credit(unit: Unit, credits: Sequence[Credit]) -> None:  # noqa: A002 - the clerk's word
    """Credit personal accounts (个人账户划入), opening parts that are not there yet."""
    names = [(c.member, f"{c.year}:{c.origin}", c.origin) for c in credits]
    await store.open_parts(unit.connection, unit.pool, sorted(set(names)))
    await post(
        unit,
        [
            Posting(
                unit.numbers.next(unit.now),
                unit.day,
                (
                    Entry(contributions_account(c.scheme), -c.amount),
                    Entry(personal_account(c.member, part), c.amount),
                ),
                Occasion(OccasionKind.CREDIT),
            )
            for c, (_, part, _) in zip(credits, names, strict=True)
            if c.amount
        ],
    )


async def institution_totals(
    connection: "Connection[Any]", start: date, end: date
) -> dict[str, InstitutionTotals]:
    """What institutions claimed and collected, over all pools, for ``start`` ≤ day < ``end``."""
    sums: dict[str, dict[str, Fen]] = {}
    for institution, kind, amount in await store.institution_totals(connection, start, end):
        sums.setdefault(institution, {})[kind] = amount
    return {
        institution: InstitutionTotals(
            institution, kinds.get("claimed", 0), kinds.get("collected", 0)
        )
        for institution, kinds in sums.items()
    }


async def verify(connection: "Connection[Any]", cold: Cold | None = None) -> list[str]:
    """Faults of the books, as sentences; none when every posting, block and part is right.

    ``cold``: what was put away; without it nothing may have been.
    """
    async with connection.transaction(isolation="repeatable_read", readonly=True):
        findings = await examine(connection, cold=cold)
    return [str(fault) for fault in findings.faults]


def _by_member(parts: Sequence[Part]) -> dict[str, list[Part]]:
    found: dict[str, list[Part]] = {}
    for part in parts:
        found.setdefault(part.member, []).append(part)
    return found
