"""Common payers on columns: each over the parts whose benefit it names, when all parts are done."""

from typing import Any

import numpy as np

from yibao.adjudication.columns.cases import Tables
from yibao.adjudication.columns.exact import Exact
from yibao.adjudication.columns.model import Fens, Flags
from yibao.adjudication.columns.parts import (
    Above,
    Left,
    at_most_unpaid,
    keep_above,
    spread,
    take,
    with_also,
)
from yibao.adjudication.columns.payers import ABOVE_DEDUCTIBLE, Paid, Turn, added, decide_payer
from yibao.adjudication.columns.rules import Rows
from yibao.adjudication.columns.tables import Column, PayerTable
from yibao.policy.model import Base, Component


class CommonPayers:
    """The common payers of a round, one after the other."""

    def __init__(self, tables: Tables, rows: Rows, parts: list[Left], *, keeps_above: bool) -> None:
        self._tables = tables
        self._rows = rows
        self._parts = parts
        self._keeps_above = keeps_above
        self._above: dict[str, Above] = {}

    def pay(self, number: int) -> Paid | None:
        """What the common payer of this number pays, taken off the parts."""
        table = self._tables.payers[number]
        works_on = self._works_on(number)
        base = self._base(table, number, works_on)
        deductible: Column = 0
        if table.payer.base in ABOVE_DEDUCTIBLE:
            deductible = self._sum([left.deductible for left in self._parts], works_on)
        turn = Turn(self._rows, base, deductible, common=True, keeps_above=self._keeps_above)
        paid = decide_payer(table, turn)
        if paid is not None:
            take(table, paid, self._parts, works_on)
            keep_above(self._above, table.payer.key, paid, self._rows)
        return paid

    def _works_on(self, number: int) -> list[Flags] | None:
        """Of each part, of which bills the payer works on it; None: of all it has."""
        flags = [each.take(self._rows.plan) for each in self._tables.works_on[number]]
        if len(flags) == 1 and flags[0].all():
            return None
        return flags

    def _sum(self, columns: list[Fens], works_on: list[Flags] | None) -> Fens:
        if works_on is None:
            return columns[0]
        total: Any = 0
        for column, flags in zip(columns, works_on, strict=True):
            total = total + column * flags
        summed: Fens = total
        return summed

    def _base(self, table: PayerTable, number: int, works_on: list[Flags] | None) -> Exact:
        parts = self._parts
        if table.payer.base is Base.ABOVE_CAP:
            unpaid = self._sum([left.unpaid for left in parts], works_on)
            base = at_most_unpaid(self._above_cap(table, number, works_on), unpaid)
        else:
            base = Exact(self._sum([left.base(table.payer.base) for left in parts], works_on))
        if not table.also:
            return base
        own = {
            component: self._sum([left.own[component] for left in parts], works_on)
            for component in Component
        }
        return with_also(table, self._rows, base, own)

    def _above_cap(self, table: PayerTable, number: int, works_on: list[Flags] | None) -> Exact:
        """What the payer named, or else the one before, left above its cap."""
        name = table.payer.above_cap_of
        rows = self._rows
        if name is not None:
            found = spread(self._above.get(name), rows)
            for place, left in enumerate(self._parts):
                found = self._plus(found, left.above.get(name), works_on, place)
            return found
        found = Exact(np.zeros(len(rows.plan), np.int64))
        open_to = np.ones(len(rows.plan), np.bool_)
        for before in reversed(self._tables.payers[:number]):
            met = before.met if isinstance(before.met, bool) else before.met.take(rows.plan)
            above = spread(self._above.get(before.payer.key), rows)
            found = added(found, Exact(above.numerator * (open_to & met), above.denominator), rows)
            open_to &= ~np.asarray(met)
        for place, left in enumerate(self._parts):
            for part in self._tables.parts:
                if part.payers:
                    here = open_to & (part.place.take(rows.plan) == place)
                    last = left.above.get(part.payers[-1].payer.key)
                    found = self._plus(found, last, works_on, place, here)
        return found

    def _plus(
        self,
        found: Exact,
        above: Above | None,
        works_on: list[Flags] | None,
        place: int,
        here: Flags | None = None,
    ) -> Exact:
        if above is None:
            return found
        more = spread(above, self._rows)
        numerator = more.numerator
        if works_on is not None:
            numerator = numerator * works_on[place]
        if here is not None:
            numerator = numerator * here
        return added(found, Exact(numerator, more.denominator), self._rows)
