"""What is inside a sealed backup: tables, then files of the archive, and the manifest at the end.

A record is one byte of kind, four of length, and that many bytes: ``T`` begins a table (name and
columns, JSON), ``F`` a file (its path), ``D`` is a piece of either, ``E`` ends it (its sums, JSON),
``M`` is the manifest.
"""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import chain
from typing import Generic, TypeVar

import msgspec

from yibao.platform.backup.model import BackupFault, Manifest, PartSum
from yibao.platform.backup.sealing import SealedWriter
from yibao.platform.backup.store import Table

T = TypeVar("T")

_TABLE, _FILE, _DATA, _END, _MANIFEST = b"T", b"F", b"D", b"E", b"M"
_PREFIX = 5


class ContentWriter:
    """Writes tables, files and the manifest into a sealed file."""

    def __init__(self, sealed: SealedWriter) -> None:
        self._sealed = sealed
        self._name = ""
        self._digest = hashlib.sha256()
        self._size = 0

    def begin(self, table: Table) -> None:
        """A table follows."""
        self._begin(_TABLE, table.full_name, msgspec.json.encode(table))

    def begin_file(self, path: str) -> None:
        """A file follows."""
        self._begin(_FILE, path, path.encode())

    def _begin(self, kind: bytes, name: str, payload: bytes) -> None:
        self._name, self._digest, self._size = name, hashlib.sha256(), 0
        self._put(kind, payload)

    async def rows(self, data: bytes) -> None:
        """A piece of a table's rows."""
        self.piece(data)

    def piece(self, data: bytes) -> None:
        """A piece of what was begun."""
        self._digest.update(data)
        self._size += len(data)
        self._put(_DATA, data)

    def end(self, rows: int) -> PartSum:
        """What was begun is complete."""
        made = PartSum(self._name, rows, self._size, self._digest.hexdigest())
        self._put(_END, msgspec.json.encode(made))
        return made

    def manifest(self, manifest: Manifest) -> None:
        """All tables are complete."""
        self._put(_MANIFEST, msgspec.json.encode(manifest))

    def _put(self, kind: bytes, payload: bytes) -> None:
        self._sealed.write(kind + len(payload).to_bytes(4) + payload)


@dataclass
class Content(Generic[T]):
    """One table of a backup, or one file by its path: take all ``pieces``, then ask for sums."""

    of: T
    name: str
    _records: Iterator[tuple[bytes, bytes]]
    _sums: list[PartSum] = field(default_factory=list)

    def pieces(self) -> Iterator[bytes]:
        """A file's bytes, or a table's rows in binary COPY format.

        Raises BackupFault when they are not what was written.
        """
        digest, size = hashlib.sha256(), 0
        for kind, payload in self._records:
            if kind == _DATA:
                digest.update(payload)
                size += len(payload)
                yield payload
                continue
            if kind != _END:
                break
            told = _decoded(payload, PartSum)
            if (told.sha256, told.size) != (digest.hexdigest(), size):
                raise BackupFault(f"what is in {told.name} is not what was backed up")
            self._sums.append(told)
            return
        raise BackupFault(f"the backup ends within {self.name}")

    def sums(self) -> PartSum:
        """What was written of it, and has been found."""
        return self._sums[0]


class ContentReader:
    """Reads tables, files and manifest from the opened content, in this order, each piece once."""

    def __init__(self, content: Iterator[bytes]) -> None:
        self._records = _records(content)
        self._behind_tables: list[tuple[bytes, bytes]] = []
        self._tables: list[PartSum] = []
        self._files: list[PartSum] = []
        self._manifest: Manifest | None = None

    def tables(self) -> Iterator[Content[Table]]:
        """Each table; its pieces must be taken before the next one is asked for."""
        for kind, payload in self._records:
            if kind != _TABLE:
                self._behind_tables.append((kind, payload))
                return
            table = _decoded(payload, Table)
            content = Content(table, table.full_name, self._records)
            yield content
            self._tables.append(content.sums())

    def files(self) -> Iterator[Content[str]]:
        """Each file, when all tables were taken; as ``tables``."""
        for kind, payload in chain(self._behind_tables, self._records):
            if kind == _MANIFEST:
                self._manifest = _decoded(payload, Manifest)
                break
            if kind != _FILE:
                raise BackupFault("the backup's content is out of order")
            content = Content(payload.decode(), payload.decode(), self._records)
            yield content
            self._files.append(content.sums())
        if next(self._records, None) is not None:
            raise BackupFault("the backup goes on behind its manifest")

    def manifest(self) -> Manifest:
        """What all of it must be, compared with what was found, when all files were taken."""
        if self._manifest is None:
            raise BackupFault("the backup has no manifest: it was never completed")
        if self._manifest.tables != tuple(self._tables):
            raise BackupFault("the backup's tables are not those of its manifest")
        if self._manifest.files != tuple(self._files):
            raise BackupFault("the backup's files are not those of its manifest")
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
