"""The Parquet format of a population: one row a bill, sorted by person and time.

``docs/law/whatif.md`` describes it for whoever writes such files. Amounts are whole fen, days are
dates; facts with few values are words, best as dictionary columns.
"""

from collections.abc import Mapping, Sequence
from enum import Enum
from pathlib import Path
from types import TracebackType
from typing import Any, NamedTuple, Self

import pyarrow as pa
import pyarrow.parquet as pq

from yibao.policy.model import GENERAL_BUCKET

SCHEME_KEY = b"yibao.scheme"
"""File metadata: the insurance type all bills belong to (310, 390)."""

ARTIFICIAL_KEY = b"yibao.artificial"
"""File metadata: set when the bills are generated."""

ROWS_A_GROUP = 262_144
"""Rows of a row group as we write them: what one task of a worker reads at least."""


class Kind(Enum):
    """What the values of a column are."""

    NUMBER = "whole numbers"
    DAY = "dates"
    FEN = "whole fen"
    WORD = "words"
    WORDS = "words, several separated by a space"
    FLAG = "true or false"
    LINES = "a list of whole numbers a bill"
    LINE_WORDS = "a list of words a bill"


class Column(NamedTuple):
    """A column of the format."""

    name: str
    kind: Kind
    default: str | None
    """What a missing column means, in words; None: it may not be missing when it is needed."""


COLUMNS = {
    column.name: column
    for column in (
        Column("person", Kind.NUMBER, None),
        Column("day", Kind.DAY, None),
        Column("care_kind", Kind.WORD, None),
        Column("person_type", Kind.WORD, None),
        Column("birth", Kind.DAY, None),
        Column("level", Kind.WORD, None),
        Column("own", Kind.FEN, None),
        Column("over_limit", Kind.FEN, None),
        Column("first_pay", Kind.FEN, None),
        Column("in_scope", Kind.FEN, None),
        Column("hospital", Kind.FEN, "0"),
        Column("pharmacy", Kind.FLAG, "false"),
        Column("gender", Kind.WORD, None),
        Column("identities", Kind.WORDS, None),
        Column("traits", Kind.WORDS, None),
        Column("enrolments", Kind.WORDS, None),
        Column("disease", Kind.WORD, None),
        Column("retired_on", Kind.DAY, None),
        Column("enrolled_years", Kind.NUMBER, None),
        Column("claim_free_years", Kind.NUMBER, None),
        Column("entitlement", Kind.WORD, "full"),
        Column("place", Kind.WORD, "local"),
        Column("filing", Kind.WORD, "none"),
        Column("circumstances", Kind.WORDS, "none"),
        Column("begin", Kind.DAY, "the day"),
        Column("days", Kind.NUMBER, "1"),
        Column("months", Kind.NUMBER, "1"),
        Column("further_diseases", Kind.NUMBER, "0"),
        Column("visit", Kind.NUMBER, "a visit of its own"),
        Column("chain", Kind.NUMBER, "a chain of its own"),
        Column("fixed_price", Kind.FLAG, "false"),
        Column("line_amount", Kind.LINES, None),
        Column("line_price", Kind.LINES, None),
        Column("line_quantity", Kind.LINES, None),
        Column("line_terms", Kind.LINE_WORDS, None),
    )
}
"""All columns by name. Buckets beside the general one have sums named ``in_scope.<bucket>``."""

REQUIRED = (
    "person",
    "day",
    "care_kind",
    "person_type",
    "birth",
    "level",
    "own",
    "over_limit",
    "first_pay",
    "in_scope",
)
"""Columns without which a file is no population."""

SUM_PARTS = ("own", "over_limit", "first_pay", "in_scope")
LINE_COLUMNS = ("line_amount", "line_price", "line_quantity", "line_terms")

_ARROW = {
    Kind.NUMBER: pa.int64(),
    Kind.DAY: pa.date32(),
    Kind.FEN: pa.int64(),
    Kind.WORD: pa.dictionary(pa.int16(), pa.string()),
    Kind.WORDS: pa.dictionary(pa.int16(), pa.string()),
    Kind.FLAG: pa.bool_(),
    Kind.LINES: pa.list_(pa.int64()),
    Kind.LINE_WORDS: pa.list_(pa.dictionary(pa.int16(), pa.string())),
}


def kind_of(name: str) -> Kind | None:
    """The kind of a column, also of a bucket's sums; None for a column that is not ours."""
    base, _, bucket = name.partition(".")
    if bucket and base not in (*SUM_PARTS, "hospital"):
        return None
    column = COLUMNS.get(base)
    return None if column is None else column.kind


def buckets_of(names: Sequence[str]) -> tuple[str, ...]:
    """The buckets that a file has sums of, the general one first."""
    others = {name.partition(".")[2] for name in names if kind_of(name) is Kind.FEN}
    return (GENERAL_BUCKET, *sorted(others - {""}))


def sum_column(part: str, bucket: str) -> str:
    """The column of a bucket's sum: ``in_scope``, ``in_scope.dual_channel``."""
    return part if bucket == GENERAL_BUCKET else f"{part}.{bucket}"


def leaf_of(name: str) -> str:
    """Where Parquet keeps a column's values: those of a list lie below it."""
    return f"{name}.list.element" if kind_of(name) in (Kind.LINES, Kind.LINE_WORDS) else name


class PopulationWriter:
    """Writes a population, chunk by chunk, in memory of one chunk.

    A context manager; each chunk is a row group, sorted by person and time and beginning with a new
    person, so that readers can take row groups on their own.
    """

    def __init__(self, path: Path, scheme: str, *, artificial: bool = False) -> None:
        self._path = path
        self._metadata = {SCHEME_KEY: scheme.encode()}
        if artificial:
            self._metadata[ARTIFICIAL_KEY] = b"1"
        self._writer: pq.ParquetWriter | None = None
        self.bills = 0

    def write(self, columns: Mapping[str, Any]) -> None:
        """Append bills: arrays (NumPy or Arrow) or lists by the column's name."""
        arrays = {name: _as_arrow(name, values) for name, values in columns.items()}
        table = pa.table(arrays).replace_schema_metadata(self._metadata)
        if self._writer is None:
            self._writer = pq.ParquetWriter(
                self._path,
                table.schema,
                compression="snappy",
                use_dictionary=[leaf_of(name) for name in arrays if _dictionary_pays(name)],
                write_statistics=["person", "day"],
            )
        self._writer.write_table(table, row_group_size=ROWS_A_GROUP * 4)
        self.bills += len(table)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._writer is not None:
            self._writer.close()


def _as_arrow(name: str, values: Any) -> pa.Array:
    if isinstance(values, pa.Array | pa.ChunkedArray):
        return values
    kind = kind_of(name)
    assert kind is not None, f"{name} is a column of the format"
    return pa.array(values, _ARROW[kind])


def _dictionary_pays(name: str) -> bool:
    """Words, days and unit prices repeat; sums and numbers of persons do not."""
    return kind_of(name) not in (Kind.FEN, None) and name not in ("person", "visit", "chain")
