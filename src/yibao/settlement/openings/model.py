"""What is brought in from an older system."""

from dataclasses import dataclass

from yibao.adjudication.model import CounterKey
from yibao.kernel.money import Fen
from yibao.settlement.model import Admit


@dataclass(frozen=True, slots=True)
class BroughtCounter:
    """What stands on a counter (累计期初)."""

    member: str
    key: CounterKey
    value: int
    """Fen, or times of a counter that counts them."""


@dataclass(frozen=True, slots=True)
class BroughtPart:
    """What one part of a personal account holds (个人账户期初余额)."""

    member: str
    year: int
    origin: str
    """``current`` or ``carried``."""
    amount: Fen

    @property
    def part(self) -> str:
        """The part's name."""
        return f"{self.year}:{self.origin}"


@dataclass(frozen=True, slots=True)
class BroughtStay:
    """A stay that goes on over the day of go-live (在院)."""

    admission: Admit

    @property
    def member(self) -> str:
        """Who lies there."""
        return self.admission.member


Opening = BroughtCounter | BroughtPart | BroughtStay
