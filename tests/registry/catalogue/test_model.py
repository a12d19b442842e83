"""The most specific row whose conditions all hold decides."""

from datetime import date

import pytest

from yibao.adjudication.model import ItemTerms
from yibao.kernel.areas import Division
from yibao.kernel.periods import Period
from yibao.policy.terms import EMPLOYEE, CareKind, ItemClass, Level, Scheme
from yibao.registry.catalogue.model import Catalogue, TermsRow

DAY = date(2026, 5, 1)
SPECIAL = ItemTerms(ItemClass.A)
GENERAL = ItemTerms(ItemClass.C)
ALWAYS = Period(date(2025, 1, 1))


@pytest.mark.parametrize(
    ("condition", "other"),
    [
        ({"area": Division("430100")}, {"area": Division("110000")}),
        ({"level": Level.THIRD}, {"level": Level.SECOND}),
        ({"scheme": EMPLOYEE}, {"scheme": Scheme("390")}),
        ({"care_kind": CareKind("21")}, {"care_kind": CareKind("11")}),
    ],
)
def test_a_condition_that_does_not_hold_leaves_the_general_row(
    condition: dict[str, str], other: dict[str, str]
) -> None:
    rows = (TermsRow(ALWAYS, SPECIAL, **condition), TermsRow(ALWAYS, GENERAL))
    catalogue = Catalogue(1, {}, {"X": rows}, {})
    place = {
        "area": Division("430100"),
        "level": Level.THIRD,
        "scheme": EMPLOYEE,
        "care_kind": CareKind("21"),
    }
    assert catalogue.terms_on("X", DAY, **place) is SPECIAL
    assert catalogue.terms_on("X", DAY, **{**place, **other}) is GENERAL


def test_before_the_first_row_and_for_unknown_codes_there_are_no_terms() -> None:
    catalogue = Catalogue(1, {}, {"X": (TermsRow(ALWAYS, GENERAL),)}, {})
    place = {
        "area": Division("430100"),
        "level": Level.THIRD,
        "scheme": EMPLOYEE,
        "care_kind": CareKind("21"),
    }
    assert catalogue.terms_on("X", date(2024, 12, 31), **place) is None
    assert catalogue.terms_on("Y", DAY, **place) is None
