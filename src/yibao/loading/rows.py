"""From the texts of a file to rows of a kind, with every bad cell named."""

import hashlib
from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec
import numpy as np

from yibao.kernel.areas import NO_PERSON_POOL, Pool
from yibao.loading import cells
from yibao.loading.cells import BadCell
from yibao.loading.model import Column, Fault, Kind, Options, Row
from yibao.loading.reading import Table, UnreadableFile
from yibao.platform.crypto import Vault

SOURCE = Column(
    "source", "来源系统",
    cells.pattern(r"[^\s:,/]{1,30}", "a word up to 30 signs", "至多 30 字且无空格的名称"), "old",
    note="`--source` says it for the whole file",
)  # fmt: skip
SOURCE_KEY = Column(
    "source_key", "来源主键", cells.text(60), "A000123",
    note="what the old system knows the row by; unique in source and kind",
)  # fmt: skip
POOL = Column("pool", "统筹区", cells.POOL, "430100", note="`--pool` says it for the whole file")
PERSON = Column(
    "person", "人员", cells.text(60), "A000123",
    note="`source_key` of the loaded person, or the person's number (人员编号)",
)  # fmt: skip

_DIGEST_BYTES = 16
_KEY_BYTES = 8


def columns_of(kind: Kind) -> tuple[Column, ...]:
    """All columns of a kind's file, the common ones first."""
    named = any(column.name == PERSON.name for column in kind.columns)
    return (
        SOURCE,
        SOURCE_KEY,
        *((POOL,) if kind.of_pool else ()),
        *((PERSON,) if kind.of_person and not named else ()),
        *kind.columns,
    )


@dataclass(slots=True)
class Portion:
    """Some rows of a file, and what was wrong with others."""

    rows: list[Row] = field(default_factory=list)
    faults: list[Fault] = field(default_factory=list)
    last: int = 0
    """Number of the last row that was read."""


class Reader:
    """Reads the rows of one file of a kind."""

    def __init__(self, table: Table, kind: Kind, options: Options, vault: Vault) -> None:
        """Raises UnreadableFile when the header does not fit the kind."""
        self._table = table
        self._kind = kind
        self._given = {"source": options.source, "pool": options.pool}
        self._columns = columns_of(kind)
        self._places = _places(table.header, self._columns, self._given)
        # what a row's content is compared by: nobody without the key can try contents out
        self._key = vault.fingerprint("loading", "content")
        self._size = options.batch

    def portions(self, skip: int = 0) -> Iterator[Portion]:
        """The file in portions of rows, without the first ``skip`` rows."""
        portion = Portion()
        for number, texts in self._table.rows(skip):
            portion.last = number
            if any(texts):
                self._read(number, texts, portion)
            if len(portion.rows) + len(portion.faults) >= self._size:
                yield portion
                portion = Portion()
        if portion.last:
            yield portion

    def _read(self, number: int, texts: Sequence[str], portion: Portion) -> None:
        values: dict[str, Any] = {}
        before = len(portion.faults)
        if len(texts) > len(self._table.header):
            portion.faults.append(
                Fault(number, "", "该行的列数多于首行", "the row has more cells than the header")
            )
            return
        for column, place in self._places:
            text = texts[place].strip() if 0 <= place < len(texts) else ""
            text = text or self._given.get(column.name) or ""
            if not text:
                values[column.name] = None
                if column.required:
                    portion.faults.append(Fault(number, column.name, "不能为空", "is missing"))
                continue
            try:
                values[column.name] = column.cell.parse(text)
            except BadCell as bad:
                portion.faults.append(_fault(number, column, bad, text))
        if len(portion.faults) > before:
            return
        try:
            content = self._kind.read(values)
        except BadCell as bad:
            columns = [column for column in self._columns if column.name == bad.column]
            shown = "" if not columns or columns[0].personal else str(values[bad.column] or "")
            portion.faults.append(Fault(number, bad.column, bad.chinese, bad.english, shown))
            return
        portion.rows.append(
            Row(
                number,
                Pool(values["pool"]) if self._kind.of_pool else NO_PERSON_POOL,
                values["source"],
                values["source_key"],
                self._digest(values),
                content,
                values.get("person"),
            )
        )

    def _digest(self, values: dict[str, Any]) -> bytes:
        told = [values[column.name] for column in self._columns[2:]]
        content = msgspec.json.encode(told)
        return hashlib.blake2b(content, key=self._key, digest_size=_DIGEST_BYTES).digest()


def _fault(number: int, column: Column, bad: BadCell, text: str) -> Fault:
    shown = "" if column.personal else text[:60]
    return Fault(number, column.name, bad.chinese, bad.english, shown)


def _places(
    header: Sequence[str], columns: Sequence[Column], given: dict[str, Any]
) -> list[tuple[Column, int]]:
    """Where each column stands in the file; −1: it does not."""
    by_name = {name: column for column in columns for name in (column.name, column.title)}
    found: dict[str, int] = {}
    for place, name in enumerate(header):
        if name not in by_name:
            known = ", ".join(column.name for column in columns)
            raise UnreadableFile(
                f"首行有未知的列“{name}”",
                f"the header has an unknown column {name!r}; known: {known}",
            )
        own = by_name[name].name
        if own in found:
            raise UnreadableFile(
                f"首行的列“{name}”重复", f"the header has the column {own!r} twice"
            )
        found[own] = place
    for column in columns:
        if column.required and column.name not in found and not given.get(column.name):
            raise UnreadableFile(
                f"缺少列“{column.title}”（{column.name}）",
                f"the column {column.name!r} is missing"
                + (f"; say --{column.name} for the whole file" if column.name in given else ""),
            )
    return [(column, found.get(column.name, -1)) for column in columns]


class Seen:
    """Finds rows of one file that must not resemble each other: eight bytes a row in memory."""

    def __init__(self) -> None:
        self._hashes = array("Q")
        self._rows = array("L")

    def add(self, row: Row, alike: Sequence[tuple[str, ...]]) -> None:
        """Note what a row may have in common with no other."""
        for what in (("key", row.pool, row.source, row.key), *alike):
            hashed = hashlib.blake2b(msgspec.json.encode(what), digest_size=_KEY_BYTES).digest()
            self._hashes.append(int.from_bytes(hashed))
            self._rows.append(row.number)

    def repeated(self) -> dict[int, int]:
        """Rows that repeat an earlier one, with the number of that one."""
        hashes = np.frombuffer(self._hashes, np.uint64)
        rows = np.frombuffer(self._rows, np.dtype("L"))
        order = np.argsort(hashes, kind="stable")
        same = np.flatnonzero(hashes[order][1:] == hashes[order][:-1]) + 1
        found: dict[int, int] = {}
        for place in same:
            first = int(rows[order[place - 1]])
            found[int(rows[order[place]])] = found.get(first, first)
        return found
