"""Dated parameters: every value of a law with its day, its cases, its sources and confidence."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date
from enum import StrEnum
from typing import Generic, NamedTuple, TypeVar

from yibao.kernel.refusals import RefusalCode, Refused

T = TypeVar("T")


class LawError(Exception):
    """A law file that cannot be used: names the file, the key and the reason."""

    def __init__(self, file: str, key: str, reason: str) -> None:
        self.file = file
        self.key = key
        self.reason = reason
        super().__init__(f"{file}: {key}: {reason}")


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


Dimension = str
"""A fact of the bill, cut into classes, that a value may differ by. Always there: ``level``,
``place``, ``filing``; a law declares others (``person``, ``age``, ``nth`` …) in ``[classes]``."""

Case = Mapping[Dimension, str | None]
"""The classes of one bill in the law's words; None when the law places the fact in no class."""


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
    unit: str = ""
    """What the values are in: yuan, times, days, months, years, share, number, points; bands
    are kept as ``fund_share``, however they were written. Empty for words."""
    relations: Mapping[tuple[str | None, ...], str] = field(default_factory=dict)
    """The cases that the law tells by another case, and how: ``active × 0.7``."""


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

    def in_force(self, day: date) -> Version[T] | None:
        """The version that holds on a day; None when none has begun."""
        for version in self.versions:
            if version.start <= day:
                return version
        return None

    def find(self, day: date, case: Case) -> Found[T]:
        """The value for a bill of ``day``. Refused: PARAMETER_MISSING, naming the parameter."""
        for version in self.versions:
            if version.start <= day:
                by = version.by
                key = tuple([case.get(dimension) for dimension in by]) if by else ()
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
