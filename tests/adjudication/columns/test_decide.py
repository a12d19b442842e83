"""What columns carry themselves, what they leave to the scalar engine, and what is refused."""

from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import numpy as np

from tests.adjudication.columns.builders import columns_of, decided_one_by_one, figures_of
from tests.policy.builders import counter, dated, document, law_of, limit, payer
from yibao.adjudication.columns import decide_columns, unsupported
from yibao.adjudication.columns.model import Decided
from yibao.adjudication.model import Bill, Person, Provider, Sums
from yibao.policy.model import Law
from yibao.policy.terms import CareKind, Level, PersonType, Scheme


def bill(in_scope: int = 100_000, day: date = date(2025, 3, 1), **facts: Any) -> Bill:
    """A bill of an active person at a level-3 hospital, in fen."""
    usual: dict[str, Any] = {
        "scheme": Scheme("310"),
        "care_kind": CareKind("11"),
        "person": Person(PersonType("1101"), date(1980, 1, 1)),
        "provider": Provider(Level.THIRD),
        "sums": {"general": Sums(in_scope, in_scope=in_scope)},
        "use_account": False,
    }
    return Bill(**{**usual, "day": day, **facts})


def yearly_deductible(scope: str = "year", amount: int = 1_500, **more: Any) -> Law:
    """70 % above a deductible."""
    return law_of(
        document(
            counters={"paid": counter(scope, "deductible", **more)},
            deductible={"only": limit("paid", amount)},
        )
    )


def decided(law: Law, *people: list[Bill]) -> Decided:
    """Decided on columns, and checked against the scalar engine."""
    found = decide_columns(law, columns_of(people))
    assert figures_of(found) == decided_one_by_one(law, people)
    return found


class TestRounds:
    def test_counters_go_on_from_bill_to_bill_and_not_from_person_to_person(self) -> None:
        people = [[bill(), bill()], [bill()], [bill(), bill(), bill()]]
        found = decided(yearly_deductible(), *people)
        # 1,500 yuan of 1,000 a bill: whole, half, nothing; each person's own
        paid = [100_000, 50_000, 100_000, 100_000, 50_000, 0]
        assert found.deductible.tolist() == paid
        assert found.by_scalar == 0

    def test_a_counter_starts_anew_with_the_benefit_year(self) -> None:
        days = [date(2024, 12, 31), date(2025, 1, 1)]
        found = decided(yearly_deductible(amount=1_000), [bill(day=day) for day in days])
        assert found.deductible.tolist() == [100_000, 100_000]

    def test_a_visit_goes_on_and_a_visit_by_itself_does_not(self) -> None:
        law = yearly_deductible("visit")
        found = decided(law, [bill(visit="1"), bill(visit="1"), bill(), bill()])
        assert found.deductible.tolist() == [100_000, 50_000, 100_000, 100_000]
        assert found.by_scalar == 0

    def test_more_persons_than_a_chunk_are_decided_alike(self) -> None:
        law = yearly_deductible()
        one = columns_of([[bill(), bill()]])
        count = 40_000
        many = replace(
            one,
            person=np.repeat(np.arange(count), 2),
            day=np.tile(one.day, count),
            birth=np.tile(one.birth, count),
            **{
                name: replace(coded, codes=np.tile(coded.codes, count))
                for name, coded in (
                    ("care_kind", one.care_kind),
                    ("person_type", one.person_type),
                    ("level", one.level),
                )
            },
            sums={
                "general": replace(
                    one.sums["general"],
                    **{
                        part: np.tile(getattr(one.sums["general"], part), count)
                        for part in ("own", "over_limit", "first_pay", "in_scope", "hospital")
                    },
                )
            },
            optional={},
        )
        found = decide_columns(law, many)
        assert (found.deductible.reshape(count, 2) == [100_000, 50_000]).all()

    def test_no_bills_are_decided_as_nothing(self) -> None:
        one = columns_of([[bill()]])
        none = replace(
            one,
            person=one.person[:0],
            day=one.day[:0],
            birth=one.birth[:0],
            sums={"general": type(one.sums["general"])(*[np.zeros(0, np.int64)] * 4)},
            optional={},
        )
        assert len(decide_columns(yearly_deductible(), none).funds) == 0


class TestLeftToTheScalarEngine:
    def test_visits_that_come_again(self) -> None:
        law = yearly_deductible("visit")
        found = decided(law, [bill(visit="1"), bill(visit="2"), bill(visit="1")], [bill()])
        assert found.deductible.tolist() == [100_000, 100_000, 50_000, 100_000]
        assert found.by_scalar == 3

    def test_a_prescription_spread_over_months(self) -> None:
        law = yearly_deductible("month", spread=True)
        found = decided(law, [bill(months=3)], [bill(months=1)])
        assert found.by_scalar == 1
        assert unsupported(law) == ["counters.paid.spread: prescriptions for several months"]

    def test_days_out_of_order(self) -> None:
        days = [date(2025, 5, 1), date(2024, 5, 1), date(2025, 6, 1)]
        found = decided(yearly_deductible(), [bill(day=day) for day in days])
        assert found.deductible.tolist() == [100_000, 100_000, 50_000]
        assert found.by_scalar == 3

    def test_amounts_beyond_int64(self) -> None:
        law = law_of(document({"pool": payer("1/3", counter="cost")}, {
            "cost": counter("year", "after_deductible"),
        }))  # fmt: skip
        found = decided(law, [bill(1 << 61), bill()], [bill()])
        assert found.by_scalar == 2

    def test_ratios_finer_than_columns_carry(self) -> None:
        found = decided(law_of(document({"pool": payer("1234567/12345678")})), [bill()])
        assert found.by_scalar == 1


class TestRefusals:
    def test_a_missing_parameter_is_named_and_moves_nothing(self) -> None:
        by_person = dated({"active": Decimal("0.7")}, by=["person"])
        law = law_of(document({"pool": {**payer(1), "bands": [by_person]}}))
        retired = Person(PersonType("1201"), date(1950, 1, 1))
        found = decided(law, [bill(), bill(person=retired)])
        assert found.refused == {1: "benefits.outpatient.payers.pool.bands.retired"}
        assert found.personal.tolist() == [30_000, 0]

    def test_a_person_born_after_the_bill_is_refused_by_its_code(self) -> None:
        unborn = Person(PersonType("1101"), date(2025, 4, 1))
        assert decided(yearly_deductible(), [bill(person=unborn)]).refused == {
            0: "DATE_NOT_ALLOWED"
        }

    def test_the_law_after_its_end_refuses(self) -> None:
        content = document()
        content["law"]["until"] = date(2025, 1, 1)
        days = [date(2024, 12, 31), date(2025, 1, 1)]
        found = decided(law_of(content), [bill(day=day) for day in days])
        assert found.refused == {1: "law.until"}
