"""The bills of a block in rounds: the nth bill of everybody who has one, with counters carried on.

Persons are taken by their number of bills, so that each round is made of the first of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from yibao.adjudication.columns.cases import Tables
from yibao.adjudication.columns.common_payers import CommonPayers
from yibao.adjudication.columns.model import BillColumns, Fens, Flags
from yibao.adjudication.columns.parts import Left, Sums, close_part, open_part, pay_part
from yibao.adjudication.columns.payers import Paid
from yibao.adjudication.columns.rules import Round, Rows
from yibao.adjudication.columns.sight import between
from yibao.adjudication.columns.state import Counters, Ids
from yibao.adjudication.columns.tables import (
    UNLIMITED,
    Column,
    Indices,
    PartTable,
)
from yibao.policy.model import Base, Component, Counted, Counter, Law, Scope

PERSONS = 16_384
"""Persons a chunk: few enough for the processor's cache, and enough for long rounds."""


@dataclass(slots=True)
class Answer:
    """What was decided so far, a row a bill."""

    deductible: Fens
    in_scope: Fens
    hospital: Fens
    payments: dict[str, Fens]
    bases: dict[str, Fens]

    def paid(self, path: str, rows: Indices, paid: Paid | None) -> None:
        """Enter a payer's payments."""
        if paid is not None:
            where = rows if paid.where is None else rows.take(paid.where)
            self.payments[path][where] = paid.amount
            self.bases[path][where] = paid.base

    def clear(self, rows: Indices | int) -> None:
        """Nothing is decided of these rows."""
        fixed = (self.deductible, self.in_scope, self.hospital)
        for column in (*fixed, *self.payments.values(), *self.bases.values()):
            column[rows] = 0


@dataclass(frozen=True, slots=True)
class Needs:
    """What a law's rules look at, so that nothing else is computed."""

    counters: Mapping[str, Counter]
    """Counters that a limit, an axis or a dimension reads: the others move nothing."""
    components: bool
    """Some payer works on parts outside the scope."""
    keeps_above: bool
    """Some payer works on what another left above its cap."""
    before: frozenset[str]
    """Counters of cost that common payers read as they stood before the bill."""

    @classmethod
    def of(cls, law: Law) -> "Needs":
        """What a law's rules look at."""
        payers = [*law.payers, *(payer for rules in law.benefits for payer in rules.payers)]
        limits = [limit for rules in law.benefits for limit in rules.deductible]
        limits += [limit for payer in payers for limit in (*payer.deductible, *payer.caps)]
        read = {limit.counter.name for limit in limits}
        read |= {payer.counter.name for payer in payers if payer.counter is not None}
        read |= {c.counter for c in law.classes.values() if c.counter is not None}
        common = {limit.counter for payer in law.payers for limit in payer.caps}
        common |= {payer.counter for payer in law.payers if payer.counter is not None}
        cost = (Counted.IN_SCOPE, Counted.AFTER_DEDUCTIBLE)
        return cls(
            {name: counter for name, counter in law.counters.items() if name in read},
            any(payer.also for payer in payers),
            any(payer.base is Base.ABOVE_CAP for payer in payers),
            frozenset(counter.name for counter in common if counter.counts in cost),
        )


@dataclass(slots=True)
class Block:
    """A block of bills with everything that its rounds read."""

    bills: BillColumns
    tables: Tables
    needs: Needs
    case: Indices
    """The case of each row."""
    instances: Mapping[Scope, Ids | None]
    """By scope: the instance of each row; None: one for all, or, of visits, one for each."""
    starts: Indices
    """The first row of each person that is decided here."""
    counts: Indices
    """How many bills each of them has."""
    lost: Flags = field(init=False)

    def __post_init__(self) -> None:
        self.lost = np.zeros(len(self.bills), np.bool_)

    def decide(self, answer: Answer) -> Indices:
        """Decide every bill; the plan of each row. Rows that got too fine are ``lost``."""
        plans = np.zeros(len(self.bills), np.intp)
        most = int(self.counts.max(initial=0))
        # small numbers are sorted by radix, which takes no comparisons
        key = (most - self.counts).astype(np.uint16 if most < 1 << 16 else np.int64)
        order = np.argsort(key, kind="stable")
        starts, counts = self.starts[order], self.counts[order]
        for first in range(0, len(starts), PERSONS):
            chunk = slice(first, first + PERSONS)
            self._decide_chunk(starts[chunk], counts[chunk], answer, plans)
        return plans

    def _decide_chunk(
        self, starts: Indices, counts: Indices, answer: Answer, plans: Indices
    ) -> None:
        counters = Counters(self.needs.counters, self.tables.slot_counts, len(starts))
        for nth in range(int(counts[0])):
            width = int(np.searchsorted(-counts, -nth, side="left"))
            rows = starts[:width] + nth
            self._begin(counters, rows)
            plans[rows] = self._decide_round(counters, rows, answer)

    def _begin(self, counters: Counters, rows: Indices) -> None:
        """Let counters start anew where the bills of these rows meet another instance."""
        tables, case = self.tables, self.case.take(rows)
        touched = {}
        slots = {}
        for name, counter in self.needs.counters.items():
            if self.instances.get(counter.scope) is not None:
                touched[name] = tables.touches[name].take(case)
            if tables.slot_counts[name] > 1:
                slots[name] = tables.slots[name].take(case)
        instances = {
            scope: None if ids is None else ids.take(rows) for scope, ids in self.instances.items()
        }
        counters.begin(len(rows), instances, touched, slots)

    def _decide_round(self, counters: Counters, rows: Indices, answer: Answer) -> Indices:
        visits = self._optional("visit", rows)
        plan = self._plans(counters, rows, visits)
        names = self.needs.counters
        this = Round(
            counters,
            plan,
            self._optional("days", rows, 1),
            self._optional("further_diseases", rows, 0),
            np.zeros(len(rows), np.bool_),
            {name: counters.read(name, None).copy() for name in self.needs.before},
            {
                n: np.zeros(len(rows), np.bool_)
                for n, c in names.items()
                if c.counts is Counted.PAYMENTS
            },
            {
                n: np.zeros(len(rows), np.bool_)
                for n, c in names.items()
                if c.counts is Counted.STAYS
            },
        )
        everyone = Rows(this, None, plan)
        parts = [
            self._decide_place(place, everyone, rows, answer) for place in range(self.tables.places)
        ]
        if self.tables.payers and parts:
            common = CommonPayers(self.tables, everyone, parts, keeps_above=self.needs.keeps_above)
            for number, table in enumerate(self.tables.payers):
                answer.paid(table.path, rows, common.pay(number))
        for left in parts:
            answer.deductible[rows] += left.deductible
        for name, flags in this.paid.items():
            counters.add(name, np.flatnonzero(flags), 1)
        for name, flags in this.stays.items():
            counters.count_stay(name, flags, visits)
        if this.lost.any():
            self.lost[rows[this.lost]] = True
        return plan

    def _plans(self, counters: Counters, rows: Indices, visits: Ids | None) -> Indices:
        """The plan of each bill: its case, and the classes of the how-manieth stay it is."""
        case = self.case.take(rows)
        for times in self.tables.times:
            stood = counters.read(times.counter, None)
            manieth = stood + 1
            counted = counters.is_counted(times.counter, visits)
            if counted is not None:
                manieth = np.where(counted, np.maximum(stood, 1), manieth)
            within = between(times.edges, manieth)
            case = case * len(times.names) + times.classes.take(within)
        return case

    def _decide_place(self, place: int, everyone: Rows, rows: Indices, answer: Answer) -> Left:
        """The part that each bill has at this place of its computation, whatever its benefit."""
        width = len(rows)
        left: Left | None = None
        for table in self.tables.parts:
            here = table.place.take(everyone.plan) == place
            where = np.flatnonzero(here)
            if len(where) == width:
                return self._decide_part(table, everyone, rows, answer)
            if len(where):
                if left is None:
                    left = Left.nothing(width, self.needs.components)
                found = everyone.at(where)
                left.put(where, self._decide_part(table, found, rows.take(where), answer))
        return left if left is not None else Left.nothing(width, self.needs.components)

    def _decide_part(self, table: PartTable, rows: Rows, at: Indices, answer: Answer) -> Left:
        opened = open_part(table, rows, self._sums(table, at))
        if opened.first_pay is not None:
            answer.in_scope[at] -= opened.first_pay
        if opened.above_price is not None:
            answer.hospital[at] += opened.above_price
        left = opened.left
        previous = ""
        for payer in table.payers:
            paid = pay_part(payer, rows, left, previous, keeps_above=self.needs.keeps_above)
            answer.paid(payer.path, at, paid)
            previous = payer.payer.key
        close_part(table, rows, left)
        return left

    def _sums(self, table: PartTable, at: Indices) -> Sums:
        """The sums of a benefit's buckets."""
        bills = self.bills
        found = [bills.sums[name] for name in table.rules.buckets if name in bills.sums]
        in_scope = sum(sums.in_scope.take(at) for sums in found)
        at_fixed_price = not isinstance(table.price, int) or table.price < UNLIMITED
        if not (self.needs.components or at_fixed_price):
            return Sums(np.asarray(in_scope), {}, None)
        over_limit = sum(sums.over_limit.take(at) for sums in found)
        for sums in found:
            if sums.hospital is not None:
                over_limit = over_limit - sums.hospital.take(at)
        own = {
            Component.FIRST_PAY: np.asarray(sum(sums.first_pay.take(at) for sums in found)),
            Component.OVER_LIMIT: np.asarray(over_limit),
            Component.OWN: np.asarray(sum(sums.own.take(at) for sums in found)),
        }
        total = in_scope + sum(own.values()) if at_fixed_price else None
        kept = own if self.needs.components else {}
        return Sums(np.asarray(in_scope), kept, None if total is None else np.asarray(total))

    def _optional(self, name: str, rows: Indices, default: Column | None = None) -> Any:
        column = self.bills.optional.get(name)
        return default if column is None else column.take(rows).astype(np.int64)
