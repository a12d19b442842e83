"""All books at the end, each against every other: institutions, settlements, ledger, files, law."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from datetime import UTC, date, datetime, timedelta
from typing import TYPE_CHECKING, Any

from tests.world.chronicle import Chronicle
from tests.world.institution import Institution
from tests.world.kindred import replay_all
from tests.world.server import Served
from tests.world.verdict import Verdict
from yibao.clearing.differences import service as differences
from yibao.clearing.differences.model import Books, Cause
from yibao.kernel.money import yuan
from yibao.kernel.periods import business_date
from yibao.ledger import service as ledger
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.platform.settings import load_settings
from yibao.registry.institutions.service import load_directory
from yibao.sandbox.books import Amounts, BillKey
from yibao.sandbox.reconciliation import amounts_of_facts, key_of
from yibao.settlement import service as settlement
from yibao.settlement.accumulators import store as accumulators
from yibao.settlement.model import SettlementFacts, SettlementKind

if TYPE_CHECKING:
    from asyncpg import Connection


async def judged(
    served: Served, institutions: Sequence[Institution], chronicle: Chronicle, began: datetime
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
            first = business_date(began)
            totals = await ledger.institution_totals(connection, first, until)
            for one in institutions:
                facts = await settlement.settlements_of_institution(
                    connection, one.code, first, until
                )
                history += facts
                claimed = totals.get(one.code)
                _compare(one, facts, claimed, verdict)
            await _check_store(connection, verdict)
        # no reader is told in what order bills were decided
        async with database.writer() as connection:
            await replay_all(connection, history, chronicle.spans, began, verdict)
    finally:
        await database.close()
    ask_ledger(served, verdict)
    _ask(served, verdict, "access", "access", "show", "--verify", "--json")
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
    if ledger_has != (total.claimed, total.cash):
        verdict.find(
            "ledger",
            f"{institution.code}: the ledger has claimed/collected {ledger_has}, the settlements "
            f"{(total.claimed, total.cash)}",
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
    for pool, member, counter, scope, amount, entries in await accumulators.inconsistencies(
        connection
    ):
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


def ask_ledger(served: Served, verdict: Verdict) -> None:
    """Balance, chain, equality with the settlements."""
    _ask(served, verdict, "ledger", "ledger", "verify", "--json")


def _ask(served: Served, verdict: Verdict, kind: str, *words: str) -> None:
    """A command that proves something."""
    done = served.command(*words)
    if done.returncode:
        verdict.find(kind, f"yibao {' '.join(words)}: {(done.stdout or done.stderr)[:2000]}")


async def differ(
    served: Served, institutions: Sequence[Institution], began: date, verdict: Verdict
) -> None:
    """What the bureau finds between ledger, settlements and what institutions have compared."""
    dsn = served.dsn
    assert dsn is not None, "the server runs"
    vault = Vault(load_key(load_settings({"data": served.folder, "sandbox": True})))
    database = await Database.open(dsn, writers=1, readers=2)
    try:
        async with database.reader(None) as connection:
            directory = await load_directory(connection, vault)
            for one in institutions:
                for found in await differences.differences(
                    connection, vault, directory, one.code, began, _tomorrow(),
                    datetime.now(UTC), _COMPARED,
                ):  # fmt: skip
                    if found.cause is not Cause.NOT_COMPARED:
                        verdict.find("clearing", f"{one.code}: {found}")
    finally:
        await database.close()


_COMPARED = frozenset({Books.LEDGER, Books.FILE, Books.ACCOUNTS})


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
    return " + ".join(map(yuan, (amounts.funds, amounts.account, amounts.family, amounts.cash)))
