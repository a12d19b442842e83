"""Relatives' accounts in other pools, as a bill here sees them (跨统筹区共济).

A bill that such an account may pay is decided with what is held there for it. Who settles without
having asked is refused with HOLD_NEEDED, which says what to hold; ``settlement/elsewhere`` does so.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from yibao.accounts.family.elsewhere import service as owners
from yibao.accounts.family.elsewhere.model import END, HeldPurse, Order, OrderKind
from yibao.adjudication.model import AccountPart, CounterKey, FamilyAccount
from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import Entry, Part, transit_account
from yibao.platform.commands.model import Unit
from yibao.registry.family.model import FamilyLink
from yibao.settlement.bills import rules
from yibao.settlement.bills.rules import Candidate, Decision, Purse

_TRANSIT = transit_account("")


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The owners in other pools of the bills of a unit, and what they give."""

    pool: Pool
    day: date
    writing: bool
    ended: frozenset[str] = frozenset()
    """Holds that no bill may use any more."""
    tried: Mapping[int, Purse] = field(default_factory=dict)
    """What a trial finds, by link."""

    def to_be_asked(self, candidate: Candidate) -> list[FamilyLink]:
        """The links whose owners have not been asked yet, or whose holds are given up."""
        held = candidate.request.held
        if not self.writing or (held is not None and not self.ended & set(_holds(held))):
            return []
        return links(candidate, self.pool, self.day)

    def purse(self, candidate: Candidate, link: FamilyLink) -> Purse | None:
        """What an owner in another pool gives to a bill."""
        for held in candidate.request.held or ():
            if held.link == link.number:
                parts = [
                    AccountPart(transit_account(part.hold), part.origin, part.amount)
                    for part in held.parts
                ]
                return Purse(link, FamilyAccount(tuple(parts)), None)
        return self.tried.get(link.number)


def links(candidate: Candidate, pool: Pool, day: date) -> list[FamilyLink]:
    """The links to owners in other pools that may pay a bill."""
    if candidate.law.family is None or not candidate.bill.use_account:
        return []
    return [one for one in candidate.insured.paid_by if one.pool != pool and one.period.holds(day)]


async def opened(unit: Unit, candidates: Sequence[Candidate], *, writing: bool) -> Elsewhere:
    """What owners elsewhere give to these bills; nothing is asked where there are none."""
    if not writing:
        wanted = {
            link.number: link for one in candidates for link in links(one, unit.pool, unit.day)
        }
        return Elsewhere(unit.pool, unit.day, writing, tried=await _tried(unit, wanted))
    holds = [hold for one in candidates for hold in _holds(one.request.held or ())]
    ended = await owners.ended(unit, holds) if holds else set()
    return Elsewhere(unit.pool, unit.day, writing, frozenset(ended))


async def _tried(unit: Unit, wanted: Mapping[int, FamilyLink]) -> dict[int, Purse]:
    if not wanted:
        return {}
    found = await owners.on_trial(unit.connection, list(wanted.values()), unit.day.year)
    return {
        number: Purse(wanted[number], FamilyAccount(_parts(wanted[number], parts), left), None)
        for number, (parts, left) in found.items()
    }


def _parts(link: FamilyLink, parts: Sequence[Part]) -> tuple[AccountPart, ...]:
    return tuple(
        AccountPart(part.account, part.origin, part.available)
        for part in parts
        if part.origin in link.origins and part.available
    )


def check_none_needed(
    candidate: Candidate,
    wanted: Sequence[FamilyLink],
    history: Mapping[CounterKey, Fen],
    parts: Sequence[Part],
    now: datetime,
) -> None:
    """Refused: HOLD_NEEDED when the own account leaves anything that owners elsewhere might pay."""
    alone = rules.decide(candidate, history, parts, now)
    if not alone.facts.cash:
        return
    assert candidate.law.family is not None
    origins = candidate.law.family.parts.find(candidate.bill.day, {}).value
    raise Refused(
        RefusalCode.HOLD_NEEDED,
        "亲属的个人账户在其他统筹区，须先在账户所在统筹区预留",
        "held",
        need=str(alone.facts.cash),
        origins=" ".join(origins),
        links=" ".join(str(link.number) for link in wanted),
    )


async def end_holds(unit: Unit, written: Sequence[tuple[Decision, int]]) -> None:
    """Order what becomes of the holds that bills were decided with; the bills with their numbers.

    What a bill used of a hold is captured; a hold of which it used nothing is released.
    """
    orders = [
        _end(unit.pool, decision, held.pool, part.hold, number)
        for decision, number in written
        for held in decision.candidate.request.held or ()
        for part in held.parts
    ]
    if orders:
        await owners.order(unit, orders)


def _end(pool: Pool, decision: Decision, owner_pool: Pool, hold: str, number: int) -> Order:
    used = dict(decision.statement.family_accounts).get(transit_account(hold), 0)
    kind = OrderKind.CAPTURE if used else OrderKind.RELEASE
    return Order(pool, hold, END, owner_pool, kind, used, number, decision.facts.member)


def held_by(entries: Sequence[Entry]) -> dict[str, Fen]:
    """What a bill's posting took from (positive) or gave back to holds, by hold."""
    return {
        entry.account.removeprefix(_TRANSIT): -entry.amount
        for entry in entries
        if entry.account.startswith(_TRANSIT)
    }


def check_repeatable(entries: Sequence[Entry]) -> None:
    """What went back to an account in another pool is not taken from there a second time.

    The cancellation has ordered its money back under the hold's own id, and a hold ends once: to
    take it again is a new hold, which only a new bill makes.
    """
    if held_by(entries):
        raise Refused(
            RefusalCode.NOT_REVERSIBLE,
            "原结算由其他统筹区的家庭共济账户支付，款项已退回其账户，不能冲正该撤销；"
            "请按原明细重新结算（门诊 2207，住院 2304，购药 2102），届时重新向该账户扣款",
            "original_message",
        )


async def give_back(
    unit: Unit, number: int, entries: Sequence[Entry], supplements: Sequence[int]
) -> None:
    """Order back what a cancelled bill still keeps of holds; ``number``: the cancellation's."""
    kept = held_by(entries)
    if not kept:
        return
    for later in (await ledger.entries_of(unit.connection, unit.pool, supplements)).values():
        for hold, amount in held_by(later).items():
            kept[hold] += amount
    await owners.give_back(unit, number, kept)


async def give_back_some(unit: Unit, number: int, entries: Sequence[Entry]) -> None:
    """Order back what a correction gave back to holds; ``number``: the correction's."""
    if returned := {hold: -amount for hold, amount in held_by(entries).items()}:
        await owners.give_back(unit, number, returned)


def _holds(held: Sequence[HeldPurse]) -> list[str]:
    return [part.hold for purse in held for part in purse.parts]
