"""How a settlement is cleared, and by whom."""

from datetime import date

import pytest

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.policy.terms import Level
from yibao.registry.institutions.model import (
    Directory,
    Institution,
    InstitutionKind,
    InstitutionTerm,
)
from yibao.settlement.clearing.model import clearing_class, clearing_office, is_office_of

HOSPITAL = "H11000000001"
MOVED = date(2026, 7, 1)


def directory() -> Directory:
    """A hospital that was moved from one bureau to another."""
    before = _term(Period(date(2020, 1, 1), MOVED), "430100")
    after = _term(Period(MOVED), "430200")
    hospital = Institution(HOSPITAL, InstitutionKind.HOSPITAL, Pool("430100"), (before, after))
    return Directory(1, {HOSPITAL: hospital}, {}, {}, {}, {})


def _term(period: Period, area: str) -> InstitutionTerm:
    division = Division(area)
    return InstitutionTerm(period, "医院", Level.THIRD, "02", division, division, "C1", False)


@pytest.mark.parametrize(
    ("care_kind", "expected"),
    [
        *[(kind, "11") for kind in ("11", "14", "51")],
        *[(kind, "21") for kind in ("21", "24", "52", "92")],
        *[(kind, "41") for kind in ("41", "93")],
    ],
)
def test_a_kind_of_care_has_its_clearing_class(care_kind: str, expected: str) -> None:
    assert clearing_class(care_kind) == expected


def test_the_bureau_of_the_day_of_care_pays() -> None:
    assert clearing_office(directory(), HOSPITAL, date(2026, 6, 30), "x") == "430100"
    assert clearing_office(directory(), HOSPITAL, MOVED, "x") == "430200"
    assert clearing_office(directory(), HOSPITAL, date(2019, 1, 1), "430000") == "430000"
    assert clearing_office(directory(), "H00000000000", MOVED, "430000") == "430000"


def test_a_bureau_is_named_by_itself_or_a_county_of_its_area() -> None:
    assert is_office_of("430100", "430100")
    assert is_office_of("430102", "430100")
    assert not is_office_of("430000", "430100")
    assert not is_office_of("430200", "430100")
