"""Sort a population file that is not, by person and day, in the memory of one part of it."""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from yibao.analysis.population import ROWS_A_GROUP
from yibao.analysis.reading import Scan, open_file

_ROWS_A_PART = 1_000_000
_SAMPLE = 200
"""One person of so many rows is looked at to cut the file into parts of about one size."""


def sort_into(scan: Scan, target: Path, progress: Callable[[int], None] = lambda _: None) -> None:
    """Write the bills of a file to ``target``, sorted by person and day; equal ones as they came.

    The bills go to parts by their person first, then each part is sorted and written.
    """
    file = open_file(scan.path, scan.names)
    schema = file.schema_arrow
    bounds = _bounds(file, scan.facts.bills)
    with TemporaryDirectory(prefix="yibao-sort-", dir=target.parent) as folder:
        parts = [Path(folder) / f"{number}.parquet" for number in range(len(bounds) + 1)]
        _distribute(file, bounds, parts, schema)
        with pq.ParquetWriter(target, schema, compression="snappy") as writer:
            for part in parts:
                table = pq.read_table(part, schema=schema)
                person = table.column("person").to_numpy()
                day = table.column("day").cast(pa.int32()).to_numpy()
                ordered = table.take(pa.array(np.lexsort((day, person))))
                writer.write_table(ordered, row_group_size=ROWS_A_GROUP)
                progress(len(table))
                part.unlink()


def _bounds(file: pq.ParquetFile, rows: int) -> np.ndarray:
    """Persons at which the parts after the first begin."""
    sample = np.concatenate(
        [
            batch.column("person").to_numpy()[::_SAMPLE]
            for batch in file.iter_batches(ROWS_A_GROUP, columns=["person"])
        ]
    )
    cuts = np.linspace(0, len(sample), -(-rows // _ROWS_A_PART) + 1)[1:-1].astype(np.int64)
    return np.unique(np.sort(sample)[cuts])


def _distribute(
    file: pq.ParquetFile, bounds: np.ndarray, parts: list[Path], schema: pa.Schema
) -> None:
    writers = [pq.ParquetWriter(part, schema, compression="snappy") for part in parts]
    try:
        for batch in file.iter_batches(ROWS_A_GROUP):
            table = pa.Table.from_batches([batch])
            of = np.searchsorted(bounds, table.column("person").to_numpy(), side="right")
            for number, writer in enumerate(writers):
                rows = np.flatnonzero(of == number)
                if len(rows):
                    writer.write_table(table.take(pa.array(rows)))
    finally:
        for writer in writers:
            writer.close()
