"""What can be loaded: columns, rows, faults, and what became of a file."""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.periods import Period
from yibao.loading.cells import Cell
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.registry.service import Reference

if TYPE_CHECKING:
    from asyncpg import Connection


@dataclass(frozen=True, slots=True)
class Column:
    """One column of a file: the one declaration that reading and documentation follow."""

    name: str
    title: str
    """Chinese; a file's header may say this instead of the name."""
    cell: Cell
    example: str
    required: bool = True
    personal: bool = False
    """It may tell who somebody is: its content is never repeated in a fault."""
    note: str = ""
    """What the documentation adds."""


class Fault(NamedTuple):
    """What is wrong with one cell."""

    row: int
    """As a spreadsheet counts: the header is row 1."""
    column: str
    """Name of the column; "" when it is about the whole row."""
    chinese: str
    english: str
    value: str = ""
    """What the cell holds; "" of personal columns."""


@dataclass(frozen=True, slots=True)
class Known:
    """A row that was loaded before."""

    digest: bytes
    subject: str
    period: Period | None
    loaded_at: datetime


@dataclass(frozen=True, slots=True)
class Row:
    """One row that has been read."""

    number: int
    pool: Pool
    source: str
    key: str
    """What the old system knows it by (``source_key``)."""
    digest: bytes
    content: Any
    """The kind's own type."""
    person: str | None = None
    """Whom it names: the key of a loaded person of the same source, or a person's number."""
    member: str = ""
    """The person's number in the pool, once found."""
    before: Known | None = None
    """What was loaded for the same key with other content."""


class Made(NamedTuple):
    """What came of a row."""

    subject: str
    period: Period | None = None


@dataclass(frozen=True, slots=True)
class Desk:
    """What checking and writing rows of one pool needs."""

    unit: Unit
    vault: Vault
    reference: Reference

    @property
    def connection(self) -> "Connection[Any]":
        """The unit's connection."""
        return self.unit.connection

    @property
    def pool(self) -> Pool:
        """The unit's pool."""
        return self.unit.pool

    @property
    def now(self) -> datetime:
        """The unit's instant."""
        return self.unit.now


Cells = Mapping[str, Any]
"""Values of a row by column; None where a cell is empty."""

Check = Callable[[Desk, Sequence[Row]], Awaitable[list[Fault]]]
"""What the registry says against rows of one pool; writes nothing."""

Write = Callable[[Desk, Sequence[Row]], Awaitable[Sequence[Made]]]
"""Writes rows of one pool that were checked; what came of each, in order."""

TakeBack = Callable[[Desk, Sequence[str], datetime], Awaitable[list[str]]]
"""Takes back what came of rows: their subjects, and the instant they were loaded at.

Answers the subjects that it left, as somebody changed them since."""

Tallied = tuple[str, int]
"""What a total is of, and an amount."""


async def nothing_against(_desk: Desk, _rows: Sequence[Row]) -> list[Fault]:
    """Of kinds that are checked cell by cell alone."""
    return []


def no_identity(_row: Row) -> Iterable[tuple[str, ...]]:
    """Of kinds whose rows may resemble each other."""
    return ()


def no_total(_content: Any) -> Tallied | None:
    """Of kinds that nothing is summed up of."""
    return None


@dataclass(frozen=True, slots=True)
class Kind:
    """A kind of file."""

    name: str
    title: str
    """Chinese."""
    about: str
    """What a row is, in a sentence."""
    columns: tuple[Column, ...]
    """Beside the common ones."""
    read: Callable[[Cells], Any]
    """The content of a row; raises BadCell."""
    write: Write
    check: Check = nothing_against
    of_person: bool = True
    """Rows name a person and a pool."""
    of_pool: bool = True
    """Rows name a pool; those of the others are everybody's."""
    alike: Callable[[Row], Iterable[tuple[str, ...]]] = no_identity
    """What no two rows of a file may have in common, beside the source key."""
    writes_checked: bool = False
    """Writing refuses by itself what the registry has against a row."""
    changes: bool = True
    """Whether a row that was loaded before may come with other content: a dated change."""
    take_back: TakeBack | None = None
    """None: it is not taken back, only changed from a date on."""
    tally: Callable[[Any], Tallied | None] = no_total
    """What a row adds to a total."""
    control: Callable[[Any], Tallied | None] = no_total
    """The total that a control row says the file has."""


@dataclass(frozen=True, slots=True)
class Options:
    """How a file is loaded."""

    source: str | None = None
    """For files without the column."""
    pool: Pool | None = None
    """For files without the column."""
    dry_run: bool = False
    skip_bad: bool = False
    """Load what is right although something is wrong."""
    batch: int = 5_000
    """Rows of one transaction."""


@dataclass(slots=True)
class Progress:
    """How far a load has come; told after every batch."""

    stage: str
    """``checking`` or ``writing``."""
    rows: int = 0
    total: int | None = None
    """Rows of the file, once it was read through."""


@dataclass(slots=True)
class Counts:
    """What became of the rows of a file."""

    rows: int = 0
    written: int = 0
    changed: int = 0
    unchanged: int = 0
    bad: int = 0


@dataclass(slots=True)
class Report:
    """What became of a file."""

    kind: str
    counts: Counts
    faults: list[Fault] = field(default_factory=list)
    """The first of them."""
    run: int | None = None
    """None: nothing was to be written."""
    resumed_at: int = 0
    """Rows that an earlier try had committed."""
    totals: dict[str, int] = field(default_factory=dict)

    @property
    def loaded(self) -> bool:
        """Whether the file is in."""
        return self.run is not None


@dataclass(frozen=True, slots=True)
class Run:
    """A load as it was recorded."""

    number: int
    kind: str
    file: str
    started_at: datetime
    rows_done: int
    counts: Counts
    finished_at: datetime | None
    undone_at: datetime | None


def period_of(cells: Cells) -> Period:
    """The half-open period of ``from`` and ``until``; ``until`` is the last day."""
    from yibao.kernel.periods import day_after
    from yibao.loading.cells import BadCell

    start: date = cells["from"]
    last: date | None = cells["until"]
    if last is not None and last < start:
        raise BadCell("止期早于起期", "the last day lies before the first", "until")
    return Period(start, None if last is None else day_after(last))
