"""Files as rows of text: CSV in UTF-8 or GB18030, or Parquet; never more than a part in memory."""

import codecs
import csv
import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Any

import pyarrow.parquet as parquet

from yibao.kernel.periods import local_time

_CHUNK = 1 << 20
_ROWS_AT_ONCE = 10_000
HEADER_ROW = 1
"""Rows are counted as a spreadsheet does; a Parquet file counts as if it had a header."""


class UnreadableFile(Exception):  # noqa: N818 - reads as a fact
    """A file that is no table we can read; its text is Chinese and English."""

    def __init__(self, chinese: str, english: str) -> None:
        super().__init__(f"{english}（{chinese}）")
        self.chinese = chinese
        self.english = english


@dataclass(frozen=True, slots=True)
class Table:
    """A file that was looked at once: what it is, and what it is called in its first row."""

    path: Path
    digest: bytes
    """SHA-256 of its bytes."""
    encoding: str
    """Of CSV; ``parquet`` of Parquet."""
    header: tuple[str, ...]

    def rows(self, skip: int = 0) -> Iterator[tuple[int, Sequence[str]]]:
        """(row number, texts in the order of the header), without the first ``skip`` rows."""
        rows = self._parquet() if self.encoding == "parquet" else self._csv()
        for number, row in enumerate(rows, HEADER_ROW + 1):
            if number - HEADER_ROW > skip:
                yield number, row

    def _csv(self) -> Iterator[Sequence[str]]:
        with self.path.open(encoding=self.encoding, newline="") as file:
            rows = csv.reader(file)
            next(rows)
            try:
                yield from rows
            except csv.Error as error:
                raise UnreadableFile(
                    f"第 {rows.line_num} 行不是 CSV", f"line {rows.line_num} is no CSV: {error}"
                ) from None

    def _parquet(self) -> Iterator[Sequence[str]]:
        with parquet.ParquetFile(self.path) as file:
            for batch in file.iter_batches(batch_size=_ROWS_AT_ONCE):
                columns = [[_told(value) for value in column.to_pylist()] for column in batch]
                yield from zip(*columns, strict=True)


def look_at(path: Path) -> Table:
    """What a file is. Raises UnreadableFile; OSError when it cannot be opened."""
    with path.open("rb") as file:
        begin = file.read(4)
    if begin == b"PAR1":
        return _look_at_parquet(path)
    if begin[:2] in (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE):
        raise UnreadableFile("文件是 UTF-16 编码，请另存为 UTF-8", "it is UTF-16: save it as UTF-8")
    digest, encoding = _digest_and_encoding(path)
    with path.open(encoding=encoding, newline="") as file:
        try:
            header = next(csv.reader(file), [])
        except csv.Error as error:
            raise UnreadableFile("首行不是 CSV", f"its first line is no CSV: {error}") from None
    if not any(header):
        raise UnreadableFile("文件是空的", "it is empty")
    return Table(path, digest, encoding, tuple(name.strip() for name in header))


def _look_at_parquet(path: Path) -> Table:
    try:
        with parquet.ParquetFile(path) as file:
            header = tuple(file.schema_arrow.names)
    except (OSError, ValueError) as error:
        raise UnreadableFile("不是完整的 Parquet 文件", f"no whole Parquet file: {error}") from None
    with path.open("rb") as opened:
        digest = hashlib.file_digest(opened, "sha256").digest()
    return Table(path, digest, "parquet", header)


def _digest_and_encoding(path: Path) -> tuple[bytes, str]:
    digest = hashlib.sha256()
    decoders = {
        name: codecs.getincrementaldecoder(name)() for name in ("utf-8-sig", "gb18030")
    }  # fmt: skip
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
            _strike_out(decoders, chunk, final=False)
    _strike_out(decoders, b"", final=True)
    if not decoders:
        raise UnreadableFile("文件既不是 UTF-8 也不是 GB18030", "it is neither UTF-8 nor GB18030")
    return digest.digest(), next(iter(decoders))


def _strike_out(
    decoders: dict[str, codecs.IncrementalDecoder], chunk: bytes, *, final: bool
) -> None:
    """Strike out the encodings that a part of the file cannot be in."""
    for name in list(decoders):
        try:
            decoders[name].decode(chunk, final)
        except UnicodeDecodeError:
            del decoders[name]


def _told(value: Any) -> str:
    """A value of a typed column as a CSV would tell it."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "1" if value else "0"
    if isinstance(value, Decimal):
        return format(value, "f")
    if isinstance(value, datetime):
        told = value if value.tzinfo is None else local_time(value)
        return told.isoformat(sep=" ")
    if isinstance(value, date):
        return value.isoformat()
    return str(value)
