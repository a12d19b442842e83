"""What is put away: tables by month, files by civil day and pool, and the signed manifest."""

import hashlib
import json
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from yibao.kernel.areas import Pool

if TYPE_CHECKING:
    from asyncpg import Connection

PURPOSE = b"yibao archive manifest"
"""What the signing key is derived for."""

MANIFEST = "manifest.json"
TOGETHER = "visit"
"""Column whose rows belong together over months and come back together: a bill may be settled, or
cancelled, months after its visit began. A table without it goes by its own number alone. The table
of that name holds what they belong to."""
NUMBER = "id"
"""Column of a row's own number, by which other tables may name it."""


class Owner(Protocol):
    """Connects with all rights (``Database.owner``)."""

    def __call__(self, *, urgent: bool = False) -> "AbstractAsyncContextManager[Connection[Any]]":
        """``urgent``: not lowered with this process, for what holds locks."""


class ArchiveFault(Exception):  # noqa: N818 - reads as a fact
    """A month cannot be put away, read or brought back; the text says what and what to do."""


class TooManyRows(ArchiveFault):
    """A period would bring more rows back than one question may."""


@dataclass(frozen=True, slots=True)
class Column:
    """A stored column and its type in PostgreSQL."""

    name: str
    type: str


@dataclass(frozen=True, slots=True)
class Table:
    """A table that PostgreSQL partitions by a time-ordered number."""

    schema: str
    name: str
    key: str
    """The column it is partitioned by."""
    columns: tuple[Column, ...]

    @property
    def full_name(self) -> str:
        """``ledger.entry``."""
        return f"{self.schema}.{self.name}"

    @property
    def quoted(self) -> str:
        """The name as SQL takes it."""
        return f'"{self.schema}"."{self.name}"'

    def has(self, column: str, kind: str | None = None) -> bool:
        """Whether it has a column of this name, and of this type if one is said."""
        return any(one.name == column and kind in {None, one.type} for one in self.columns)

    @property
    def summed(self) -> tuple[str, ...]:
        """The columns whose sums the manifest tells: every bigint, so all that is money in fen."""
        return tuple(one.name for one in self.columns if one.type == "bigint")


@dataclass(frozen=True, slots=True)
class ArchivedFile:
    """One table's rows of one pool and one civil day of Asia/Shanghai, by the number's time."""

    pool: Pool
    day: date
    relation: str
    rows: int
    lowest: int
    """Of the column the table is partitioned by."""
    highest: int
    lowest_visit: int | None
    """Of the visits that its rows belong to; None: the table knows none."""
    highest_visit: int | None
    sums: Mapping[str, int] = field(hash=False)
    """Of every bigint column; what is money is in fen."""
    sha256: str
    """Of the file's bytes."""

    def path(self, folder: Path) -> Path:
        """Where it lies below the archive's folder."""
        month = month_folder(folder, self.pool, self.day)
        return month / f"{self.day.day:02d}" / f"{self.relation}.parquet"

    def as_json(self) -> dict[str, Any]:
        """As the manifest tells it."""
        return {
            "day": self.day.isoformat(),
            "relation": self.relation,
            "rows": self.rows,
            "lowest": self.lowest,
            "highest": self.highest,
            "lowest_visit": self.lowest_visit,
            "highest_visit": self.highest_visit,
            "sums": dict(self.sums),
            "sha256": self.sha256,
        }


@dataclass(frozen=True, slots=True)
class Manifest:
    """What was put away of one pool and month, signed."""

    pool: Pool
    month: date
    """Its first day."""
    revision: str
    """Of the schema the rows were read from."""
    made_at: datetime
    """Aware UTC."""
    files: tuple[ArchivedFile, ...]
    """By day and table."""
    public_key: bytes = b""
    signature: bytes = b""
    """SM2, by ``public_key`` over the hash."""

    @property
    def rows(self) -> int:
        """Of all files."""
        return sum(file.rows for file in self.files)

    def content(self) -> dict[str, Any]:
        """What is signed, as plain JSON."""
        return {
            "pool": self.pool,
            "month": f"{self.month:%Y-%m}",
            "revision": self.revision,
            "made_at": self.made_at.isoformat(),
            "files": [file.as_json() for file in self.files],
        }

    def hash(self) -> bytes:
        """SHA-256 of the content as JSON without blanks, keys in order."""
        return hashlib.sha256(
            json.dumps(self.content(), sort_keys=True, separators=(",", ":")).encode()
        ).digest()

    def as_json(self) -> dict[str, Any]:
        """As it lies beside the files."""
        return self.content() | {
            "hash": self.hash().hex(),
            "public_key": self.public_key.hex(),
            "signature": self.signature.hex(),
        }

    def path(self, folder: Path) -> Path:
        """Where it lies below the archive's folder."""
        return month_folder(folder, self.pool, self.month) / MANIFEST


def manifest_of_json(told: Mapping[str, Any]) -> Manifest:
    """A manifest as ``as_json`` wrote it. Raises ArchiveFault for anything else."""
    try:
        pool = Pool(told["pool"])
        return Manifest(
            pool,
            date.fromisoformat(f"{told['month']}-01"),
            told["revision"],
            datetime.fromisoformat(told["made_at"]),
            tuple(
                ArchivedFile(
                    pool,
                    date.fromisoformat(one["day"]),
                    one["relation"],
                    one["rows"],
                    one["lowest"],
                    one["highest"],
                    one["lowest_visit"],
                    one["highest_visit"],
                    one["sums"],
                    one["sha256"],
                )
                for one in told["files"]
            ),
            bytes.fromhex(told["public_key"]),
            bytes.fromhex(told["signature"]),
        )
    except (KeyError, TypeError, ValueError) as fault:
        raise ArchiveFault(f"no manifest of an archive: {fault!r}") from None


@dataclass(frozen=True, slots=True)
class Stay:
    """Why a month stays in the database for now."""

    why: str
    """English with the Chinese term, such as ``stays that have not ended (在院)``."""
    count: int

    def __str__(self) -> str:
        return f"{self.why}: {self.count}"


def month_folder(folder: Path, pool: Pool, day: date) -> Path:
    """Where a pool's month lies below the archive's folder."""
    return folder / pool / f"{day:%Y-%m}"
