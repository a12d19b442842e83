"""What enrolment and payments entitle to: waiting, grace, arrears, newborns, death."""

import itertools
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.properties import examples
from yibao.adjudication.entitlement import Enrolled, Entitled, Paid, derive
from yibao.kernel.periods import Period, add_months
from yibao.kernel.refusals import Refused
from yibao.policy.model import EntitlementRules
from yibao.policy.parameters import Confidence, Parameter, Version
from yibao.policy.terms import EntitlementExtent

BIRTH = date(1980, 5, 17)
FULL = EntitlementExtent.FULL


def told(name: str, value: Any, start: date = date(2000, 1, 1)) -> Parameter[Any]:
    """A parameter with one value for everybody."""
    version = Version(start, (), {(): value}, "test.toml", (), Confidence.PAGE)
    return Parameter(f"entitlement.{name}", (version,))


def rules(
    *, waiting: Any = 6, gap: Any = 3, grace: Any = 1, repay: Any = 3, newborn: Any = 90
) -> EntitlementRules:
    """A common law: half a year of waiting, three months' gap, one of grace."""
    return EntitlementRules(
        told("waiting_months", waiting),
        told("gap_months", gap),
        told("grace_months", grace),
        told("repay_months", repay),
        told("newborn_days", newborn),
        told("arrears", EntitlementExtent.ACCOUNT_ONLY),
    )


def months(first: str, count: int, *, paid_on: str | None = None) -> list[Paid]:
    """Monthly payments, each made on the 10th of its month unless said otherwise."""
    start = date.fromisoformat(f"{first}-01")
    spans = [Period(add_months(start, i), add_months(start, i + 1)) for i in range(count)]
    made = None if paid_on is None else date.fromisoformat(paid_on)
    return [Paid(span, made or span.start.replace(day=10)) for span in spans]


def year(number: int, *, paid_on: str) -> Paid:
    """A resident's premium for a calendar year."""
    span = Period(date(number, 1, 1), date(number + 1, 1, 1))
    return Paid(span, date.fromisoformat(paid_on))


def enrolled(start: str, end: str | None = None, **terms: bool) -> Enrolled:
    """An enrolment."""
    until = None if end is None else date.fromisoformat(end)
    return Enrolled(Period(date.fromisoformat(start), until), **terms)


def shown(entitled: tuple[Entitled, ...]) -> list[tuple[str, str | None, str, str]]:
    """Periods as text: from, until, extent, reason."""
    return [
        (
            one.period.start.isoformat(),
            None if one.period.end is None else one.period.end.isoformat(),
            one.extent.value,
            one.reason.name.lower(),
        )
        for one in entitled
    ]


def of(*paid: Paid, start: str = "2025-01-01", **changes: Any) -> list[Any]:
    """What payments within one enrolment entitle to."""
    law = changes.pop("law", rules())
    return shown(derive([enrolled(start)], paid, law, birth=BIRTH, **changes))


def test_paid_months_entitle_in_full_then_comes_grace_then_arrears() -> None:
    assert of(*months("2025-01", 3)) == [
        ("2025-01-01", "2025-04-01", "full", "paid"),
        ("2025-04-01", "2025-05-01", "full", "grace"),
        ("2025-05-01", None, "account_only", "arrears"),
    ]


def test_without_grace_in_the_law_the_fund_is_blocked_at_once() -> None:
    assert of(*months("2025-01", 1), law=rules(grace=None))[1] == (
        "2025-02-01", None, "account_only", "arrears",
    )  # fmt: skip


def test_nobody_who_never_paid_is_entitled_in_full() -> None:
    assert of() == [("2025-01-01", None, "account_only", "arrears")]


def test_arrears_paid_back_in_time_reach_back() -> None:
    late = months("2025-03", 1, paid_on="2025-05-20")
    assert of(*months("2025-01", 2), *late) == [
        ("2025-01-01", "2025-03-01", "full", "paid"),
        ("2025-03-01", "2025-04-01", "full", "repaid"),
        ("2025-04-01", "2025-05-01", "full", "grace"),
        ("2025-05-01", None, "account_only", "arrears"),
    ]


def test_arrears_paid_back_too_late_do_not_reach_back() -> None:
    late = months("2025-03", 1, paid_on="2025-08-20")
    assert of(*months("2025-01", 2), *late) == of(*months("2025-01", 2))


def test_a_short_gap_does_not_interrupt() -> None:
    periods = of(*months("2025-01", 2), *months("2025-06", 1))
    assert ("2025-06-01", "2025-07-01", "full", "paid") in periods


def test_after_a_long_gap_one_waits() -> None:
    again = months("2025-09", 8)
    assert of(*months("2025-01", 2), *again)[3:5] == [
        ("2025-09-01", "2026-03-10", "account_only", "waiting"),
        ("2026-03-10", "2026-05-01", "full", "paid"),
    ]


def test_a_resident_who_pays_before_the_year_is_covered_from_its_first_day() -> None:
    assert of(year(2025, paid_on="2024-11-30"))[0] == ("2025-01-01", "2026-01-01", "full", "paid")


def test_a_resident_who_enrols_late_waits_from_the_payment() -> None:
    assert of(year(2025, paid_on="2025-05-06"), law=rules(waiting=3))[:2] == [
        ("2025-01-01", "2025-08-06", "account_only", "waiting"),
        ("2025-08-06", "2026-01-01", "full", "paid"),
    ]


def test_a_waiting_time_longer_than_what_is_paid_for_leaves_nothing() -> None:
    assert of(year(2025, paid_on="2025-09-06"))[0] == (
        "2025-01-01", "2026-01-01", "account_only", "waiting",
    )  # fmt: skip


@pytest.mark.parametrize(
    ("born", "paid_on", "covered_from", "reason"),
    [
        ("2025-03-10", "2025-05-20", "2025-03-10", "newborn"),
        ("2025-03-10", "2025-06-08", "2025-03-10", "newborn"),  # the ninetieth day
        ("2025-03-10", "2025-06-09", None, "waiting"),
    ],
)
def test_a_child_enrolled_in_time_is_covered_from_birth(
    born: str, paid_on: str, covered_from: str | None, reason: str
) -> None:
    found = shown(
        derive(
            [enrolled(paid_on)],
            [year(2025, paid_on=paid_on)],
            rules(waiting=None if covered_from else 3),
            birth=date.fromisoformat(born),
        )
    )
    assert found[0][3] == reason
    assert found[0][2] == ("full" if covered_from else "account_only")
    assert covered_from is None or found[0][0] == covered_from


def test_the_retired_need_not_pay() -> None:
    found = derive(
        [enrolled("2025-01-01", "2025-07-01"), enrolled("2025-07-01", pays=False)],
        months("2025-01", 6),
        rules(),
        birth=BIRTH,
    )
    assert shown(found) == [
        ("2025-01-01", "2025-07-01", "full", "paid"),
        ("2025-07-01", None, "full", "no_premium"),
    ]


def test_an_account_only_person_never_has_the_fund() -> None:
    found = derive(
        [enrolled("2025-01-01", account_only=True)], months("2025-01", 2), rules(), birth=BIRTH
    )
    assert {one.extent for one in found} == {EntitlementExtent.ACCOUNT_ONLY}


def test_everything_ends_with_the_day_of_death() -> None:
    found = of(*months("2025-01", 12), died_on=date(2025, 5, 9))
    assert found == [("2025-01-01", "2025-05-10", "full", "paid")]


def test_nothing_is_left_after_the_enrolment() -> None:
    found = derive(
        [enrolled("2025-01-01", "2025-02-15")], months("2025-01", 2), rules(), birth=BIRTH
    )
    assert shown(found) == [("2025-01-01", "2025-02-15", "full", "paid")]


def test_a_term_that_the_law_lacks_is_named_with_its_day() -> None:
    law = rules()
    bare = EntitlementRules(
        Parameter("entitlement.waiting_months"), law.gap_months, law.grace_months,
        law.repay_months, law.newborn_days, law.arrears,
    )  # fmt: skip
    with pytest.raises(Refused) as refused:
        of(*months("2025-01", 1), law=bare)
    assert refused.value.refusal.facts == {
        "parameter": "entitlement.waiting_months",
        "day": "2025-01-01",
    }


@settings(max_examples=examples(60), deadline=None)
@given(
    st.lists(st.integers(0, 35), max_size=20, unique=True),
    st.integers(0, 200),
    st.integers(0, 4),
    st.integers(0, 4),
)
def test_days_are_told_once_and_payments_never_take_away(
    paid: list[int], delay: int, grace: int, gap: int
) -> None:
    law = rules(grace=grace, gap=gap)
    start = date(2025, 1, 1)

    def payment(month: int, after: int = 0) -> Paid:
        span = Period(add_months(start, month), add_months(start, month + 1))
        return Paid(span, date.fromordinal(span.start.toordinal() + after))

    payments = [payment(month, delay if i % 3 == 0 else 0) for i, month in enumerate(paid)]
    found = derive([enrolled("2025-01-01")], payments, law, birth=BIRTH)
    assert found[0].period.start == start
    for earlier, later in itertools.pairwise(found):
        assert earlier.period.end == later.period.start, "no day twice, none left out"
    assert found[-1].period.end is None
    ontime = {add_months(start, month) for month in paid if month < 3}
    if set(range(3)) <= set(paid) and delay == 0:
        assert all(
            any(one.extent is FULL and one.period.holds(day) for one in found) for day in ontime
        )
