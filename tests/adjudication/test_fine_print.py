"""What docs/law/computation.md says in its fine print, each with a bill worked by hand."""

from datetime import date

from tests.adjudication.builders import DAY, Member, by_payer, stay_of
from tests.adjudication.laws import law_from
from yibao.adjudication.benefit import benefit
from yibao.adjudication.model import AccountPart, Statement, Sums
from yibao.kernel.frozen import replace

POOL = "benefits.stay.payers.pool = { bands = 0 }\n"


def decided(body: str, yuan: int, *earlier: int) -> Statement:
    """The last of some bills in yuan."""
    law = law_from(body)
    member = Member(law)
    for amount in earlier:
        member.settle(stay_of(law, amount))
    return member.settle(stay_of(law, yuan))


# ---------------------------------------------------------------- deductibles of payers and caps


def test_a_cap_on_what_lies_above_the_own_deductible_leaves_room_above_it() -> None:
    statement = decided(
        POOL
        + """
        counters.own = { scope = "year", counts = "deductible", payers = ["serious"] }
        counters.above = { scope = "year", counts = "base_after_deductible", payers = ["serious"] }
        [payers.serious]
        bands = 0.5
        deductible.year = { counter = "own", amount = 100 }
        caps.year = { counter = "above", amount = 200 }
        """,
        1_000,
    )
    # 100 deductible, then 200 × 50 %
    assert statement.funds == 10_000


def test_a_base_that_a_cap_cuts_below_the_own_deductible_pays_only_so_much_of_it() -> None:
    body = (
        POOL
        + """
        counters.own = { scope = "year", counts = "deductible", payers = ["serious"] }
        counters.base = { scope = "month", counts = "base", payers = ["serious"] }
        [payers.serious]
        bands = 1
        deductible.year = { counter = "own", amount = 100 }
        caps.month = { counter = "base", amount = 60 }
        """
    )
    first = decided(body, 200)
    assert {key.name: delta for key, delta in first.counters} == {"own": 6_000, "base": 6_000}
    law = law_from(body)
    member = Member(law)
    member.settle(stay_of(law, 200))
    # 40 of the deductible are left next month: 60 − 40
    assert member.settle(stay_of(law, 200, day=date(2026, 4, 1))).funds == 2_000


# ------------------------------------------------------------------------------------ the axis


def test_absolute_bands_of_a_payer_begin_at_its_own_deductible() -> None:
    statement = decided(
        POOL
        + """
        counters.own = { scope = "year", counts = "deductible", payers = ["serious"] }
        [payers.serious]
        measured_on = "absolute"
        bands = [{ above = 0, to = 1000, ratio = 0.5 }, { above = 1000, ratio = 1 }]
        deductible.year = { counter = "own", amount = 500 }
        """,
        1_500,
    )
    # from 500 to 1,000 at 50 %, from there to 1,500 whole
    assert statement.funds == 25_000 + 50_000


def test_a_base_that_holds_the_deductible_begins_at_nought() -> None:
    statement = decided(
        """
        counters.visit = { scope = "visit", counts = "deductible" }
        [benefits.stay]
        deductible.visit = { counter = "visit", amount = 100 }
        [benefits.stay.payers.pool]
        bands = 0
        [benefits.stay.payers.aid]
        measured_on = "absolute"
        bands = [{ above = 0, to = 500, ratio = 0.5 }, { above = 500, ratio = 1 }]
        """,
        600,
    )
    assert statement.funds == 25_000 + 10_000


COMMON_ON_COST = (
    POOL
    + """
    counters.cost = { scope = "year", counts = "in_scope" }
    [payers.serious]
    """
)


def test_a_common_payer_s_axis_of_cost_begins_where_it_stood_before_the_bill() -> None:
    body = (
        COMMON_ON_COST
        + """
        measured_on = "absolute"
        counter = "cost"
        bands = [{ above = 0, to = 1000, ratio = 0.5 }, { above = 1000, ratio = 1 }]
        """
    )
    assert decided(body, 800).funds == 40_000
    # from 800: 200 at 50 %, 600 whole
    assert decided(body, 800, 800).funds == 10_000 + 60_000


def test_a_common_payer_s_cap_on_cost_is_measured_before_the_bill() -> None:
    body = COMMON_ON_COST + 'bands = 0.5\ncaps.year = { counter = "cost", amount = 1000 }'
    assert decided(body, 800).funds == 40_000
    assert decided(body, 800, 800).funds == 10_000


# -------------------------------------------------------------------------------- what is left


def test_a_base_is_never_more_than_is_unpaid() -> None:
    statement = decided(
        """
        counters.pool = { scope = "year", counts = "fund", payers = ["pool"] }
        [benefits.stay.payers.pool]
        bands = 0.5
        caps.year = { counter = "pool", amount = 100 }
        [benefits.stay.payers.supplement]
        base = "co_pay"
        bands = 0.9
        [benefits.stay.payers.large]
        base = "above_cap"
        above_cap_of = "pool"
        bands = 1
        """,
        500,
    )
    # 300 lie above the pool's cap, but the supplement left only 40 of all
    assert by_payer(statement) == {"pool": 10_000, "supplement": 36_000, "large": 4_000}


def test_what_a_common_payer_left_above_its_cap_goes_to_the_one_that_names_it() -> None:
    statement = decided(
        POOL
        + """
        counters.first = { scope = "year", counts = "fund", payers = ["first"] }
        [payers.first]
        bands = 0.5
        caps.year = { counter = "first", amount = 100 }
        [payers.second]
        base = "co_pay"
        bands = 0
        [payers.third]
        base = "above_cap"
        above_cap_of = "first"
        bands = 0.5
        """,
        500,
    )
    assert by_payer(statement) == {"first": 10_000, "third": 15_000}


def test_what_lies_above_a_cap_is_by_itself_that_of_the_payer_before() -> None:
    body = """
        counters.pool = { scope = "year", counts = "fund", payers = ["pool"] }
        counters.large = { scope = "year", counts = "fund", payers = ["large"] }
        [benefits.stay.payers.pool]
        bands = 0.5
        caps.year = { counter = "pool", amount = 100 }
        [payers.large]
        base = "above_cap"
        above_cap_of = "pool"
        bands = 0.5
        caps.year = { counter = "large", amount = 50 }
        [payers.last]
        base = "above_cap"
        bands = 0.5
    """
    # of 500 the pool leaves 300 above its cap, of these the large fund leaves 200 above its own
    statement = decided(body, 500)
    assert by_payer(statement) == {"pool": 10_000, "large": 5_000, "last": 10_000}
    unnamed = decided(body.replace('above_cap_of = "pool"', ""), 500)
    assert by_payer(unnamed) == by_payer(statement)


TWO_PARTS = """
    counters.visit = { scope = "visit", counts = "deductible" }
    benefits.stay.deductible.visit = { counter = "visit", amount = 80 }
    benefits.stay.payers.pool = { bands = 0 }
    [benefits.dual]
    buckets = ["dual"]
    payers.pool.bands = 0
"""
PARTS = {"general": Sums(10_000, in_scope=10_000), "dual": Sums(5_000, in_scope=5_000)}


def test_a_co_payment_is_taken_from_each_part_beside_its_deductible() -> None:
    law = law_from(
        TWO_PARTS
        + """
        [payers.supplement]
        base = "co_pay"
        bands = 1
        [payers.again]
        base = "co_pay"
        bands = 1
        """
    )
    # 100 with 80 deductible and 50 with none: 70, and nothing is left for the next
    statement = Member(law).settle(replace(stay_of(law), sums=PARTS))
    assert by_payer(statement) == {"supplement": 7_000}
    assert statement.cash == 8_000


# ------------------------------------------------------------------------------- counted once


def test_a_bill_paid_by_two_funds_is_one_payment() -> None:
    body = """
        counters.given = { scope = "year", counts = "payments", payers = ["pool", "aid"] }
        [benefits.stay.payers.pool]
        bands = 0.5
        caps.year = { counter = "given", amount = 2 }
        [benefits.stay.payers.aid]
        bands = 0.5
        caps.year = { counter = "given", amount = 2 }
    """
    assert dict(decided(body, 100).counters).popitem()[1] == 1
    assert [decided(body, 100, *[100] * n).funds for n in range(3)] == [7_500, 7_500, 0]


def test_a_bill_of_two_parts_is_one_stay() -> None:
    law = law_from(TWO_PARTS + '[counters.stays]\nscope = "year"\ncounts = "stays"')
    statement = Member(law).settle(replace(stay_of(law), sums=PARTS))
    assert {key.name: delta for key, delta in statement.counters} == {"stays": 1}


def test_a_stay_that_goes_on_in_a_new_year_keeps_a_number_from_one() -> None:
    law = law_from(
        """
        counters.stays = { scope = "year", counts = "stays" }
        [classes.stay]
        fact = "times"
        counter = "stays"
        order = ["first", "later"]
        first = { from = 1, below = 2 }
        later = { from = 2 }
        [benefits.stay.payers.pool]
        bands = { by = ["stay"], value = { first = 0.5, later = 0.6 } }
        """
    )
    member = Member(law)
    member.settle(stay_of(law, 100, visit="v", day=date(2025, 12, 31)))
    assert member.settle(stay_of(law, 100, visit="v", day=date(2026, 1, 9))).funds == 5_000
    # the stay was counted in the year before: this year's first is the next one
    assert member.settle(stay_of(law, 100, visit="w")).funds == 5_000
    assert member.settle(stay_of(law, 100, visit="x")).funds == 6_000


def test_two_funds_under_one_monthly_limit_share_what_several_months_leave() -> None:
    law = law_from(
        """
        [counters.quota]
        scope = "month"
        counts = "fund"
        payers = ["pool", "aid"]
        spread = true
        [benefits.stay.payers.pool]
        bands = 0.5
        caps.month = { counter = "quota", amount = 100 }
        [benefits.stay.payers.aid]
        bands = 1
        caps.month = { counter = "quota", amount = 100 }
        """
    )
    statement = Member(law).settle(stay_of(law, 300, months=2))
    assert by_payer(statement) == {"pool": 15_000, "aid": 5_000}
    assert [delta for _, delta in statement.counters] == [10_000, 10_000]


# ------------------------------------------------------------------------------------- the rest


def test_an_account_does_not_pay_what_the_hospital_bears() -> None:
    law = law_from(POOL)
    sums = {"general": Sums(5_000, 0, 5_000, hospital=3_000)}
    statement = benefit(
        replace(stay_of(law), sums=sums), law, {}, [AccountPart("a", "current", 9_000)]
    )
    assert (statement.hospital_part, statement.account_total, statement.cash) == (3_000, 2_000, 0)


def test_a_stay_that_begins_on_the_year_s_first_day_need_not_be_cut() -> None:
    law = law_from(POOL + 'benefits.stay.across_year = "cut"')
    begins = stay_of(law, 1, begin=date(2026, 1, 1), day=DAY)
    assert benefit(begins, law, {}, []).cash == 100
