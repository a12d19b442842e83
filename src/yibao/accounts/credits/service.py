"""Credit personal accounts month by month, close their years; in batches that can be resumed.

A month is credited by the difference of what is due to what was credited before, so that running
again changes nothing, a premium paid late is credited by the next run, and a fact that has changed
is corrected by a signed difference. It goes into the part of the year in which it is credited.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from datetime import date

from yibao.accounts.credits import rules, store, year_ends
from yibao.accounts.credits.model import (
    CREDIT_RULE,
    CURRENT,
    Known,
    MonthlyCredit,
    Run,
    Skipped,
)
from yibao.accounts.laws import EMPLOYEES, Laws, account_law
from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import (
    AccountState,
    Entry,
    Occasion,
    OccasionKind,
    Part,
    Posting,
)
from yibao.platform.clock import Clock
from yibao.platform.commands.model import Unit
from yibao.platform.commands.service import ATTEMPTS, RACED
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.registry.premiums import service as premiums
from yibao.registry.premiums.model import Premium
from yibao.registry.service import ReferenceCache

BATCH = 200
"""Members in one transaction."""

Work = Callable[[Unit, Laws, Sequence[str]], Awaitable[Run]]


@dataclass(frozen=True, slots=True)
class Desk:
    """What runs over a pool's members need."""

    database: Database
    clock: Clock
    references: ReferenceCache
    vault: Vault


async def credit_month(
    desk: Desk,
    pool: Pool,
    month: date,
    told: Callable[[Run], None] = lambda run: None,  # noqa: ARG005
) -> Run:
    """Credit a month to all members of a pool (月度划入); ``told`` hears what is done so far."""
    first = month.replace(day=1)

    async def work(unit: Unit, laws: Laws, members: Sequence[str]) -> Run:
        return await credit(unit, desk.vault, laws, members, first)

    return await _for_all(desk, pool, work, told)


async def close_year(
    desk: Desk,
    pool: Pool,
    year: int,
    told: Callable[[Run], None] = lambda run: None,  # noqa: ARG005
) -> Run:
    """Close an account year of all members of a pool (年度结转); ``told`` as in credit_month."""

    async def work(unit: Unit, laws: Laws, members: Sequence[str]) -> Run:
        return await year_ends.carry_over(unit, desk.vault, laws, members, year)

    return await _for_all(desk, pool, work, told)


async def _for_all(desk: Desk, pool: Pool, work: Work, told: Callable[[Run], None]) -> Run:
    numbers = await desk.database.numbers()
    done, last = Run(), ""
    while True:
        async with desk.database.reader(None) as connection:
            members = await people.member_numbers(connection, pool, last, BATCH)
        if not members:
            return done
        for attempt in range(ATTEMPTS):
            try:
                async with desk.database.writer() as connection, connection.transaction():
                    laws = (await desk.references.current(connection)).laws
                    unit = Unit(pool, connection, desk.clock.now(), numbers)
                    run = await work(unit, laws, members)
                break
            except RACED:
                if attempt == ATTEMPTS - 1:
                    raise
        done, last = done + run, members[-1]
        told(done)


# ----------------------------------------------------------------------------------------- credits


async def credit(unit: Unit, vault: Vault, laws: Laws, members: Sequence[str], month: date) -> Run:
    """Credit what is due to members up to a month, and is not credited yet.

    Refused: DATE_NOT_ALLOWED for a month that has not begun.
    """
    if month > unit.day:
        raise Refused(RefusalCode.DATE_NOT_ALLOWED, f"{month:%Y-%m} 还没有开始，不能划入", "month")
    found = await people.load_members(unit.connection, vault, unit.pool, members)
    start = await store.start(unit.connection, unit.pool, month)
    paid = await premiums.of_members(unit.connection, unit.pool, members, rules.month_after(month))
    parts = await ledger.lock_parts(unit, members)
    known = await store.known(unit.connection, unit.pool, members, EMPLOYEES)
    owes = await store.shortfalls(unit.connection, unit.pool, members)
    credits_: list[MonthlyCredit] = []
    postings: list[Posting] = []
    skipped: list[Skipped] = []
    opened: list[tuple[str, str, str]] = []
    changes: dict[str, Fen] = {}
    for member, insured in found.items():
        own = [one for one in paid.get(member, []) if one.scheme == EMPLOYEES]
        held = parts.get(member, [])
        for each in rules.months_due(start, month, own):
            try:
                due = _due(insured, own, laws, each, known.get((member, each)))
            except Refused as refused:
                skipped.append(Skipped(member, each, refused.refusal.message))
                continue
            if due is None:
                continue
            before = known.get((member, each), Known(0, 0, b""))
            difference = due.amount - before.amount
            year = rules.account_year(account_law(insured, laws, unit.day), unit.day)
            target = f"{year}:{CURRENT}"
            moved = rules.movement(member, EMPLOYEES, difference, target, held, owes.get(member, 0))
            number = unit.numbers.next(unit.now) if moved.entries else None
            credits_.append(
                MonthlyCredit(
                    member, EMPLOYEES, each, before.turn + 1, due.basis, difference,
                    moved.set_off, moved.short, target, number,
                )
            )  # fmt: skip
            if number is not None:
                reference = {"member": member, "month": each.isoformat()}
                occasion = Occasion(OccasionKind.CREDIT, reference)
                postings.append(Posting(number, unit.day, moved.entries, occasion))
                opened.append((member, target, CURRENT))
            owed = moved.short - moved.set_off
            owes[member] = owes.get(member, 0) + owed
            changes[member] = changes.get(member, 0) + owed
            held = _after(held, member, target, moved.entries)
    if opened:
        await ledger.open_parts(unit, opened)
    await ledger.post(unit, postings)
    await store.insert(unit.connection, unit.pool, credits_, unit.now)
    changes = {member: change for member, change in changes.items() if change}
    if changes:
        await store.add_to_shortfalls(unit.connection, unit.pool, changes)
    total = sum(one.amount for one in credits_)
    return Run(len(found), len(credits_), total, tuple(skipped))


def _due(
    insured: Insured, paid: Sequence[Premium], laws: Laws, month: date, before: Known | None
) -> rules.Due | None:
    """What is due for a month; None when that is what was credited already."""
    enrolment = insured.enrolment_on(EMPLOYEES, month)
    due = rules.NOTHING
    if enrolment is not None:
        law = laws.law_on(enrolment.division, EMPLOYEES, month)
        if CREDIT_RULE in law.allowances:
            due = rules.due_for(insured, enrolment, paid, law, month)
    return None if due.amount == (0 if before is None else before.amount) else due


def _after(parts: Sequence[Part], member: str, target: str, entries: Sequence[Entry]) -> list[Part]:
    """The parts as a posting leaves them; the target is there then."""
    moved = {entry.account: entry.amount for entry in entries}
    state = parts[0].state if parts else AccountState.OPEN
    there = [*parts]
    if all(part.name != target for part in parts):
        there.append(Part(member, target, CURRENT, 0, 0, state))
    return [
        Part(p.member, p.name, p.origin, p.amount + moved.get(p.account, 0), p.held, p.state)
        for p in there
    ]
