"""Everybody's history again by the pure law, relatives who pay for one another together."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from tests.world.chronicle import Span
from tests.world.replay import MemberCounter, Moved, State, replayed
from tests.world.verdict import Verdict
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, first_number_of
from yibao.ledger import service as ledger
from yibao.policy.load import load_law_book
from yibao.settlement import service as settlement
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.model import SettlementFacts, SettlementKind

if TYPE_CHECKING:
    from asyncpg import Connection

EVER = 2**63 - 1


async def replay_all(
    connection: "Connection[Any]",
    history: Sequence[SettlementFacts],
    spans: Mapping[str, Span],
    began: datetime,
    verdict: Verdict,
) -> None:
    """Whoever is in a history, from the account as it was when the run ``began``."""
    laws = {law.fingerprint: law for law in load_law_book().laws.values()}
    people = await _histories(connection, history)
    flags, turns = await _flags(connection), await _turns(connection)
    for pool, members in _families(people):
        own = [facts for member in members for facts in people.get((pool, member), ())]
        family = _Family(connection, pool, members, own, first_number_of(began))
        await family.read()
        again = replayed(own, family.opening, laws.__getitem__, spans, family.booked, turns)
        who = members[0]
        for told in again.contradictions:
            verdict.find("law", told, who)
        if again.contradictions:
            continue
        counters = await family.counters()
        if counters != again.end.counters:
            told = f"counters {_plain(counters)}, by the law {_plain(again.end.counters)}"
            verdict.find("law", told, who)
        if family.held != again.end.account:
            verdict.find("law", f"account {family.held}, by the law {again.end.account}", who)
        numbers = {facts.key for facts in own}
        wanted = {(bill.text(), cause.text()) for bill, cause in again.flags}
        stored = {(b.text(), c.text()) for b, c in flags if b in numbers}
        for bill, cause in sorted(wanted ^ stored):
            what = "is not flagged" if (bill, cause) in wanted else "is flagged for nothing"
            verdict.find("flags", f"bill {bill} {what} because of {cause}", who)
    verdict.figures["persons_replayed"] = len(people)
    verdict.figures["flags"] = len(flags)


class _Family:
    """Persons of one pool whose bills move one another's accounts, mostly one alone."""

    def __init__(
        self,
        connection: "Connection[Any]",
        pool: Pool,
        members: Sequence[str],
        history: Sequence[SettlementFacts],
        first: int,
    ) -> None:
        self._connection = connection
        self._pool = pool
        self._members = members
        self._history = {facts.key.number: facts for facts in history if facts.key is not None}
        self._first = first
        self.held: dict[str, int] = {}
        self.opening = State({}, {})
        self.booked: dict[PoolKey, Moved] = {}

    async def read(self) -> None:
        """What accounts hold, what they held at first, and what clerks booked since."""
        parts = await ledger.balances(self._connection, self._pool, self._members)
        self.held = {part.account: part.amount for own in parts.values() for part in own}
        moves = await self._moves()
        before = dict.fromkeys(self.held, 0)
        for number, moved in moves.items():
            if number < self._first:
                for account, amount in moved.items():
                    before[account] += amount
        self.opening = State({}, before)
        supplements = [
            number
            for number, facts in self._history.items()
            if facts.kind is SettlementKind.SUPPLEMENT
            or (facts.mirrors is not None and self._is_supplement(facts.mirrors.number))
        ]
        entries = await accumulators.entries_of(self._connection, self._pool, supplements)
        without_bill = {
            number for number in moves if number >= self._first and number not in self._history
        }
        for number in {*supplements, *without_bill}:
            facts = self._history.get(number)
            self.booked[PoolKey(self._pool, number)] = Moved(
                "" if facts is None else facts.member,
                tuple(entries.get(number, ())),
                tuple(moves.get(number, {}).items()),
            )

    async def counters(self) -> dict[MemberCounter, int]:
        """What stands on the counters of all of them."""
        found: dict[MemberCounter, int] = {}
        for member in self._members:
            stored = await accumulators.of_member(self._connection, self._pool, member)
            found |= {(member, key): value for key, value in stored if value}
        return found

    def _is_supplement(self, number: int) -> bool:
        facts = self._history.get(number)
        return facts is not None and facts.kind is SettlementKind.SUPPLEMENT

    async def _moves(self) -> dict[int, dict[str, int]]:
        """By posting: what it moved in the accounts."""
        rows = await self._connection.fetch(
            """SELECT posting, account, sum(amount)::bigint FROM ledger.entry
               WHERE pool = $1 AND account = ANY ($2::text[]) AND account LIKE 'account:%'
               GROUP BY posting, account ORDER BY posting""",
            self._pool,
            list(self.held),
        )
        found: dict[int, dict[str, int]] = defaultdict(dict)
        for posting, account, amount in rows:
            found[posting][account] = amount
        return found


async def _histories(
    connection: "Connection[Any]", history: Sequence[SettlementFacts]
) -> dict[tuple[Pool, str], list[SettlementFacts]]:
    """All that was ever settled of those who are in a history, also by the bureau."""
    found = {}
    for facts in history:
        assert facts.key is not None
        who = (facts.key.pool, facts.member)
        if who not in found:
            found[who] = await settlement.settlements_of_member(
                connection, *who, before=EVER, limit=10_000
            )
    return found


def _families(
    people: Mapping[tuple[Pool, str], Sequence[SettlementFacts]],
) -> list[tuple[Pool, list[str]]]:
    """Persons, together with those whose accounts their bills have looked at."""
    together: dict[tuple[Pool, str], set[tuple[Pool, str]]] = {}
    for (pool, member), own in people.items():
        everyone = {(pool, member)} | {(pool, one) for facts in own for one in _owners(facts)}
        for one in list(everyone):
            everyone |= together.get(one, set())
        for one in everyone:
            together[one] = everyone
    distinct = {frozenset(family) for family in together.values()}
    return sorted((next(iter(family))[0], sorted(one for _, one in family)) for family in distinct)


def _owners(facts: SettlementFacts) -> set[str]:
    """Whose accounts, beside one's own, a bill could have used."""
    parts = [part for *_, parts in facts.snapshot.get("family", ()) for part in parts]
    return {str(key).split(":")[1] for key, *_ in parts}


async def _flags(connection: "Connection[Any]") -> set[tuple[PoolKey, PoolKey]]:
    rows = await connection.fetch(
        "SELECT pool, settlement, cause FROM settlement.resettlement_flag"
    )
    return {(PoolKey(pool, bill), PoolKey(pool, cause)) for pool, bill, cause in rows}


def _plain(counters: Mapping[MemberCounter, int]) -> dict[str, int]:
    return {f"{member} {key.name}@{key.scope}": value for (member, key), value in counters.items()}


async def _turns(connection: "Connection[Any]") -> dict[PoolKey, int]:
    rows = await connection.fetch("SELECT pool, id, turn FROM settlement.settlement")
    return {PoolKey(pool, number): turn for pool, number, turn in rows}
