"""The whole language is read, and whatever does not fit together is named."""

from datetime import date
from fractions import Fraction
from pathlib import Path

import pytest

from yibao.kernel.money import Rate
from yibao.policy.law_book import law_from_canonical
from yibao.policy.load import law_book_of, load_law
from yibao.policy.model import (
    AcrossYear,
    AdjustmentKind,
    Axis,
    Band,
    Base,
    ClassRule,
    Component,
    DateBasis,
    Fact,
    Law,
    OutOfOrder,
    OverLimit,
    ReportedAs,
    Scope,
)
from yibao.policy.parameters import LawError, Parameter
from yibao.policy.purses import PersonalPart
from yibao.policy.terms import EMPLOYEE, EntitlementExtent

FILE = Path(__file__).with_name("whole_language.toml")
TEXT = FILE.read_text(encoding="utf-8")
LAW = load_law(FILE)
DAY = date(2025, 6, 1)
INPATIENT = next(benefit for benefit in LAW.benefits if benefit.key == "inpatient")
POOL, LARGE, BONUS = INPATIENT.payers
ILLNESS, ASSISTANCE = LAW.payers


def value(parameter: Parameter[object] | None, day: date = DAY, **case: str) -> object:
    """What a parameter says to a bill."""
    assert parameter is not None
    return parameter.find(day, case).value


def changed(*changes: tuple[str, str]) -> Law:
    """The law with texts replaced, each of them there once."""
    text = TEXT
    for old, new in changes:
        assert text.count(old) == 1, f"{old!r} must stand in the law once"
        text = text.replace(old, new)
    return next(iter(law_book_of({"990000/employee.toml": text}).laws.values()))


# ------------------------------------------------------------------------------- what can be said


def test_dimensions_are_read_with_their_words_and_ranges() -> None:
    assert LAW.classes["age"].rules[1] == ClassRule("middle", (), 45, 60)
    assert LAW.classes["reform"].rules[0] == ClassRule("before", (), None, date(2001, 4, 1))
    assert LAW.classes["poverty"].names == ("destitute", "allowance", "ordinary")
    assert LAW.classes["stay"].counter == "stays"
    assert {"level", "place", "filing", "item_class", "part"} < LAW.classes.keys()


def test_counters_take_the_scheme_all_benefits_and_their_name_where_they_say_nothing() -> None:
    paid, stays, quota = (LAW.counters[name] for name in ("pool_paid", "stays", "quota"))
    assert (paid.title, paid.schemes) == ("pool_paid", (EMPLOYEE,))
    assert paid.benefits == ("chronic", "dual_channel", "inpatient")
    assert (paid.payers, paid.moves, stays.moves) == (("pool",), False, True)
    assert (stays.by, stays.in_times, paid.in_times) == (("level",), True, False)
    assert (quota.scope, quota.spread) == (Scope.QUARTER, True)


def test_a_value_is_written_plainly_as_one_entry_or_as_dated_entries() -> None:
    assert value(LAW.benefits[0].payers[0].bands) == (Band(0, None, Rate(2, 3)),)
    assert value(INPATIENT.places, place="outside") == frozenset({"l3"})
    assert LAW.benefit_year(date(2025, 12, 31)) == "2025"
    assert LAW.benefit_year(date(2026, 12, 31)) == "2026-07-01"


def test_a_value_that_says_nothing_of_its_origin_has_the_defaults_of_its_file() -> None:
    older, newer = (POOL.bands.find(day, {"level": "l3", "person": "active"}) for day in (
        date(2023, 12, 31), DAY
    ))  # fmt: skip
    assert (older.version.start, older.reference) == (date(2020, 1, 1), "a test <none> [general]")
    assert (newer.version.start, newer.reference) == (
        date(2024, 1, 1),
        "another test <none> [page]",
    )


def test_a_plain_value_stands_for_all_classes_of_a_further_dimension() -> None:
    assert value(INPATIENT.first_pay, place="local", filing="none") == 0
    assert value(INPATIENT.first_pay, place="outside", filing="none") == Fraction(1, 5)
    assert value(INPATIENT.first_pay, place="province", filing="transfer") == Fraction(1, 10)


def test_a_relation_says_which_case_it_was_told_by() -> None:
    version = POOL.bands.versions[0]
    assert version.relations == {("l3", "retired"): "active × 0.8"}
    assert version.cases["l3", "retired"] == (Band(0, None, Rate(8880)),)


def test_a_limit_has_factors_growth_days_and_further_diseases() -> None:
    stay, cap = INPATIENT.deductible[0], POOL.caps[0]
    assert value(stay.amount, level="l3", stay="later") == 65_000
    assert value(stay.factors[0].value, poverty="destitute") == Fraction(1, 2)
    assert value(stay.every_days) == 90
    assert [(growth.key, growth.years) for growth in cap.growth] == [
        ("continuous", Fact.ENROLLED_YEARS),
        ("unclaimed", Fact.CLAIM_FREE_YEARS),
    ]
    assert (value(cap.growth[0].after), value(cap.growth[0].step)) == (4, 100_000)
    assert value(cap.growth_at_most) == Fraction(1, 5)
    assert value(LAW.benefits[0].payers[0].caps[0].further) == 10_000
    assert (stay.growth_at_most, cap.every_days, cap.further) == (None, None, None)


def test_a_limit_on_payments_counts_times_not_yuan() -> None:
    assert value(BONUS.caps[0].amount) == 2


def test_payers_take_their_base_axis_and_names_where_they_say_nothing() -> None:
    assert [payer.base for payer in (POOL, LARGE, BONUS, ILLNESS, ASSISTANCE)] == [
        Base.IN_SCOPE,
        Base.ABOVE_CAP,
        Base.OUTSIDE,
        Base.CO_PAY,
        Base.UNPAID,
    ]
    assert (POOL.axis, LARGE.axis) == (Axis.ABSOLUTE, Axis.AFTER_DEDUCTIBLE)
    assert (POOL.title, POOL.english, LARGE.title) == ("统筹基金", "统筹基金", "large")
    assert value(POOL.reported_as) == ReportedAs("310100", "hifp")


def test_a_payer_adjusts_its_ratios_in_the_order_it_says() -> None:
    kinds = [(adjustment.key, adjustment.kind) for adjustment in POOL.adjustments]
    assert kinds == [
        ("retired", AdjustmentKind.OWN_SHARE_TIMES),
        ("unfiled", AdjustmentKind.FUND_SHARE_TIMES),
        ("age", AdjustmentKind.POINTS_PER_YEAR_OF_AGE),
        ("away", AdjustmentKind.POINTS),
    ]
    assert value(POOL.adjustments[3].value, place="province") == Fraction(-1, 10)


def test_a_payer_may_count_parts_outside_the_scope_or_not_pay_at_all() -> None:
    assert value(BONUS.also[Component.FIRST_PAY]) == Fraction(1, 2)
    assert value(BONUS.bands, person="active") is None
    assert value(BONUS.bands, person="retired") == (Band(0, None, Rate(5000)),)


def test_common_payers_come_in_their_order_for_the_benefits_they_name() -> None:
    assert (ILLNESS.key, ILLNESS.benefits) == ("illness", ("inpatient", "chronic"))
    assert ASSISTANCE.benefits == ("chronic", "dual_channel", "inpatient")
    assert value(ILLNESS.deductible[0].amount) == 3_040_400


def test_a_benefit_says_its_buckets_prices_days_and_cancelling() -> None:
    assert [benefit.buckets for benefit in LAW.benefits] == [
        ("general",),
        ("dual_channel",),
        ("general",),
    ]
    price = INPATIENT.fixed_price
    assert price is not None
    assert (value(price.amount, condition="kidney"), price.per_day) == (42_000, True)
    assert value(INPATIENT.date_basis["entitlement"]) is DateBasis.FEE
    assert value(INPATIENT.across_year) is AcrossYear.CUT
    assert value(INPATIENT.out_of_order) is OutOfOrder.REFUSE


def test_lines_account_allowances_entitlement_and_stays_are_read() -> None:
    assert value(LAW.lines.first_pay, item_class="B", item_kind="implant") == Fraction(3, 10)
    assert value(LAW.lines.over_limit, item_kind="drug") is OverLimit.WHOLE
    assert value(LAW.account.may_pay, part="current") == {
        PersonalPart.DEDUCTIBLE,
        PersonalPart.CO_PAY,
    }
    assert value(LAW.account.spent_first) == ("current",)
    maternity = LAW.allowances["maternity"]
    assert (value(maternity.units), value(maternity.lump, person="retired")) == (158, 150_000)
    assert LAW.entitlement is not None
    assert LAW.stays is not None
    assert value(LAW.entitlement.grace_months) is None
    assert value(LAW.entitlement.arrears) is EntitlementExtent.ACCOUNT_ONLY
    assert value(LAW.stays.readmission_days) == 15


def test_facts_whose_number_enters_a_formula_are_known() -> None:
    assert LAW.numbers == {Fact.AGE, Fact.ENROLLED_YEARS, Fact.CLAIM_FREE_YEARS}


def test_a_stored_law_says_everything_that_the_file_said() -> None:
    again = law_from_canonical(LAW.canonical)
    parts = ("until", "classes", "counters", "benefits", "payers", "lines", "account")
    for part in (*parts, "allowances", "entitlement", "stays", "numbers", "fingerprint"):
        assert getattr(again, part) == getattr(LAW, part), part


def test_a_changed_date_changes_what_a_bill_of_a_day_gets() -> None:
    later = changed(("from = 2024-01-01", "from = 2025-06-02"))
    bands = next(b for b in later.benefits if b.key == "inpatient").payers[0].bands
    case = {"level": "l3", "person": "active"}
    assert value(bands, DAY, **case) != value(POOL.bands, DAY, **case)
    assert value(bands, date(2025, 6, 2), **case) == value(POOL.bands, DAY, **case)


# -------------------------------------------------------------------------- what is contradictory

FAULTS = [
    # head and defaults
    ('scheme = "310"', 'scheme = "employee"', "law.scheme", "3 digits"),
    ("until = 2030-01-01", "until = 2030", "law.until", "must be a date"),
    ("\n[defaults]\nfrom", "\n[defaults]\nform", "defaults.form", "did you mean 'from'"),
    ('[defaults]\nfrom = 2020-01-01\n', "[defaults]\n",
        "benefits.chronic.care_kinds.from", "missing"),
    ('confidence = "general"', 'confidence = "sure"', "defaults.confidence", "unknown word"),
    ('source = ["T"]', 'source = ["X"]', "defaults.source", "no source 'X'"),
    ('confidence = "general"', "", "benefits.chronic.care_kinds.confidence", "missing"),
    # classes
    ('fact = "person_type"', 'fact = "psn_type"', "classes.person.fact", "unknown word"),
    ('["active", "retired"]\nactive = ["11"]', '["active", "old"]\nactive = ["11"]',
        "classes.person.old", "missing"),
    ('retired = ["12"]', 'retired = ["12"]\nchild = ["14"]',
        "classes.person.child", "not named in the order"),
    ('retired = ["12"]', 'retired = ["12", "11"]', "classes.person.retired", "already 'active'"),
    ('[classes.person]', '[classes.level]', "classes.level", "always there"),
    ("middle = { from = 45", "middle = { from = 44", "classes.age.middle", "overlaps"),
    ("middle = { from = 45", "middle = { from = 46", "classes.age.middle", "gap from 45"),
    ("middle = { from = 45, below = 60 }", "middle = { from = 45, below = 45 }",
        "classes.age.middle", "must lie above"),
    ("old = { from = 60 }", "old = { }", "classes.age.old", "needs 'from'"),
    ("old = { from = 60 }", "old = { from = 60, to = 90 }", "classes.age.old.to", "unknown key"),
    ("before = { below = 2001-04-01 }", "before = { below = 2001 }",
        "classes.reform.before.below", "must be a date"),
    ('otherwise = "ordinary"', 'otherwise = "allowance"', "classes.poverty.otherwise", "already"),
    ('otherwise = "ordinary"', 'otherwise = "other"', "classes.poverty.order", "'other' cannot"),
    ('counter = "stays"', 'counter = "stay"', "classes.stay.counter", "did you mean 'stays'"),
    ('counter = "stays"', 'counter = "cost"', "classes.stay.counter", "must count stays"),
    ('counter = "stays"\n', "", "classes.stay.counter", "missing"),
    ('fact = "disease"', 'fact = "disease"\ncounter = "stays"',
        "classes.condition.counter", "only classes of the fact 'times'"),
    # counters
    ('counts = "stays", by = ["level"]', 'counts = "stays", by = ["stay"]',
        "counters.stays.by", "hangs on a counter itself"),
    ('counts = "stays", by = ["level"]', 'counts = "stays", by = ["levle"]',
        "counters.stays.by", "did you mean 'level'"),
    ('counts = "stays", by = ["level"]', 'counts = "stays", by = ["item_kind"]',
        "counters.stays.by", "unknown dimension"),
    ('counts = "in_scope"', 'counts = "in_scop"', "counters.cost.counts", "mean 'in_scope'"),
    ('counts = "in_scope"', 'counts = "in_scope", payers = ["pool"]',
        "counters.cost.payers", "not counted of payers"),
    ('counts = "base", payers = ["pool"]', 'counts = "base"',
        "counters.pool_base.payers", "missing"),
    ('counts = "base", payers = ["pool"]', 'counts = "base", payers = []',
        "counters.pool_base.payers", "at least one payer"),
    ('pool_after = { scope = "life", counts = "base_after_deductible", payers = ["pool"]',
        'pool_after = { scope = "life", counts = "base_after_deductible", payers = ["pol"]',
        "counters.pool_after.payers", "did you mean 'pool'"),
    ('payers = ["bonus"], unit = "times"', 'payers = ["bonus"], unit = "yuan"',
        "counters.bonus_payments.unit", "known: times"),
    ('scope = "quarter"', 'scope = "year"', "counters.quota.spread", "month or quarter"),
    ("spread = true", 'spread = "yes"', "counters.quota.spread", "true or false"),
    # limits
    ('counter = "stay_deductible"', 'counter = "pool_paid"',
        "benefits.inpatient.deductible.stay.counter", "must count the deductible"),
    ('counter = "stay_deductible"', 'counter = "illness_deductible"',
        "benefits.inpatient.deductible.stay.counter", "not that of payers"),
    ('counter = "stay_deductible"', 'counter = "quota"',
        "benefits.inpatient.deductible.stay.counter", "no counter 'quota' declared"),
    ("every_days = 90", "every_days = 0",
        "benefits.inpatient.deductible.stay.every_days", "a day at least"),
    ('years = "enrolled_years"', 'years = "age"',
        "benefits.inpatient.payers.pool.caps.year.growth.continuous.years", "unknown word 'age'"),
    ("growth_at_most = 0.2", "growth_at_most = 20",
        "benefits.inpatient.payers.pool.caps.year.growth_at_most", "outside 0..1"),
    ('amount = 2 }', 'amount = 2, further = 1 }',
        "benefits.inpatient.payers.bonus.caps.times.counter", "no yuan"),
    ('amount = 2 }', 'amount = 2.5 }',
        "benefits.inpatient.payers.bonus.caps.times.amount", "whole number"),
    ('counter = "illness_deductible"', 'counter = "stay_deductible"',
        "payers.illness.deductible.year.counter", "no counter"),
    ('illness_deductible = { scope = "year", counts = "deductible", payers = ["illness"] }',
        'illness_deductible = { scope = "year", counts = "deductible" }',
        "payers.illness.deductible.year.counter", "payers = ['illness']"),
    # payers
    ('counter = "pool_base"', 'counter = "cost_after"',
        "benefits.inpatient.payers.pool.counter", "measured on absolute"),
    ('counter = "illness_base"', 'counter = "pool_after"',
        "payers.illness.counter", "does not count what illness pays"),
    ('counter = "pool_paid"', 'counter = "stays"',
        "benefits.inpatient.payers.pool.caps.year.counter", "counts stays"),
    ('adjust_order = ["retired", "unfiled", "age", "away"]\n', "",
        "benefits.inpatient.payers.pool.adjust_order", "missing"),
    ('adjust_order = ["retired", "unfiled", "age", "away"]', 'adjust_order = ["retired"]',
        "benefits.inpatient.payers.pool.adjust_order", "each of the adjusts once"),
    ("age.points_per_year_of_age", "age.point",
        "benefits.inpatient.payers.pool.adjust.age", "exactly one of"),
    ("other = -0.10", "other = -10",
        "benefits.inpatient.payers.pool.adjust.away.points.value.other", "two points are 0.02"),
    ("unfiled.fund_share_times = { by = [\"filing\"], value = { none = 0.9",
        "unfiled.fund_share_times = { by = [\"filing\"], value = { none = -1",
        "benefits.inpatient.payers.pool.adjust.unfiled.fund_share_times.value.none", "negative"),
    ("also = { first_pay = 0.5", "also = { firstpay = 0.5",
        "benefits.inpatient.payers.bonus.also.firstpay", "did you mean 'first_pay'"),
    ('base = "outside"\nalso', 'base = "unpaid"\nsee',
        "benefits.inpatient.payers.bonus.see", "unknown key"),
    ('base = "above_cap"', 'base = "in_scope"',
        "benefits.inpatient.payers.large.base", "only the first payer"),
    ('base = "above_cap"', 'base = "above_cap"\nabove_cap_of = "bonus"',
        "benefits.inpatient.payers.large.above_cap_of", "no payer 'bonus' before it"),
    ('base = "above_cap"', 'base = "co_pay"\nabove_cap_of = "pool"',
        "benefits.inpatient.payers.large.above_cap_of", "only with base 'above_cap'"),
    ('base = "outside"', 'base = "above_cap"',
        "benefits.inpatient.payers.bonus.base", "has no cap"),
    ('payer_order = ["pool", "large", "bonus"]', 'payer_order = ["pool", "large"]',
        "benefits.inpatient.payer_order", "each of the payers once"),
    ('payer_order = ["pool", "large", "bonus"]', 'payer_order = ["large", "pool", "bonus"]',
        "benefits.inpatient.payers.large.base", "nobody is before it"),
    ('payer_order = ["illness", "assistance"]', 'payer_order = ["illness", "assistence"]',
        "payer_order", "did you mean 'assistance'"),
    ('benefits = ["inpatient", "chronic"]', 'benefits = ["inpatient", "cronic"]',
        "payers.illness.benefits", "did you mean 'chronic'"),
    ("[payers.assistance]", "[payers.pool]\n[payers.assistance]", "payer_order", "each of"),
    ('payer_order = ["illness", "assistance"]', 'payer_order = ["illness", "pool"]',
        "payer_order", "none of the name 'pool'"),
    # benefits
    ('buckets = ["dual_channel"]\n', "", "benefits.dual_channel.care_kinds", "14 belongs"),
    ('unpaid_care_kinds = ["41"]', 'unpaid_care_kinds = ["14"]',
        "unpaid_care_kinds", "paid by 'chronic'"),
    ("per_day = true", "each_day = true", "benefits.inpatient.fixed_price.each_day", "unknown key"),
    ('person = "admission"', 'person = "birth"',
        "benefits.inpatient.date_basis.person", "unknown word"),
    ('date_basis = { law', 'date_basis = { laws',
        "benefits.inpatient.date_basis.laws", "did you mean 'law'"),
    ('across_year = "cut"', 'across_year = "split"', "benefits.inpatient.across_year", "unknown"),
    # where a value may differ by what
    ('fixed_price = { amount = { by = ["condition"]', 'fixed_price = { amount = { by = ["part"]',
        "benefits.inpatient.fixed_price.amount.by", "only in account.may_pay"),
    ('lump = { by = ["person"]', 'lump = { by = ["item_class"]',
        "allowances.maternity.lump.by", "only in [lines]"),
    ('bucket = { by = ["item_kind"], value = { drug = "general"',
        'bucket = { by = ["item_kind"], value = { drug = "generl"',
        "lines.bucket", "did you mean 'general'"),
    ('over_limit = { by = ["item_kind"]', 'over_limit = { by = ["item_kin"]',
        "lines.over_limit.by", "did you mean 'item_kind'"),
    # other values
    ("divisor = 30", "divisor = 0", "allowances.maternity.divisor", "more than 0"),
    ("plus = -500", "plus = -5000", "allowances.maternity.lump.value.retired", "negative"),
    ('arrears = "account_only"', 'arrears = "full"', "entitlement.arrears", "unknown word"),
    ("waiting_months = 6", "waiting_months = -1", "entitlement.waiting_months", "whole number"),
    ("readmission_days = 15", "readmission_days = true", "stays.readmission_days", "a number"),
    ("amount = 100000", "amount = 1e400", "benefits.inpatient.payers.pool.caps.year.amount",
        "more than 15 digits"),
    ("amount = 100000", "amount = { active = 1, retired = 2 }",
        "benefits.inpatient.payers.pool.caps.year.amount", "needs 'by'"),
    ('bands = "2/3"', 'bands = "2/0"', "benefits.chronic.payers.pool.bands", "not a fraction"),
    ('bands = "2/3"', 'bands = [{ value = 0.5 }, 0.6]',
        "benefits.chronic.payers.pool.bands", "mixes"),
    ('active = "none", retired = 0.5', 'active = "none", retired = { of = "active", times = 2 }',
        "benefits.inpatient.payers.bonus.bands.value.retired", "not paid"),
    ("[payers.illness]", '["pay ers".x]\n[payers.illness]', "pay ers", "did you mean 'payers'"),
    ("[benefits.chronic]", '[benefits."a.b"]\n[benefits.chronic]', "benefits.a.b", "cannot be a"),
    ("[stays]\n", "[stay]\n", "stay", "did you mean 'stays'"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "key", "reason"), FAULTS, ids=[f[2] for f in FAULTS])
def test_a_contradiction_is_named_by_key_and_reason(
    old: str, new: str, key: str, reason: str
) -> None:
    with pytest.raises(LawError) as raised:
        changed((old, new))
    assert (raised.value.file, raised.value.key) == ("990000/employee.toml", key)
    assert reason in raised.value.reason


def test_an_area_is_six_digits() -> None:
    with pytest.raises(LawError, match=r"law\.area: must be 6 digits"):
        law_book_of({"anywhere.toml": TEXT.replace('area = "990000"', 'area = "99000"')})


def test_an_unknown_key_is_answered_with_all_that_are_known() -> None:
    with pytest.raises(LawError, match="known: emergency_days, readmission_days, referral_days"):
        changed(("referral_days = 1", "referral_days = 1\nx = 1"))


def test_a_common_payer_may_pay_above_the_cap_of_a_benefit_s_payer() -> None:
    for base in ('"above_cap"\nabove_cap_of = "pool"', '"above_cap"'):
        law = changed(('base = "co_pay"', f"base = {base}"))
        assert law.payers[0].base is Base.ABOVE_CAP
    with pytest.raises(LawError, match=r"payers\.illness\.above_cap_of: no payer 'bonis'"):
        changed(('base = "co_pay"', 'base = "above_cap"\nabove_cap_of = "bonis"'))


def test_a_gap_between_ranges_is_what_otherwise_says() -> None:
    law = changed(
        ("middle = { from = 45, below = 60 }", "middle = { from = 50, below = 60 }"),
        ("old = { from = 60 }", 'old = { from = 60 }\notherwise = "between"'),
    )
    assert law.classes["age"].names == ("young", "middle", "old", "between")


@pytest.mark.parametrize(
    "text",
    ["x = " + "[" * 5000, f"x = {'9' * 5000}", "x = 0x"],
    ids=["a deep nest", "a number of thousands of digits", "half a number"],
)
def test_a_text_that_breaks_the_parser_is_a_fault_of_the_file(text: str) -> None:
    with pytest.raises(LawError, match="not valid TOML"):
        law_book_of({"990000/employee.toml": text})
