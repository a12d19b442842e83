"""The end of an account's year: interest, and what is left is carried over (年度结转)."""

from collections.abc import Sequence
from datetime import date
from fractions import Fraction
from typing import NamedTuple

from yibao.accounts.credits import rules, store
from yibao.accounts.credits.model import CARRIED, CURRENT, Run, Skipped
from yibao.accounts.laws import EMPLOYEES, Laws, account_law
from yibao.kernel.money import Fen, round_half_up
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import (
    AccountState,
    Entry,
    Occasion,
    OccasionKind,
    Part,
    Posting,
    interest_account,
    personal_account,
)
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.policy.model import Law
from yibao.registry.people import service as people


class _Interest(NamedTuple):
    balance: Fen
    rate: Fraction | None
    amount: Fen


async def carry_over(
    unit: Unit, vault: Vault, laws: Laws, members: Sequence[str], year: int
) -> Run:
    """Pay the interest of an account year, once, and carry what is left of the year over.

    What is left of ``<year>:current`` becomes ``<year>:carried``; a later refund into the old part
    is carried over by the next run. Interest is the law's yearly rate on what the account held when
    the year ended, no other method is known; where the law has no rate there is none. Refused:
    DATE_NOT_ALLOWED while the year has not ended.
    """
    found = await people.load_members(unit.connection, vault, unit.pool, members)
    parts = await ledger.lock_parts(unit, members)
    settled = await store.closed_years(unit.connection, unit.pool, members, year)
    postings: list[Posting] = []
    opened: list[tuple[str, str, str]] = []
    ends: list[tuple[object, ...]] = []
    skipped: list[Skipped] = []
    for member, own in parts.items():
        if member not in found or any(part.state is AccountState.CLOSED for part in own):
            continue
        try:
            law = account_law(found[member], laws, date(year, 12, 31))
        except Refused as refused:
            skipped.append(Skipped(member, date(year, 12, 1), refused.refusal.message))
            continue
        _check_over(unit.day, law, year)
        made = [] if (moved := _carried(unit, member, own, year)) is None else [moved]
        if member not in settled:
            interest = await _interest(unit, member, own, law, year)
            number = None
            if interest.amount:
                made.append(_paid(unit, member, interest.amount, year))
                number = made[-1].number
            rate = None if interest.rate is None else str(interest.rate)
            ends.append(
                (
                    unit.pool, member, year, interest.balance, rate, interest.amount, number,
                    unit.now,
                )
            )  # fmt: skip
        if made:
            opened.append((member, f"{year}:{CARRIED}", CARRIED))
        postings += made
    if opened:
        await ledger.open_parts(unit, opened)
    await ledger.post(unit, postings)
    await store.insert_year_ends(unit.connection, ends)
    paid = sum(
        -entry.amount
        for posting in postings
        for entry in posting.entries
        if entry.account == interest_account(EMPLOYEES)
    )
    return Run(len(parts), len(postings), paid, tuple(skipped))


def _check_over(day: date, law: Law, year: int) -> None:
    end = rules.year_end(law, year)
    if day < end:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED, f"账户年度 {year} 要到 {end} 才结束，不能结转", "year"
        )


def _carried(unit: Unit, member: str, own: Sequence[Part], year: int) -> Posting | None:
    """What is left of the year, moved; what holds have set aside stays until they end."""
    for part in own:
        movable = part.amount - part.held
        if part.name == f"{year}:{CURRENT}" and movable:
            carried = personal_account(member, f"{year}:{CARRIED}")
            entries = (Entry(part.account, -movable), Entry(carried, movable))
            return _posting(unit, entries, OccasionKind.TRANSFER, member, year)
    return None


async def _interest(unit: Unit, member: str, own: Sequence[Part], law: Law, year: int) -> _Interest:
    end = rules.year_end(law, year)
    held = await ledger.held_before(unit.connection, unit.pool, {member: own}, end)
    balance = held[member]
    if law.account.interest is None:
        return _Interest(balance, None, 0)
    rate = law.account.interest.find(end, {}).value
    amount = round_half_up(balance * rate.numerator, rate.denominator)
    return _Interest(balance, rate, max(0, amount))


def _paid(unit: Unit, member: str, interest: Fen, year: int) -> Posting:
    carried = personal_account(member, f"{year}:{CARRIED}")
    entries = (Entry(interest_account(EMPLOYEES), -interest), Entry(carried, interest))
    return _posting(unit, entries, OccasionKind.INTEREST, member, year)


def _posting(
    unit: Unit, entries: tuple[Entry, ...], kind: OccasionKind, member: str, year: int
) -> Posting:
    occasion = Occasion(kind, {"member": member, "year": year})
    return Posting(unit.numbers.next(unit.now), unit.day, entries, occasion)
