"""The catalogue in memory: items, dated terms, diagnoses; read-only, with its version."""

from collections.abc import Mapping
from datetime import date, datetime
from enum import StrEnum

from yibao.adjudication.model import ItemTerms
from yibao.kernel.areas import Division
from yibao.kernel.frozen import Frozen
from yibao.kernel.money import Price
from yibao.kernel.periods import Period
from yibao.policy.terms import CareKind, Level, Scheme


class Item(Frozen):
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


class TermsRow(Frozen):
    """Dated terms of one item; None in a condition means "any"."""

    period: Period
    terms: ItemTerms
    area: Division | None = None
    level: Level | None = None
    scheme: Scheme | None = None
    care_kind: CareKind | None = None


class Catalogue(Frozen):
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


class Imported(Frozen):
    """What an import of the packaged catalogue changed, in rows."""

    superseded: int
    recorded: int


# --------------------------------------------------------------- what is downloaded and queried


class CodeList(StrEnum):
    """A list of codes and names that can be downloaded; items by their 目录类别."""

    DRUGS = "101"
    SLICES = "102"
    PREPARATIONS = "103"
    ETHNIC_DRUGS = "104"
    GRANULES = "106"
    SERVICES = "201"
    MATERIALS = "301"
    DIAGNOSES = "diagnosis"
    PROCEDURES = "procedure"
    CASE_GROUPS = "case_group"
    """Groups of cases that are paid as one (按病种付费): CHS-DRG."""


class Listed(Frozen):
    """What is known now of one code of a list."""

    code: str
    name: str
    valid: bool
    """False: it was taken off the list."""
    row: int
    """Unique among the rows of its list."""
    listed_at: datetime
    changed_at: datetime
    """Aware UTC; a list's version is the newest of these."""


class ListedQuery(Frozen):
    """Which codes of a list are asked for; what is None is not compared."""

    changed_since: datetime
    """Aware UTC."""
    code: str | None = None
    name: str | None = None
    """A part of the name."""
    valid: bool | None = None


class TermsQuery(Frozen):
    """Which terms are asked for; what is None is not compared."""

    areas: tuple[str, ...]
    """The area asked for and those around it; rows for any area count unless one of these has
    a row of its own."""
    changed_since: datetime
    """Aware UTC."""
    general: bool = True
    """Only terms for every level, scheme and kind of care."""
    with_ceiling: bool = False
    with_first_pay: bool = False
    day: date | None = None
    """Terms that hold on it."""
    valid: bool | None = None
    """Whether they hold on ``today``."""
    today: date | None = None
    start: date | None = None
    """Their first day."""
    code: str | None = None
    name: str | None = None
    """A part of the name."""
    list_type: str | None = None
    charge_type: str | None = None
    item_class: str | None = None
    restricted: bool | None = None
    row: int | None = None
    codes: tuple[str, ...] | None = None
    """Only these."""


class QueriedTerms(Frozen):
    """Terms of an item as a query answers them."""

    row: int
    code: str
    name: str
    list_type: str
    charge_type: str
    start: date
    end: date | None
    """Half-open, like every period."""
    area: str | None
    level: str | None
    scheme: str | None
    care_kind: str | None
    item_class: str
    first_pay: int
    """In 1/10,000."""
    ceiling: Price | None
    restricted: bool
    recorded_at: datetime
