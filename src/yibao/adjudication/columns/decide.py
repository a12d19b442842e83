"""The law on columns: every bill of a block decided as the scalar engine would, to the fen."""

from functools import lru_cache

import numpy as np

from yibao.adjudication.columns.cases import Cases, Tables
from yibao.adjudication.columns.instances import instances_of, out_of_order, years_of
from yibao.adjudication.columns.model import BillColumns, Decided, Fens, Flags
from yibao.adjudication.columns.one_by_one import decide_person
from yibao.adjudication.columns.rounds import Answer, Block, Needs
from yibao.adjudication.columns.rows import date_of, person_starts
from yibao.adjudication.columns.sight import Indices, ages
from yibao.adjudication.columns.tables import LARGEST
from yibao.kernel.refusals import Refused
from yibao.policy.model import Law

MOST = 1 << 16
"""More days, months or diseases of one bill than columns carry."""


def decide_columns(law: Law, bills: BillColumns) -> Decided:
    """Decide a block of bills, each person's one after the other with counters at zero before.

    Bills that the scalar engine refuses are named in ``refused`` and move nothing. Persons whose
    bills columns do not carry (amounts beyond any real one, visits that interleave, prescriptions
    spread over months) are decided by the scalar engine itself: ``Decided.by_scalar`` counts them.
    """
    return _engine(law).decide(bills)


def unsupported(law: Law) -> list[str]:
    """The rules of a law by which persons are decided by the scalar engine, one by one.

    A person is who meets such a rule: with a prescription for several months, say.
    """
    return [
        f"counters.{counter.name}.spread: prescriptions for several months"
        for counter in law.counters.values()
        if counter.spread
    ]


@lru_cache(maxsize=16)
def _engine(law: Law) -> "Engine":
    return Engine(law)


class Engine:
    """A law with the cases that it has met so far."""

    def __init__(self, law: Law) -> None:
        self.law = law
        self.needs = Needs.of(law)
        self.cases = Cases(law, frozenset(self.needs.counters))
        self._spreads = any(counter.spread for counter in law.counters.values())

    def decide(self, bills: BillColumns) -> Decided:
        """Decide a block."""
        if not len(bills):
            return _nothing(self._answer(0, *_totals(bills)[1:]))
        starts = person_starts(bills)
        total, in_scope, hospital = _totals(bills)
        odd = self._odd(bills, starts, total)
        person_of = np.repeat(np.arange(len(starts) - 1), np.diff(starts))
        alone = _persons(odd, person_of, starts)
        fit = np.flatnonzero(~alone.take(person_of))
        answer, plans, tables = self._decide_fit(
            bills, starts, alone, fit, person_of, in_scope, hospital
        )
        refused: dict[int, str] = {}
        if tables is not None:
            refused |= _refused(tables, plans, alone.take(person_of), answer)
        by_scalar = 0
        for person in np.flatnonzero(alone).tolist():
            rows = range(int(starts[person]), int(starts[person + 1]))
            for row in rows:
                refused.pop(row, None)
            refused |= decide_person(self.law, bills, rows, answer)
            by_scalar += len(rows)
        total[np.fromiter(refused, np.intp, len(refused))] = 0
        funds = np.zeros(len(bills), np.int64)
        for amounts in answer.payments.values():
            funds += amounts
        return Decided(
            answer.deductible,
            answer.payments,
            funds,
            answer.hospital,
            total - funds - answer.hospital,
            answer.in_scope,
            answer.bases,
            refused,
            by_scalar,
        )

    def _decide_fit(
        self,
        bills: BillColumns,
        starts: Indices,
        alone: Flags,
        fit: Indices,
        person_of: Indices,
        in_scope: Fens,
        hospital: Fens,
    ) -> tuple[Answer, Indices, Tables | None]:
        """Decide the persons that columns carry; others join ``alone``."""
        answer = self._answer(len(bills), in_scope, hospital)
        if not len(fit):
            return answer, np.zeros(len(bills), np.intp), None
        known, tables = self.cases.of(bills, fit)
        case = np.zeros(len(bills), np.intp)
        case[fit] = known
        instances = instances_of(self.law, self.needs.counters, bills)
        touches = {name: tables.touches[name].take(case) for name in self.needs.counters}
        odd = out_of_order(instances, self.needs.counters, bills, touches)
        odd |= tables.scalar.take(case)
        if tables.cuts.any():
            odd |= self._across_years(bills) & tables.cuts.take(case)
        alone |= _persons(odd, person_of, starts)
        here = np.flatnonzero(~alone)
        block = Block(
            bills,
            tables,
            self.needs,
            case,
            instances,
            starts[:-1].take(here),
            np.diff(starts).take(here),
        )
        plans = block.decide(answer)
        if block.lost.any():
            alone |= _persons(block.lost, person_of, starts)
        return answer, plans, tables

    def _answer(self, rows: int, in_scope: Fens, hospital: Fens) -> Answer:
        law = self.law
        names = [
            *(f"benefits.{b.key}.payers.{p.key}" for b in law.benefits for p in b.payers),
            *(f"payers.{payer.key}" for payer in law.payers),
        ]

        def zeros() -> Fens:
            return np.zeros(rows, np.int64)

        payments, bases = {name: zeros() for name in names}, {name: zeros() for name in names}
        return Answer(zeros(), in_scope, hospital, payments, bases)

    def _odd(self, bills: BillColumns, starts: Indices, total: Fens) -> Flags:
        """Rows that columns do not carry."""
        odd: Flags = ages(bills) < 0
        odd |= bills.birth > bills.day
        for sums in bills.sums.values():
            odd |= (sums.own | sums.over_limit | sums.first_pay | sums.in_scope) < 0
            if sums.hospital is not None:
                odd |= (sums.hospital < 0) | (sums.hospital > sums.over_limit)
            # so large that a person's total could overflow
            odd |= np.maximum(sums.own, sums.in_scope) >= LARGEST
            odd |= np.maximum(sums.over_limit, sums.first_pay) >= LARGEST
        reach = np.add.reduceat(total.astype(object) if odd.any() else total, starts[:-1])
        odd |= np.repeat(np.asarray(reach >= LARGEST, np.bool_), np.diff(starts))
        for name, least in (("days", 1), ("months", 1), ("further_diseases", 0)):
            column = bills.optional.get(name)
            if column is not None:
                odd |= (column < least) | (column > MOST)
        months = bills.optional.get("months")
        if self._spreads and months is not None:
            odd |= months > 1
        return odd

    def _across_years(self, bills: BillColumns) -> Flags:
        """Bills that begin in an earlier benefit year than the one they belong to."""
        begin = bills.optional.get("begin")
        if begin is None:
            return np.zeros(len(bills), np.bool_)
        years = years_of(self.law, bills)
        first = np.zeros(int(years.max()) + 1, np.int64)
        for row in np.unique(years, return_index=True)[1].tolist():
            try:
                day = self.law.year_begin(date_of(int(bills.day[row])))
            except Refused:  # and so is every bill of that day
                continue
            first[years[row]] = day.year * 10_000 + day.month * 100 + day.day
        earlier: Flags = (begin > 0) & (begin < first.take(years))
        return earlier


def _nothing(answer: Answer) -> Decided:
    none = answer.deductible
    return Decided(none, answer.payments, none, none, none, none, answer.bases, {})


def _persons(rows: Flags, person_of: Indices, starts: Indices) -> Flags:
    """The persons that have any of the rows."""
    flags = np.zeros(len(starts) - 1, np.bool_)
    if rows.any():
        flags[person_of[rows]] = True
    return flags


def _totals(bills: BillColumns) -> tuple[Fens, Fens, Fens]:
    """Total, in-scope amount and the hospital's part of over-limit, over all buckets."""
    total, in_scope, hospital = (np.zeros(len(bills), np.int64) for _ in range(3))
    for sums in bills.sums.values():
        in_scope += sums.in_scope
        for part in (sums.own, sums.over_limit, sums.first_pay, sums.in_scope):
            total += part
        if sums.hospital is not None:
            hospital += sums.hospital
    return total, in_scope, hospital


def _refused(tables: Tables, plans: Indices, alone: Flags, answer: Answer) -> dict[int, str]:
    """The rows whose plan is refused; their amounts become 0."""
    rows = np.flatnonzero(tables.refused.take(plans) & ~alone)
    answer.clear(rows)
    names = np.array(tables.names, np.object_).take(plans.take(rows))
    return dict(zip(rows.tolist(), names.tolist(), strict=True))


__all__ = ["decide_columns", "unsupported"]
