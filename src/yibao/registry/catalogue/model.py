"""The catalogue in memory: items, dated terms, diagnoses; read-only, with its version."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date

from yibao.adjudication.model import ItemTerms
from yibao.kernel.areas import Division
from yibao.kernel.money import Price
from yibao.kernel.periods import Period
from yibao.policy.terms import CareKind, Level, Scheme


@dataclass(frozen=True, slots=True)
class Item:
    """A drug or a service item with its national code."""

    code: str
    name: str
    list_type: str
    """目录类别: 101 western and proprietary drugs, 201 services, 301 materials."""
    charge_type: str
    """医疗收费项目类别 (``med_chrgitm_type``): 09 western drugs, 11 proprietary Chinese, …"""
    reference_price: Price
    """Demo data: an invented price, so that the sandbox can bill; see ``demo_price``."""
    demo_price: bool
    """The price was invented by us."""
    demo_class: bool
    """The class was invented by us (no source at hand); False where the NRDL 2024 gives it."""


@dataclass(frozen=True, slots=True)
class TermsRow:
    """Dated terms of one item; None in a condition means "any"."""

    period: Period
    terms: ItemTerms
    area: Division | None = None
    level: Level | None = None
    scheme: Scheme | None = None
    care_kind: CareKind | None = None


@dataclass(frozen=True, slots=True)
class Catalogue:
    """One version of the whole catalogue."""

    version: int
    items: Mapping[str, Item]
    terms: Mapping[str, tuple[TermsRow, ...]]
    """Rows by item code, the most specific first."""
    diagnoses: Mapping[str, str]
    """Insurance ICD-10 code → name."""

    def terms_on(
        self,
        code: str,
        day: date,
        *,
        area: Division,
        level: Level,
        scheme: Scheme,
        care_kind: CareKind,
    ) -> ItemTerms | None:
        """The terms of the row that applies to a fee of ``day`` (费用发生日), or None."""
        for row in self.terms.get(code, ()):
            if (
                row.period.holds(day)
                and (row.area is None or row.area == area)
                and (row.level is None or row.level == level)
                and (row.scheme is None or row.scheme == scheme)
                and (row.care_kind is None or row.care_kind == care_kind)
            ):
                return row.terms
        return None


@dataclass(frozen=True, slots=True)
class Imported:
    """What an import of the packaged catalogue changed, in rows."""

    superseded: int
    recorded: int
