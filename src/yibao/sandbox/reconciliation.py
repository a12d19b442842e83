"""Three books, one truth: the institutions' own, the settlements, the ledger. To the fen."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.money import Fen, yuan
from yibao.ledger import service as ledger
from yibao.sandbox.books import Amounts, BillKey, total_of
from yibao.sandbox.institution import Institution
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
    """Bills that are settled now, by the institution's book."""
    own: Amounts
    """By the institution's book."""
    settlements: Amounts
    ledger: LedgerTotals
    differences: tuple[str, ...]
    """Sentences; none when the books agree."""


def amounts_of_facts(facts: SettlementFacts) -> Amounts:
    """A settlement's amounts."""
    return Amounts(facts.sums.total, facts.funds, facts.account, facts.cash, facts.family)


def key_of(facts: SettlementFacts) -> BillKey:
    """The bill that a settlement is, or that it mirrors."""
    settlement = facts.mirrors or facts.key
    return BillKey(facts.visit.text(), "" if settlement is None else settlement.text())


def compare(
    institution: Institution, facts: Sequence[SettlementFacts], claimed: LedgerTotals
) -> Comparison:
    """Hold one institution's book against its settlements and the ledger, bill by bill."""
    by_bill: dict[BillKey, Amounts] = {}
    living: set[BillKey] = set()
    for settled in facts:
        key = key_of(settled)
        by_bill[key] = by_bill.get(key, Amounts()) + amounts_of_facts(settled)
        if settled.mirrors is None and settled.cancelled_by is None:
            living.add(key)
    book = institution.books
    differences = [
        f"settlement {key.settlement} of visit {key.visit}: "
        f"institution {_text(book.bills.get(key))}, settlements {_text(by_bill.get(key))}"
        for key in sorted(book.bills.keys() | by_bill.keys())
        if book.bills.get(key, Amounts()) != by_bill.get(key, Amounts())
    ]
    differences += [
        f"settlement {key.settlement} of visit {key.visit} "
        f"{'lives, but not in' if key in living else 'is cancelled, but lives in'} "
        "the institution's book"
        for key in sorted(book.living ^ living)
    ]
    net = total_of(by_bill.values())
    if claimed != LedgerTotals(net.claimed, net.cash):
        differences.append(
            f"ledger: claimed {yuan(claimed.claimed)}, collected {yuan(claimed.collected)}; "
            f"settlements: {yuan(net.claimed)} and {yuan(net.cash)}"
        )
    return Comparison(
        institution=institution.code,
        name=institution.name,
        bills=len(book.living),
        own=book.net,
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
    institutions: Sequence[Institution],
    start: date,
    end: date,
    *,
    before: Mapping[str, LedgerTotals],
) -> tuple[list[Comparison], list[SettlementFacts]]:
    """Compare all books with what was settled ``start`` ≤ day < ``end``.

    ``before`` is the ledger as the run began. The second answer is what the run settled.
    """
    totals = await ledger_totals(connection, start, end)
    comparisons: list[Comparison] = []
    run: list[SettlementFacts] = []
    for institution in institutions:
        visits = {key.visit for key in institution.books.bills}
        settled = await settlement.settlements_of_institution(
            connection, institution.code, start, end
        )
        facts = [one for one in settled if one.visit.text() in visits]
        run += facts
        nothing = LedgerTotals()
        claimed = totals.get(institution.code, nothing).since(before.get(institution.code, nothing))
        comparisons.append(compare(institution, facts, claimed))
    return comparisons, run


def _text(amounts: Amounts | None) -> str:
    if amounts is None:
        return "nothing"
    return " + ".join(map(yuan, (amounts.funds, amounts.account, amounts.family, amounts.cash)))
