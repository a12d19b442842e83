"""A member's bills decided again in the order they were settled, counters and account along. Pure.

Each bill starts from its own snapshot. What earlier bills of the member would have added otherwise
drifts along: later bills find their counters and account changed by just that.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.model import AccountPart, Bill, CounterKey, FamilyAccount, Statement
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.kernel.refusals import Refusal, Refused
from yibao.policy.model import Law
from yibao.settlement.affected.model import COUNTERS, Affected
from yibao.settlement.bills import snapshot
from yibao.settlement.bills.recomputation import amounts_of
from yibao.settlement.bills.snapshot import Snapshot
from yibao.settlement.model import SettlementFacts

Entries = Sequence[tuple[CounterKey, int]]


class Anew(NamedTuple):
    """A bill as it is to be decided now."""

    bill: Bill
    law: Law
    causes: tuple[str, ...]
    """Why it differs from what was settled; empty: it does not."""


class Past(NamedTuple):
    """What is stored of a member."""

    living: Sequence[SettlementFacts]
    """In the order they were settled."""
    entries: Mapping[int, Entries]
    """What each settlement or cancellation, living or not, added to counters."""


Renew = Callable[[SettlementFacts, Snapshot], Anew | Refusal]


def replay(past: Past, renew: Renew, law_of: Callable[[str], Law]) -> list[Affected]:
    """The member's bills that come out otherwise. ``law_of`` finds a bill's own law."""
    counters: dict[CounterKey, int] = {}
    account: dict[str, Fen] = {}
    found: list[Affected] = []
    for facts in past.living:
        stood = snapshot.read(facts)
        anew = renew(facts, stood)
        if isinstance(anew, Refusal):
            found.append(_refused(facts, (anew.field or "",), anew))
            continue
        causes = anew.causes
        if _drifted(stood, counters, account):
            causes = (*causes, COUNTERS)
        if not causes:
            continue
        try:
            statement = _decided(facts, stood, anew, past, counters, account)
        except Refused as refused:
            found.append(_refused(facts, causes, refused.refusal))
            continue
        affected = _affected(facts, causes, amounts_of(statement))
        if affected.differences:
            found.append(affected)
        _drift(counters, statement.counters, past.entries.get(_key(facts).number, ()))
        paid = (statement.account_total, statement.family)
        if paid != (facts.account, facts.family) or account:
            before = benefit(
                stood.bill, law_of(facts.law), stood.history, stood.account, stood.family
            )
            for part, amount in (*before.account, *before.family_accounts):
                account[part] = account.get(part, 0) + amount
            for part, amount in (*statement.account, *statement.family_accounts):
                account[part] = account.get(part, 0) - amount
    return found


def _decided(
    facts: SettlementFacts,
    stood: Snapshot,
    anew: Anew,
    past: Past,
    counters: Mapping[CounterKey, int],
    account: Mapping[str, Fen],
) -> Statement:
    number = _key(facts).number
    history = {}
    for key in needed_counters(anew.bill, anew.law):
        value = stood.history.get(key)
        if value is None:  # the law that decided it did not look at this counter
            value = _standing(past, key, number)
        history[key] = max(0, value + counters.get(key, 0))
    parts = [_left(part, account) for part in stood.account]
    family = [
        FamilyAccount(tuple(_left(part, account) for part in one.parts), one.limit)
        for one in stood.family
    ]
    return benefit(anew.bill, anew.law, history, parts, family)


def _left(part: AccountPart, account: Mapping[str, Fen]) -> AccountPart:
    """A part as the bill would find it when the earlier ones had come out as they do now."""
    return AccountPart(part.key, part.origin, max(0, part.available + account.get(part.key, 0)))


def _standing(past: Past, key: CounterKey, before: int) -> int:
    """What stood on a counter before a settlement, by the entries up to it."""
    return sum(
        delta
        for number, entries in past.entries.items()
        if number < before
        for moved, delta in entries
        if moved == key
    )


def _drifted(
    stood: Snapshot, counters: Mapping[CounterKey, int], account: Mapping[str, Fen]
) -> bool:
    parts = (*stood.account, *[part for one in stood.family for part in one.parts])
    return any(counters.get(key) for key in stood.history) or any(
        account.get(part.key) for part in parts
    )


def _drift(counters: dict[CounterKey, int], now: Entries, then: Entries) -> None:
    for key, delta in now:
        counters[key] = counters.get(key, 0) + delta
    for key, delta in then:
        counters[key] = counters.get(key, 0) - delta


def _affected(
    facts: SettlementFacts, causes: tuple[str, ...], again: Mapping[str, Fen]
) -> Affected:
    return Affected(
        _key(facts),
        facts.member,
        facts.institution,
        facts.scheme,
        facts.care_kind,
        facts.day,
        causes,
        amounts_of(facts),
        again,
    )


def _refused(facts: SettlementFacts, causes: tuple[str, ...], refusal: Refusal) -> Affected:
    return replace(_affected(facts, causes, {}), refusal=refusal)


def _key(facts: SettlementFacts) -> PoolKey:
    assert facts.key is not None, "a stored settlement has a number"
    return facts.key


def changed_facts(before: Bill, now: Bill) -> tuple[str, ...]:
    """The names of the facts in which two bills differ."""
    person = [
        name
        for name in type(before.person).__struct_fields__
        if getattr(before.person, name) != getattr(now.person, name)
    ]
    provider = ["level"] if before.provider != now.provider else []
    other = [name for name in ("place", "filing") if getattr(before, name) != getattr(now, name)]
    return (*person, *provider, *other)
