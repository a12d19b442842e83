"""What becomes of counters when scheme, person type or area changes."""

from datetime import date

from tests.adjudication.builders import Member, stay_of
from tests.adjudication.laws import law_from
from yibao.adjudication.model import CounterKey
from yibao.adjudication.moving import BroughtIn, brought_in
from yibao.policy.model import Law
from yibao.policy.terms import PersonType

DAY = date(2026, 9, 1)

COUNTERS = """
    benefits.stay.deductible.year = { counter = "paid", amount = 500 }
    benefits.stay.payers.pool.bands = 0.5
    benefits.stay.payers.pool.caps.year = { counter = "fund", amount = 9000 }
    counters.fund = { scope = "year", counts = "fund", payers = ["pool"], schemes = ["310", "390"] }
"""
LAW = law_from(COUNTERS + 'counters.paid = { scope = "year", counts = "deductible" }')
RESIDENTS = law_from(
    COUNTERS + 'counters.paid = { scope = "year", counts = "deductible" }', scheme="390"
)

HISTORY = {CounterKey("paid", "2026"): 30_000, CounterKey("fund", "2026"): 70_000}


def moved(to: Law, of: Law = LAW) -> dict[str, tuple[int, str, str]]:
    """Value, instance and reason by counter, after a move on one day."""
    found = brought_in(HISTORY, (of, stay_of(of, day=DAY)), (to, stay_of(to, day=DAY)))
    return {b.key.name: (b.value, b.key.scope, b.reason) for b in found}


def test_another_scheme_carries_the_counters_that_both_name_and_restarts_the_others() -> None:
    assert moved(RESIDENTS) == {
        "paid": (0, "2026", "restarts"),
        "fund": (70_000, "2026", "shared"),
    }


def test_another_area_brings_along_what_may_move_into_its_own_benefit_year() -> None:
    elsewhere = law_from(
        'benefit_year = "07-01"\n'
        + COUNTERS
        + 'counters.paid = { scope = "year", counts = "deductible", moves = false }',
        area="980000",
    )
    assert moved(elsewhere) == {
        "paid": (0, "2026-07-01", "stays_behind"),
        "fund": (70_000, "2026-07-01", "moves"),
    }


def test_a_counter_that_counts_something_else_there_starts_anew() -> None:
    other = law_from(
        """
        counters.fund = { scope = "year", counts = "in_scope" }
        benefits.stay.payers.pool.bands = 0.5
        benefits.stay.payers.pool.caps.year = { counter = "fund", amount = 9000 }
        """,
        area="980000",
    )
    assert moved(other) == {"fund": (0, "2026", "restarts")}


def test_what_was_brought_in_says_where_from() -> None:
    found = brought_in(
        HISTORY, (LAW, stay_of(LAW, day=DAY)), (RESIDENTS, stay_of(RESIDENTS, day=DAY))
    )
    assert (
        BroughtIn(CounterKey("fund", "2026"), 70_000, CounterKey("fund", "2026"), "shared") in found
    )


def test_a_change_of_person_type_restarts_a_counter_by_person_and_carries_another() -> None:
    body = """
        counters.paid = { scope = "year", counts = "deductible"%s }
        benefits.stay.payers.pool.bands = 0.5
        [classes.person]
        fact = "person_type"
        order = ["active", "retired"]
        active = ["11"]
        retired = ["12"]
        [benefits.stay.deductible.year]
        counter = "paid"
        amount = { by = ["person"], value = { active = 1800, retired = 1300 } }
    """
    retired = {"person_type": PersonType("1201")}
    carried, anew = law_from(body % ""), law_from(body % ', by = ["person"]')
    for law, due in ((carried, 0), (anew, 130_000)):
        member = Member(law)
        assert member.settle(stay_of(law, 5_000)).deductible == 180_000
        # 1,800 paid against 1,300 gives nothing back
        assert member.settle(stay_of(law, 5_000, retired)).deductible == due
