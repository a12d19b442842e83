"""Bills of Beijing and Changsha are decided as their laws say."""

from datetime import date
from decimal import Decimal

import pytest

from tests.adjudication.builders import DAY, Member, bill_of, packaged
from tests.policy.builders import counter, dated, document, law_of, limit
from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.model import AccountPart, CounterKey, Payment, Sums
from yibao.kernel.frozen import replace
from yibao.kernel.money import Rate
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import RESIDENT, CareKind, EntitlementExtent, Level

BEIJING = packaged("110000")
BEIJING_RESIDENTS = packaged("110000", RESIDENT)
CHANGSHA = packaged("430100")
CHANGSHA_RESIDENTS = packaged("430100", RESIDENT)

DEDUCTIBLE = CounterKey("employee_outpatient_deductible", "2026")
MUTUAL_AID = CounterKey("employee_outpatient_mutual_aid", "2026")


# ---------------------------------------------------------------------------- Beijing, employees


def test_the_year_s_deductible_is_paid_once_over_several_bills() -> None:
    member = Member(BEIJING)
    first, second, third = (member.settle(bill_of(BEIJING, 100_000)) for _ in range(3))
    assert (first.deductible, first.funds) == (100_000, 0)
    assert (second.deductible, second.funds) == (80_000, 14_000)
    assert (third.deductible, third.funds) == (0, 70_000)
    assert member.counters[DEDUCTIBLE] == 180_000
    assert member.counters[MUTUAL_AID] == 84_000


@pytest.mark.parametrize(
    ("person", "level", "mutual_aid", "supplement"),
    [
        ("1101", Level.GRASS_ROOTS, 90_000, 0),
        ("1101", Level.FIRST, 70_000, 0),
        ("1101", Level.PROVINCIAL, 70_000, 0),
        ("1201", Level.GRASS_ROOTS, 80_000, 10_000),
        ("1201", Level.THIRD, 70_000, 15_000),
    ],
)
def test_grass_roots_pay_more_and_the_retired_get_half_of_the_rest(
    person: str, level: Level, mutual_aid: int, supplement: int
) -> None:
    statement = benefit(
        bill_of(BEIJING, 100_000, person_type=person, level=level),
        BEIJING,
        {DEDUCTIBLE: 180_000},
        [],
    )
    paid = {payment.fund: payment.amount for payment in statement.payments}
    assert paid == {"330100": mutual_aid} | ({"999997": supplement} if supplement else {})


def test_above_twenty_thousand_paid_by_the_fund_the_ratio_falls_inside_the_bill() -> None:
    statement = benefit(
        bill_of(BEIJING, 100_000), BEIJING, {DEDUCTIBLE: 180_000, MUTUAL_AID: 1_965_000}, []
    )
    # 350.00 yuan are left of the first band: 500.00 of cost at 70 %, the other 500.00 at 60 %
    assert statement.payments == (
        Payment("330100", "hifob", 100_000, 65_000, payer="benefits.outpatient.payers.mutual_aid"),
    )


def test_a_payment_names_its_ratio_only_where_one_decided_it() -> None:
    bill = bill_of(BEIJING, 100_000)
    whole = benefit(bill, BEIJING, {DEDUCTIBLE: 180_000}, [])
    cut = benefit(bill, BEIJING, {DEDUCTIBLE: 180_000, MUTUAL_AID: 1_965_000}, [])
    assert whole.payments[0].rate == Rate(7000)
    assert cut.payments[0].rate is None


def test_more_paid_as_active_than_due_as_retired_gives_nothing_back() -> None:
    bill = bill_of(BEIJING, 100_000, person_type="1201")
    statement = benefit(bill, BEIJING, {DEDUCTIBLE: 180_000}, [])
    assert statement.deductible == 0
    assert statement.funds == 85_000


def test_a_new_benefit_year_begins_with_counters_at_zero() -> None:
    member = Member(BEIJING)
    member.settle(bill_of(BEIJING, 300_000, day=date(2025, 12, 31)))
    assert member.settle(bill_of(BEIJING, 300_000, day=date(2026, 1, 1))).deductible == 180_000


# ------------------------------------------------------------------ Changsha, employees by visit


def test_the_visit_s_deductible_is_paid_once_over_the_batches_of_a_visit() -> None:
    member = Member(CHANGSHA)
    first = member.settle(bill_of(CHANGSHA, 6_000))
    second = member.settle(bill_of(CHANGSHA, 6_000))
    other = member.settle(bill_of(CHANGSHA, 20_000, visit="visit-2"))
    assert [s.deductible for s in (first, second, other)] == [6_000, 4_000, 10_000]


def test_a_bill_without_a_visit_is_a_visit_of_its_own() -> None:
    member = Member(CHANGSHA)
    bills = [member.settle(bill_of(CHANGSHA, 20_000, visit=None)) for _ in range(4)]
    assert [bill.deductible for bill in bills] == [10_000, 10_000, 10_000, 0]
    assert all(key.name != "employee_visit_deductible" for key in member.counters)


def test_the_year_limits_the_deductibles_of_the_visits() -> None:
    member = Member(CHANGSHA)
    paid = [
        member.settle(bill_of(CHANGSHA, 20_000, visit=f"v{n}", level=Level.SECOND)).deductible
        for n in range(6)
    ]
    assert paid == [5_000, 5_000, 5_000, 5_000, 0, 0]
    assert member.settle(bill_of(CHANGSHA, 20_000, visit="v9")).deductible == 10_000
    assert member.settle(bill_of(CHANGSHA, 20_000, visit="v10")).deductible == 0


@pytest.mark.parametrize(("person", "cap"), [("1101", 150_000), ("1201", 200_000)])
def test_the_fund_stops_at_its_cap_and_the_rest_is_the_person_s(person: str, cap: int) -> None:
    member = Member(CHANGSHA)
    statement = member.settle(bill_of(CHANGSHA, 1_000_000, person_type=person))
    assert statement.funds == cap
    assert statement.payments[0].available == cap
    assert statement.personal == 1_000_000 - cap
    after = member.settle(bill_of(CHANGSHA, 1_000_000, person_type=person))
    assert after.payments == ()


# ------------------------------------------------------------------------------------- residents


def test_changsha_residents_are_covered_at_grass_roots_alone() -> None:
    here = benefit(
        bill_of(CHANGSHA_RESIDENTS, 10_000, person_type="1501", level=Level.GRASS_ROOTS),
        CHANGSHA_RESIDENTS,
        {},
        [],
    )
    there = bill_of(CHANGSHA_RESIDENTS, 10_000, person_type="1501", level=Level.THIRD)
    assert (here.deductible, here.funds) == (0, 7_000)
    elsewhere = benefit(there, CHANGSHA_RESIDENTS, {}, [])
    assert (elsewhere.deductible, elsewhere.funds, elsewhere.cash) == (0, 0, 10_000)
    assert elsewhere.counters == ()
    assert needed_counters(there, CHANGSHA_RESIDENTS) == ()


def test_changsha_residents_have_a_yearly_cap_of_560_yuan() -> None:
    member = Member(CHANGSHA_RESIDENTS)
    bill = bill_of(CHANGSHA_RESIDENTS, 50_000, person_type="1501", level=Level.GRASS_ROOTS)
    assert [member.settle(bill).funds for _ in range(3)] == [35_000, 21_000, 0]


def test_beijing_residents_share_one_deductible_between_levels() -> None:
    member = Member(BEIJING_RESIDENTS)

    def deductible(level: Level) -> int:
        bill = bill_of(BEIJING_RESIDENTS, 100_000, person_type="1501", level=level)
        return member.settle(bill).deductible

    levels = [Level.FIRST, Level.THIRD, Level.FIRST, Level.SECOND]
    assert [deductible(level) for level in levels] == [10_000, 45_000, 0, 0]


# --------------------------------------------------------------------- entitlement, kind of care


@pytest.mark.parametrize(
    ("entitlement", "account"),
    [(EntitlementExtent.ACCOUNT_ONLY, 5_000), (EntitlementExtent.NONE, 0)],
)
def test_without_full_entitlement_no_fund_pays_and_no_counter_moves(
    entitlement: EntitlementExtent, account: int
) -> None:
    bill = bill_of(BEIJING, 300_000, entitlement=entitlement)
    statement = benefit(bill, BEIJING, {}, [AccountPart("a", "current", 5_000)])
    assert (statement.funds, statement.deductible, statement.counters) == (0, 0, ())
    assert statement.account_total == account
    assert statement.cash == 300_000 - account


def test_a_purchase_at_a_pharmacy_is_paid_by_the_account() -> None:
    bill = bill_of(BEIJING, 3_000, care_kind=CareKind("41"), is_pharmacy=True)
    statement = benefit(bill, BEIJING, {}, [AccountPart("a", "current", 10_000)])
    assert (statement.funds, statement.account_total, statement.cash) == (0, 3_000, 0)


def test_a_pharmacy_is_no_outpatient_clinic() -> None:
    bill = bill_of(BEIJING, 300_000, is_pharmacy=True)
    assert benefit(bill, BEIJING, {DEDUCTIBLE: 180_000}, []).funds == 0


def test_a_kind_of_care_without_rules_is_refused_by_name() -> None:
    with pytest.raises(Refused) as raised:
        benefit(bill_of(BEIJING, 100, care_kind=CareKind("14")), BEIJING, {}, [])
    assert raised.value.refusal.code is RefusalCode.PARAMETER_MISSING
    assert raised.value.refusal.facts["parameter"] == "benefits.*.care_kinds.14"


def test_a_person_type_the_law_does_not_place_is_refused_by_the_parameter() -> None:
    with pytest.raises(Refused) as raised:
        benefit(bill_of(BEIJING, 100, person_type="1300"), BEIJING, {}, [])
    assert raised.value.refusal.facts["parameter"].endswith("deductible.year.amount.unknown")


def test_a_bucket_the_law_has_no_rules_for_is_refused_by_name() -> None:
    bill = replace(bill_of(BEIJING), sums={"dual_channel": Sums(100, 0, 0, 0, 100)})
    with pytest.raises(Refused) as raised:
        benefit(bill, BEIJING, {}, [])
    assert raised.value.refusal.facts["parameter"] == "benefits.*.buckets.dual_channel"


@pytest.mark.parametrize("part", ["own", "over_limit", "first_pay", "in_scope"])
def test_a_batch_that_returns_more_than_it_charges_is_refused(part: str) -> None:
    amounts = {"in_scope": 1_000, part: -1}
    bill = bill_of(BEIJING, amounts.pop("in_scope"), **amounts)
    with pytest.raises(Refused) as raised:
        benefit(bill, BEIJING, {}, [])
    assert raised.value.refusal.code is RefusalCode.AMOUNT_OUT_OF_RANGE


def test_a_negative_counter_is_refused_by_name() -> None:
    with pytest.raises(Refused) as raised:
        benefit(bill_of(BEIJING, 100), BEIJING, {DEDUCTIBLE: -1}, [])
    assert raised.value.refusal.code is RefusalCode.AMOUNT_OUT_OF_RANGE
    assert raised.value.refusal.facts == {"counter": DEDUCTIBLE.name}


def test_a_bill_under_the_law_of_another_scheme_is_a_fault() -> None:
    with pytest.raises(ValueError, match="scheme"):
        benefit(bill_of(BEIJING), BEIJING_RESIDENTS, {}, [])


def test_an_empty_bill_moves_nothing() -> None:
    statement = benefit(bill_of(CHANGSHA), CHANGSHA, {}, [AccountPart("a", "current", 100)])
    assert (statement.personal, statement.payments, statement.account) == (0, (), ())
    assert statement.counters == ()


# ------------------------------------------------------------------------------------ the account


def test_the_current_year_s_part_pays_before_the_carried_one() -> None:
    parts = [AccountPart("old", "carried", 10_000), AccountPart("new", "current", 3_000)]
    statement = benefit(bill_of(BEIJING, 8_000), BEIJING, {}, parts)
    assert statement.account == (("new", 3_000), ("old", 5_000))
    assert statement.cash == 0


def test_the_account_pays_deductible_first_pay_own_and_over_limit() -> None:
    bill = bill_of(BEIJING, 1_000, own=200, over_limit=30, first_pay=4)
    statement = benefit(bill, BEIJING, {}, [AccountPart("a", "current", 10_000)])
    assert (statement.account_total, statement.cash) == (1_234, 0)


def test_the_account_rests_when_the_hospital_does_not_ask_for_it() -> None:
    bill = bill_of(BEIJING, 1_000, use_account=False)
    assert benefit(bill, BEIJING, {}, [AccountPart("a", "current", 10_000)]).account == ()


def test_a_law_may_keep_the_account_from_own_expense_and_from_a_part() -> None:
    content = document()
    content["account"] = {
        "may_pay": [dated(["co_pay", "first_pay"])],
        "parts": [dated(["carried"])],
    }
    law = law_of(content)
    bill = bill_of(law, 1_000, own=200, over_limit=30, first_pay=4)
    parts = [AccountPart("new", "current", 900), AccountPart("old", "carried", 900)]
    statement = benefit(bill, law, {}, parts)
    assert statement.account == (("old", 304),)
    assert statement.cash == 230


# ---------------------------------------------------------------------------------- the counters


def test_needed_counters_are_those_of_year_and_visit() -> None:
    assert set(needed_counters(bill_of(CHANGSHA, 100), CHANGSHA)) == {
        CounterKey("employee_outpatient_deductible", "2026"),
        CounterKey("employee_outpatient_fund", "2026"),
        CounterKey("employee_visit_deductible", "visit-1"),
    }


def test_a_bill_writes_only_counters_that_were_needed() -> None:
    bill = bill_of(CHANGSHA, 100_000)
    statement = benefit(bill, CHANGSHA, {}, [])
    assert {key for key, _ in statement.counters} <= set(needed_counters(bill, CHANGSHA))


@pytest.mark.parametrize(
    ("scope", "instance"),
    [
        ("day", "2026-03-01"),
        ("month", "2026-03"),
        ("year", "2026"),
        ("life", "life"),
        ("visit", "visit-1"),
    ],
)
def test_a_counter_s_instance_follows_its_scope(scope: str, instance: str) -> None:
    counters = {"paid": counter(scope, "deductible")}
    law = law_of(document(None, counters, {"only": limit("paid", Decimal("0.5"))}))
    statement = benefit(bill_of(law, 100, day=DAY), law, {}, [])
    assert statement.counters == ((CounterKey("paid", instance), 50),)
