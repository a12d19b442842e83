"""Rows by case: each case of a block is looked up once, and its plans become tables.

A *case* is what the law can see of a bill before its counters are read; where the law has ``times``
dimensions, each case has a plan for every class they may come to. Cases are remembered over blocks.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any, NamedTuple

import numpy as np

from yibao.adjudication.applicable import Frame, frame_for, plan_of
from yibao.adjudication.case import Class, class_of_number
from yibao.adjudication.columns.model import BillColumns, Flags
from yibao.adjudication.columns.rows import bill_at
from yibao.adjudication.columns.sight import Facet, Indices, Sight
from yibao.adjudication.columns.tables import (
    PartTable,
    PayerTable,
    part_table,
    payer_table,
    too_fine,
)
from yibao.adjudication.plan import Part, Plan
from yibao.kernel.refusals import Refused
from yibao.policy.model import AcrossYear, Classes, Fact, Law

DENSE = 1 << 20
"""Up to so many possible codes a table finds the distinct ones; beyond it they are sorted."""

MOST = 1 << 62
"""Codes of combinations stay below it."""


class Times(NamedTuple):
    """A ``times`` dimension: the class of the how-manieth stay."""

    dimension: str
    counter: str
    edges: np.ndarray[Any, np.dtype[np.int64]]
    """Bounds of the classes, ascending."""
    classes: Indices
    """By the number of edges at or below a value: the class's number."""
    names: tuple[Class, ...]


@dataclass(frozen=True, slots=True)
class Tables:
    """All cases seen so far. A plan stands at case × ``combinations`` + its times' classes."""

    times: tuple[Times, ...]
    combinations: int
    refused: Flags
    names: Sequence[str]
    """Of refused plans: the missing parameter's name, or the refusal's code."""
    scalar: Flags
    """By case: whether some plan of it is not carried on columns."""
    cuts: Flags
    """By case: whether a stay must be cut at the year's end."""
    touches: dict[str, Flags]
    """By counter: which cases read or feed it."""
    slots: dict[str, Indices]
    """By counter: its instance among the classes it is ``by``, of each case."""
    slot_counts: dict[str, int]
    parts: tuple[PartTable, ...]
    places: int
    """The most parts that a bill has."""
    payers: tuple[PayerTable, ...]
    """Common payers, in their order."""
    works_on: tuple[Sequence[Flags], ...]
    """By common payer and place: whether it works on the part there, of each plan."""


class Cases:
    """The cases of a law met so far, over all blocks."""

    def __init__(self, law: Law, read: frozenset[str]) -> None:
        """``read``: the counters that some rule reads; the others need not move."""
        self.law = law
        self._read = read
        self.sight = Sight.of(law)
        self.times = tuple(_times(c) for c in law.classes.values() if c.fact is Fact.TIMES)
        self._combinations = list(product(*(range(len(t.names)) for t in self.times)))
        self._numbers: dict[tuple[int, ...], int] = {}
        self._frames: list[Frame | None] = []
        self._plans: list[Plan | None] = []
        self._refused: list[str] = []
        self._slots: dict[str, dict[str, int]] = {name: {} for name in law.counters}
        self._tables: Tables | None = None

    def of(self, bills: BillColumns, rows: Indices) -> tuple[Indices, Tables]:
        """The case of each of these rows of a block, and the tables that hold them all."""
        facets = self.sight.facets(bills)
        representative, codes = _distinct(facets, rows)
        known = [
            self._case(tuple(key), bills, row)
            for key, row in zip(_keys(facets, representative), representative.tolist(), strict=True)
        ]
        if self._tables is None:
            self._tables = self._table()
        return np.array(known, np.intp).take(codes), self._tables

    def _case(self, key: tuple[int, ...], bills: BillColumns, row: int) -> int:
        number = self._numbers.get(key)
        if number is None:
            number = self._numbers[key] = len(self._frames)
            self._add(bills, row)
            self._tables = None
        return number

    def _add(self, bills: BillColumns, row: int) -> None:
        """Look a new case up, by the bill of a row that has it."""
        plans: list[Plan | None] = []
        refused: list[str] = []
        frame: Frame | None = None
        reason = ""
        try:
            frame = frame_for(bill_at(bills, row, self.law.scheme), self.law)
        except Refused as refusal:
            reason = name_of(refusal)
        for classes in self._combinations:
            plan: Plan | None = None
            if frame is not None:
                asked = {c.dimension for c in frame.times}
                named = tuple(
                    (t.dimension, t.names[n])
                    for t, n in zip(self.times, classes, strict=True)
                    if t.dimension in asked
                )
                try:
                    plan = plan_of(frame, named)
                except Refused as refusal:
                    reason = name_of(refusal)
            plans.append(plan)
            refused.append("" if plan is not None else reason)
        self._frames.append(frame)
        self._plans += plans
        self._refused += refused

    def _table(self) -> Tables:
        law, plans = self.law, self._plans
        combinations = len(self._combinations)
        found = [_parts(plan) for plan in plans]
        parts = tuple(
            part_table(
                rules,
                [by_key[rules.key][1] if rules.key in by_key else None for by_key in found],
                [by_key[rules.key][0] if rules.key in by_key else -1 for by_key in found],
                self._read,
            )
            for rules in law.benefits
        )
        places = max((len(by_key) for by_key in found), default=0)
        fine = [plan is not None and _too_fine(plan) for plan in plans]
        cuts = [
            any(
                p.across_year is not None and p.across_year.value is AcrossYear.CUT
                for _, p in by_key.values()
            )
            for by_key in found
        ]
        by_case = (len(self._frames), combinations)
        return Tables(
            self.times,
            combinations,
            np.array([plan is None for plan in plans], np.bool_),
            self._refused,
            _any(fine, by_case),
            _any(cuts, by_case),
            {name: self._touches(name) for name in law.counters},
            {name: self._slot(name) for name in law.counters},
            {name: len(slots) for name, slots in self._slots.items()},
            parts,
            places,
            tuple(
                payer_table(payer, [_common(plan, payer.key) for plan in plans], self._read)
                for payer in law.payers
            ),
            tuple(
                [_works_on(found, payer.benefits, place) for place in range(places)]
                for payer in law.payers
            ),
        )

    def _touches(self, name: str) -> Flags:
        return np.array(
            [
                frame is not None and any(slot.counter.name == name for slot in frame.slots.every)
                for frame in self._frames
            ],
            np.bool_,
        )

    def _slot(self, name: str) -> Indices:
        known = self._slots[name]
        slots = []
        for frame in self._frames:
            classes = (
                ""
                if frame is None
                else next(
                    (slot.classes for slot in frame.slots.every if slot.counter.name == name), ""
                )
            )
            slots.append(known.setdefault(classes, len(known)))
        return np.array(slots, np.intp)


def _any(flags: Sequence[bool], by_case: tuple[int, int]) -> Flags:
    return np.asarray(np.array(flags, np.bool_).reshape(by_case).any(axis=1))


def name_of(refusal: Refused) -> str:
    """What a refused row is refused for: the missing parameter, else the refusal's code."""
    parameter = refusal.refusal.facts.get("parameter")
    return str(parameter) if parameter else refusal.refusal.code.name


def _times(classes: Classes) -> Times:
    """The classes of a ``times`` dimension as a table by ranges."""
    bounds = {bound for rule in classes.rules for bound in (rule.start, rule.below)}
    edges = sorted(bound for bound in bounds if isinstance(bound, int))
    within = [class_of_number(classes, value) for value in [(edges or [1])[0] - 1, *edges]]
    names = tuple(dict.fromkeys(within))
    assert classes.counter is not None
    return Times(
        classes.dimension,
        classes.counter,
        np.array(edges, np.int64),
        np.array([names.index(name) for name in within], np.intp),
        names,
    )


def _distinct(facets: Sequence[Facet], rows: Indices) -> tuple[Indices, Indices]:
    """A row of each distinct combination of facts, and each row's number among these."""
    whole = np.zeros(len(rows), np.intp)
    possible = 1
    for facet in facets:
        if facet.codes is None:
            continue
        if possible > MOST // len(facet.keys):
            whole = np.unique(whole, return_inverse=True)[1].astype(np.intp)
            possible = int(whole.max()) + 1
        whole *= len(facet.keys)
        whole += facet.codes if len(rows) == len(facet.codes) else facet.codes.take(rows)
        possible *= len(facet.keys)
    if possible > DENSE:
        _, first, number = np.unique(whole, return_index=True, return_inverse=True)
        return rows.take(first), number.astype(np.intp)
    there = np.zeros(possible, np.bool_)
    there[whole] = True
    distinct = np.flatnonzero(there)
    table = np.zeros(possible, np.intp)
    table[whole] = rows
    representative = table[distinct]
    table[distinct] = np.arange(len(distinct))
    return representative, table.take(whole)


def _keys(facets: Sequence[Facet], rows: Indices) -> Sequence[Sequence[int]]:
    """What each of these rows stands for, fact by fact, in every block."""
    columns = [
        np.full(len(rows), facet.keys[0], np.int64)
        if facet.codes is None
        else np.asarray(facet.keys, np.int64).take(facet.codes.take(rows))
        for facet in facets
    ]
    keys: Sequence[Sequence[int]] = np.stack(columns, axis=1).tolist()
    return keys


def _parts(plan: Plan | None) -> dict[str, tuple[int, Part]]:
    """The covered parts of a plan with their place in the computation, by benefit."""
    covered = [part for part, _ in plan.groups if isinstance(part, Part)] if plan else []
    return {part.rules.key: (place, part) for place, part in enumerate(covered)}


def _common(plan: Plan | None, key: str) -> Any:
    return next((p for p in plan.payers if p.payer.key == key), None) if plan else None


def _works_on(
    found: Sequence[dict[str, tuple[int, Part]]], benefits: Sequence[str], place: int
) -> Flags:
    return np.array(
        [any(at == place and key in benefits for key, (at, _) in row.items()) for row in found],
        np.bool_,
    )


def _too_fine(plan: Plan) -> bool:
    parts = [part for part, _ in plan.groups if isinstance(part, Part)]
    payers = [*plan.payers, *(payer for part in parts for payer in part.payers)]
    return any(too_fine(payer) for payer in payers)
