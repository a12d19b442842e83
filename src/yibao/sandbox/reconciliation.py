"""Three books, one truth: the hospitals' own, the settlements, the ledger. To the fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.money import Fen, yuan
from yibao.ledger import service as ledger
from yibao.sandbox.books import Amounts, BillKey, total_of
from yibao.sandbox.hospital import Hospital
from yibao.settlement import service as settlement
from yibao.settlement.model import SettlementFacts

if TYPE_CHECKING:
    from asyncpg import Connection


@dataclass(frozen=True, slots=True)
class LedgerTotals:
    """What the ledger says of one institution."""

    claimed: Fen = 0
    """Owed by funds and personal accounts."""
    collected: Fen = 0
    """Taken from patients in cash."""

    def since(self, earlier: "LedgerTotals") -> "LedgerTotals":
        """What has been added after ``earlier``."""
        return LedgerTotals(self.claimed - earlier.claimed, self.collected - earlier.collected)


@dataclass(frozen=True, slots=True)
class Comparison:
    """One institution in the three books."""

    institution: str
    name: str
    bills: int
    """Bills that are settled now, by the hospital's book."""
    hospital: Amounts
    settlements: Amounts
    ledger: LedgerTotals
    differences: tuple[str, ...]
    """Sentences; none when the books agree."""


def amounts_of_facts(facts: SettlementFacts) -> Amounts:
    """A settlement's amounts; the family account counts as account."""
    return Amounts(facts.sums.total, facts.funds, facts.account + facts.family, facts.cash)


def compare(
    hospital: Hospital, facts: Sequence[SettlementFacts], claimed: LedgerTotals
) -> Comparison:
    """Hold one hospital's book against its settlements and the ledger, bill by bill."""
    by_bill: dict[BillKey, Amounts] = {}
    living: dict[BillKey, str] = {}
    for settled in facts:
        key = BillKey(settled.visit.text(), settled.batch)
        by_bill[key] = by_bill.get(key, Amounts()) + amounts_of_facts(settled)
        if settled.mirrors is None and settled.cancelled_by is None and settled.key is not None:
            living[key] = settled.key.text()
    book = hospital.books
    differences = [
        f"bill {key.batch} of visit {key.visit}: hospital {_text(book.bills.get(key))}, "
        f"settlements {_text(by_bill.get(key))}"
        for key in sorted(book.bills.keys() | by_bill.keys())
        if book.bills.get(key, Amounts()) != by_bill.get(key, Amounts())
    ]
    differences += [
        f"bill {key.batch} of visit {key.visit} lives as {living.get(key)}, "
        f"the hospital holds {book.living.get(key)}"
        for key in sorted(book.living.keys() | living.keys())
        if book.living.get(key) != living.get(key)
    ]
    net = total_of(by_bill.values())
    if claimed != LedgerTotals(net.funds + net.account, net.cash):
        differences.append(
            f"ledger: claimed {yuan(claimed.claimed)}, collected {yuan(claimed.collected)}; "
            f"settlements: {yuan(net.funds + net.account)} and {yuan(net.cash)}"
        )
    return Comparison(
        institution=hospital.code,
        name=hospital.name,
        bills=len(book.living),
        hospital=book.net,
        settlements=net,
        ledger=claimed,
        differences=tuple(differences),
    )


async def ledger_totals(
    connection: "Connection[Any]", start: date, end: date
) -> dict[str, LedgerTotals]:
    """The ledger's totals by institution, for ``start`` ≤ day < ``end``."""
    found = await ledger.institution_totals(connection, start, end)
    return {code: LedgerTotals(totals.claimed, totals.collected) for code, totals in found.items()}


async def reconcile(
    connection: "Connection[Any]",
    hospitals: Sequence[Hospital],
    start: date,
    end: date,
    *,
    before: Mapping[str, LedgerTotals],
) -> tuple[list[Comparison], list[SettlementFacts]]:
    """Compare all hospitals' books with what was settled ``start`` ≤ day < ``end``.

    ``before`` is the ledger as the run began. The second answer is what the run settled.
    """
    totals = await ledger_totals(connection, start, end)
    comparisons: list[Comparison] = []
    run: list[SettlementFacts] = []
    for hospital in hospitals:
        visits = {key.visit for key in hospital.books.bills}
        settled = await settlement.settlements_of_institution(connection, hospital.code, start, end)
        facts = [one for one in settled if one.visit.text() in visits]
        run += facts
        nothing = LedgerTotals()
        claimed = totals.get(hospital.code, nothing).since(before.get(hospital.code, nothing))
        comparisons.append(compare(hospital, facts, claimed))
    return comparisons, run


def _text(amounts: Amounts | None) -> str:
    if amounts is None:
        return "nothing"
    return " + ".join(map(yuan, (amounts.funds, amounts.account, amounts.cash)))
