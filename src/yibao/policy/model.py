"""The types of a law: the rules that are built of dated parameters (``parameters.py``).

A law (``Law``) holds every version of every value; the day of a bill chooses among them. Amounts
are fen, ratios are exact fund shares. Nothing here reads a file. ``docs/law/reference.md`` says how
each of these is written.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from fractions import Fraction
from typing import NamedTuple

from yibao.kernel.areas import Division
from yibao.kernel.money import Fen, Rate
from yibao.policy.parameters import Dimension, Parameter, missing
from yibao.policy.purses import AccountRules, FamilyRules
from yibao.policy.terms import (
    CareKind,
    EntitlementExtent,
    Filing,
    Level,
    Place,
    Scheme,
)

PHARMACY = "pharmacy"
"""The place (``places``) that stands for retail pharmacies, beside the levels of hospitals."""

GENERAL_BUCKET = "general"
"""The bucket of fee lines that no law treats apart."""

# -------------------------------------------------------------------------------------- classes


class Fact(StrEnum):
    """A fact of a bill that a law may cut into classes (分类依据)."""

    PERSON_TYPE = "person_type"
    """Prefixes of ``psn_type``; the longest that any class names wins."""
    AGE = "age"
    """Whole years on the bill's day: ranges."""
    GENDER = "gender"
    IDENTITY = "identity"
    """Special identities; the first class of the order that names one of them."""
    TRAIT = "trait"
    """Words the registry keeps of a person: rank of a civil servant, tier of premium, signed."""
    ENROLMENT = "enrolment"
    """Other schemes the person is enrolled in: 320, 330, 370 …"""
    RETIRED_ON = "retired_on"
    """Day of retirement: ranges of dates."""
    ENROLLED_YEARS = "enrolled_years"
    """Years enrolled without a gap: ranges."""
    CLAIM_FREE_YEARS = "claim_free_years"
    """Years without a claim on critical illness, up to now: ranges."""
    LEVEL = "level"
    PLACE = "place"
    FILING = "filing"
    CARE_KIND = "care_kind"
    DISEASE = "disease"
    """Prefixes of the disease's code; the longest wins."""
    CIRCUMSTANCE = "circumstance"
    """Words the bill carries: referred, selected, day_surgery, home_bed …"""
    BUCKET = "bucket"
    TIMES = "times"
    """What a counter of stays will stand at with this bill, 1 for the first: ranges."""
    ITEM_CLASS = "item_class"
    """Of a fee line: A, B, C. Only for parameters of ``[lines]``."""
    ITEM_KIND = "item_kind"
    """Of a fee line: a word of the catalogue (drug, service, implant_imported …)."""
    PART = "part"
    """Of the personal account: current, carried. Only for ``may_pay`` of account and family."""


RANGED = (
    Fact.AGE,
    Fact.RETIRED_ON,
    Fact.ENROLLED_YEARS,
    Fact.CLAIM_FREE_YEARS,
    Fact.TIMES,
)
"""Facts whose classes are ranges; those of the others are words."""


class ClassRule(NamedTuple):
    """One class of a dimension: the words that belong to it, or a half-open range."""

    name: str
    words: tuple[str, ...] = ()
    start: int | date | None = None
    """``from``: the first that belongs to it."""
    below: int | date | None = None
    """The first that no longer does."""


@dataclass(frozen=True, slots=True)
class Classes:
    """A dimension (分类): how a law cuts one fact into classes."""

    dimension: Dimension
    fact: Fact
    rules: tuple[ClassRule, ...]
    """In order: of several that hold (special identities) the first counts, never their sum."""
    otherwise: str | None = None
    """The class of everything else; None: such a bill is in no class."""
    counter: str | None = None
    """For ``times``: the counter of stays."""

    @property
    def names(self) -> tuple[str, ...]:
        """All classes, ``otherwise`` last."""
        names = [rule.name for rule in self.rules]
        return tuple(names) if self.otherwise is None else (*names, self.otherwise)


BUILT_IN = {
    "level": Classes("level", Fact.LEVEL, tuple(ClassRule(w, (w,)) for w in Level)),
    "place": Classes("place", Fact.PLACE, tuple(ClassRule(w, (w,)) for w in Place)),
    "filing": Classes("filing", Fact.FILING, tuple(ClassRule(w, (w,)) for w in Filing)),
    "item_class": Classes("item_class", Fact.ITEM_CLASS, tuple(ClassRule(w, (w,)) for w in "ABC")),
    "part": Classes("part", Fact.PART, tuple(ClassRule(w, (w,)) for w in ("current", "carried"))),
}
"""Dimensions that every law has without declaring them."""


# ------------------------------------------------------------------------------------- counters


class Scope(StrEnum):
    """What one instance of a counter spans."""

    VISIT = "visit"
    """A visit or a stay: all its settlements, interim ones too."""
    VISIT_YEAR = "visit_year"
    """The part of a visit within one benefit year: a stay starts anew at the year's end."""
    CHAIN = "chain"
    """A chain of stays: referrals up and down, readmissions."""
    DAY = "day"
    MONTH = "month"
    QUARTER = "quarter"
    YEAR = "year"
    """The benefit year, which the law may begin on any day."""
    LIFE = "life"


class Counted(StrEnum):
    """What a settlement adds to a counter."""

    DEDUCTIBLE = "deductible"
    """The deductible paid; with ``payers`` the own deductible of those payers."""
    IN_SCOPE = "in_scope"
    """The in-scope amount, deductible included."""
    AFTER_DEDUCTIBLE = "after_deductible"
    """The in-scope amount without the deductible."""
    FUND = "fund"
    """What the payers named by the counter paid."""
    BASE = "base"
    """The base that the payers named worked on, their own deductible included."""
    BASE_AFTER_DEDUCTIBLE = "base_after_deductible"
    """The same without their own deductible."""
    STAYS = "stays"
    """1 for the first settlement of a visit, 0 for its later ones (interim settlements)."""
    PAYMENTS = "payments"
    """1 for a bill that one of the payers named paid something of."""


TIMES = frozenset({Counted.STAYS, Counted.PAYMENTS})
"""These count times, all others fen."""


@dataclass(frozen=True, slots=True)
class Counter:
    """An accumulator (累计) that the law declares."""

    name: str
    title: str
    scope: Scope
    counts: Counted
    schemes: tuple[Scheme, ...]
    """Schemes that feed and read it; each of their laws declares it alike."""
    benefits: tuple[str, ...]
    """Benefits of this law (and so kinds of care) that feed and read it."""
    payers: tuple[str, ...] = ()
    """For what payers pay or work on: which; a payer common to several benefits, or a benefit's."""
    by: tuple[Dimension, ...] = ()
    """An instance of its own for each class: stays by level, limits by disease. A change of
    person type restarts a counter that is ``by = ["person"]``."""
    spread: bool = False
    """Of month or quarter: a prescription for several months is charged to each of them."""
    moves: bool = True
    """Whether its value goes along when the person moves to another area (随迁)."""

    @property
    def in_times(self) -> bool:
        """Whether it counts times, not fen."""
        return self.counts in TIMES


@dataclass(frozen=True, slots=True)
class Factor:
    """A named factor on an amount: × 0.5 for pupils, × 0.5 for poor people."""

    key: str
    value: Parameter[Fraction]


@dataclass(frozen=True, slots=True)
class Growth:
    """An amount that grows with years (连续参保激励): ``step`` for each year after ``after``."""

    key: str
    years: Fact
    """``enrolled_years`` or ``claim_free_years``."""
    after: Parameter[int]
    step: Parameter[Fen | None]


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount measured on a counter: a deductible's height, or a payer's cap. None: no limit.

    height = round(amount × factors) + growth, then × the number of begun ``every_days`` of the
    stay, + ``further`` × the number of further diseases.
    """

    key: str
    counter: Counter
    amount: Parameter[Fen | None]
    """Fen, or times where the counter counts times."""
    factors: tuple[Factor, ...] = ()
    growth: tuple[Growth, ...] = ()
    growth_at_most: Parameter[Fraction] | None = None
    """All growth together is at most this part of the amount."""
    every_days: Parameter[int | None] | None = None
    """Due again after every so many days of a stay; None: once."""
    further: Parameter[Fen | None] | None = None
    """Added for each further disease of the bill (several chronic diseases at once)."""


# --------------------------------------------------------------------------------------- payers


class Band(NamedTuple):
    """One band (费用段): the fund's share between two points of the axis; ``to`` None is open."""

    above: Fen
    to: Fen | None
    rate: Rate


Bands = tuple[Band, ...] | None
"""The bands of a payer in one case; None: it does not pay in that case."""


class Axis(StrEnum):
    """What the bounds of bands are measured on."""

    ABSOLUTE = "absolute"
    """The cost: the deductible lies inside the first band."""
    AFTER_DEDUCTIBLE = "after_deductible"
    """The cost above the deductible."""
    FUND_PAID = "fund_paid"
    """What the fund has paid; a bound inside a bill is found by inverting the band."""


class Base(StrEnum):
    """Which part of the cost a payer works on."""

    IN_SCOPE = "in_scope"
    """The in-scope amount above the deductible: the first payer of a benefit."""
    CO_PAY = "co_pay"
    """What the payers before left of it, without the deductible."""
    UNPAID = "unpaid"
    """What the payers before left of the in-scope amount, deductible included."""
    ABOVE_CAP = "above_cap"
    """The cost above the point where a payer before (``above_cap_of``) met its cap."""
    OUTSIDE = "outside"
    """Nothing of the in-scope amount: only what ``also`` names."""


class Component(StrEnum):
    """Parts of a bill outside the scope that a payer may count into its base (A45)."""

    FIRST_PAY = "first_pay"
    OVER_LIMIT = "over_limit"
    OWN = "own"


class AdjustmentKind(StrEnum):
    """How an adjustment changes the ratio of every band that pays."""

    OWN_SHARE_TIMES = "own_share_times"
    """own share × value: retired × 0.6."""
    FUND_SHARE_TIMES = "fund_share_times"
    """fund share × value: unfiled × 0.9."""
    POINTS = "points"
    """fund share + value: retired + 0.02, unfiled − 0.10."""
    POINTS_PER_YEAR_OF_AGE = "points_per_year_of_age"
    """fund share + value × whole years of age: 75 % + 0.2 points a year."""


@dataclass(frozen=True, slots=True)
class Adjustment:
    """One change of the ratios. The result is held within 0..1; a ratio of 0 stays 0."""

    key: str
    kind: AdjustmentKind
    value: Parameter[Fraction]


class ReportedAs(NamedTuple):
    """How the interface names a payer: fund code (基金支付类型) and amount field."""

    fund: str
    amount_field: str


@dataclass(frozen=True, slots=True)
class Payer:
    """A fund (支付方) in its place of the order."""

    key: str
    title: str
    english: str
    reported_as: Parameter[ReportedAs]
    base: Base
    axis: Axis
    counter: Counter | None
    """Counts the axis beyond the bill (the year); None: bands run over the bill alone."""
    bands: Parameter[Bands]
    caps: tuple[Limit, ...]
    deductible: tuple[Limit, ...] = ()
    """Its own (critical illness): due is the least that any of them leaves of the base."""
    adjustments: tuple[Adjustment, ...] = ()
    """In the order in which they are applied."""
    above_cap_of: str | None = None
    """For base ``above_cap``: of which payer."""
    also: Mapping[Component, Parameter[Fraction]] = field(default_factory=dict)
    """Parts outside the scope that its base counts, each with the share of it that counts."""
    benefits: tuple[str, ...] = ()
    """Of a common payer (``[payers]``): the benefits whose parts of a bill it works on."""


# ------------------------------------------------------------------------------------- benefits


class DateBasis(StrEnum):
    """Which day of a bill decides (``date_basis``)."""

    VISIT = "visit"
    """The begin of the visit."""
    FEE = "fee"
    """The day of the last fee."""
    ADMISSION = "admission"
    DISCHARGE = "discharge"
    SETTLEMENT = "settlement"


class AcrossYear(StrEnum):
    """What becomes of a stay over the end of the benefit year."""

    WHOLE = "whole"
    """Settled whole in the year of the day that decides."""
    CUT = "cut"
    """It must be settled up to the year's end, and the rest on its own."""


class OutOfOrder(StrEnum):
    """Whether a bill may be cancelled while a later one depends on it."""

    ALLOW = "allow"
    FLAG = "flag"
    """Allowed; the later bills are flagged for re-settlement."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class FixedPrice:
    """A price for a whole case (单病种, 日间手术, 床日): what lies above it is the hospital's."""

    amount: Parameter[Fen | None]
    per_day: bool
    """The amount is for one day of the stay."""


@dataclass(frozen=True, slots=True)
class BenefitRules:
    """The rules of one benefit (待遇): general outpatient or inpatient care, a chronic disease."""

    key: str
    title: str
    english: str
    care_kinds: Parameter[frozenset[str]]
    """Kinds of care (``med_type``) the benefit is for."""
    places: Parameter[frozenset[str]]
    """Levels (and ``pharmacy``) where the scheme pays; elsewhere account and cash pay."""
    deductible: tuple[Limit, ...]
    """Due is the least that any of them leaves."""
    payers: tuple[Payer, ...]
    counters: tuple[Counter, ...]
    """All counters that the benefit feeds or reads."""
    buckets: tuple[str, ...] = (GENERAL_BUCKET,)
    """The fee lines it is for; lines of other buckets of the bill are another benefit's part."""
    first_pay: Parameter[Fraction] | None = None
    """Own share of the in-scope amount before everything else (out-of-area first pay)."""
    fixed_price: FixedPrice | None = None
    date_basis: Mapping[str, Parameter[DateBasis]] = field(default_factory=dict)
    """By what is decided: ``law``, ``person``, ``identity``, ``entitlement``."""
    across_year: Parameter[AcrossYear] | None = None
    out_of_order: Parameter[OutOfOrder] | None = None


# ---------------------------------------------------------------------------- the law's other rules


class OverLimit(StrEnum):
    """What becomes of the price above a ceiling (``overlmt_dspo_way``)."""

    OWN = "own"
    """The excess is the person's."""
    WHOLE = "whole"
    """The whole line is own expense."""
    HOSPITAL = "hospital"
    """The excess is the hospital's part."""
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True)
class LineRules:
    """How fee lines are split where the catalogue's row leaves it to the law.

    Each may differ by ``item_class`` and ``item_kind`` and by the bill's other dimensions.
    """

    first_pay: Parameter[Fraction] | None = None
    """First self-pay share (先行自付) of an item whose row names none."""
    over_limit: Parameter[OverLimit] | None = None
    bucket: Parameter[str] | None = None
    """The bucket of an item whose row names none."""


@dataclass(frozen=True, slots=True)
class Allowance:
    """A sum of money by formula (津贴、划账): base × rate ÷ divisor × units + lump, rounded once.

    Maternity allowances (monthly base ÷ 30 × days) and the monthly credit of personal accounts.
    """

    key: str
    title: str
    english: str
    rate: Parameter[Fraction] | None
    divisor: Parameter[Fraction] | None
    units: Parameter[Fraction] | None
    """Months or days; None: the claim says how many."""
    lump: Parameter[Fen | None] | None


@dataclass(frozen=True, slots=True)
class EntitlementRules:
    """How enrolment and payments make entitlement (待遇享受): all in whole months or days."""

    waiting_months: Parameter[int | None]
    """After the first payment of a late or interrupted enrolment (等待期)."""
    gap_months: Parameter[int | None]
    """Months unpaid up to which an enrolment counts as continuous."""
    grace_months: Parameter[int | None]
    """Months after the last paid one in which the fund still pays."""
    repay_months: Parameter[int | None]
    """Arrears paid back within so many months reach back (补缴追溯)."""
    newborn_days: Parameter[int | None]
    """A child enrolled within so many days of birth is covered from birth."""
    arrears: Parameter[EntitlementExtent]
    """What is left while payments are owed: usually the account alone."""


@dataclass(frozen=True, slots=True)
class StayRules:
    """Which stays belong together as one chain (counters of scope ``chain``)."""

    referral_days: Parameter[int | None]
    """A transfer between hospitals within so many days continues the chain."""
    readmission_days: Parameter[int | None]
    """Readmission to the same hospital within so many days continues it."""
    emergency_days: Parameter[int | None]
    """Emergency care so many days before an admission belongs to the stay."""


@dataclass(frozen=True, slots=True, eq=False)
class Law:
    """The effective law of one area and scheme, with all its versions.

    Laws are told apart by identity (cheap to remember answers by); equal content has an equal
    ``fingerprint``.
    """

    area: Division
    scheme: Scheme
    title: str
    file: str
    until: date | None
    """The first day on which the law no longer holds; None: open."""
    classes: Mapping[Dimension, Classes]
    """Built-in dimensions and the law's own."""
    year_start: Parameter[tuple[int, int]]
    """Month and day on which the benefit year (待遇年度) begins."""
    counters: Mapping[str, Counter]
    account: AccountRules
    family: FamilyRules | None
    """None: no relative's account may pay."""
    lines: LineRules
    benefits: tuple[BenefitRules, ...]
    payers: tuple[Payer, ...]
    """Common payers in their order, after those of the benefits (critical illness, assistance)."""
    allowances: Mapping[str, Allowance]
    entitlement: EntitlementRules | None
    stays: StayRules | None
    unpaid_care_kinds: Parameter[frozenset[str]]
    """Kinds of care for which the scheme pays nothing: account and cash pay."""
    numbers: frozenset[Fact]
    """Facts whose number itself enters a formula (age, years enrolled)."""
    canonical: str
    """Canonical JSON text, to be stored: ``law_book.law_from_canonical`` reads it back."""
    fingerprint: str
    """SHA-256 of ``canonical``, hex."""

    def year_begin(self, day: date) -> date:
        """The first day of the benefit year that ``day`` lies in."""
        month, first = self.year_start.find(day, {}).value
        year = day.year if (day.month, day.day) >= (month, first) else day.year - 1
        return date(year, month, first)

    def benefit_year(self, day: date) -> str:
        """The benefit year that ``day`` lies in: ``2026``, or its first day if not 1 January."""
        begin = self.year_begin(day)
        return str(begin.year) if (begin.month, begin.day) == (1, 1) else begin.isoformat()

    def benefit_for(
        self, care_kind: CareKind, day: date, bucket: str = GENERAL_BUCKET
    ) -> BenefitRules | None:
        """The benefit for a kind of care and bucket; None when the scheme pays nothing for it.

        Refused: PARAMETER_MISSING when the law does not say, or no longer holds.
        """
        if self.until is not None and day >= self.until:
            raise missing("law.until", day)
        named = [b for b in self.benefits if care_kind in words_on(b.care_kinds, day)]
        for benefit in named:
            if bucket in benefit.buckets:
                return benefit
        if care_kind in words_on(self.unpaid_care_kinds, day):
            return None
        if named:
            raise missing(f"benefits.*.buckets.{bucket}", day)
        for words in (*(benefit.care_kinds for benefit in self.benefits), self.unpaid_care_kinds):
            if any(care_kind in version.cases[()] for version in words.versions):
                raise missing(words.path, day)  # the law speaks of it, but not yet on this day
        raise missing(f"benefits.*.care_kinds.{care_kind}", day)


def words_on(words: Parameter[frozenset[str]], day: date) -> frozenset[str]:
    """The words in force on a day; none before the first: a benefit that has not begun."""
    version = words.in_force(day)
    return frozenset() if version is None else version.cases[()]
