"""Institutions, their dated terms, and the senders that may speak for them."""

from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.policy.terms import Level


class InstitutionKind(StrEnum):
    """``fixmedins_type``: 1 hospital or community centre, 2 retail pharmacy."""

    HOSPITAL = "1"
    PHARMACY = "2"


class HeaderFamily(StrEnum):
    """Header authentication families of the interface."""

    TIF = "x-tif"
    CSB = "csb"


@dataclass(frozen=True, slots=True)
class InstitutionTerm:
    """What held of an institution in a period: name, level, place, contract, suspension."""

    period: Period
    name: str
    level: Level
    grade: str
    """Hospital grade (``hosp_lv``): 02 = 3A, 05 = 2A, 08 = 1A, 11 ungraded …"""
    division: Division
    """Where it stands (``mdtrtarea_admvs`` of its calls)."""
    area: Division
    """Catalogue and bureau area: the city or province-level division whose terms apply."""
    contract: str
    """Number of the service agreement (定点协议)."""
    suspended: bool = False


@dataclass(frozen=True, slots=True)
class Institution:
    """A designated institution (定点医药机构): letter H or P and 11 digits."""

    code: str
    kind: InstitutionKind
    home_pool: Pool
    terms: tuple[InstitutionTerm, ...]

    def term_on(self, day: date) -> InstitutionTerm | None:
        """What held on ``day``; None before the first or after the last contract."""
        for term in self.terms:
            if term.period.holds(day):
                return term
        return None


@dataclass(frozen=True, slots=True)
class Sender:
    """A system with an access key (a hospital, a chain's office, a vendor's front machine)."""

    id: str
    family: HeaderFamily
    secret: str
    institutions: tuple[tuple[str, Period], ...]
    """Institution codes it may speak for, each with its period."""

    def may_speak_for(self, institution: str, day: date) -> bool:
        """Whether the sender's key is allowed for the institution on ``day``."""
        return any(code == institution and period.holds(day) for code, period in self.institutions)
