"""Sums of money by formula: maternity allowances, the account's monthly credit."""

from datetime import date
from fractions import Fraction

import pytest

from tests.adjudication.laws import law_from
from yibao.adjudication.allowance import allowance
from yibao.adjudication.model import Person
from yibao.kernel.frozen import replace
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import PersonType

DAY = date(2026, 3, 1)
ACTIVE = Person(PersonType("1101"), date(1990, 1, 1))
RETIRED = replace(ACTIVE, person_type=PersonType("1201"), birth_date=date(1950, 1, 1))

LAW = law_from(
    """
    benefits.stay.payers.pool = { bands = 0.5 }
    [classes.person]
    fact = "person_type"
    order = ["active", "retired"]
    active = ["11"]
    retired = ["12"]
    [classes.birth]
    fact = "circumstance"
    order = ["twins", "difficult"]
    twins = ["twins"]
    difficult = ["difficult"]
    otherwise = "normal"
    [allowances.maternity]
    title = "生育津贴"
    english = "Maternity allowance"
    divisor = 30
    lump = { by = ["birth"], value = { twins = 500, other = 0 } }
    [allowances.leave]
    title = "产假"
    divisor = 30
    units = { by = ["birth"], value = { twins = 173, difficult = 173, normal = 158 } }
    [allowances.credit]
    title = "个人账户划入"
    rate = { by = ["person"], value = { active = 0.02, retired = 0 } }
    lump = { by = ["person"], value = { active = 0, retired = 110.5 } }
    """
)


def test_a_daily_rate_is_rounded_once_at_the_end() -> None:
    # 8,000 ÷ 30 × 158 = 42,133.333…; with a daily rate of 266.67 it would be 42,133.86
    assert allowance(LAW, "maternity", 800_000, DAY, ACTIVE, 158).amount == 4_213_333


def test_a_law_may_say_the_units_and_add_a_lump_sum() -> None:
    twins = allowance(LAW, "maternity", 300_000, DAY, ACTIVE, 30, ("twins",))
    assert twins.amount == 300_000 + 50_000
    assert allowance(LAW, "leave", 300_000, DAY, ACTIVE).amount == 1_580_000
    assert allowance(LAW, "leave", 300_000, DAY, ACTIVE, circumstances=("twins",)).units == 173


@pytest.mark.parametrize(("person", "amount"), [(ACTIVE, 17_247), (RETIRED, 11_050)])
def test_the_account_s_monthly_credit_is_a_share_or_a_fixed_sum(
    person: Person, amount: int
) -> None:
    # 8,623.45 × 2 % = 172.469
    assert allowance(LAW, "credit", 862_345, DAY, person).amount == amount


def test_the_formula_is_told_with_its_values_and_their_sources() -> None:
    decision = allowance(LAW, "maternity", 800_000, DAY, ACTIVE, 158)
    told = decision.trace[-1]
    assert told.text == "生育津贴：8000.00 ÷ 30 × 158 = ≈42133.3333，计 42133.33 元。"
    assert told.english.startswith("Maternity allowance: 8000.00 ÷ 30 × 158")
    assert decision.trace[0].parameter == "990000/310.toml: allowances.maternity.divisor"


@pytest.mark.parametrize(
    ("key", "base", "units", "code", "named"),
    [
        ("nothing", 1, None, RefusalCode.PARAMETER_MISSING, "allowances.nothing"),
        ("maternity", 1, None, RefusalCode.FIELD_MISSING, "allowances.maternity.units"),
        ("maternity", -1, 1, RefusalCode.AMOUNT_OUT_OF_RANGE, None),
        ("maternity", 1, Fraction(-1, 2), RefusalCode.AMOUNT_OUT_OF_RANGE, None),
    ],
)
def test_a_claim_that_the_law_cannot_answer_is_refused_by_name(
    key: str, base: int, units: int | Fraction | None, code: RefusalCode, named: str | None
) -> None:
    with pytest.raises(Refused) as raised:
        allowance(LAW, key, base, DAY, ACTIVE, units)
    assert raised.value.refusal.code is code
    assert raised.value.refusal.facts.get("parameter") == named
