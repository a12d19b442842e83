"""Shapes that drawn laws meet too seldom, each with the figures worked by hand, in yuan."""

from decimal import Decimal
from typing import Any

from tests.adjudication.columns.test_decide import bill, decided
from tests.policy.builders import counter, dated, document, law_of, limit, payer
from yibao.policy.model import Law

SEVERAL = [
    {"above": 0, "to": 300, "ratio": Decimal("0.5")},
    {"above": 300, "ratio": Decimal("0.8")},
]


def law_with(
    payers: dict[str, Any],
    counters: dict[str, Any],
    deductible: dict[str, Any] | None = None,
    common: dict[str, Any] | None = None,
    **classes: Any,
) -> Law:
    """A law of outpatient care with these payers."""
    content = document(payers, counters, deductible)
    content["classes"] |= classes
    if common:
        content |= {"payers": common, "payer_order": list(common)}
    return law_of(content)


class TestStays:
    def test_the_interim_settlements_of_a_visit_are_one_stay(self) -> None:
        first = {"first": {"below": 2}, "later": {"from": 2}}
        nth = {"fact": "times", "counter": "stays", "order": list(first), **first}
        bands = [dated({"first": Decimal("0.5"), "later": Decimal("0.8")}, by=["nth"])]
        law = law_with(
            {"pool": {**payer(1), "bands": bands}}, {"stays": counter("year", "stays")}, nth=nth
        )
        visits = [bill(visit=v) for v in ("1", "1", "1", "2", "2")] + [bill()]
        found = decided(law, visits)
        assert found.funds.tolist() == [50_000] * 3 + [80_000] * 3
        assert found.by_scalar == 0


class TestCaps:
    def test_a_cap_on_in_scope_cost_counts_the_deductible_before(self) -> None:
        capped = payer(Decimal("0.5"), caps={"cost": limit("cost", 800)})
        law = law_with(
            {"pool": capped},
            {"cost": counter("year", "in_scope"), "paid": counter("year", "deductible")},
            {"year": limit("paid", 600)},
        )
        # (800 − 600) × 0.5, and nothing is left of 800
        assert decided(law, [bill(), bill()]).funds.tolist() == [10_000, 0]

    def test_what_lies_above_a_cap_is_found_in_the_band_that_met_it(self) -> None:
        pool = {**payer(SEVERAL), "caps": {"fund": limit("fund", 390)}}
        law = law_with(
            {"pool": pool, "large": payer(1, base="above_cap")},
            {"fund": counter("year", "fund", "pool")},
        )
        # 150 of the first 300, 240 of the next 300: the cap is met at 600 of 1,000
        found = decided(law, [bill()])
        assert found.bases["benefits.outpatient.payers.large"].tolist() == [40_000]

    def test_what_lies_above_a_cap_is_not_rounded_before_the_next_payment(self) -> None:
        pool = {**payer("2/3"), "caps": {"fund": limit("fund", Decimal("333.33"))}}
        law = law_with(
            {"pool": pool, "large": payer("1/2", base="above_cap")},
            {"fund": counter("year", "fund", "pool")},
        )
        # met at 499.995: half of 500.005 is 250.0025
        found = decided(law, [bill()])
        assert found.payments["benefits.outpatient.payers.large"].tolist() == [25_000]

    def test_a_common_payer_takes_what_the_common_payer_before_left(self) -> None:
        counters = {
            "fund": counter("year", "fund", "pool"),
            "illness_fund": counter("year", "fund", "illness"),
        }
        pool = {**payer(Decimal("0.5")), "caps": {"fund": limit("fund", 100)}}
        illness = payer(Decimal("0.5"), base="unpaid", caps={"fund": limit("illness_fund", 200)})
        law = law_with(
            {"pool": pool},
            counters,
            common={"illness": illness, "tilt": payer(1, base="above_cap")},
        )
        # 900 unpaid; 200 are paid of 400 and 500 lie above; the pool's own 800 above are not meant
        found = decided(law, [bill()])
        assert found.bases["payers.tilt"].tolist() == [50_000]

    def test_the_first_common_payer_takes_what_the_benefits_payers_left(self) -> None:
        pool = {**payer(Decimal("0.5")), "caps": {"fund": limit("fund", 100)}}
        law = law_with(
            {"pool": pool},
            {"fund": counter("year", "fund", "pool")},
            common={"large": payer(Decimal("0.7"), base="above_cap")},
        )
        # 100 are paid of 200: 800 lie above
        assert decided(law, [bill()]).payments["payers.large"].tolist() == [56_000]

    def test_a_payer_above_a_cap_may_pay_of_the_deductible(self) -> None:
        pool = {**payer(1), "caps": {"fund": limit("fund", 0)}}
        law = law_with(
            {
                "pool": pool,
                "large": payer(1, base="co_pay"),
                "top": payer(1, base="above_cap", above_cap_of="pool"),
            },
            {"fund": counter("year", "fund", "pool"), "paid": counter("year", "deductible")},
            {"year": limit("paid", 600)},
        )
        # 400 lie above the pool's cap and are paid as co-pay; of the 600 unpaid, 400 are paid too
        assert decided(law, [bill()]).funds.tolist() == [80_000]


class TestBandsByFund:
    def test_a_bound_is_met_inside_a_bill_by_inverting_the_band(self) -> None:
        by_fund = payer(SEVERAL, measured_on="fund_paid", counter="fund")
        law = law_with({"pool": by_fund}, {"fund": counter("year", "fund", "pool")})
        # 300 are paid of 600, then 320 of 400; from then on 0.8
        found = decided(law, [bill(), bill()])
        assert found.funds.tolist() == [62_000, 80_000]
        assert found.by_scalar == 0
