"""The whole history again, one bill after the other, by the pure law from zero. Pure.

Bills of one person that meet may be decided in either order, so the platform's order is looked for:
one in which each bill finds the counters and the account exactly as the law left them after the
bills before it, and in which nothing that was acknowledged comes after what was sent later. There
must be such an order, every amount must be the law's, and it must end where the books stand.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from tests.world.chronicle import Span
from yibao.adjudication.benefit import benefit
from yibao.adjudication.model import CounterKey, Statement
from yibao.kernel.identifiers import PoolKey
from yibao.policy.model import Law
from yibao.settlement.bills import snapshot
from yibao.settlement.bills.recomputation import amounts_of
from yibao.settlement.model import SettlementFacts, SettlementKind

MOST_TRIES = 20_000
"""Steps of the search for an order; a handful of bills at once needs a few hundred."""


@dataclass(frozen=True, slots=True)
class State:
    """What a person's bills have added up to so far."""

    counters: Mapping[CounterKey, int]
    account: Mapping[str, int]
    """What each part of the personal account holds, by ledger account."""
    standing: frozenset[PoolKey] = frozenset()
    """The bills that stand."""

    def after(self, bill: PoolKey, statement: Statement, sign: int) -> "State":
        """With a bill added, or taken away."""
        counters, account = Counter(self.counters), dict(self.account)
        for key, delta in statement.counters:
            counters[key] += sign * delta
        for part, amount in statement.account:
            account[part] -= sign * amount
        moved = {key: value for key, value in counters.items() if value}
        return State(moved, account, self.standing ^ {bill})


@dataclass(frozen=True, slots=True)
class Replayed:
    """The end of a replay."""

    order: tuple[PoolKey, ...]
    end: State
    contradictions: tuple[str, ...]


def replayed(
    history: Sequence[SettlementFacts],
    opening: State,
    law: Callable[[str], Law],
    spans: Mapping[str, Span],
) -> Replayed:
    """One person's settlements, cancellations and reinstatements in some serial order.

    ``law`` finds a law by its fingerprint, ``spans`` when a message was sent and answered.
    """
    return _Search(history, law, spans).run(opening)


class _Search:
    """Depth first, the lowest number first: almost always right at once."""

    def __init__(
        self,
        history: Sequence[SettlementFacts],
        law: Callable[[str], Law],
        spans: Mapping[str, Span],
    ) -> None:
        self._facts = {_key(facts): facts for facts in sorted(history, key=_key)}
        self._law = law
        self._before = {key: self._must_precede(key, spans) for key in self._facts}
        self._statements: dict[PoolKey, Statement] = {}
        self._dead: set[tuple[frozenset[PoolKey], PoolKey]] = set()
        self._tries = 0
        self._furthest: tuple[tuple[PoolKey, ...], State, list[str]] = ((), State({}, {}), [])

    def run(self, opening: State) -> Replayed:
        found = self._go_on((), frozenset(self._facts), opening)
        if found is not None:
            order, end = found
            return Replayed(order, end, ())
        order, end, reasons = self._furthest
        told = [f"no serial order: after {len(order)} of {len(self._facts)} bills", *reasons]
        return Replayed(order, end, tuple(told))

    def _go_on(
        self, order: tuple[PoolKey, ...], left: frozenset[PoolKey], state: State
    ) -> tuple[tuple[PoolKey, ...], State] | None:
        if not left:
            return order, state
        reasons: list[str] = []
        for key in sorted(left):
            self._tries += 1
            if self._tries > MOST_TRIES:
                return None
            if self._before[key] & left or (left, key) in self._dead:
                continue
            after = self._applied(self._facts[key], state, reasons)
            if after is not None:
                found = self._go_on((*order, key), left - {key}, after)
                if found is not None:
                    return found
                self._dead.add((left, key))
        if len(order) >= len(self._furthest[0]):
            self._furthest = (order, state, reasons)
        return None

    def _applied(self, facts: SettlementFacts, state: State, reasons: list[str]) -> State | None:
        """The state after a bill; None with a reason when it was not decided from this state."""
        key = _key(facts)
        if facts.kind is not SettlementKind.SETTLEMENT:
            return self._mirrored(facts, state, reasons)
        bill, read, parts, family = snapshot.read(facts)
        seen = {counter: value for counter, value in read.items() if value}
        has = {counter: state.counters[counter] for counter in read if counter in state.counters}
        if seen != has:
            reasons.append(f"{key.text()} read {_told(seen)}, but there was {_told(has)}")
            return None
        held = {part.key: part.available for part in parts}
        if held != {part.key: state.account.get(part.key, 0) for part in parts}:
            reasons.append(f"{key.text()} found {held} in the account, not {dict(state.account)}")
            return None
        statement = benefit(bill, self._law(facts.law), _all(read, state), parts, family)
        if amounts_of(statement) != amounts_of(facts):
            differing = {
                name: (amount, amounts_of(statement).get(name, 0))
                for name, amount in amounts_of(facts).items()
                if amounts_of(statement).get(name, 0) != amount
            }
            reasons.append(f"{key.text()} differs from the law (settled, law): {differing}")
            return None
        self._statements[key] = statement
        return state.after(key, statement, 1)

    def _mirrored(self, facts: SettlementFacts, state: State, reasons: list[str]) -> State | None:
        """A bill taken away, or added once more: the law is not asked again."""
        original = facts.mirrors
        assert original is not None
        takes_away = facts.kind is SettlementKind.CANCELLATION
        if takes_away != (original in state.standing):
            return None  # its turn has not come
        after = state.after(original, self._statements[original], -1 if takes_away else 1)
        if min(after.account.values(), default=0) < 0:
            reasons.append(f"{_key(facts).text()} would overdraw the account")
            return None
        return after

    def _must_precede(self, key: PoolKey, spans: Mapping[str, Span]) -> frozenset[PoolKey]:
        """What was acknowledged before this was sent, and the original of a mirror."""
        facts = self._facts[key]
        span = spans.get(facts.message_id)
        found = {facts.mirrors} if facts.mirrors is not None else set()
        if span is not None:
            found |= {
                other
                for other, its in self._facts.items()
                if (done := spans.get(its.message_id))
                and done.acknowledged is not None
                and done.acknowledged < span.sent
            }
        return frozenset(found)


def _all(read: Mapping[CounterKey, int], state: State) -> dict[CounterKey, int]:
    """The counters that a bill reads, as they stand; what is not there is zero."""
    return {counter: state.counters.get(counter, 0) for counter in read}


def _key(facts: SettlementFacts) -> PoolKey:
    assert facts.key is not None
    return facts.key


def _told(counters: Mapping[CounterKey, int]) -> str:
    return ", ".join(f"{key.name} {value}" for key, value in sorted(counters.items())) or "nothing"
