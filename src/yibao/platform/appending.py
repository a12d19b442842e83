"""Append rows to a table: one prepared INSERT for a handful, COPY for many.

COPY writes many rows with the least work, but each one is parsed anew and takes two round trips.
Most batches append a few rows to each of several tables; for those one prepared statement over
arrays costs less on both sides.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from asyncpg import Connection

HANDFUL = 24
"""Up to this many rows an INSERT over arrays is cheaper than COPY (measured on small batches)."""


class Appending:
    """How rows are appended to one table, in the order of its columns."""

    def __init__(self, schema: str, table: str, columns: Mapping[str, str]) -> None:
        """``columns``: names and SQL types, in the order of the records' fields."""
        self.schema = schema
        self.table = table
        self.columns = tuple(columns)
        # a list inside an array would be taken for a second dimension, so jsonb travels as text
        self._texts = tuple(i for i, kind in enumerate(columns.values()) if kind == "jsonb")
        arrays = ", ".join(
            f"${i}::{'text' if kind == 'jsonb' else kind}[]"
            for i, kind in enumerate(columns.values(), 1)
        )
        selected = ", ".join(
            f"{name}::jsonb" if kind == "jsonb" else name for name, kind in columns.items()
        )
        names = ", ".join(self.columns)
        self._insert = (
            f"INSERT INTO {schema}.{table} ({names})"  # noqa: S608 - our own names
            f" SELECT {selected} FROM unnest({arrays}) AS new ({names})"
        )

    async def append(self, connection: "Connection[Any]", records: Sequence[Sequence[Any]]) -> None:
        """Append the records; a taken key is a unique violation and nothing is appended."""
        if not records:
            return
        if len(records) > HANDFUL:
            await connection.copy_records_to_table(
                self.table, schema_name=self.schema, columns=self.columns, records=records
            )
            return
        arrays: list[Any] = list(zip(*records, strict=True))
        for i in self._texts:
            arrays[i] = [_text(value) for value in arrays[i]]
        await connection.execute(self._insert, *arrays)


def _text(value: Any) -> str | None:
    return None if value is None else msgspec.json.encode(value).decode()
