"""A portion of visits, decided by the law and written by the server's own services.

Nothing here knows a table. Visits, batches, lines and messages are handed to the functions that
the server hands them to, and they encode the rows; bills are decided and written by the very calls
behind 2207, so ceilings, accounts, postings and the chain are what the server would have made of
the same visits, one after the other. What is saved is what does not show in the rows: HTTP, a
transaction a call, the classification of a line that is charged at the same place on the same day
again, and the update of a visit and a batch that are written whole.

A portion's members differ from each other, as those of a server's batch do.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from random import Random
from typing import NamedTuple

from benchmarks.filling.care import VOUCHER, Basket, Care, begun, drawn, fee_lines, visit
from yibao.kernel.frozen import replace
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import Refusal
from yibao.platform.commands import store as messages
from yibao.platform.commands.model import Command, Done, MessageKey, Outcome, Unit, message_of
from yibao.policy.terms import GENERAL_OUTPATIENT, Scheme
from yibao.registry.people.model import Insured
from yibao.registry.service import Reference
from yibao.settlement.bills import service as bills
from yibao.settlement.bills.decision import Facts, decide_new
from yibao.settlement.fees import service as fees
from yibao.settlement.fees.model import ChargeBatch, Classified
from yibao.settlement.model import DEFAULT_PRACTICE, Settle, SettlementFacts, VisitFacts
from yibao.settlement.service import outcome_of
from yibao.settlement.visits import store as visits
from yibao.settlement.visits.rules import check_provider

AT_ONCE = 1_000
"""Visits of a portion."""

Patient = tuple[Insured, Scheme]


class Charged(NamedTuple):
    """A visit with its batch and lines, ready to be settled."""

    visit: VisitFacts
    batch: ChargeBatch
    lines: Sequence[Classified]
    settle: Settle


class _Goods(NamedTuple):
    """A basket as it is charged at one place in one scheme: its lines, and a batch of them."""

    lines: list[Classified]
    batch: ChargeBatch


@dataclass(slots=True)
class _Charging:
    """Classifies a basket once for each place and scheme: in a portion all is charged at once."""

    unit: Unit
    reference: Reference
    known: dict[tuple[str, Scheme, int], _Goods]

    def charged(self, seen: VisitFacts, basket: Basket, message_id: str) -> Charged:
        """The visit with a new batch, and the wish to settle it."""
        place = seen.institution, seen.scheme, basket.number
        if place not in self.known:
            self.known[place] = self._goods(seen, basket)
        lines, like = self.known[place]
        number = self.unit.numbers.next(self.unit.now)
        batch = replace(like, number=number, visit=seen.key.number)
        settle = Settle(
            institution=seen.institution,
            member=seen.member,
            visit=seen.key,
            batch=batch.label,
            scheme=seen.scheme,
            care_kind=GENERAL_OUTPATIENT,
            total=batch.sums.total,
            use_account=True,
            way="01",
            voucher_type=VOUCHER,
            message_id=message_id,
            sums=batch.sums,
        )
        return Charged(seen, batch, lines, settle)

    def _goods(self, seen: VisitFacts, basket: Basket) -> _Goods:
        institution = self.reference.directory.institution(seen.institution)
        term = check_provider(institution, self.unit.pool, self.unit.day)
        basis = fees.basis_of(seen, term, self.reference, DEFAULT_PRACTICE)
        label = seen.outpatient_number
        lines = fees.classified_purchase(
            fee_lines(basket, label, begun(self.unit)),
            self.unit,
            basis,
            DEFAULT_PRACTICE,
            self.reference.catalogue,
        )
        return _Goods(lines, fees.opened(self.unit, seen, label, basis, lines))


async def write_portion(
    unit: Unit, patients: Sequence[Patient], care: Care, reference: Reference, random: Random
) -> tuple[list[SettlementFacts], list[Refusal]]:
    """Treat and settle each patient once, at the unit's instant; what was settled and refused.

    A visit whose settlement is refused leaves nothing. Patients must differ.
    """
    charging = _Charging(unit, reference, {})
    charged = [
        _treated(charging, place, number, *patient, basket)
        for number, (patient, (place, basket)) in enumerate(
            zip(patients, drawn(care, random, len(patients)), strict=True)
        )
    ]
    decided = await decide_new(
        unit, [one.settle for one in charged], _facts(charged, patients, reference), writing=True
    )
    stands = [
        one
        for one, outcome in zip(charged, decided, strict=True)
        if not isinstance(outcome, Refusal)
    ]
    await visits.insert(unit.connection, [one.visit for one in stands])
    await fees.write_batches(unit, [(one.batch, one.lines) for one in stands])
    outcomes = await bills.write_decisions(unit, decided)
    settled = [one for one in outcomes if not isinstance(one, Refusal)]
    await _remember(unit, stands, settled)
    return settled, [one for one in outcomes if isinstance(one, Refusal)]


def _treated(
    charging: _Charging, place: str, number: int, who: Insured, scheme: Scheme, basket: Basket
) -> Charged:
    """A visit with what is charged; ``number`` makes its messages the only ones of the second."""
    unit = charging.unit
    second = f"{local_time(unit.now):%Y%m%d%H%M%S}"
    seen = visit(unit, place, who, scheme, basket, f"B{second[2:]}{number:04d}")
    return charging.charged(seen, basket, f"{place}{second}{number:04d}")


def _facts(charged: Sequence[Charged], patients: Sequence[Patient], reference: Reference) -> Facts:
    """Nobody of these lies in hospital: only outpatients were ever filled in."""
    return Facts(
        {one.visit.key.number: one.visit for one in charged},
        {who.membership.number: who for who, _ in patients},
        reference,
        batches={one.visit.key.number: [one.batch] for one in charged},
    )


# ---------------------------------------------------------------------------------------- messages


async def _remember(
    unit: Unit, charged: Sequence[Charged], settled: Sequence[SettlementFacts]
) -> None:
    """The four messages of each visit that change something, and the outbox."""
    new = [
        message_of(_command(unit, one, transaction), outcome)
        for one, bill in zip(charged, settled, strict=True)
        for transaction, outcome in _outcomes(one, bill).items()
    ]
    await messages.insert(unit.connection, unit.pool, new, unit.now)
    facts = [(unit.numbers.next(unit.now), kind, payload) for kind, payload in unit.outbox]
    await messages.publish(unit.connection, unit.pool, facts, unit.now)
    unit.outbox.clear()


def _outcomes(charged: Charged, bill: SettlementFacts) -> Mapping[str, Outcome]:
    uploaded = fees.Uploaded((), (charged.batch.number,))
    registered: Done = outcome_of(charged.visit)
    return {
        "2201": registered,
        "2203": registered,
        "2204": outcome_of(uploaded),
        "2207": outcome_of(bill),
    }


def _command(unit: Unit, charged: Charged, transaction: str) -> Command:
    """The command behind a message. Its digest is of nothing that anybody will send again."""
    settle = charged.settle
    key = MessageKey(settle.institution, transaction, settle.message_id)
    digest = hashlib.sha256("".join(key).encode()).digest()
    return Command(unit.pool, settle.member, key, digest, settle)
