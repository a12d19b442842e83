"""What a backup is, and what can be wrong with one."""

from dataclasses import dataclass
from datetime import datetime

FORMAT = 1
"""Of the container; another one is refused."""


class BackupFault(Exception):  # noqa: N818 - reads as a fact
    """A backup cannot be taken, opened or put back; the text says what and what to do."""


@dataclass(frozen=True, slots=True)
class PartSum:
    """What one table, or one file of the archive, held, to compare after it was put back."""

    name: str
    """Schema and table, as in ``ledger.entry``; or a file's path below the archive's folder."""
    rows: int
    size: int
    """Bytes: of a file, or of a table's rows in PostgreSQL's binary COPY format."""
    sha256: str
    """Of those bytes."""


@dataclass(frozen=True, slots=True)
class Manifest:
    """What is in a backup: written last, when all of it is known."""

    taken_at: datetime
    """Instant of the snapshot, aware UTC."""
    version: str
    """Of Yibao."""
    revision: str
    """Of the schema (``yibao migrate``)."""
    tables: tuple[PartSum, ...]
    """In the order in which they can be put back: what others refer to comes first."""
    sequences: dict[str, int]
    """The last number given by each sequence."""
    files: tuple[PartSum, ...] = ()
    """Of the months that were put away."""
    left_out: tuple[str, ...] = ()
    """Months that were put away and are not in it, as ``110000/2024-05``: their files are to be
    kept by other means, or a restored database knows bills that nobody can read."""

    @property
    def rows(self) -> int:
        """Rows of all tables."""
        return sum(table.rows for table in self.tables)
