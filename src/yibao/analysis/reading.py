"""Scan a population file, plan how workers share it, stream it in blocks of whole persons."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from yibao.analysis.model import PopulationError, PopulationFacts
from yibao.analysis.population import (
    ARTIFICIAL_KEY,
    REQUIRED,
    SCHEME_KEY,
    SUM_PARTS,
    Kind,
    buckets_of,
    kind_of,
    leaf_of,
    sum_column,
)

_EPOCH = date(1970, 1, 1).toordinal()


class Group(NamedTuple):
    """A row group as the scan found it; empty ones are left out."""

    number: int
    rows: int
    first: int
    """Person of its first row."""
    last: int
    """Person of its last row."""


@dataclass(frozen=True, slots=True)
class Scan:
    """A population file, looked through once."""

    path: Path
    names: tuple[str, ...]
    """Columns of the file that are ours."""
    scheme: str | None
    facts: PopulationFacts
    groups: tuple[Group, ...]
    fault: str | None
    """Where it is not sorted by person and day; None when it is."""


class Task(NamedTuple):
    """Row groups that one worker reads at a time."""

    groups: tuple[int, ...]
    skip: int | None
    """A person whose rows the task before reads to their end."""
    beyond: tuple[int, ...]
    """Row groups after these that begin with the last person of these."""
    rows: int


def scan(path: Path) -> Scan:
    """Look through a file: its columns, its order, its days. Raises PopulationError."""
    file = _opened(path)
    names = _checked_names(path, file.schema_arrow)
    metadata = file.schema_arrow.metadata or {}
    scheme = metadata.get(SCHEME_KEY)
    groups, persons, fault = [], 0, None
    low, high = np.int32(2**31 - 1), np.int32(-(2**31))
    last: tuple[int, int] | None = None
    for number in range(file.num_row_groups):
        table = file.read_row_group(number, columns=["person", "day"])
        if not len(table):
            continue
        person = _numbers(path, table, "person", pa.int64())
        day = _numbers(path, table, "day", pa.int32())
        fault = fault or _disorder(person, day, last, number)
        new = int(np.count_nonzero(person[1:] != person[:-1]))
        persons += new + int(last is None or last[0] != person[0])
        low, high = min(low, day.min()), max(high, day.max())
        last = int(person[-1]), int(day[-1])
        groups.append(Group(number, len(person), int(person[0]), last[0]))
    if not groups:
        raise PopulationError(path.name, "person", "the population is empty: it has no bills")
    facts = PopulationFacts(
        path.name,
        sum(group.rows for group in groups),
        persons,
        date.fromordinal(_EPOCH + int(low)),
        date.fromordinal(_EPOCH + int(high)),
        ARTIFICIAL_KEY in metadata,
    )
    return Scan(path, names, scheme.decode() if scheme else None, facts, tuple(groups), fault)


def tasks(groups: Sequence[Group], rows: int) -> list[Task]:
    """Cut a sorted file into tasks of about ``rows`` rows, whatever persons lie over the cuts."""
    planned: list[Task] = []
    start = 0
    while start < len(groups):
        stop, size = start + 1, groups[start].rows
        while stop < len(groups) and size + groups[stop].rows <= rows:
            size += groups[stop].rows
            stop += 1
        over = start > 0 and groups[start - 1].last == groups[start].first
        beyond, last = stop, groups[stop - 1].last
        while beyond < len(groups) and groups[beyond].first == last:
            beyond += 1
        planned.append(
            Task(
                tuple(group.number for group in groups[start:stop]),
                groups[start].first if over else None,
                tuple(group.number for group in groups[stop:beyond]),
                size,
            )
        )
        start = stop
    return planned


def blocks(
    file: pq.ParquetFile, task: Task, columns: Sequence[str], rows: int
) -> Iterator[pa.Table]:
    """The bills of a task in tables of about ``rows`` rows that hold whole persons."""
    kept: list[pa.RecordBatch] = []
    size = 0
    for batch in _batches(file, task, columns, rows):
        kept.append(batch)
        size += len(batch)
        if size >= rows:
            table = pa.Table.from_batches(kept)
            cut = _start_of_last_person(table)
            if cut:
                yield _unified(table.slice(0, cut))
            kept, size = table.slice(cut).to_batches(), len(table) - cut
    if size:
        yield _unified(pa.Table.from_batches(kept))


def open_file(path: Path, names: Sequence[str]) -> pq.ParquetFile:
    """Open for reading in blocks: words as dictionaries, nothing read ahead."""
    words = [name for name in names if kind_of(name) in (Kind.WORD, Kind.WORDS)]
    lines = [leaf_of(name) for name in names if kind_of(name) is Kind.LINE_WORDS]
    return pq.ParquetFile(path, read_dictionary=[*words, *lines], pre_buffer=False)


def _batches(
    file: pq.ParquetFile, task: Task, columns: Sequence[str], most: int
) -> Iterator[pa.RecordBatch]:
    def read(groups: Sequence[int]) -> Iterator[pa.RecordBatch]:
        for number in groups:
            rows = min(most, file.metadata.row_group(number).num_rows)
            if rows:
                yield from file.iter_batches(rows, [number], list(columns), use_threads=False)

    skipping, last = task.skip is not None, None
    for batch in read(task.groups):
        part = batch
        if skipping:
            person = _persons(batch)
            part = batch.slice(int(np.searchsorted(person, task.skip or 0, side="right")))
            skipping = not len(part)
        if len(part):
            last = int(_persons(part)[-1])
            yield part
    if last is None:
        return
    for batch in read(task.beyond):
        end = int(np.searchsorted(_persons(batch), last, side="right"))
        yield batch.slice(0, end)
        if end < len(batch):
            return


def _start_of_last_person(table: pa.Table) -> int:
    person = table.column("person").to_numpy()
    return int(np.searchsorted(person, person[-1]))


def _unified(table: pa.Table) -> pa.Table:
    """One chunk a column, and one dictionary: row groups have their own."""
    return table.unify_dictionaries().combine_chunks()


def _persons(batch: pa.RecordBatch) -> np.ndarray:
    return batch.column("person").to_numpy()  # type: ignore[no-any-return]


# ------------------------------------------------------------------------------------- the checks


def _opened(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path, pre_buffer=False)
    except FileNotFoundError:
        raise PopulationError(str(path), "file", "there is no such file") from None
    except (pa.ArrowInvalid, OSError) as error:
        raise PopulationError(path.name, "file", f"is no Parquet file: {error}") from None


def _checked_names(path: Path, schema: pa.Schema) -> tuple[str, ...]:
    names = tuple(name for name in schema.names if kind_of(name) is not None)
    for name in REQUIRED:
        if name not in names:
            raise PopulationError(path.name, name, f"the column is missing ({_kind(name)})")
    for bucket in buckets_of(names):
        for part in SUM_PARTS:
            if sum_column(part, bucket) not in names:
                raise PopulationError(
                    path.name, sum_column(part, bucket), "the column is missing beside its others"
                )
    for name in names:
        if not _fits(kind_of(name), schema.field(name).type):
            raise PopulationError(
                path.name, name, f"must hold {_kind(name)}, but holds {schema.field(name).type}"
            )
    return names


def _kind(name: str) -> str:
    kind = kind_of(name)
    return "" if kind is None else kind.value


def _fits(kind: Kind | None, arrow: pa.DataType) -> bool:
    match kind:
        case Kind.NUMBER | Kind.FEN:
            return bool(pa.types.is_integer(arrow) or pa.types.is_null(arrow))
        case Kind.DAY:
            return bool(pa.types.is_date32(arrow) or pa.types.is_null(arrow))
        case Kind.FLAG:
            return bool(pa.types.is_boolean(arrow))
        case Kind.LINES:
            return bool(pa.types.is_list(arrow) and pa.types.is_integer(arrow.value_type))
        case Kind.LINE_WORDS:
            return bool(pa.types.is_list(arrow) and _is_text(arrow.value_type))
        case _:
            return bool(_is_text(arrow) or pa.types.is_null(arrow))


def _is_text(arrow: pa.DataType) -> bool:
    if pa.types.is_dictionary(arrow):
        arrow = arrow.value_type
    return bool(pa.types.is_string(arrow) or pa.types.is_large_string(arrow))


def _numbers(path: Path, table: pa.Table, name: str, arrow: pa.DataType) -> np.ndarray:
    column = table.column(name)
    if column.null_count:
        row = pc.index(pc.is_null(column), True).as_py()
        raise PopulationError(path.name, name, f"is empty in row {row}")
    return column.cast(arrow).combine_chunks().to_numpy(zero_copy_only=False)  # type: ignore[no-any-return]


def _disorder(
    person: np.ndarray, day: np.ndarray, last: tuple[int, int] | None, group: int
) -> str | None:
    """Where rows are not in the order of person and day; None when they are."""
    falls = person[1:] < person[:-1]
    back = (person[1:] == person[:-1]) & (day[1:] < day[:-1])
    wrong = np.flatnonzero(falls | back)
    if len(wrong):
        return f"row {int(wrong[0]) + 1} of row group {group}"
    if last is not None and (int(person[0]), int(day[0])) < last:
        return f"the first row of row group {group}"
    return None
