"""Parquet: a day's rows written so that a file of its name is always whole, and read by number.

PostgreSQL's types are kept exactly; ``json`` and ``jsonb`` are their text, and each column's
metadata names the type it had. Rows lie in the order of their numbers, so a reader who asks for
some skips the rest.
"""

import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from yibao.platform.archive.model import ArchivedFile, ArchiveFault, Column, Manifest, Table

Row = Iterable[Any]

ROWS_AT_ONCE = 20_000
"""Rows of a row group: what is held in memory at a time."""

_TYPES: Mapping[str, pa.DataType] = {
    "text": pa.string(),
    "json": pa.string(),
    "jsonb": pa.string(),
    "bigint": pa.int64(),
    "integer": pa.int32(),
    "smallint": pa.int16(),
    "boolean": pa.bool_(),
    "date": pa.date32(),
    "timestamp with time zone": pa.timestamp("us", tz="UTC"),
    "bytea": pa.binary(),
    "double precision": pa.float64(),
}
_PIECE = 1 << 20


def make_folder(folder: Path) -> None:
    """Make the archive's folder for its owner alone: diagnoses lie in it. Raises ArchiveFault."""
    with _told(folder):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)


def schema_of(table: Table) -> pa.Schema:
    """The columns of a table as Parquet keeps them. Raises ArchiveFault for an unknown type."""
    return pa.schema([_field(table, column) for column in table.columns])


def _field(table: Table, column: Column) -> pa.Field:
    element = column.type.removesuffix("[]")
    if element not in _TYPES:
        raise ArchiveFault(
            f"{table.full_name}.{column.name} is {column.type}: the archive keeps no such type"
        )
    kind = _TYPES[element]
    if element != column.type:
        kind = pa.list_(kind)
    return pa.field(column.name, kind, metadata={"postgresql": column.type})


def arrow(table: Table, rows: Sequence[Row]) -> pa.Table:
    """Rows of a table as columns."""
    schema = schema_of(table)
    columns = zip(*rows, strict=True) if rows else ((),) * len(schema)
    arrays = [pa.array(list(c), field.type) for c, field in zip(columns, schema, strict=True)]
    return pa.Table.from_arrays(arrays, schema=schema)


class DayWriter:
    """Writes one day of a table, a row group at a time; ``placed`` lets the file take its name."""

    def __init__(self, path: Path, table: Table) -> None:
        self._path = path
        self._aside = path.with_name(f".{path.name}.unfinished")
        with _told(path):
            path.parent.mkdir(parents=True, exist_ok=True)
            self._writer = pq.ParquetWriter(self._aside, schema_of(table), compression="zstd")

    def write(self, rows: pa.Table) -> None:
        """Add a row group."""
        with _told(self._path):
            self._writer.write_table(rows)

    def placed(self) -> None:
        """All is written: make it durable, then let it have its name."""
        with _told(self._path):
            self._writer.close()
            sync(self._aside)
            self._aside.replace(self._path)
            sync(self._path.parent)

    def given_up(self) -> None:
        """Leave nothing behind."""
        with suppress(OSError):  # the disk that is full is why we give up
            self._writer.close()
        self._aside.unlink(missing_ok=True)


def groups(path: Path) -> Iterator[pa.Table]:
    """A file's row groups, one at a time. Raises ArchiveFault."""
    with _told(path), pq.ParquetFile(path) as file:
        for number in range(file.num_row_groups):
            yield file.read_row_group(number)


def read(
    path: Path,
    wanted: Mapping[str, Iterable[int | str]] | None = None,
    columns: Sequence[str] | None = None,
) -> pa.Table:
    """A file's rows in which any of these columns has one of its values; None: all of them."""
    filters = None
    if wanted is not None:
        filters = [[(column, "in", list(values))] for column, values in wanted.items() if values]
        if not filters:
            return pq.read_schema(path).empty_table()
    with _told(path):
        # as one file: else the folders' names would become columns
        return pq.read_table(
            path, columns=columns, filters=filters, partitioning=None, use_threads=False
        )


def digest(path: Path) -> str:
    """SHA-256 of a file, in hex. Raises ArchiveFault."""
    found = hashlib.sha256()
    with _told(path), path.open("rb") as file:
        while piece := file.read(_PIECE):
            found.update(piece)
    return found.hexdigest()


def check_unchanged(file: ArchivedFile, folder: Path) -> None:
    """Raises ArchiveFault when a file's bytes are not those that were signed for."""
    path = file.path(folder)
    found = digest(path)
    if found != file.sha256:
        raise ArchiveFault(
            f"{path} was changed: its SHA-256 is {found[:16]}…, the manifest says"
            f" {file.sha256[:16]}…. Put the file back from a copy of the archive"
        )


def write_manifest(manifest: Manifest, folder: Path) -> None:
    """Lay the manifest beside its files. Raises ArchiveFault."""
    path = manifest.path(folder)
    text = json.dumps(manifest.as_json(), indent=1, sort_keys=True) + "\n"
    aside = path.with_name(f".{path.name}.unfinished")
    with _told(path):
        aside.write_text(text, encoding="utf-8")
        sync(aside)
        aside.replace(path)
        sync(path.parent)


def sync(path: Path) -> None:
    """Wait until a file, or a folder's list of names, is on the disk."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


@contextmanager
def _told(path: Path) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise ArchiveFault(
            f"{path} is not there: put the archive's folder back, or name it (setting archive)"
        ) from None
    except OSError as fault:
        raise ArchiveFault(f"{path}: {fault.strerror or fault}") from None
    except pa.ArrowException as fault:
        raise ArchiveFault(f"{path} cannot be read as Parquet: {fault}") from None
