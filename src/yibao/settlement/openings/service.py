"""Bring in what an older system knew, so that the next bill comes out as if it had all been here.

Counters get entries of kind ``brought_in``; account parts a posting against the source's suspense
account, which a bureau clears when the old system's books are closed; open stays are admitted.
"""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import CounterKey
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, first_number_of
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.inquiries import service as inquiries
from yibao.ledger.model import (
    AccountState,
    Entry,
    Occasion,
    OccasionKind,
    Posting,
    personal_account,
    suspense_account,
)
from yibao.platform.archive import missing
from yibao.platform.commands.model import Unit
from yibao.registry.people.model import Insured
from yibao.registry.service import Reference
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.bills.decision import locked_accumulators
from yibao.settlement.openings import store
from yibao.settlement.openings.model import BroughtCounter, BroughtPart, BroughtStay, Opening
from yibao.settlement.stays import service as stays
from yibao.settlement.visits import store as visits

if TYPE_CHECKING:
    from asyncpg import Connection

_KIND = "brought_in"


async def bring_in(
    unit: Unit,
    source: str,
    openings: Sequence[Opening],
    members: Mapping[str, Insured],
    reference: Reference,
) -> list[PoolKey]:
    """Bring openings in; the key of each, in order. Of a stay it is that of the visit.

    Refused, and nothing is brought in, when a stay cannot be admitted.
    """
    admissions = [opening.admission for opening in openings if isinstance(opening, BroughtStay)]
    admitted = iter(await stays.admit(unit, admissions, members, reference) if admissions else [])
    keys: list[PoolKey] = []
    for opening in openings:
        if isinstance(opening, BroughtStay):
            visit = next(admitted)
            if isinstance(visit, Refusal):
                raise Refused(visit.code, visit.message, visit.field)
            keys.append(visit.key)
        else:
            keys.append(PoolKey(unit.pool, unit.numbers.next(unit.now)))
    numbered = list(zip(openings, keys, strict=True))
    await _move_counters(
        unit,
        [
            (key.number, opening.member, opening.key, opening.value)
            for opening, key in numbered
            if isinstance(opening, BroughtCounter) and opening.value
        ],
    )
    await _credit(
        unit,
        source,
        [(key.number, part) for part, key in numbered if isinstance(part, BroughtPart)],
    )
    return keys


async def objections(
    unit: Unit,
    openings: Sequence[Opening],
    members: Mapping[str, Insured],
    reference: Reference,
) -> list[Refusal | None]:
    """Why openings could not be brought in; None of each that could. Writes nothing.

    A counter and a part are brought in once, by whatever name the source calls the row; once taken
    back they may come again.
    """
    admissions = [opening.admission for opening in openings if isinstance(opening, BroughtStay)]
    tried = iter(await stays.try_to_admit(unit, admissions, members, reference))
    counters = await _brought_counters(unit, openings)
    accounts = [_account(opening) for opening in openings if isinstance(opening, BroughtPart)]
    parts = await inquiries.brought_in(unit.connection, unit.pool, sorted(set(accounts)))
    found: list[Refusal | None] = []
    for opening in openings:
        if isinstance(opening, BroughtStay):
            visit = next(tried)
            found.append(visit if isinstance(visit, Refusal) else None)
        elif isinstance(opening, BroughtCounter):
            is_there = (opening.member, opening.key) in counters
            found.append(_twice(f"累计 {opening.key.name}", "counter") if is_there else None)
        else:
            is_there = _account(opening) in parts
            found.append(_twice(f"账户部分 {opening.part}", "year") if is_there else None)
    return found


async def _brought_counters(unit: Unit, openings: Sequence[Opening]) -> set[tuple[str, CounterKey]]:
    """(member, counter) that were brought in and not taken back; what was put away comes back.

    A counter that nobody has was never brought in, so a first load asks the archive for nothing.
    """
    told = {(one.member, one.key) for one in openings if isinstance(one, BroughtCounter)}
    there = await accumulators.values(unit.connection, unit.pool, sorted(told), lock=False)
    members = sorted({member for member, _ in there})
    if members:
        entries = "settlement.accumulator_entry"
        having = [missing.Rows(entries, "kind", [_KIND]), missing.Rows(entries, "member", members)]
        await missing.bring_having(unit.connection, unit.pool, having)
    return await store.brought_counters(unit.connection, unit.pool, members)


def _account(part: BroughtPart) -> str:
    return personal_account(part.member, part.part)


def _twice(what: str, field: str) -> Refusal:
    text = f"该人员的{what} 已带入过期初数据；有误的先撤销原来的装载（loading.undo）"
    return Refusal(RefusalCode.FIELD_INVALID, text, field)


async def take_back(unit: Unit, source: str, keys: Sequence[PoolKey]) -> None:
    """Take openings back by mirrored entries. Refused when an account no longer holds its part."""
    numbers = [key.number for key in keys]
    await missing.came_back(unit.connection, unit.pool, numbers, ())
    moved = await accumulators.entries_of(unit.connection, unit.pool, numbers)
    members = await store.members_of_entries(unit.connection, unit.pool, numbers)
    await _move_counters(
        unit,
        [
            (unit.numbers.next(unit.now), members[number], counter, -delta)
            for number, entries in moved.items()
            for counter, delta in entries
        ],
    )
    postings = await ledger.postings_of(unit, numbers, unit.day)
    await _check_held(unit, list(postings.values()))
    occasion = Occasion(OccasionKind.BROUGHT_IN, {"source": source}, "撤销装载")
    mirrors = [
        Posting(
            unit.numbers.next(unit.now),
            unit.day,
            tuple(Entry(entry.account, -entry.amount) for entry in posting.entries),
            occasion,
        )
        for posting in postings.values()
    ]
    await ledger.post(unit, mirrors)
    for visit in await visits.load(unit.connection, unit.pool, numbers, lock=True):
        await stays.reverse_admission(unit, PoolKey(unit.pool, visit))


async def settled_since(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str], instant: datetime
) -> list[str]:
    """The members of whom something was settled at an instant or later."""
    day = business_date(instant)
    await missing.bring_days(connection, pool, day, date.max, {"member": members})
    return await store.settled_since(connection, pool, members, first_number_of(instant))


async def _move_counters(unit: Unit, moves: Sequence[tuple[int, str, CounterKey, int]]) -> None:
    """Write entries (number, member, counter, delta) and carry them to the counters."""
    if not moves:
        return
    changes: dict[accumulators.MemberCounter, int] = {}
    for _, member, counter, delta in moves:
        changes[member, counter] = changes.get((member, counter), 0) + delta
    await locked_accumulators(unit, list(changes))
    await accumulators.insert_entries(
        unit.connection,
        [
            (unit.pool, number, *counter, member, _KIND, delta)
            for number, member, counter, delta in moves
        ],
    )
    changed = await accumulators.add(unit.connection, unit.pool, sorted(changes.items()))
    assert changed == len(changes), "an accumulator row was not there"


async def _credit(unit: Unit, source: str, parts: Sequence[tuple[int, BroughtPart]]) -> None:
    if not parts:
        return
    members = sorted({part.member for _, part in parts})
    await ledger.lock_parts(unit, members)  # before parts are opened: they take the state there is
    await ledger.open_parts(unit, [(part.member, part.part, part.origin) for _, part in parts])
    for member, held in (await ledger.lock_parts(unit, members)).items():
        if held[0].state is AccountState.CLOSED:
            raise Refused(
                RefusalCode.ACCOUNT_STATE, f"人员 {member} 的个人账户已注销，不能装载余额", "member"
            )
    occasion = Occasion(OccasionKind.BROUGHT_IN, {"source": source})
    await ledger.post(
        unit,
        [
            Posting(
                number,
                unit.day,
                (
                    Entry(suspense_account(source), -part.amount),
                    Entry(personal_account(part.member, part.part), part.amount),
                ),
                occasion,
            )
            for number, part in parts
            if part.amount
        ],
    )


async def _check_held(unit: Unit, postings: Sequence[Posting]) -> None:
    """Whether every account still holds what is to be taken from it; locks them."""
    gone: dict[str, int] = {}
    for posting in postings:
        for entry in posting.entries:
            if entry.account.startswith("account:"):
                gone[entry.account] = gone.get(entry.account, 0) + entry.amount
    members = sorted({account.split(":")[1] for account in gone})
    held = await ledger.lock_parts(unit, members) if members else {}
    for member, parts in held.items():
        for part in parts:
            if part.amount - part.held < gone.get(part.account, 0):
                raise Refused(
                    RefusalCode.BALANCE_SHORT,
                    f"人员 {member} 的个人账户余额已被使用，不能撤销",
                    "run",
                )
