"""The explanation tells what was computed: every step with figures, parameter and source."""

import pytest

from tests.adjudication.builders import bill_of, packaged, stay_of
from tests.adjudication.laws import law_from
from tests.policy.builders import document, law_of
from yibao.adjudication.benefit import Decision, decide
from yibao.adjudication.classify import classify
from yibao.adjudication.explanation.explain import Language, explain, explain_line
from yibao.adjudication.explanation.trace import explained, percent, steps
from yibao.adjudication.model import AccountPart, ChargedLine, CounterKey, ItemTerms, Sums
from yibao.kernel.frozen import replace
from yibao.kernel.money import PRICE_SCALE, QUANTITY_SCALE, Rate
from yibao.policy.terms import RESIDENT, CareKind, EntitlementExtent, ItemClass, Level

BEIJING = packaged("110000")
CHANGSHA = packaged("430100")

DEDUCTIBLE = CounterKey("employee_outpatient_deductible", "2026")
MUTUAL_AID = CounterKey("employee_outpatient_mutual_aid", "2026")


def retired_bill() -> Decision:
    """The real record A07 by the packaged law."""
    bill = bill_of(BEIJING, 255_476, own=3_599, first_pay=2_248, person_type="1201")
    return decide(bill, BEIJING, {DEDUCTIBLE: 130_000}, [AccountPart("a", "current", 10_000)])


def capped_bill() -> Decision:
    """A bill in which Changsha's yearly cap is met."""
    fund = CounterKey("employee_outpatient_fund", "2026")
    return decide(bill_of(CHANGSHA, 44_241), CHANGSHA, {fund: 149_000}, [])


def test_a_bill_is_told_in_the_order_of_its_computation() -> None:
    assert [step.name for step in steps(retired_bill())] == [
        "line_split",
        "deductible_limit",
        "deductible",
        "band",
        "payer",
        "band",
        "payer",
        "payer_deductible_limit",
        "payer_deductible",
        "payer",
        "personal",
        "account",
        "cash",
    ]


def test_every_rule_that_was_applied_names_its_parameter_and_source() -> None:
    ruled = {
        "deductible_limit",
        "payer_deductible_limit",
        "band",
        "cap",
        "account",
        "not_covered",
    }
    for decision in (retired_bill(), capped_bill()):
        for step in steps(decision):
            assert (step.parameter is not None) == (step.name in ruled)
            assert (step.reference is not None) == (step.name in ruled)


def test_a_city_s_explanation_points_to_the_province_s_file() -> None:
    band = next(step for step in steps(capped_bill()) if step.name == "band")
    assert band.parameter == "430000/employee.toml: benefits.outpatient.payers.pool.bands.l3"
    assert band.reference is not None
    assert "https://hzbdd.com/31577" in band.reference


def test_the_steps_carry_the_figures_of_the_statement() -> None:
    decision = retired_bill()
    results = [(step.name, step.result) for step in steps(decision)]
    assert ("payer", 178_833) in results
    assert ("payer", 38_322) in results
    assert ("personal", decision.statement.personal) in results
    assert ("account", 10_000) in results
    assert ("cash", decision.statement.cash) in results


def test_the_trace_does_not_change_the_statement() -> None:
    decision = retired_bill()
    statement = explained(decision)
    assert statement == decision.statement
    assert statement.trace
    assert decision.statement.trace == ()


def test_a_patient_reads_it_in_chinese() -> None:
    text = explain(retired_bill())
    assert "1. 费用总额 2613.23 元：全自费 35.99 元" in text
    assert "本待遇年度起付线 1300.00 元，此前已付 1300.00 元，尚余 0.00 元。" in text
    assert "2554.76 元（基金累计支付 0.00—20000.00 元） × 70% = 1788.332 元。" in text
    assert "大额医疗互助资金支付 1788.33 元。" in text
    assert "766.43 元 × 50% = 383.215 元。" in text
    assert "依据: 110000/employee.toml: benefits.outpatient.deductible.year.amount.retired" in text
    assert text.splitlines()[-1].startswith("适用规则: 北京市职工基本医疗保险")


def test_a_patient_reads_it_in_english() -> None:
    text = explain(retired_bill(), "en")
    assert "1. Of 2613.23 yuan in all, 35.99 is own expense" in text
    assert "Large-amount mutual-aid fund pays 1788.33 yuan." in text
    assert "Of 2613.23 yuan the funds pay 2171.55; 441.68 yuan is left to the person." in text
    assert not any("\u4e00" <= letter <= "\u9fff" for letter in "".join(text.splitlines()[:-1]))


def test_a_cap_inside_a_bill_is_told_with_what_lies_above_it() -> None:
    text = explain(capped_bill(), "en")
    assert (
        "The cap for the benefit year is 1500.00 yuan; 1490.00 was used before, 10.00 is left."
        in text
    )
    assert "pays 10.00 yuan; it does not pay for ≈325.7433 yuan of cost above its cap." in text


def test_bands_are_told_one_by_one() -> None:
    history = {DEDUCTIBLE: 180_000, MUTUAL_AID: 1_965_000}
    text = explain(decide(bill_of(BEIJING, 100_000), BEIJING, history, []), "en")
    assert "500.00 yuan of the in-scope amount above the deductible" in text
    assert "(paid by the fund so far 0.00 to 20000.00) x 70% = 350.00 yuan." in text
    assert "(paid by the fund so far above 20000.00) x 60% = 300.00 yuan." in text


@pytest.mark.parametrize(
    ("care_kind", "entitlement", "words"),
    [
        ("41", EntitlementExtent.FULL, "does not pay for this kind of care"),
        ("11", EntitlementExtent.FULL, "at this level of institution"),
        ("11", EntitlementExtent.ACCOUNT_ONLY, "no entitlement"),
    ],
)
def test_why_no_fund_pays_is_said(
    care_kind: str, entitlement: EntitlementExtent, words: str
) -> None:
    law = packaged("430100", RESIDENT)
    bill = bill_of(
        law,
        10_000,
        person_type="1501",
        level=Level.THIRD,
        care_kind=CareKind(care_kind),
        entitlement=entitlement,
    )
    assert words in explain(decide(bill, law, {}, []), "en")


@pytest.mark.parametrize("language", ["zh", "en"])
def test_a_law_without_deductible_is_told_without_one(language: Language) -> None:
    law = law_of(document())
    text = explain(decide(bill_of(law, 100), law, {}, []), language)
    assert "年度起付线" not in text
    assert "deductible for" not in text


def line_text(terms: ItemTerms, language: Language = "zh", approved: bool | None = None) -> str:
    """One unit of 12.37 yuan explained."""
    line = ChargedLine(1_237, 12_370_000, 10**QUANTITY_SCALE, approved)
    return explain_line(line, terms, classify(line, terms), language)


def test_a_line_is_told_with_its_class_ceiling_and_first_pay() -> None:
    terms = ItemTerms(ItemClass.B, Rate(1000), 10 * 10**PRICE_SCALE)
    assert line_text(terms) == (
        "12.37 元：乙类，单价限价 10 元，超限价 2.37 元自付，"
        "先行自付 10% 为 1.00 元，政策范围内 9.00 元。"
    )
    assert line_text(terms, "en") == (
        "12.37 yuan: class B, price ceiling 10 yuan, 2.37 above it is the person's, "
        "first self-pay 10% is 1.00 yuan, 9.00 yuan in scope."
    )


@pytest.mark.parametrize(
    ("terms", "approved", "reason"),
    [
        (ItemTerms(ItemClass.C), None, "丙类（目录外）"),
        (ItemTerms(ItemClass.A), False, "医院审批不通过"),
        (ItemTerms(ItemClass.A, restricted=True), None, "限制使用项目未经医院审批"),
    ],
)
def test_an_own_expense_line_says_why(terms: ItemTerms, approved: bool | None, reason: str) -> None:
    assert line_text(terms, approved=approved) == f"12.37 元：{reason}，全部自费。"


@pytest.mark.parametrize(
    ("rate", "text"),
    [
        (Rate(7000), "70%"),
        (Rate(9910), "99.1%"),
        (Rate(10_000), "100%"),
        (Rate(0), "0%"),
        (Rate(2, 3), "2/3"),
    ],
)
def test_a_rate_is_written_as_a_patient_reads_it(rate: Rate, text: str) -> None:
    assert percent(rate) == text


# ----------------------------------------------------------------------- the whole law language


WHOLE = """
    counters.base = { scope = "year", counts = "base_after_deductible", payers = ["serious"] }
    counters.own = { scope = "year", counts = "deductible", payers = ["serious"] }
    counters.visit = { scope = "visit", counts = "deductible" }
    counters.stays = { scope = "year", counts = "stays" }
    [classes.stay]
    fact = "times"
    counter = "stays"
    order = ["first", "later"]
    first = { below = 2 }
    later = { from = 2 }
    [account]
    may_pay = ["co_pay"]
    parts = ["current"]
    spent_first = ["current"]
    [benefits.stay]
    first_pay = 0.1
    fixed_price.amount = 9000
    deductible.visit.counter = "visit"
    deductible.visit.amount = { by = ["stay"], value = { first = 800, later = 400 } }
    deductible.visit.factor.child = 0.5
    payers.pool = { english = "Pool", bands = 0.5, adjust = { away = { points = -0.1 } } }
    [payers.serious]
    title = "大病保险"
    english = "Critical illness"
    counter = "base"
    bands = [{ above = 0, to = 5000, ratio = 0.6 }, { above = 5000, ratio = 0.7 }]
    also = { first_pay = 0.5 }
    deductible.year = { counter = "own", amount = 100 }
"""


def whole_bill() -> Decision:
    """A second stay that meets every step there is."""
    law = law_from(WHOLE)
    history = {
        CounterKey("stays", "2026"): 1,
        CounterKey("base", "2026"): 400_000,
        CounterKey("own", "2026"): 10_000,
    }
    bill = stay_of(law, 10_000, own=100, fixed_price=True)
    return decide(bill, law, history, [AccountPart("a", "current", 10_000)])


def test_every_step_of_the_computation_is_told() -> None:
    told = [(step.name, step.result) for step in steps(whole_bill())]
    # 10,100 − 9,000 = 1,100 of the hospital off 9,000 in scope; account 100; deductible 200;
    # 7,600 × 40 %; (7,800 − 3,040 = 4,760) + 500 of the first pay: 1,000 × 60 % + 4,260 × 70 %
    assert told == [
        ("line_split", 1_000_000),
        ("times", None),
        ("first_pay", 100_000),
        ("fixed_price", 110_000),
        ("spent_first", 10_000),
        ("factor", None),
        ("deductible_limit", 20_000),
        ("deductible", 20_000),
        ("adjustment", None),
        ("band", 304_000),
        ("payer", 304_000),
        ("also", 50_000),
        ("payer_deductible_limit", 0),
        ("payer_deductible", 0),
        ("axis", 400_000),
        ("band", 60_000),
        ("band", 298_200),
        ("payer", 358_200),
        ("personal", 1_010_000 - 110_000 - 304_000 - 358_200),
        ("account", 10_000),
        ("cash", 1_010_000 - 110_000 - 304_000 - 358_200 - 10_000),
    ]


@pytest.mark.parametrize(
    "words",
    [
        "stays：本次为第 2 次。",
        "先由个人负担：政策范围内 10000.00 元 × 10% = 1000.00 元。",
        "定额标准 9000.00 元，超出的 1100.00 元由医院承担。",
        "个人账户先行支付 100.00 元，其余进入起付线。",
        "本次就诊起付线 200.00 元（400.00 元 × 0.5），此前已付 0.00 元，尚余 200.00 元。",
        "基金支付比例 -10 个百分点。",
        "大病保险：先行自付按 50% 计入，计 500.00 元。",
        "大病保险：本待遇年度起付线以上费用已计 4000.00 元，本次从此处起分段。",
        "医院承担 1100.00 元，个人负担 2378.00 元。",
        "实际支付 100.00 元（含先行支付 100.00 元）。",
    ],
)
def test_a_patient_reads_why_in_words(words: str) -> None:
    assert words in explain(whole_bill())


LIMITS = """
    counters.visit = { scope = "visit", counts = "deductible" }
    counters.aid = { scope = "year", counts = "fund", payers = ["aid"] }
    counters.times = { scope = "year", counts = "payments", payers = ["aid"] }
    classes.nth = { fact = "times", counter = "stays", order = ["any"], any = { from = 1 } }
    counters.stays = { scope = "year", counts = "stays", by = ["level"] }
    [benefits.stay]
    deductible.visit.counter = "visit"
    deductible.visit.amount = { by = ["nth"], value = { any = 100 } }
    deductible.visit.every_days = 2
    payers.pool.bands = 0.5
    [payers.aid]
    english = "Aid"
    also.first_pay = 1
    bands = 0.5
    caps.often = { counter = "times", amount = 1 }
    [payers.aid.caps.year]
    counter = "aid"
    amount = 1000
    growth.e = { years = "enrolled_years", after = 4, step = 10 }
    growth.c = { years = "claim_free_years", after = 0, step = 20 }
"""


@pytest.mark.parametrize(
    "words",
    [
        "In the benefit year this is stay number 1 of its kind.",
        "(100.00 yuan, due every 2 days, so x 3)",
        "Aid: 550.00 yuan of the in-scope amount not paid so far and of what else counts x 50%",
        "The limit of payments for the benefit year is 1 times; 0 times was used before, 1 times",
        "(1000.00 yuan + 40.00 for years without a claim + 10.00 for years enrolled without a gap)",
    ],
)
def test_limits_are_told_in_words_and_not_by_their_keys(words: str) -> None:
    law = law_from(LIMITS)
    bill = stay_of(law, 600, first_pay=100)
    person = replace(bill.person, enrolled_years=5, claim_free_years=2)
    decision = decide(replace(bill, person=person, days=5), law, {}, [])
    assert words in explain(decision, "en")
    limit = next(step for step in steps(decision) if "times" in step.english)
    assert limit.result is None  # it is no amount


def test_an_auditor_reads_case_figures_and_counters_too() -> None:
    text = explain(whole_bill(), "en", auditor=True)
    assert text.startswith("Day 2026-03-01, kind of care 21; case: filing = none, level = l3,")
    assert "stay = later" in text.splitlines()[0]
    assert "[band: base 4260.00, rate 0.7, result 2982.00]" in text
    assert whole_bill().law.fingerprint in text
    assert "   base@2026 +5260.00" in text
    assert "   stays@2026 +1" in text


def test_the_parts_of_a_bill_are_told_apart() -> None:
    law = law_from(
        """
        benefits.stay.payers.pool = { bands = 0.5 }
        [benefits.dual]
        buckets = ["dual"]
        title = "双通道"
        payers.pool.bands = 0.6
        """
    )
    bill = stay_of(law, 10)
    sums = {"general": Sums(1_000, in_scope=1_000), "dual": Sums(500, in_scope=500)}
    text = explain(decide(replace(bill, sums=sums), law, {}, []))
    assert "2. 费用类别 general（stay）：政策范围内 10.00 元。" in text
    assert "费用类别 dual（双通道）：政策范围内 5.00 元。" in text


def test_what_the_hospital_bears_of_over_limit_is_told() -> None:
    law = law_from("benefits.stay.payers.pool = { bands = 0.5 }")
    sums = {"general": Sums(1_000, 0, 300, 0, 700, hospital=300)}
    decision = decide(replace(stay_of(law), sums=sums), law, {}, [])
    assert "超限价中 3.00 元由医院承担。" in explain(decision)
    assert (decision.statement.hospital_part, decision.statement.cash) == (300, 350)
