"""What the room tells: faults of a population, what it is made of, what a comparison counted."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import NamedTuple

from yibao.kernel.money import Fen


class PopulationError(Exception):
    """A population that cannot be used: names the file, the column and the reason."""

    def __init__(self, file: str, column: str, reason: str) -> None:
        self.file = file
        self.column = column
        self.reason = reason
        super().__init__(f"{file}: {column}: {reason}")


class Cell(NamedTuple):
    """A group of bills as fine as the tables need them: everything else is a sum over cells."""

    person_type: str
    """The first two digits of ``psn_type``."""
    age: str
    """``0-17``, ``18-44`` … ``80+``."""
    identity: str
    """Special identities joined by ``+``; empty for none."""
    level: str
    """``grass``, ``l1`` … ``prov``, ``pharmacy``."""


@dataclass(slots=True)
class Sums:
    """What is summed of a group: amounts in fen, before (law A) and after (law B)."""

    bills: int = 0
    total: Fen = 0
    personal_before: Fen = 0
    personal_after: Fen = 0
    funds_before: Fen = 0
    funds_after: Fen = 0
    persons: int = 0
    """Persons whose last bill lies in the group."""
    winners: int = 0
    """Of them: pay less under law B."""
    losers: int = 0
    """Of them: pay more under law B."""

    def add(self, other: "Sums") -> None:
        """Add another group's sums."""
        for name in Sums.__slots__:
            setattr(self, name, getattr(self, name) + getattr(other, name))

    @property
    def change(self) -> Fen:
        """What the persons pay more (or less) under law B."""
        return self.personal_after - self.personal_before


class LawLabel(NamedTuple):
    """How a report names a law."""

    title: str
    area: str
    scheme: str
    file: str
    fingerprint: str


class PayerLabel(NamedTuple):
    """How a report names a payer of either law."""

    title: str
    english: str
    funds: tuple[str, ...]
    """National fund codes that the law reports it as."""
    has_line: bool
    """Whether it has a deductible of its own, such as the critical-illness line (大病起付线)."""


@dataclass(frozen=True, slots=True)
class PayerChange:
    """One payer before and after."""

    path: str
    label: PayerLabel
    before: Fen
    after: Fen
    bills_before: int
    bills_after: int
    over_before: int
    """Persons who rose over the payer's own deductible at least once, and so were paid."""
    over_after: int

    @property
    def difference(self) -> Fen:
        """After − before."""
        return self.after - self.before

    @property
    def pays(self) -> bool:
        """Whether it pays anything under either law."""
        return bool(self.before or self.after)


class Decile(NamedTuple):
    """A tenth of the persons, ordered by what they pay under law A."""

    persons: int
    up_to: Fen
    """The most that one of them pays under law A, to within 1 %."""
    before: Fen
    after: Fen


class ChangeBin(NamedTuple):
    """Persons whose payments change by more than ``above`` and at most ``to`` fen (None: open)."""

    above: Fen | None
    to: Fen | None
    persons: int


@dataclass(frozen=True, slots=True)
class PopulationFacts:
    """What a file of bills holds, as its scan found it."""

    source: str
    bills: int
    persons: int
    first_day: date
    last_day: date
    artificial: bool = False
    """Whether it was generated; a report must say so."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Two laws over one population: figures only, no person (方案测算结果)."""

    before: LawLabel
    after: LawLabel
    population: PopulationFacts
    compared: Sums
    """Over all bills that both laws decide."""
    payers: tuple[PayerChange, ...]
    cells: Mapping[Cell, Sums]
    changes: tuple[ChangeBin, ...]
    deciles: tuple[Decile, ...]
    refused_before: Mapping[str, int]
    """Bills that law A refuses, by the name of the missing parameter."""
    refused_after: Mapping[str, int]
    refused: int
    """Bills that either refuses; they are in no sum."""
    lines_recomputed: bool
    """Whether the sums were made anew from fee lines, because the laws' line rules differ."""
    assumed: tuple[str, ...] = ()
    """Columns that the file lacks and the laws ask for, taken as their default."""
    by_scalar: int = 0
    """Decisions that the columns left to the scalar engine, bill by bill."""
    seconds: float = 0
    """Wall time of the evaluation."""
    notes: tuple[str, ...] = field(default=())

    def by(self, dimension: str) -> dict[str, Sums]:
        """Sums by one dimension of the cells: ``person_type``, ``age``, ``identity``, ``level``."""
        place = Cell._fields.index(dimension)
        grouped: dict[str, Sums] = {}
        for cell in sorted(self.cells):
            grouped.setdefault(cell[place], Sums()).add(self.cells[cell])
        return grouped
