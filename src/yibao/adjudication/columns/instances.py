"""Which instances of the counters' scopes the rows of a block meet, and whether they come in order.

Columns keep one instance of a counter a person, so one must be done with before the next begins.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from yibao.adjudication.columns.model import BillColumns, Flags
from yibao.adjudication.columns.rows import date_of
from yibao.adjudication.columns.state import ITS_OWN, OF_VISITS, Ids
from yibao.kernel.refusals import Refused
from yibao.policy.model import Counter, Law, Scope

Found = dict[Scope, Ids | None]


def instances_of(law: Law, counters: Mapping[str, Counter], bills: BillColumns) -> Found:
    """By scope that a counter has: each row's instance; None: one for all rows (of visits: each
    row one of its own)."""
    scopes = {counter.scope for counter in counters.values()}
    day = bills.day.astype(np.int64)
    found: Found = {}
    for scope in scopes:
        match scope:
            case Scope.DAY:
                found[scope] = _varying(day)
            case Scope.MONTH:
                found[scope] = _varying(day // 100)
            case Scope.QUARTER:
                month = day // 100
                found[scope] = _varying(month // 100 * 4 + (month % 100 + 2) // 3)
            case Scope.YEAR:
                found[scope] = _varying(years_of(law, bills))
            case Scope.VISIT | Scope.VISIT_YEAR | Scope.CHAIN:
                found[scope] = _of_visits(law, scope, bills)
            case Scope.LIFE:
                pass
    return found


def years_of(law: Law, bills: BillColumns) -> Ids:
    """A number for the benefit year of each row; later years have greater ones.

    A year that comes again after another one (a law that changed its begin to and fro) has the
    greatest.
    """
    low = int(bills.day.min())
    there = np.zeros(int(bills.day.max()) - low + 1, np.bool_)
    there[bills.day - low] = True
    days = np.flatnonzero(there)
    numbers: dict[str, int] = {}
    table = np.zeros(len(there), np.int64)
    for day in days.tolist():
        try:
            year = law.benefit_year(date_of(low + day))
        except Refused:  # and so is every bill of that day
            year = ""
        table[day] = numbers.setdefault(year, len(numbers))
    found: Ids = table.take(bills.day - low)
    return found


def _varying(ids: Ids) -> Ids | None:
    return None if ids[0] == ids[-1] and (ids == ids[0]).all() else ids


def _of_visits(law: Law, scope: Scope, bills: BillColumns) -> Ids | None:
    visit = bills.optional.get("visit")
    if scope is Scope.CHAIN:
        chain = bills.optional.get("chain")
        if chain is not None:
            named = visit if visit is not None else ITS_OWN
            chains: Ids = np.where(chain >= 0, chain, named).astype(np.int64)
            return chains
    if visit is None:
        return None
    ids: Ids = visit.astype(np.int64)
    if scope is Scope.VISIT_YEAR:
        years = years_of(law, bills)
        ids = np.where(ids < 0, ids, ids * (int(years.max()) + 1) + years)
    return ids


def out_of_order(
    instances: Found,
    counters: Mapping[str, Counter],
    bills: BillColumns,
    touches: Mapping[str, Flags],
) -> Flags:
    """Rows at which an instance comes again after another one: columns would have lost it.

    ``touches``: by counter, the rows that read or feed it.
    """
    person = bills.person
    found = np.zeros(len(bills), np.bool_)
    found[1:] = (bills.day[1:] < bills.day[:-1]) & (person[1:] == person[:-1])
    years = instances.get(Scope.YEAR)
    if years is not None:
        found[1:] |= (years[1:] < years[:-1]) & (person[1:] == person[:-1])
    for name, counter in counters.items():
        ids = instances.get(counter.scope) if counter.scope in OF_VISITS else None
        if ids is not None:
            rows = np.flatnonzero(touches[name] & (ids >= 0))
            found[rows[_comes_again(person.take(rows), ids.take(rows))]] = True
    return found


def _comes_again(person: Ids, ids: Ids) -> NDArray[Any]:
    """Places at which a person's instance stood before, with another one between."""
    if len(ids) < 2:
        return np.zeros(0, np.intp)
    new_run = np.ones(len(ids), np.bool_)
    new_run[1:] = (ids[1:] != ids[:-1]) | (person[1:] != person[:-1])
    if not (new_run[1:] & (ids[1:] < ids[:-1]) & (person[1:] == person[:-1])).any():
        return np.zeros(0, np.intp)  # never falling within a person: none can come again
    runs = np.flatnonzero(new_run)
    order = np.lexsort((runs, ids.take(runs), person.take(runs)))
    sorted_runs = runs.take(order)
    again = (ids[sorted_runs[1:]] == ids[sorted_runs[:-1]]) & (
        person[sorted_runs[1:]] == person[sorted_runs[:-1]]
    )
    places: NDArray[Any] = sorted_runs[1:][again]
    return places
