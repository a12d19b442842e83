"""The sandbox's pools, institutions and senders. All invented; codes end in 99xxx on purpose."""

from dataclasses import dataclass
from datetime import date

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.policy.terms import Level
from yibao.registry.institutions.model import (
    HeaderFamily,
    Institution,
    InstitutionKind,
    InstitutionTerm,
)


@dataclass(frozen=True, slots=True)
class Place:
    """A pooling area of the sandbox."""

    pool: Pool
    name: str
    area: Division
    """Whose catalogue and law apply."""
    divisions: tuple[tuple[Division, int], ...]
    """Insured divisions and how many of 100 members are insured there."""


BEIJING = Place(Pool("110000"), "北京市", Division("110000"), ((Division("110000"), 100),))
CHANGSHA = Place(
    Pool("430100"),
    "长沙市",
    Division("430100"),
    ((Division("430100"), 75), (Division("430181"), 25)),
)
PLACES = (BEIJING, CHANGSHA)

_START = date(2023, 1, 1)


@dataclass(frozen=True, slots=True)
class PlannedSender:
    """A system that gets a key at fill time, and whom it may speak for."""

    id: str
    family: HeaderFamily
    institutions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class _Plan:
    serial: int
    name: str
    level: Level
    grade: str
    division: str
    kind: InstitutionKind = InstitutionKind.HOSPITAL
    family: HeaderFamily = HeaderFamily.TIF
    suspended: bool = False
    raised_from: Level | None = None
    """The level it had before the first of January of last year."""
    sender: str | None = None
    """Shares the key of this front machine instead of having one of its own."""

    @property
    def code(self) -> str:
        letter = "H" if self.kind is InstitutionKind.HOSPITAL else "P"
        return f"{letter}{self.division}{99000 + self.serial}"


_TIF, _CSB = HeaderFamily.TIF, HeaderFamily.CSB
_SHOP = InstitutionKind.PHARMACY

_PLANS: dict[Place, tuple[_Plan, ...]] = {
    BEIJING: (
        _Plan(1, "演示京一医院", Level.THIRD, "02", "110101"),
        _Plan(2, "演示京二医院", Level.THIRD, "03", "110105", raised_from=Level.SECOND),
        _Plan(3, "演示京三医院", Level.SECOND, "05", "110108", family=_CSB),
        _Plan(4, "演示京四医院", Level.FIRST, "08", "110112", family=_CSB),
        _Plan(
            5, "演示京五社区卫生服务中心", Level.GRASS_ROOTS, "11", "110105", sender="FRONT-110000"
        ),
        _Plan(6, "演示京六医院", Level.SECOND, "06", "110106", family=_CSB, suspended=True),
        _Plan(7, "演示京七大药房", Level.GRASS_ROOTS, "11", "110105", _SHOP, sender="FRONT-110000"),
    ),
    CHANGSHA: (
        _Plan(1, "演示湘一医院", Level.THIRD, "02", "430102"),
        _Plan(2, "演示湘二医院", Level.SECOND, "05", "430103"),
        _Plan(3, "演示湘三医院", Level.FIRST, "08", "430121", family=_CSB),
        _Plan(4, "演示浏阳医院", Level.SECOND, "06", "430181", family=_CSB),
        _Plan(
            5, "演示湘五社区卫生服务中心", Level.GRASS_ROOTS, "11", "430104", sender="FRONT-430100"
        ),
        _Plan(6, "演示湘六大药房", Level.GRASS_ROOTS, "11", "430102", _SHOP, sender="FRONT-430100"),
    ),
}


def institutions(today: date) -> tuple[Institution, ...]:
    """The sandbox's institutions with their dated terms, as known on ``today``."""
    return tuple(
        Institution(plan.code, plan.kind, place.pool, _terms(place, plan, today))
        for place, plans in _PLANS.items()
        for plan in plans
    )


def senders() -> tuple[PlannedSender, ...]:
    """Who speaks for the institutions: each hospital itself, the small ones a front machine."""
    found: dict[str, PlannedSender] = {}
    for plans in _PLANS.values():
        for plan in plans:
            key = plan.sender or f"SENDER-{plan.code}"
            family = _CSB if plan.sender else plan.family
            spoken_for = found[key].institutions if key in found else ()
            found[key] = PlannedSender(key, family, (*spoken_for, plan.code))
    return tuple(found.values())


def _terms(place: Place, plan: _Plan, today: date) -> tuple[InstitutionTerm, ...]:
    def term(start: date, end: date | None, level: Level, *, suspended: bool) -> InstitutionTerm:
        return InstitutionTerm(
            period=Period(start, end),
            name=plan.name,
            level=level,
            grade=plan.grade if level is plan.level else "05",
            division=Division(plan.division),
            area=place.area,
            contract=f"DEMO-{plan.code[1:]}-{start.year}",
            suspended=suspended,
        )

    if plan.raised_from is not None:
        raised = date(today.year - 1, 1, 1)
        return (
            term(_START, raised, plan.raised_from, suspended=False),
            term(raised, None, plan.level, suspended=False),
        )
    if plan.suspended:
        since = date(today.year - 1, 7, 1)
        return (
            term(_START, since, plan.level, suspended=False),
            term(since, None, plan.level, suspended=True),
        )
    return (term(_START, None, plan.level, suspended=False),)
