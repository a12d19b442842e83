"""What a bureau asks for, and what a correction came to. Amounts in fen."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen
from yibao.policy.terms import Scheme


class Renewal(StrEnum):
    """By what the bills of a chain are decided again."""

    COUNTERS = "counters"
    """Facts and law as settled; the counters as they stand now."""
    FACTS = "facts"
    """What is known now of person, institution and catalogue; the law as settled."""
    LAW = "law"
    """The law in force now for the bill's day; the facts as settled."""
    ALL = "all"
    """Facts known now, and the law in force now."""


@dataclass(frozen=True, slots=True)
class Resettle:
    """Decide a member's bills again, in the order they were settled (重新结算)."""

    member: str
    renewal: Renewal = Renewal.COUNTERS
    since: date | None = None
    """Bills of this day or later; None: from the first that is flagged, or all of them."""


@dataclass(frozen=True, slots=True)
class AddPayer:
    """Add payers that were not open when a period's bills were settled (补充结算)."""

    member: str
    first_day: date
    last_day: date


@dataclass(frozen=True, slots=True)
class CloseYear:
    """Bills of a scheme up to a day are the bureau's alone to cancel (年度关账)."""

    scheme: Scheme
    until: date


@dataclass(frozen=True, slots=True)
class Changed:
    """A bill whose amounts or counters came out otherwise."""

    settlement: PoolKey
    supplement: PoolKey
    """The row that carries the difference; its total is 0."""
    differences: Mapping[str, Fen]


@dataclass(frozen=True, slots=True)
class Resettled:
    """What deciding a chain again came to."""

    looked_at: int
    """Bills that were decided again."""
    changed: tuple[Changed, ...]
    resolved: int
    """Flags that are resolved with it."""
    owed: Fen
    """What the person is owed by it; negative: owes."""
    to_accounts: Fen
    """What went back into personal accounts."""
