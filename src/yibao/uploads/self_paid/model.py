"""A self-paying patient's visit, as uploaded piece by piece. Rows hold fields as they were sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Piece:
    """What one message says of one visit: it adds, takes away, or says that all is there."""

    own_visit: str
    """The institution's own number of the visit (``fixmedins_mdtrt_id``)."""
    visits: tuple[Row, ...] = ()
    diagnoses: tuple[Row, ...] = ()
    lines: tuple[tuple[str, Row], ...] = ()
    """Fee lines by their serial numbers."""
    removed_lines: tuple[str, ...] = ()
    """Serials of lines that are taken away."""
    removes_lines: bool = False
    """All lines are taken away."""
    removes_all: bool = False
    """The whole visit is taken away."""
    complete: bool | None = None
    """True: nothing more comes; False: it goes on after all; None: not said."""

    @property
    def removes(self) -> bool:
        """Whether it takes anything away."""
        return self.removes_all or self.removes_lines or bool(self.removed_lines)


@dataclass(frozen=True, slots=True)
class KeepSelfPaid:
    """Keep pieces of visits (4201 to 4206); all of them or none."""

    institution: str
    transaction: str
    pieces: tuple[Piece, ...]


@dataclass(frozen=True, slots=True)
class SelfPaidVisit:
    """A visit as it stands."""

    visits: tuple[Row, ...] = ()
    diagnoses: tuple[Row, ...] = ()
    lines: Mapping[str, Row] | None = None
    complete: bool = False

    @property
    def is_there(self) -> bool:
        """Whether anything of it stands."""
        return bool(self.visits or self.diagnoses or self.lines)
