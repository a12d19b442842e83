"""People, institutions and instants to test with; every default may be overridden."""

from datetime import UTC, date, datetime
from typing import Any

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.policy.terms import EMPLOYEE, Level, PersonType, Scheme
from yibao.registry.institutions.model import Institution, InstitutionKind, InstitutionTerm
from yibao.registry.people.model import Enrolment, NewMembership, NewPerson

BEIJING = Pool("110000")
CHANGSHA = Pool("430100")
NEW_YEAR = date(2026, 1, 1)
LONG_AGO = Period(date(2020, 1, 1))


def instant(month: int, day: int = 1) -> datetime:
    """An instant of 2026."""
    return datetime(2026, month, day, 4, tzinfo=UTC)


def enrolment(scheme: Scheme = EMPLOYEE, **changes: Any) -> Enrolment:
    """An employee enrolled in Chaoyang since 2020."""
    facts: dict[str, Any] = {
        "division": Division("110105"),
        "person_type": PersonType("1101"),
        "period": LONG_AGO,
        **changes,
    }
    return Enrolment(scheme=scheme, **facts)


def membership(pool: Pool = BEIJING, *enrolments: Enrolment, **changes: Any) -> NewMembership:
    """A membership since 2020, in one scheme unless told otherwise."""
    facts: dict[str, Any] = {"period": LONG_AGO, **changes}
    return NewMembership(pool=pool, enrolments=enrolments or (enrolment(),), **facts)


def person(*memberships: NewMembership, **changes: Any) -> NewPerson:
    """An artificial human with an impossible identity number."""
    facts: dict[str, Any] = {
        "document_type": "01",
        "document_number": "990000198001010010",
        "name": "测试甲",
        "gender": "1",
        "birth_date": date(1980, 1, 1),
        **changes,
    }
    return NewPerson(memberships=memberships or (membership(),), **facts)


def term(**changes: Any) -> InstitutionTerm:
    """What holds of a tertiary hospital in Chaoyang since 2020."""
    facts: dict[str, Any] = {
        "period": LONG_AGO,
        "name": "测试第一医院",
        "level": Level.THIRD,
        "grade": "02",
        "division": Division("110105"),
        "area": Division("110000"),
        "contract": "协议一",
        **changes,
    }
    return InstitutionTerm(**facts)


def institution(code: str = "H11010599001", *terms: InstitutionTerm) -> Institution:
    """A designated hospital of Beijing's pool."""
    return Institution(code, InstitutionKind.HOSPITAL, BEIJING, terms or (term(),))
