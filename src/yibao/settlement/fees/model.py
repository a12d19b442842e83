"""A charge batch as the room works on it."""

from collections.abc import Mapping
from dataclasses import dataclass

from yibao.adjudication.model import Sums
from yibao.kernel.areas import Division
from yibao.policy.terms import CareKind, Level, Scheme


@dataclass(frozen=True, slots=True)
class Basis:
    """What the classification of a batch's lines depended on; when it differs, classify again."""

    scheme: Scheme
    care_kind: CareKind
    level: Level
    area: Division
    catalogue: int
    """Catalogue version."""


@dataclass(frozen=True, slots=True)
class ChargeBatch:
    """One charge batch (收费批次) of a visit: its lines are settled together."""

    number: int
    visit: int
    label: str
    """The hospital's number (``chrg_bchno``)."""
    institution: str
    withdrawn: bool
    line_count: int
    buckets: Mapping[str, Sums]
    basis: Basis
    living_settlement: int | None

    @property
    def sums(self) -> Sums:
        """Sums over all buckets."""
        return sum(self.buckets.values(), Sums())
