"""Builders of small populations: each test says only what matters to it."""

from collections.abc import Iterable, Mapping
from datetime import date
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from yibao.analysis.population import SCHEME_KEY, PopulationWriter

DAY = date(2025, 3, 1)


def bill(person: int = 1, **facts: Any) -> dict[str, Any]:
    """One general outpatient bill of 1,000 yuan, all of it in scope."""
    return {
        "person": person,
        "day": DAY,
        "care_kind": "11",
        "person_type": "1101",
        "birth": date(1980, 6, 1),
        "level": "l2",
        "own": 0,
        "over_limit": 0,
        "first_pay": 0,
        "in_scope": 100_000,
    } | facts


def population(
    path: Path, bills: Iterable[Mapping[str, Any]], *, group: int | None = None, scheme: str = "310"
) -> Path:
    """Write bills to a file; ``group`` cuts it into row groups of so many rows, anywhere."""
    columns = columns_of(bills)
    with PopulationWriter(path, scheme) as writer:
        writer.write(columns)
    if group is not None:
        pq.write_table(pq.read_table(path), path, row_group_size=group)
    return path


def columns_of(bills: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    """Bills as columns; a bill without a fact that another has is empty there."""
    rows = list(bills)
    names = dict.fromkeys(name for row in rows for name in row)
    return {name: [row.get(name) for row in rows] for name in names}


def plain_file(path: Path, columns: Mapping[str, Any], scheme: str = "310") -> Path:
    """A file as a stranger's program writes it, with whatever types the values have."""
    table = pa.table(dict(columns)).replace_schema_metadata({SCHEME_KEY: scheme.encode()})
    pq.write_table(table, path)
    return path
