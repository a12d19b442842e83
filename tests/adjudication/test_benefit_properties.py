"""What holds for every law, bill and history of today's shapes."""

from decimal import Decimal
from fractions import Fraction
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adjudication.builders import DAY, Member, bill_of, packaged
from tests.policy.builders import counter, document, law_of, limit, payer
from tests.properties import examples
from yibao.adjudication.bands import cost_until, cut, fund_of
from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.model import AccountPart, Bill
from yibao.kernel.money import Rate
from yibao.policy.model import Axis, Band, Law
from yibao.policy.terms import RESIDENT, EntitlementExtent, Level

AXES = {
    "after_deductible": "after_deductible",
    "absolute": "in_scope",
    "fund_paid": "fund",
}

amounts = st.integers(0, 5_000_000)
parts_of_bills = st.tuples(amounts, amounts, amounts, amounts)
shares = st.integers(0, 10_000).map(lambda n: Decimal(n) / 10_000)
points = st.lists(st.integers(1, 40_000), max_size=3, unique=True).map(sorted)


@st.composite
def bands(draw: st.DrawFn) -> list[dict[str, Any]]:
    """Bands without gap or overlap, in yuan."""
    bounds = [0, *draw(points)]
    table: list[dict[str, Any]] = [{"above": b, "ratio": draw(shares)} for b in bounds]
    for band, to in zip(table, bounds[1:], strict=False):
        band["to"] = to
    return table


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A law with deductibles by visit and year, banded payers on several bases, and caps."""
    counters: dict[str, Any] = {
        "visit_paid": counter("visit", "deductible"),
        "year_paid": counter("year", "deductible"),
        "cost": counter("year", "in_scope"),
        "above": counter("year", "after_deductible"),
    }
    deductible = {
        name: limit(f"{name}_paid", draw(st.integers(0, 3_000)))
        for name in draw(st.lists(st.sampled_from(["visit", "year"]), unique=True))
    }
    payers: dict[str, Any] = {}
    for i in range(draw(st.integers(1, 3))):
        key = f"p{i}"
        counters[f"fund_{key}"] = counter("year", "fund", key)
        names = {"after_deductible": "above", "absolute": "cost", "fund_paid": f"fund_{key}"}
        axis = draw(st.sampled_from(sorted(names)))
        more: dict[str, Any] = {"measured_on": axis}
        if draw(st.booleans()):
            more["counter"] = names[axis]
        capped = draw(st.sampled_from([None, f"fund_{key}", "cost", "above"]))
        if capped:
            more["caps"] = {"year": limit(capped, draw(st.integers(0, 30_000)))}
        bases = [
            "co_pay",
            "unpaid",
            *(["above_cap"] if i and "caps" in payers[f"p{i - 1}"] else []),
        ]
        more["base"] = draw(st.sampled_from(bases)) if i else "in_scope"
        payers[key] = payer(draw(bands()), **more)
    return document(payers, counters, deductible)


@st.composite
def settled_bills(draw: st.DrawFn) -> tuple[Law, Bill, dict[Any, int], list[AccountPart]]:
    """Any bill under any law with any history and account."""
    law = law_of(draw(documents()))
    in_scope, own, over_limit, first_pay = draw(parts_of_bills)
    bill = bill_of(
        law,
        in_scope,
        own=own,
        over_limit=over_limit,
        first_pay=first_pay,
        entitlement=draw(st.sampled_from(EntitlementExtent)),
        visit=draw(st.sampled_from([None, "visit-1"])),
    )
    history = {key: draw(amounts) for key in needed_counters(bill, law)}
    origins = draw(st.lists(st.sampled_from(["current", "carried", "other"]), max_size=3))
    parts = [AccountPart(f"{o}{i}", o, draw(amounts)) for i, o in enumerate(origins)]
    return law, bill, history, parts


@settings(deadline=None)
@given(settled_bills())
def test_identities_hold_for_any_law_bill_and_history(
    settled: tuple[Law, Bill, dict[Any, int], list[AccountPart]],
) -> None:
    law, bill, history, parts = settled
    statement = benefit(bill, law, history, parts)
    sums = bill.sums["general"]
    paid = statement.account_total + statement.cash
    assert sums.total == statement.funds + paid
    assert statement.funds <= sums.in_scope
    assert 0 <= statement.deductible <= sums.in_scope
    assert statement.cash >= 0
    available = {part.key: part.available for part in parts if part.origin != "other"}
    assert all(0 < amount <= available[key] for key, amount in statement.account)
    assert {key for key, _ in statement.counters} <= set(needed_counters(bill, law))
    for payment in statement.payments:
        assert 0 < payment.amount <= payment.base + 1
        assert payment.available is None or payment.amount <= payment.available


@settings(deadline=None, max_examples=examples(50))
@given(documents(), st.lists(amounts, min_size=1, max_size=6), st.data())
def test_cancelling_all_bills_in_any_order_is_the_state_before(
    content: dict[str, Any], bills: list[int], data: st.DataObject
) -> None:
    law = law_of(content)
    member = Member(law, {"current": 100_000, "carried": 50_000})
    settled = [member.settle(bill_of(law, amount, own=7)) for amount in bills]
    for statement in data.draw(st.permutations(settled)):
        member.cancel(statement)
    assert set(member.counters.values()) <= {0}
    assert member.account == {"current": 100_000, "carried": 50_000}


@settings(deadline=None, max_examples=examples(60))
@given(bands(), st.sampled_from(sorted(AXES)), st.lists(amounts, min_size=1, max_size=8), st.data())
def test_cutting_a_year_s_cost_into_bills_changes_the_fund_by_rounding_alone(
    table: list[dict[str, Any]], axis: str, bills: list[int], data: st.DataObject
) -> None:
    """Half a fen a bill, and on fund paid as much again through the position on the axis."""
    deductible, cap = data.draw(st.integers(0, 3_000)), data.draw(st.integers(1, 300_000))
    counters = {
        "axis": counter("year", AXES[axis], *(["pool"] if axis == "fund_paid" else [])),
        "paid": counter("year", "deductible"),
        "fund": counter("year", "fund", "pool"),
    }
    caps = {"year": limit("fund", cap)}
    pool = payer(table, measured_on=axis, counter="axis", caps=caps)
    law = law_of(document({"pool": pool}, counters, {"year": limit("paid", deductible)}))
    whole, parted = Member(law), Member(law)
    one = whole.settle(bill_of(law, sum(bills)))
    many = [parted.settle(bill_of(law, amount)) for amount in bills]
    assert sum(statement.deductible for statement in many) == one.deductible
    assert abs(sum(statement.funds for statement in many) - one.funds) <= len(bills)
    assert parted.value("fund") <= cap * 100


@settings(deadline=None, max_examples=examples(60))
@given(documents(), amounts, shares)
def test_a_higher_ratio_never_lowers_what_its_payer_pays(
    content: dict[str, Any], in_scope: int, more: Decimal
) -> None:
    law = law_of(content)
    pool = content["benefits"]["outpatient"]["payers"]["p0"]
    for band in pool["bands"][0]["value"]:
        band["ratio"] += (1 - band["ratio"]) * more
    raised = law_of(content)

    def first_payer(of: Law) -> int:
        statement = benefit(bill_of(of, in_scope), of, {}, [])
        added = {key.name: delta for key, delta in statement.counters}
        return added.get("fund_p0", 0)

    assert first_payer(raised) >= first_payer(law)


@settings(deadline=None, max_examples=examples(40))
@given(
    st.lists(
        st.tuples(st.integers(0, 200_000), st.sampled_from(["visit-1", "visit-2", "visit-3"])),
        max_size=12,
    )
)
def test_changsha_s_year_stays_within_its_limits_whatever_comes(
    bills: list[tuple[int, str]],
) -> None:
    law = packaged("430100")
    member = Member(law)
    for in_scope, visit in bills:
        before = member.value("employee_outpatient_deductible")
        statement = member.settle(bill_of(law, in_scope, visit=visit))
        assert statement.deductible <= max(0, 30_000 - before)
    assert member.value("employee_outpatient_deductible") <= 30_000
    assert member.value("employee_outpatient_fund") <= 150_000
    for key, value in member.counters.items():
        assert key.name != "employee_visit_deductible" or value <= 10_000


@settings(deadline=None, max_examples=examples(40))
@given(st.lists(amounts, max_size=8))
def test_beijing_residents_serial_history_is_what_the_law_says_by_hand(bills: list[int]) -> None:
    """The law told again in five lines, without the kernel."""
    law = packaged("110000", RESIDENT)
    member = Member(law)
    deductible_paid = fund_paid = 0
    for in_scope in bills:
        due = min(in_scope, max(0, 55_000 - deductible_paid))
        fund = min((in_scope - due + 1) // 2, 500_000 - fund_paid)
        deductible_paid, fund_paid = deductible_paid + due, fund_paid + fund
        bill = bill_of(law, in_scope, person_type="1501", level=Level.THIRD, day=DAY)
        statement = member.settle(bill)
        paid = {payment.payer: payment.amount for payment in statement.payments}
        pool = paid.get("benefits.outpatient.payers.pool", 0)
        assert (statement.deductible, pool) == (due, fund)


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.integers(1, 10_000)), min_size=1, max_size=4),
    st.sampled_from(Axis),
    amounts,
    amounts,
    st.fractions(0, 1),
)
def test_inverting_the_bands_finds_the_cost_at_which_the_fund_is_reached(
    widths_and_rates: list[tuple[int, int]],
    axis: Axis,
    start: int,
    length: int,
    part: Fraction,
) -> None:
    table: list[Band] = []
    above = 0
    for width, rate in widths_and_rates:
        table.append(Band(above, above + width, Rate(rate)))
        above += width
    table.append(Band(above, None, Rate(5_000)))
    slices = cut(table, axis, start, length)
    assert sum(piece.cost for piece in slices) == length
    target = fund_of(slices) * part
    cost = cost_until(slices, target)
    assert 0 <= cost <= length
    assert fund_of(cut(table, axis, start, cost)) == target
