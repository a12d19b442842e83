"""What the law says to bills of one case, found once for all of them: the types.

A ``Plan`` holds everything that the amounts of bills of one case meet in ``benefit`` and, on
columns, in ``columns``. Nothing in it depends on amounts or counters, but for ``times`` dimensions,
whose class the counters of stays decide. ``applicable`` makes it.
"""

from collections.abc import Mapping
from fractions import Fraction
from typing import NamedTuple

from yibao.kernel.money import Fen
from yibao.policy.model import (
    AcrossYear,
    Adjustment,
    Band,
    Bands,
    BenefitRules,
    Component,
    Growth,
    Limit,
    Payer,
    ReportedAs,
)
from yibao.policy.parameters import Case, Found
from yibao.policy.purses import PersonalPart


class FoundLimit(NamedTuple):
    """A limit with its values."""

    limit: Limit
    amount: Found[Fen | None]
    factors: tuple[Found[Fraction], ...]
    growth: tuple[tuple[Growth, Fen], ...]
    """Each growth with what it adds for the person's years."""
    height: Fen | None
    """amount × factors + growth, rounded half-up; None: no limit. Still without ``every_days`` and
    ``further``, which meet the bill's days and diseases in the engine."""
    every_days: Found[int | None] | None
    further: Found[Fen | None] | None


class PartFeeds(NamedTuple):
    """The counters that a part of a bill moves, by what they count."""

    deductible: tuple[str, ...] = ()
    in_scope: tuple[str, ...] = ()
    after_deductible: tuple[str, ...] = ()
    stays: tuple[str, ...] = ()


class PayerFeeds(NamedTuple):
    """The counters that a payer moves, by what they count."""

    fund: tuple[str, ...] = ()
    base: tuple[str, ...] = ()
    base_after_deductible: tuple[str, ...] = ()
    deductible: tuple[str, ...] = ()
    payments: tuple[str, ...] = ()


class FoundPayer(NamedTuple):
    """A payer with its values. One that does not pay in this case has no other values found."""

    payer: Payer
    path: str
    """``benefits.inpatient.payers.pool`` or ``payers.assistance``."""
    reported_as: Found[ReportedAs]
    bands: Found[Bands]
    adjustments: tuple[tuple[Adjustment, Found[Fraction]], ...]
    effective: tuple[Band, ...] | None
    """The bands after the adjustments; None: the payer does not pay in this case."""
    deductible: tuple[FoundLimit, ...]
    caps: tuple[FoundLimit, ...]
    also: Mapping[Component, Found[Fraction]]
    feeds: PayerFeeds = PayerFeeds()


class Part(NamedTuple):
    """One benefit as it applies to its part of a bill."""

    rules: BenefitRules
    first_pay: Found[Fraction] | None
    """Out-of-area first pay; None where the law has none."""
    fixed_price: Found[Fen | None] | None
    """Looked up only for a bill that is settled at a fixed price."""
    across_year: Found[AcrossYear] | None
    deductible: tuple[FoundLimit, ...]
    payers: tuple[FoundPayer, ...]
    feeds: PartFeeds = PartFeeds()


class NotCovered(NamedTuple):
    """Why the scheme pays nothing of a part of a bill: account and cash do."""

    reason: str
    """``care_kind``, ``place`` or ``entitlement``."""
    because: Found[frozenset[str]] | None
    """What the law says about it; None where it is not the law but the entitlement."""


class FoundAccount(NamedTuple):
    """The account's rules with their values; ``may_pay`` by part of the account."""

    may_pay: Mapping[str, Found[frozenset[PersonalPart]]]
    parts: Found[tuple[str, ...]]
    spent_first: Found[tuple[str, ...]] | None
    order: tuple[tuple[str, tuple[PersonalPart, ...]], ...] = ()
    """``may_pay`` in the order of ``parts``, what it may pay in the order in which it does."""
    payable: tuple[PersonalPart, ...] = ()
    """What any of them may pay."""


class FoundFamily(NamedTuple):
    """The rules of relatives' accounts with their values; ``may_pay`` by part of the account."""

    may_pay: Mapping[str, Found[frozenset[PersonalPart]]]
    parts: Found[tuple[str, ...]]
    order: tuple[tuple[str, tuple[PersonalPart, ...]], ...]
    """As of ``FoundAccount``."""


class Plan(NamedTuple):
    """Everything the law says to bills of one case: parts by bucket, then the common payers."""

    case: Case
    parts: Mapping[str, Part | NotCovered]
    """By bucket of the bill."""
    payers: tuple[FoundPayer, ...]
    """Common payers in their order."""
    deductible_is_personal: bool
    """No payer's base holds the deductible."""
    groups: tuple[tuple[Part | NotCovered, tuple[str, ...]], ...] = ()
    """Each part once, with its buckets, in the order of the computation."""
