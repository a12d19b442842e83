"""Every shape of a deductible, each with bills worked by hand."""

from datetime import date

import pytest

from tests.adjudication.builders import Member, stay_of
from tests.adjudication.laws import law_from
from yibao.policy.terms import IdentityKind, Level

POOL = "benefits.stay.payers.pool = { bands = 0.8 }\n"


def paid(member: Member, *bills: tuple[int, dict]) -> list[int]:  # type: ignore[type-arg]
    """The deductibles in yuan of bills in yuan, one after the other."""
    stays = [stay_of(member.law, yuan, **facts) for yuan, facts in bills]
    return [member.settle(stay).deductible // 100 for stay in stays]


def test_a_yearly_deductible_is_due_as_far_as_it_is_not_paid() -> None:
    # A06: 1,800 a year, 961.44 paid before: 838.56 are left
    law = law_from(
        POOL
        + """
        counters.paid = { scope = "year", counts = "deductible" }
        benefits.stay.deductible.year = { counter = "paid", amount = 1800 }
        """
    )
    member = Member(law)
    assert member.settle(stay_of(law, "961.44")).deductible == 96_144
    assert member.settle(stay_of(law, 5_000)).deductible == 83_856


def test_a_deductible_a_visit_is_limited_by_a_yearly_total() -> None:
    # A24: 1,200 at this hospital, 2,300 a year: 1,200, then 1,100, then nothing
    law = law_from(
        POOL
        + """
        counters.visit = { scope = "visit", counts = "deductible" }
        counters.year = { scope = "year", counts = "deductible" }
        benefits.stay.deductible.visit = { counter = "visit", amount = 1200 }
        benefits.stay.deductible.year = { counter = "year", amount = 2300 }
        """
    )
    assert paid(Member(law), (5_000, {}), (5_000, {}), (5_000, {})) == [1_200, 1_100, 0]


NTH = """
    counters.stays = { scope = "year", counts = "stays" }
    counters.visit = { scope = "visit", counts = "deductible" }
    [classes.stay]
    fact = "times"
    counter = "stays"
    order = ["first", "second", "later"]
    first = { below = 2 }
    second = { from = 2, below = 3 }
    later = { from = 3 }
    [benefits.stay.payers.pool]
    bands = 0.8
    [benefits.stay.deductible.visit]
    counter = "visit"
"""


def test_the_second_stay_of_the_year_has_half_the_deductible_and_the_third_none() -> None:
    law = law_from(
        NTH
        + """
        [benefits.stay.deductible.visit.amount]
        by = ["stay"]
        value = { first = 800, second = { of = "first", times = "0.5" }, later = 0 }
        """
    )
    member = Member(law)
    assert paid(member, (5_000, {}), (5_000, {}), (5_000, {})) == [800, 400, 0]
    assert paid(member, (5_000, {"day": date(2027, 1, 2)})) == [800]


def test_stays_may_be_counted_at_each_level_apart() -> None:
    law = law_from(
        NTH.replace('counts = "stays" }', 'counts = "stays", by = ["level"] }')
        + """
        [benefits.stay.deductible.visit.amount]
        by = ["level", "stay"]
        value = { l3 = { first = 900, other = 450 }, other = { first = 400, other = 200 } }
        """
    )
    second = {"level": Level.SECOND}
    bills = [(5_000, {}), (5_000, second), (5_000, {}), (5_000, second)]
    assert paid(Member(law), *bills) == [900, 400, 450, 200]


def test_an_interim_settlement_counts_its_stay_once_and_pays_the_deductible_once() -> None:
    law = law_from(
        NTH
        + """
        [benefits.stay.deductible.visit.amount]
        by = ["stay"]
        value = { first = 800, other = 400 }
        """
    )
    member = Member(law)
    # 800 in two settlements of the first stay, then 400 of the second
    bills = [(500, {"visit": "a"}), (5_000, {"visit": "a"}), (5_000, {"visit": "b"})]
    assert paid(member, *bills) == [500, 300, 400]
    assert member.value("stays") == 2 + 2  # two stays, and the marks of two visits


def test_a_cancelled_stay_is_not_counted() -> None:
    law = law_from(
        NTH
        + """
        [benefits.stay.deductible.visit.amount]
        by = ["stay"]
        value = { first = 800, other = 400 }
        """
    )
    member = Member(law)
    member.cancel(member.settle(stay_of(law, 5_000, visit="a")))
    assert paid(member, (5_000, {"visit": "b"})) == [800]


CHAIN = law_from(
    POOL
    + """
    counters.chain = { scope = "chain", counts = "deductible" }
    [benefits.stay.deductible.chain]
    counter = "chain"
    amount = { by = ["level"], value = { l1 = 300, l2 = 500, l3 = 900, other = 100 } }
    """
)


def test_a_transfer_up_pays_the_difference_and_one_down_nothing() -> None:
    up = [(5_000, {"level": Level.SECOND, "chain": "c"}), (5_000, {"chain": "c"})]
    down = [(5_000, {"chain": "d"}), (5_000, {"level": Level.FIRST, "chain": "d"})]
    member = Member(CHAIN)
    assert paid(member, *up) == [500, 400]
    assert paid(member, *down) == [900, 0]


def test_a_stay_without_a_chain_is_a_chain_of_its_own_visit() -> None:
    first = stay_of(CHAIN, 5_000, visit="v1")
    member = Member(CHAIN)
    assert member.settle(first).deductible == 90_000
    assert paid(member, (5_000, {"visit": "v2", "chain": "v1"})) == [0]
    assert paid(member, (5_000, {"visit": "v3"})) == [900]


def test_once_a_year_at_the_highest_level_so_far() -> None:
    law = law_from(
        POOL
        + """
        counters.year = { scope = "year", counts = "deductible" }
        [benefits.stay.deductible.year]
        counter = "year"
        amount = { by = ["level"], value = { l1 = 200, l2 = 400, l3 = 800, other = 100 } }
        """
    )
    levels = [Level.SECOND, Level.FIRST, Level.THIRD, Level.SECOND]
    bills = [(5_000, {"level": level}) for level in levels]
    assert paid(Member(law), *bills) == [400, 0, 400, 0]


def test_a_further_deductible_is_due_after_every_ninety_days() -> None:
    law = law_from(
        POOL
        + """
        counters.visit = { scope = "visit", counts = "deductible" }
        benefits.stay.deductible.visit = { counter = "visit", amount = 600, every_days = 90 }
        """
    )
    member = Member(law)
    long = {"visit": "long"}
    days = [(5_000, long | {"days": days}) for days in (90, 91, 180, 181)]
    assert paid(member, *days) == [600, 600, 0, 600]


FACTORS = law_from(
    POOL
    + """
    counters.visit = { scope = "visit", counts = "deductible" }
    [classes.age]
    fact = "age"
    order = ["young", "adult"]
    young = { below = 18 }
    adult = { from = 18 }
    [classes.poverty]
    fact = "identity"
    order = ["destitute", "poor"]
    destitute = ["2304"]
    poor = ["2303", "2305"]
    otherwise = "ordinary"
    [benefits.stay.deductible.visit]
    counter = "visit"
    amount = 1001
    factor.age = { by = ["age"], value = { young = 0.5, adult = 1 } }
    factor.poverty = { by = ["poverty"], value = { destitute = 0, poor = 0.5, ordinary = 1 } }
    """
)


@pytest.mark.parametrize(
    ("birth", "identities", "deductible"),
    [
        (date(1970, 1, 1), [], 100_100),
        (date(2008, 3, 2), [], 50_050),  # 18 on the day after the bill
        (date(2008, 3, 1), [], 100_100),
        (date(2010, 1, 1), ["2303"], 25_025),
        (date(1970, 1, 1), ["2303", "2304"], 0),  # the best by the order, never a sum
    ],
)
def test_factors_for_age_and_poverty_lower_it(
    birth: date, identities: list[str], deductible: int
) -> None:
    who = {"birth_date": birth, "identities": tuple(map(IdentityKind, identities))}
    assert Member(FACTORS).settle(stay_of(FACTORS, 5_000, who)).deductible == deductible


def test_factors_are_multiplied_and_rounded_once() -> None:
    who = {"birth_date": date(2010, 1, 1), "identities": (IdentityKind("2305"),)}
    law = law_from(
        POOL
        + """
        counters.visit = { scope = "visit", counts = "deductible" }
        [benefits.stay.deductible.visit]
        counter = "visit"
        amount = 0.05
        factor = { age = 0.5, poverty = 0.5 }
        """
    )
    # 5 fen × 0.25 = 1.25 fen; rounding in between would make 2
    assert Member(law).settle(stay_of(law, 5_000, who)).deductible == 1


def test_a_stay_over_the_year_s_end_pays_a_second_deductible_where_the_law_counts_so() -> None:
    law = law_from(
        POOL
        + """
        counters.part = { scope = "visit_year", counts = "deductible" }
        benefits.stay.deductible.visit = { counter = "part", amount = 700 }
        """
    )
    before, after = {"visit": "a", "day": date(2025, 12, 31)}, {"visit": "a"}
    bills = [(5_000, before), (5_000, after), (5_000, after)]
    assert paid(Member(law), *bills) == [700, 700, 0]


def test_a_deductible_may_be_shared_between_kinds_of_care() -> None:
    law = law_from(
        POOL
        + """
        counters.both = { scope = "year", counts = "deductible" }
        benefits.stay.deductible.year = { counter = "both", amount = 500 }
        benefits.outpatient.deductible.year = { counter = "both", amount = 500 }
        benefits.outpatient.payers.pool = { bands = 0.5 }
        """
    )
    bills = [(300, {"care_kind": "11"}), (5_000, {}), (300, {"care_kind": "11"})]
    assert paid(Member(law), *bills) == [300, 200, 0]


def test_the_benefit_year_may_begin_on_the_first_of_july() -> None:
    law = law_from(
        POOL
        + """
        benefit_year = "07-01"
        counters.paid = { scope = "year", counts = "deductible" }
        benefits.stay.deductible.year = { counter = "paid", amount = 500 }
        """
    )
    days = [date(2025, 6, 30), date(2025, 7, 1), date(2026, 1, 1), date(2026, 7, 1)]
    member = Member(law)
    assert paid(member, *[(5_000, {"day": day}) for day in days]) == [500, 500, 0, 500]
    assert {key.scope for key in member.counters} == {"2024-07-01", "2025-07-01", "2026-07-01"}
