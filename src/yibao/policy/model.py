"""The types of a law: dated parameters with their sources, and the rules that are built of them.

A law (``Law``) holds every version of every value; the day of a bill chooses among them. Amounts
are fen, ratios are exact fund shares. Nothing here reads a file.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from yibao.kernel.areas import Division
from yibao.kernel.money import Fen, Rate
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import CareKind, Level, PersonType, Scheme

T = TypeVar("T")

PHARMACY = "pharmacy"
"""The place (``places``) that stands for retail pharmacies, beside the levels of hospitals."""


class LawError(Exception):
    """A law file that cannot be used: names the file, the key and the reason."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        self.file = file
        self.key = key
        self.reason = reason
        super().__init__(f"{file}: {key}: {reason}")


# ------------------------------------------------------------------------------ dated parameters


class Confidence(StrEnum):
    """How well a value is known."""

    PAGE = "page"
    """A published page says it."""
    RECORD = "record"
    """Read off a real settlement record."""
    REPOSITORY = "repo"
    """A third party's code says it."""
    GENERAL = "general"
    """Known from the field; no page found."""
    INFERRED = "inferred"
    """Follows from published figures."""


class Source(NamedTuple):
    """Where a value was read (出处)."""

    title: str
    url: str


class Dimension(StrEnum):
    """A fact of the bill that a value may differ by."""

    PERSON = "person"
    """Person class, as the law's ``[persons]`` cuts person types."""
    LEVEL = "level"
    """Benefit level of the institution."""


class Case(NamedTuple):
    """The facts of one bill in the law's words, one field a ``Dimension``."""

    person: str | None
    """Person class; None when the law does not place the person type."""
    level: Level


@dataclass(frozen=True, slots=True)
class Version(Generic[T]):
    """A parameter's value from a day on, until the next version begins."""

    start: date
    by: tuple[Dimension, ...]
    cases: Mapping[tuple[str | None, ...], T]
    """Value by the dimensions of ``by``; one entry with the empty key when there are none."""
    file: str
    """The law file it stands in (a city's law may take it from the province's)."""
    sources: tuple[Source, ...]
    confidence: Confidence
    note: str = ""


class Found(NamedTuple, Generic[T]):
    """A parameter's value for one bill, with where it came from."""

    value: T
    path: str
    key: tuple[str | None, ...]
    version: Version[T]

    @property
    def parameter(self) -> str:
        """File and path with the case, as a trace names it."""
        return f"{self.version.file}: {case_path(self.path, self.key)}"

    @property
    def reference(self) -> str:
        """The sources, as a trace names them."""
        sources = "; ".join(f"{title} <{url}>" for title, url in self.version.sources)
        return f"{sources} [{self.version.confidence}]"


@dataclass(frozen=True, slots=True)
class Parameter(Generic[T]):
    """A dated parameter (参数). Without versions it is known to exist and its value is not."""

    path: str
    versions: tuple[Version[T], ...] = ()
    """Latest start first."""

    def find(self, day: date, case: Case) -> Found[T]:
        """The value for a bill of ``day``. Refused: PARAMETER_MISSING, naming the parameter."""
        for version in self.versions:
            if version.start <= day:
                by = version.by
                key = tuple([getattr(case, dimension) for dimension in by]) if by else ()
                if key not in version.cases:
                    raise missing(case_path(self.path, key), day)
                return Found(version.cases[key], self.path, key, version)
        raise missing(self.path, day)


def case_path(path: str, key: tuple[str | None, ...]) -> str:
    """A parameter's path with its case: ``… .amount.active``."""
    return ".".join([path, *(part or "unknown" for part in key)])


def missing(path: str, day: date) -> Refused:
    """The refusal for a parameter that the law should have and lacks."""
    return Refused(
        RefusalCode.PARAMETER_MISSING,
        f"统筹区待遇规则缺少参数 {path}（{day.isoformat()}）",
        field="law",
        parameter=path,
        day=day.isoformat(),
    )


# ---------------------------------------------------------------------------------------- rules


class Scope(StrEnum):
    """What one instance of a counter spans."""

    VISIT = "visit"
    DAY = "day"
    MONTH = "month"
    YEAR = "year"
    """The benefit year, which the law may begin on any day."""
    LIFE = "life"


class Counted(StrEnum):
    """What a settlement adds to a counter."""

    DEDUCTIBLE = "deductible"
    """The deductible paid."""
    IN_SCOPE = "in_scope"
    """The in-scope amount, deductible included."""
    AFTER_DEDUCTIBLE = "after_deductible"
    """The in-scope amount without the deductible."""
    FUND = "fund"
    """What the payers named by the counter paid."""


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
    """For ``fund``: whose payments are counted."""


@dataclass(frozen=True, slots=True)
class Limit:
    """An amount measured on a counter: a deductible's height, or a payer's cap. None: no limit."""

    key: str
    counter: Counter
    amount: Parameter[Fen | None]


class Band(NamedTuple):
    """One band (费用段): the fund's share between two points of the axis; ``to`` None is open."""

    above: Fen
    to: Fen | None
    rate: Rate


class Axis(StrEnum):
    """What the bounds of bands are measured on."""

    ABSOLUTE = "absolute"
    """The in-scope amount: the deductible lies inside the first band."""
    AFTER_DEDUCTIBLE = "after_deductible"
    """The in-scope amount above the deductible."""
    FUND_PAID = "fund_paid"
    """What the fund has paid; a bound inside a bill is found by inverting the band."""


class Base(StrEnum):
    """Which part of the in-scope amount a payer works on."""

    IN_SCOPE = "in_scope"
    """The in-scope amount above the deductible: the first payer."""
    CO_PAY = "co_pay"
    """What the payers before left of it, without the deductible."""
    UNPAID = "unpaid"
    """What the payers before left of the in-scope amount, deductible included."""
    ABOVE_CAP = "above_cap"
    """The cost above the point where the payer before met its cap."""


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
    bands: Parameter[tuple[Band, ...]]
    caps: tuple[Limit, ...]


@dataclass(frozen=True, slots=True)
class BenefitRules:
    """The rules of one benefit (待遇): general outpatient care, later inpatient care and others."""

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


class PersonalPart(StrEnum):
    """Parts of what the person pays, as far as the personal account's rules tell them apart."""

    DEDUCTIBLE = "deductible"
    CO_PAY = "co_pay"
    FIRST_PAY = "first_pay"
    OVER_LIMIT = "over_limit"
    OWN = "own"


@dataclass(frozen=True, slots=True)
class AccountRules:
    """What the own personal account (个人账户) may pay, and which of its parts in which order."""

    may_pay: Parameter[frozenset[PersonalPart]]
    parts: Parameter[tuple[str, ...]]


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
    persons: Mapping[str, str]
    """Person class by prefix of the person type."""
    year_start: Parameter[tuple[int, int]]
    """Month and day on which the benefit year (待遇年度) begins."""
    counters: Mapping[str, Counter]
    account: AccountRules
    benefits: tuple[BenefitRules, ...]
    unpaid_care_kinds: Parameter[frozenset[str]]
    """Kinds of care for which the scheme pays nothing: account and cash pay."""
    canonical: str
    """Canonical JSON text, to be stored: ``law_book.law_from_canonical`` reads it back."""
    fingerprint: str
    """SHA-256 of ``canonical``, hex."""

    def person_class(self, person_type: PersonType) -> str | None:
        """The class of a person type: the longest prefix that the law names."""
        for length in range(len(person_type), 0, -1):
            found = self.persons.get(person_type[:length])
            if found is not None:
                return found
        return None

    def benefit_year(self, day: date) -> str:
        """The benefit year that ``day`` lies in: ``2026``, or its first day if not 1 January."""
        month, first = self.year_start.find(day, _NO_CASE).value
        year = day.year if (day.month, day.day) >= (month, first) else day.year - 1
        return str(year) if (month, first) == (1, 1) else date(year, month, first).isoformat()

    def benefit_for(self, care_kind: CareKind, day: date) -> BenefitRules | None:
        """The benefit for a kind of care; None when the scheme pays nothing for it.

        Refused: PARAMETER_MISSING when the law does not say.
        """
        for benefit in self.benefits:
            if care_kind in benefit.care_kinds.find(day, _NO_CASE).value:
                return benefit
        if care_kind in self.unpaid_care_kinds.find(day, _NO_CASE).value:
            return None
        raise missing(f"benefits.*.care_kinds.{care_kind}", day)


_NO_CASE = Case(None, Level.FIRST)
"""For parameters that never differ by a bill's facts."""
