"""Bills that show every kind of case a population holds, so that engines meet them all at once.

The law on columns looks each kind of case up once and then keeps tables of all it has met; making
the tables again for every few new ones would cost more than deciding the bills. So the population
is surveyed first: one bill of each kind is collected and decided for the engine to remember.
"""

from collections.abc import Iterable, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from yibao.adjudication.columns.model import BillColumns
from yibao.adjudication.columns.sight import Facet, Sight
from yibao.policy.model import Law

Rows = NDArray[np.intp]

_DENSE = 1 << 22
"""Up to so many possible combinations a table finds those that occur; beyond it they are sorted."""
_WIDEST = 1 << 62


class Survey:
    """What has been seen of a population, for two laws."""

    def __init__(self, laws: Iterable[Law]) -> None:
        self._sights = [(Sight.of(law), set[tuple[int, ...]]()) for law in laws]

    def new(self, bills: BillColumns) -> Rows:
        """A row of each kind of case that no block before has shown to either law, ascending."""
        found: set[int] = set()
        for sight, seen in self._sights:
            facets = sight.facets(bills)
            rows = _one_of_each(facets, len(bills))
            for row, key in zip(rows.tolist(), _keys(facets, rows), strict=True):
                if key not in seen:
                    seen.add(key)
                    found.add(row)
        return np.array(sorted(found), np.intp)


def merged(surveyed: Sequence[pa.Table]) -> pa.Table | None:
    """What several surveys found as one table, every bill a person's only one."""
    filled = [table for table in surveyed if len(table)]
    if not filled:
        return None
    whole = pa.concat_tables(filled).unify_dictionaries().combine_chunks()
    place = whole.schema.get_field_index("person")
    return whole.set_column(place, "person", pa.array(np.arange(len(whole), dtype=np.int64)))


def _one_of_each(facets: Sequence[Facet], rows: int) -> Rows:
    """A row of each combination of facts."""
    code = np.zeros(rows, np.intp)
    possible = 1
    for facet in facets:
        if facet.codes is None:
            continue
        if possible > _WIDEST // len(facet.keys):
            code = np.unique(code, return_inverse=True)[1].astype(np.intp)
            possible = int(code.max()) + 1
        code = code * len(facet.keys) + facet.codes
        possible *= len(facet.keys)
    if possible > _DENSE:
        return np.unique(code, return_index=True)[1]
    row_of = np.full(possible, -1, np.intp)
    row_of[code] = np.arange(rows)
    return row_of[row_of >= 0]


def _keys(facets: Sequence[Facet], rows: Rows) -> list[tuple[int, ...]]:
    """What each of these rows stands for, fact by fact, in every block."""
    columns = [
        np.full(len(rows), facet.keys[0], np.int64)
        if facet.codes is None
        else np.asarray(facet.keys, np.int64).take(facet.codes.take(rows))
        for facet in facets
    ]
    return [tuple(key) for key in np.stack(columns, axis=1).tolist()]
