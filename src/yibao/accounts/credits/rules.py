"""What is due for a month, and how a difference moves an account. Pure."""

from collections.abc import Iterator, Sequence
from datetime import date, timedelta
from hashlib import sha256
from typing import NamedTuple

from yibao.accounts.credits.model import CREDIT_RULE
from yibao.adjudication.allowance import allowance
from yibao.adjudication.model import Person
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger.model import (
    AccountState,
    Entry,
    Part,
    contributions_account,
    owed_account,
    personal_account,
)
from yibao.policy.model import Law
from yibao.policy.terms import Scheme
from yibao.registry.people.model import RETIRED, Enrolment, Insured
from yibao.registry.premiums.model import Premium


class Due(NamedTuple):
    """What is due for a month, and what that stands on."""

    amount: Fen
    basis: bytes


NOTHING = Due(0, b"")


def month_after(month: date) -> date:
    """The first day of the next month."""
    return (month.replace(day=28) + timedelta(days=4)).replace(day=1)


def months(first: date, last: date) -> Iterator[date]:
    """The first days of the months from one to another."""
    month = first.replace(day=1)
    while month <= last:
        yield month
        month = month_after(month)


def months_due(start: date, month: date, premiums: Sequence[Premium]) -> list[date]:
    """The months to look at: from the start on, and earlier ones that were paid late since then."""
    found = set(months(start, month))
    for premium in premiums:
        if premium.paid_on >= start and premium.period.start < start:
            end = premium.period.end
            assert end is not None, "a payment's span is closed"
            found |= set(months(premium.period.start, min(end, start) - timedelta(days=1)))
    return sorted(found)


def account_year(law: Law, day: date) -> int:
    """The year of a personal account that a day lies in: it begins as the benefit year does."""
    month, first = law.year_start.find(day, {}).value
    return day.year if (day.month, day.day) >= (month, first) else day.year - 1


def year_end(law: Law, year: int) -> date:
    """The first day after an account's year."""
    month, first = law.year_start.find(date(year, 12, 31), {}).value
    return date(year + 1, month, first)


def due_for(
    insured: Insured, enrolment: Enrolment, premiums: Sequence[Premium], law: Law, month: date
) -> Due:
    """What the law credits for a month (个人账户划入). Nothing for a month that was not paid.

    Refused: FIELD_MISSING when a premium tells no base, PARAMETER_MISSING when the law lacks a
    value.
    """
    died = insured.identity.died_on
    if died is not None and died < month:
        return NOTHING
    base = 0
    if not enrolment.person_type.startswith(RETIRED):
        paid = next((one for one in premiums if one.period.holds(month)), None)
        if paid is None:
            return NOTHING
        if paid.base is None:
            raise Refused(
                RefusalCode.FIELD_MISSING, f"{month:%Y-%m} 的缴费记录没有缴费基数", "base"
            )
        base = paid.base
    person = Person(
        enrolment.person_type,
        insured.identity.birth_date,
        insured.identity.gender,
        insured.identities_on(month),
        traits=insured.traits_on(month),
        enrolments=insured.enrolled_beside(enrolment.scheme, month),
        retired_on=enrolment.retired_on,
    )
    decided = allowance(law, CREDIT_RULE, base, month, person, units=1)
    basis = repr((base, person, month, law.fingerprint)).encode()
    return Due(decided.amount, sha256(basis).digest())


class Movement(NamedTuple):
    """How a difference moves an account."""

    entries: tuple[Entry, ...]
    set_off: Fen
    """Kept against what the member owed."""
    short: Fen
    """What the account no longer held."""


def movement(
    member: str, scheme: Scheme, difference: Fen, target: str, parts: Sequence[Part], owes: Fen
) -> Movement:
    """A signed difference as entries: never below what the parts hold; the rest is owed.

    ``target`` is the part that a credit goes into, and the first that a correction takes from.
    A closed account takes nothing: its owner is owed the credit.
    """
    entries: dict[str, Fen] = {contributions_account(scheme): -difference}
    set_off = short = 0
    owed, account = owed_account(member), personal_account(member, target)
    if difference > 0:
        set_off = min(difference, owes)
        closed = any(part.state is AccountState.CLOSED for part in parts)
        entries[owed] = set_off
        into = owed if closed else account
        entries[into] = entries.get(into, 0) + difference - set_off
    else:
        rest = -difference
        # the target first, then from the newest to the oldest
        newest = sorted(parts, key=lambda part: (part.name == target, part.name), reverse=True)
        for part in newest:
            taken = min(rest, part.amount - part.held)
            entries[part.account] = -taken
            rest -= taken
        short = rest
        entries[owed] = -short
    moved = tuple(Entry(name, amount) for name, amount in entries.items() if amount)
    return Movement(moved, set_off, short)
