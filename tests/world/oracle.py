"""All books at the end, each against every other: institutions, settlements, ledger, files, law."""

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.world.chronicle import Chronicle, Span
from tests.world.institution import Institution
from tests.world.replay import State, replayed
from tests.world.server import Served
from yibao.adjudication.model import CounterKey
from yibao.kernel.areas import Pool
from yibao.kernel.money import yuan
from yibao.kernel.periods import business_date
from yibao.ledger import service as ledger
from yibao.platform.database import Database
from yibao.policy.load import load_law_book
from yibao.sandbox.books import Amounts, BillKey
from yibao.sandbox.reconciliation import amounts_of_facts, key_of
from yibao.settlement import service as settlement
from yibao.settlement.bills import store
from yibao.settlement.model import SettlementFacts, SettlementKind

if TYPE_CHECKING:
    from asyncpg import Connection


@dataclass(slots=True)
class Verdict:
    """What the books say."""

    faults: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    """Faults by what is wrong: ``lost``, ``doubled``, ``books``, ``ledger``, ``law`` …"""
    people: set[str] = field(default_factory=set)
    """Persons whose history is to be told."""
    figures: dict[str, int] = field(default_factory=dict)

    def find(self, kind: str, told: str, person: str = "") -> None:
        """A fault."""
        self.kinds[kind] += 1
        self.faults.append(f"{person}: {told}" if person else told)
        if person:
            self.people.add(person)


async def judged(
    served: Served, institutions: Sequence[Institution], chronicle: Chronicle, began: date
) -> Verdict:
    """Hold every book against every other; the server runs and nothing is under way."""
    verdict = Verdict(list(chronicle.faults))
    verdict.kinds["answers"] = len(chronicle.faults)
    dsn = served.dsn
    assert dsn is not None, "the server runs"
    database = await Database.open(dsn, writers=1, readers=2)
    try:
        async with database.reader(None) as connection:
            until = _tomorrow()
            history: list[SettlementFacts] = []
            totals = await ledger.institution_totals(connection, began, until)
            for one in institutions:
                facts = await settlement.settlements_of_institution(
                    connection, one.code, began, until
                )
                history += facts
                claimed = totals.get(one.code)
                _compare(one, facts, claimed, verdict)
            await _check_store(connection, verdict)
            await _replay(connection, history, chronicle.spans, verdict)
    finally:
        await database.close()
    _ask_ledger(served, verdict)
    verdict.figures |= _counted(history, institutions)
    return verdict


# ---------------------------------------------------------------- notebooks, settlements, ledger


def _compare(
    institution: Institution, facts: Sequence[SettlementFacts], claimed: Any, verdict: Verdict
) -> None:
    """One institution's notebook against its settlements and the ledger, bill by bill."""
    own = institution.notebook.living()
    net: dict[BillKey, Amounts] = defaultdict(Amounts)
    person = {key_of(one): one.member for one in facts}
    living: set[BillKey] = set()
    for one in facts:
        net[key_of(one)] += amounts_of_facts(one)
        if one.kind is SettlementKind.SETTLEMENT and one.cancelled_by is None:
            living.add(key_of(one))
    for key in sorted(own.keys() | net.keys()):
        if own.get(key, Amounts()) != net.get(key, Amounts()) or (key in own) != (key in living):
            verdict.find(
                "lost" if key in own and key not in net else "books",
                f"bill {key.settlement} at {institution.code}: the institution has "
                f"{_text(own.get(key))}, the platform {_text(net.get(key))}",
                person.get(key, _person_of(institution, key)),
            )
    for attempt in institution.notebook.open():
        verdict.find(
            "open",
            f"{attempt.infno} {attempt.message} at {institution.code}: nobody could find out",
            attempt.paper.patient.number,
        )
    total = sum(net.values(), Amounts())
    ledger_has = (claimed.claimed, claimed.collected) if claimed else (0, 0)
    if ledger_has != (total.funds + total.account, total.cash):
        verdict.find(
            "ledger",
            f"{institution.code}: the ledger has claimed/collected {ledger_has}, the settlements "
            f"{(total.funds + total.account, total.cash)}",
        )


def _person_of(institution: Institution, key: BillKey) -> str:
    found = (
        one.paper.patient.number
        for one in institution.notebook.done()
        if one.settles and one.key == key
    )
    return next(found, "?")


async def _check_store(connection: "Connection[Any]", verdict: Verdict) -> None:
    for fault in await ledger.verify(connection):
        verdict.find("ledger", fault)
    for pool, member, counter, scope, amount, entries in await store.inconsistencies(connection):
        told = f"counter {counter}@{scope} of pool {pool} holds {amount}, its entries say {entries}"
        verdict.find("counters", told, member)
    doubled = await connection.fetch(
        """SELECT settlement.member, settlement.batch
           FROM settlement.visible_settlement AS settlement
           WHERE kind = 'settlement' AND NOT EXISTS (
                 SELECT FROM settlement.visible_settlement AS mirror
                 WHERE mirror.pool = settlement.pool AND mirror.mirrors = settlement.id)
           GROUP BY settlement.pool, settlement.member, settlement.batch HAVING count(*) > 1"""
    )
    for member, batch in doubled:
        verdict.find("doubled", f"batch {batch} is settled twice", member)


def _ask_ledger(served: Served, verdict: Verdict) -> None:
    """``yibao ledger verify``: balance, chain, equality with the settlements."""
    done = served.command("ledger", "verify", "--json")
    if "No such command" in done.stderr:
        return
    if done.returncode:
        verdict.find("ledger", f"yibao ledger verify: {(done.stdout or done.stderr)[:2000]}")


# ------------------------------------------------------------------------------------- the law


async def _replay(
    connection: "Connection[Any]",
    history: Sequence[SettlementFacts],
    spans: Mapping[str, Span],
    verdict: Verdict,
) -> None:
    """Every person's history again by the pure law, from the account as it was at first."""
    laws = {law.fingerprint: law for law in load_law_book().laws.values()}
    people: dict[tuple[Pool, str], list[SettlementFacts]] = defaultdict(list)
    for facts in history:
        assert facts.key is not None
        people[facts.key.pool, facts.member].append(facts)
    for (pool, member), own in people.items():
        opening = State({}, await _opening(connection, pool, member, own))
        again = replayed(own, opening, laws.__getitem__, spans)
        for told in again.contradictions:
            verdict.find("law", told, member)
        if again.contradictions:
            continue
        counters = dict(await store.member_accumulators(connection, pool, member))
        stands = {key: value for key, value in counters.items() if value}
        if stands != again.end.counters:
            told = f"counters {_plain(stands)}, by the law {_plain(again.end.counters)}"
            verdict.find("law", told, member)
        held = await _account(connection, pool, member)
        if held != again.end.account:
            verdict.find("law", f"account {held}, by the law {again.end.account}", member)
    verdict.figures["persons_replayed"] = len(people)


async def _account(connection: "Connection[Any]", pool: Pool, member: str) -> dict[str, int]:
    parts = (await ledger.balances(connection, pool, [member])).get(member, [])
    return {part.account: part.amount for part in parts}


async def _opening(
    connection: "Connection[Any]", pool: Pool, member: str, history: Sequence[SettlementFacts]
) -> dict[str, int]:
    """The account before the first bill: what it holds, less what the bills moved."""
    held: Counter[str] = Counter(await _account(connection, pool, member))
    numbers = [facts.key.number for facts in history if facts.key is not None]
    for entries in (await ledger.entries_of(connection, pool, numbers)).values():
        for entry in entries:
            if entry.account in held:
                held[entry.account] -= entry.amount
    return dict(held)


# ------------------------------------------------------------------------------------- private


def _tomorrow() -> date:
    """No bill of the run is later."""
    return business_date(datetime.now(UTC)) + timedelta(days=1)


def _counted(
    history: Sequence[SettlementFacts], institutions: Sequence[Institution]
) -> dict[str, int]:
    kinds = Counter(str(facts.kind) for facts in history)
    known = Counter(str(one.known) for at in institutions for one in at.notebook.attempts)
    rows = {f"rows_{kind}": count for kind, count in sorted(kinds.items())}
    return rows | {f"messages_{what}": count for what, count in sorted(known.items())}


def _text(amounts: Amounts | None) -> str:
    if amounts is None:
        return "nothing"
    return " + ".join(map(yuan, (amounts.funds, amounts.account, amounts.cash)))


def _plain(counters: Mapping[CounterKey, int]) -> dict[str, int]:
    return {f"{key.name}@{key.scope}": value for key, value in counters.items()}
