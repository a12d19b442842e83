"""The whole history again, one bill after the other, by the pure law from zero. Pure.

Bills of one person that meet may be decided in either order, so the platform's order is looked for:
one in which each bill finds the counters and the account exactly as the law left them after the
bills before it, and in which nothing that was acknowledged comes after what was sent later. There
must be such an order, every amount must be the law's, and it must end where the books stand.

Relatives who pay for one another are replayed together. What a clerk booked (a credit, a
supplement) moves the books as it was written, at some place in the order.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace

from tests.world.chronicle import Span
from yibao.adjudication.benefit import benefit
from yibao.adjudication.model import CounterKey, Statement
from yibao.kernel.identifiers import PoolKey
from yibao.policy.model import Law
from yibao.settlement.bills import snapshot
from yibao.settlement.bills.recomputation import amounts_of
from yibao.settlement.model import SettlementFacts, SettlementKind

MemberCounter = tuple[str, CounterKey]

MOST_TRIES = 20_000
"""Steps of the search for an order; a handful of bills at once needs a few hundred."""


@dataclass(frozen=True, slots=True)
class Moved:
    """What was booked without a bill, or as a supplement to one; the law is not asked."""

    member: str
    counters: tuple[tuple[CounterKey, int], ...]
    account: tuple[tuple[str, int], ...]
    """By ledger account; more is more than 0."""


@dataclass(frozen=True, slots=True)
class State:
    """What the bills of a person, or of relatives, have added up to so far."""

    counters: Mapping[MemberCounter, int]
    account: Mapping[str, int]
    """What each part of the personal accounts holds, by ledger account."""
    standing: frozenset[PoolKey] = frozenset()
    """The bills that stand."""

    def after(self, bill: PoolKey, member: str, statement: Statement, sign: int) -> "State":
        """With a bill added, or taken away."""
        paid = (*statement.account, *statement.family_accounts)
        moved = self.moved(
            Moved(
                member,
                tuple((key, sign * delta) for key, delta in statement.counters),
                tuple((part, -sign * amount) for part, amount in paid),
            )
        )
        return replace(moved, standing=self.standing ^ {bill})

    def moved(self, moved: Moved) -> "State":
        """With what was booked beside the bills."""
        counters, account = Counter(self.counters), Counter(self.account)
        for key, delta in moved.counters:
            counters[moved.member, key] += delta
        for part, amount in moved.account:
            account[part] += amount
        left = {key: value for key, value in counters.items() if value}
        return State(left, dict(account), self.standing)


@dataclass(frozen=True, slots=True)
class Replayed:
    """The end of a replay."""

    order: tuple[PoolKey, ...]
    end: State
    contradictions: tuple[str, ...]
    flags: frozenset[tuple[PoolKey, PoolKey]] = frozenset()
    """Bills that must be settled again, each with the mirror that is why."""


def replayed(
    history: Sequence[SettlementFacts],
    opening: State,
    law: Callable[[str], Law],
    spans: Mapping[str, Span],
    booked: Mapping[PoolKey, Moved] | None = None,
    turns: Mapping[PoolKey, int] | None = None,
) -> Replayed:
    """The settlements, cancellations and reinstatements of a person, or of relatives, in order.

    ``law`` finds a law by its fingerprint, ``spans`` when a message was sent and answered;
    ``booked``: supplements, their mirrors, and what moved accounts without a bill; ``turns``: the
    order that the platform says it decided in, which is tried first.
    """
    return _Search(history, law, spans, booked or {}, turns or {}).run(opening)


class _Search:
    """Depth first, in the platform's own order first: almost always right at once."""

    def __init__(
        self,
        history: Sequence[SettlementFacts],
        law: Callable[[str], Law],
        spans: Mapping[str, Span],
        booked: Mapping[PoolKey, Moved],
        turns: Mapping[PoolKey, int],
    ) -> None:
        self._facts = {_key(facts): facts for facts in sorted(history, key=_key)}
        self._booked = booked
        self._rank = _ranks({*self._facts, *booked}, turns)
        self._law = law
        self._before = {key: self._must_precede(key, spans) for key in self._facts}
        self._statements: dict[PoolKey, Statement] = {}
        self._dead: set[tuple[frozenset[PoolKey], PoolKey]] = set()
        self._tries = 0
        self._furthest: tuple[tuple[PoolKey, ...], State, list[str]] = ((), State({}, {}), [])

    def run(self, opening: State) -> Replayed:
        found = self._go_on((), frozenset(self._facts) | frozenset(self._booked), opening)
        if found is not None:
            order, end = found
            return Replayed(order, end, (), frozenset(self._flags(order)))
        order, end, reasons = self._furthest
        told = [f"no serial order: after {len(order)} of {len(self._facts)} bills", *reasons]
        return Replayed(order, end, tuple(told))

    def _go_on(
        self, order: tuple[PoolKey, ...], left: frozenset[PoolKey], state: State
    ) -> tuple[tuple[PoolKey, ...], State] | None:
        if not left:
            return order, state
        reasons: list[str] = []
        for key in sorted(left, key=self._rank.__getitem__):
            self._tries += 1
            if self._tries > MOST_TRIES:
                return None
            if self._before.get(key, frozenset()) & left or (left, key) in self._dead:
                continue
            after = self._applied(key, state, reasons)
            if after is not None:
                found = self._go_on((*order, key), left - {key}, after)
                if found is not None:
                    return found
                self._dead.add((left, key))
        if len(order) >= len(self._furthest[0]):
            self._furthest = (order, state, reasons)
        return None

    def _applied(self, key: PoolKey, state: State, reasons: list[str]) -> State | None:
        """The state after a bill; None with a reason when it was not decided from this state."""
        if key in self._booked:
            return self._not_overdrawn(key, state.moved(self._booked[key]), reasons)
        facts = self._facts[key]
        if facts.kind is not SettlementKind.SETTLEMENT:
            return self._mirrored(facts, state, reasons)
        bill, read, parts, family = snapshot.read(facts)
        seen = {counter: value for counter, value in read.items() if value}
        own = _of(facts.member, read, state)
        has = {counter: value for counter, value in own.items() if value}
        if seen != has:
            reasons.append(f"{key.text()} read {_told(seen)}, but there was {_told(has)}")
            return None
        relatives = [part for one in family for part in one.parts]
        held = {part.key: part.available for part in (*parts, *relatives)}
        if held != {part: state.account.get(part, 0) for part in held}:
            reasons.append(f"{key.text()} found {held} in accounts, not {dict(state.account)}")
            return None
        statement = benefit(bill, self._law(facts.law), own, parts, family)
        if amounts_of(statement) != amounts_of(facts):
            differing = {
                name: (amount, amounts_of(statement).get(name, 0))
                for name, amount in amounts_of(facts).items()
                if amounts_of(statement).get(name, 0) != amount
            }
            reasons.append(f"{key.text()} differs from the law (settled, law): {differing}")
            return None
        self._statements[key] = statement
        return state.after(key, facts.member, statement, 1)

    def _mirrored(self, facts: SettlementFacts, state: State, reasons: list[str]) -> State | None:
        """A bill taken away, or added once more: the law is not asked again."""
        original = facts.mirrors
        assert original is not None
        takes_away = facts.kind is SettlementKind.CANCELLATION
        if takes_away != (original in state.standing):
            return None  # its turn has not come
        sign = -1 if takes_away else 1
        after = state.after(original, facts.member, self._statements[original], sign)
        return self._not_overdrawn(_key(facts), after, reasons)

    def _not_overdrawn(self, key: PoolKey, after: State, reasons: list[str]) -> State | None:
        if min(after.account.values(), default=0) < 0:
            reasons.append(f"{key.text()} would overdraw an account")
            return None
        return after

    def _flags(self, order: Sequence[PoolKey]) -> Iterator[tuple[PoolKey, PoolKey]]:
        """Who cancels a bill, or lets it stand again, flags what was decided after it by it."""
        place = {key: n for n, key in enumerate(order)}
        standing: set[PoolKey] = set()
        supplements: dict[PoolKey, list[PoolKey]] = defaultdict(list)
        for key in order:
            facts = self._facts.get(key)
            if facts is None or facts.mirrors in self._booked:
                continue
            original = facts.mirrors
            if original is None:
                standing.add(key)
            elif facts.kind is SettlementKind.SUPPLEMENT:
                supplements[original].append(key)
            else:
                takes_away = facts.kind is SettlementKind.CANCELLATION
                standing.discard(original)
                moved = self._counters_of(original, supplements[original] if takes_away else ())
                for bill in standing:
                    if place[bill] > place[original] and self._reads(bill, facts.member, moved):
                        yield bill, key
                if not takes_away:
                    standing.add(original)
                    if supplements[original]:
                        yield original, key

    def _counters_of(self, bill: PoolKey, supplements: Sequence[PoolKey]) -> set[CounterKey]:
        """What a bill and its supplements moved."""
        entries = list(self._statements[bill].counters)
        entries += [entry for one in supplements for entry in self._booked[one].counters]
        return {counter for counter, _ in entries}

    def _reads(self, bill: PoolKey, member: str, counters: set[CounterKey]) -> bool:
        facts = self._facts[bill]
        return facts.member == member and not counters.isdisjoint(snapshot.read(facts).history)

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


def _ranks(
    keys: Iterable[PoolKey], turns: Mapping[PoolKey, int]
) -> dict[PoolKey, tuple[int, PoolKey]]:
    """By turn; what has none comes where its number is."""
    found, latest = {}, 0
    for key in sorted(keys):
        latest = max(latest, turns.get(key, 0))
        found[key] = (turns.get(key, latest), key)
    return found


def _of(member: str, read: Mapping[CounterKey, int], state: State) -> dict[CounterKey, int]:
    """The counters that a bill reads, as they stand; what is not there is zero."""
    return {counter: state.counters.get((member, counter), 0) for counter in read}


def _key(facts: SettlementFacts) -> PoolKey:
    assert facts.key is not None
    return facts.key


def _told(counters: Mapping[CounterKey, int]) -> str:
    return ", ".join(f"{key.name} {value}" for key, value in sorted(counters.items())) or "nothing"
