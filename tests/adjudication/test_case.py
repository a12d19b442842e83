"""Each fact of a bill is placed in the law's classes."""

from datetime import date
from typing import Any

import pytest

from tests.adjudication.builders import stay_of
from tests.adjudication.laws import law_from
from yibao.adjudication.applicable import plan_for
from yibao.adjudication.case import facts_of
from yibao.kernel.periods import age_on
from yibao.policy.model import Law
from yibao.policy.terms import CareKind, IdentityKind, PersonType, Scheme


def law_with(classes: str) -> Law:
    """A law with one dimension of classes."""
    return law_from(f"benefits.stay.payers.pool.bands = 1\n[classes.x]\n{classes}")


WORDS = 'order = ["a", "b"]\notherwise = "rest"\n'


@pytest.mark.parametrize(
    ("classes", "who", "facts", "expected"),
    [
        ('fact = "person_type"\na = ["11"]\nb = ["1102"]', {}, {}, "a"),
        (
            'fact = "person_type"\na = ["11"]\nb = ["1102"]',
            {"person_type": PersonType("110201")},
            {},
            "b",
        ),
        ('fact = "gender"\na = ["1"]\nb = ["2"]', {"gender": "2"}, {}, "b"),
        ('fact = "gender"\na = ["1"]\nb = ["2"]', {"gender": "9"}, {}, "rest"),
        (
            'fact = "identity"\na = ["2304"]\nb = ["2303"]',
            {"identities": (IdentityKind("2303"), IdentityKind("2304"))},
            {},
            "a",
        ),
        ('fact = "trait"\na = ["section"]\nb = ["division"]', {"traits": ("division",)}, {}, "b"),
        ('fact = "enrolment"\na = ["320"]\nb = ["330"]', {"enrolments": (Scheme("330"),)}, {}, "b"),
        ('fact = "disease"\na = ["M0"]\nb = ["M039"]', {}, {"disease": "M03900"}, "b"),
        ('fact = "disease"\na = ["M0"]\nb = ["M039"]', {}, {}, "rest"),
        ('fact = "circumstance"\na = ["x"]\nb = ["y"]', {}, {"circumstances": ("z", "y")}, "b"),
        ('fact = "care_kind"\na = ["21"]\nb = ["11"]', {}, {"care_kind": CareKind("21")}, "a"),
        ('fact = "age"\na = { below = 56 }\nb = { from = 56, below = 60 }', {}, {}, "b"),
        (
            'fact = "age"\na = { below = 56 }\nb = { from = 56, below = 60 }',
            {},
            {"day": date(2025, 12, 31)},
            "a",
        ),
        (
            'fact = "enrolled_years"\na = { below = 4 }\nb = { from = 4, below = 9 }',
            {"enrolled_years": 9},
            {},
            "rest",
        ),
        ('fact = "enrolled_years"\na = { below = 4 }\nb = { from = 4 }', {}, {}, None),
        (
            'fact = "claim_free_years"\na = { below = 1 }\nb = { from = 1 }',
            {"claim_free_years": 1},
            {},
            "b",
        ),
        (
            'fact = "retired_on"\na = { below = 2001-01-01 }\nb = { from = 2001-01-01 }',
            {"retired_on": date(2001, 1, 1)},
            {},
            "b",
        ),
        (
            'fact = "retired_on"\na = { below = 2001-01-01 }\nb = { from = 2001-01-01 }',
            {},
            {},
            "rest",
        ),
    ],
)
def test_a_fact_is_in_the_class_that_the_law_says(
    classes: str, who: dict[str, Any], facts: dict[str, Any], expected: str | None
) -> None:
    law = law_with(WORDS + classes)
    assert plan_for(stay_of(law, 1, who, **facts), law).case["x"] == expected


@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(2008, 2, 29), date(2026, 2, 28), 17),
        (date(2008, 2, 29), date(2026, 3, 1), 18),
        (date(2026, 3, 1), date(2026, 3, 1), 0),
    ],
)
def test_age_is_whole_years_on_the_day(birth: date, day: date, age: int) -> None:
    assert age_on(birth, day) == age


def test_facts_that_the_law_does_not_ask_for_are_left_out_so_that_cases_are_shared() -> None:
    law = law_with(WORDS + 'fact = "gender"\na = ["1"]\nb = ["2"]')
    one = stay_of(law, 1, {"gender": "1", "birth_date": date(1950, 1, 1)}, disease="I10")
    other = stay_of(law, 99, {"gender": "1", "traits": ("x",)}, days=5)
    assert facts_of(one, law) == facts_of(other, law)
    assert plan_for(one, law) is plan_for(other, law)
    assert plan_for(one, law) is not plan_for(stay_of(law, 1, {"gender": "2"}), law)
