"""Money paid ahead to an institution (预付金). In fen."""

from dataclasses import dataclass
from datetime import datetime

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen


@dataclass(frozen=True, slots=True)
class Advance:
    """An advance as it was granted; a review takes it back by setting it off."""

    key: PoolKey
    institution: str
    amount: Fen
    reason: str
    granted_by: str
    granted_at: datetime
