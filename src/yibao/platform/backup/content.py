"""What is inside a sealed backup: tables one after the other, and the manifest at the end.

A record is one byte of kind, four of length, and that many bytes: ``T`` begins a table (name and
columns, JSON), ``D`` is a piece of its rows, ``E`` ends it (its sums, JSON), ``M`` is the manifest.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeVar

import msgspec

from yibao.platform.backup.model import BackupFault, Manifest, TableSum
from yibao.platform.backup.sealing import SealedWriter
from yibao.platform.backup.store import Table

T = TypeVar("T")

_BEGIN, _DATA, _END, _MANIFEST = b"T", b"D", b"E", b"M"
_PREFIX = 5


class ContentWriter:
    """Writes tables and the manifest into a sealed file."""

    def __init__(self, sealed: SealedWriter) -> None:
        self._sealed = sealed
        self._digest = hashlib.sha256()
        self._size = 0

    def begin(self, table: Table) -> None:
        """A table follows."""
        self._digest, self._size = hashlib.sha256(), 0
        self._put(_BEGIN, msgspec.json.encode(table))

    async def rows(self, data: bytes) -> None:
        """A piece of its rows."""
        self._digest.update(data)
        self._size += len(data)
        self._put(_DATA, data)

    def end(self, table: Table, rows: int) -> TableSum:
        """The table is complete."""
        made = TableSum(table.full_name, rows, self._size, self._digest.hexdigest())
        self._put(_END, msgspec.json.encode(made))
        return made

    def manifest(self, manifest: Manifest) -> None:
        """All tables are complete."""
        self._put(_MANIFEST, msgspec.json.encode(manifest))

    def _put(self, kind: bytes, payload: bytes) -> None:
        self._sealed.write(kind + len(payload).to_bytes(4) + payload)


@dataclass
class TableContent:
    """One table of a backup: take all its ``pieces``, then ask for its sums."""

    table: Table
    _records: Iterator[tuple[bytes, bytes]]
    _sums: list[TableSum] = field(default_factory=list)

    def pieces(self) -> Iterator[bytes]:
        """The rows in binary COPY format. Raises BackupFault when they are not what was written."""
        digest, size = hashlib.sha256(), 0
        for kind, payload in self._records:
            if kind == _DATA:
                digest.update(payload)
                size += len(payload)
                yield payload
                continue
            if kind != _END:
                break
            told = _decoded(payload, TableSum)
            if (told.sha256, told.size) != (digest.hexdigest(), size):
                raise BackupFault(f"the rows of {told.name} are not those that were backed up")
            self._sums.append(told)
            return
        raise BackupFault(f"the backup ends within {self.table.full_name}")

    def sums(self) -> TableSum:
        """What was written of it, and has been found."""
        return self._sums[0]


class ContentReader:
    """Reads tables and manifest from the opened content, each piece once."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._records = _records(content)
        self._found: list[TableSum] = []
        self._manifest: Manifest | None = None

    def tables(self) -> Iterator[TableContent]:
        """Each table; its pieces must be taken before the next one is asked for."""
        for kind, payload in self._records:
            if kind == _MANIFEST:
                self._manifest = _decoded(payload, Manifest)
                break
            if kind != _BEGIN:
                raise BackupFault("the backup's content is out of order")
            content = TableContent(_decoded(payload, Table), self._records)
            yield content
            self._found.append(content.sums())
        if next(self._records, None) is not None:
            raise BackupFault("the backup goes on behind its manifest")

    def manifest(self) -> Manifest:
        """What all of it must be, compared with what was found."""
        if self._manifest is None:
            raise BackupFault("the backup has no manifest: it was never completed")
        if self._manifest.tables != tuple(self._found):
            raise BackupFault("the backup's tables are not those of its manifest")
        return self._manifest


def _records(content: Iterator[bytes]) -> Iterator[tuple[bytes, bytes]]:
    buffer = bytearray()
    for piece in content:
        buffer += piece
        at = 0
        while len(buffer) - at >= _PREFIX:
            length = int.from_bytes(buffer[at + 1 : at + _PREFIX])
            end = at + _PREFIX + length
            if len(buffer) < end:
                break
            yield bytes(buffer[at : at + 1]), bytes(buffer[at + _PREFIX : end])
            at = end
        del buffer[:at]
    if buffer:
        raise BackupFault("the backup's content ends within a record")


def _decoded(payload: bytes, kind: type[T]) -> T:
    try:
        return msgspec.json.decode(payload, type=kind)
    except msgspec.DecodeError as error:
        raise BackupFault(f"the backup's content cannot be read: {error}") from None
