"""What the year's assessment made of the retention (质量保证金). In fen."""

from dataclasses import dataclass
from datetime import datetime

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen


@dataclass(frozen=True, slots=True)
class Assessment:
    """A year's assessment (年度考核): what was kept back of its months is released or forfeited."""

    key: PoolKey
    institution: str
    year: int
    withheld: Fen
    released: Fen
    forfeited: Fen
    reason: str
    assessed_by: str
    assessed_at: datetime

    def __post_init__(self) -> None:
        assert self.withheld == self.released + self.forfeited, self
