"""Under laws of any shape: columns decide every bill as the scalar engine does, to the fen.

A short run by default. A long one, with thousands of laws and shrinking:

    pytest tests/adjudication/columns/test_equality.py --hypothesis-profile=long
"""

import random
from datetime import date, timedelta

import pytest
from hypothesis import HealthCheck, Phase, event, given, settings

from tests.adjudication.columns.builders import columns_of, decided_one_by_one, figures_of
from tests.adjudication.strategies import bills_of_one, histories, laws, laws_and_more_generous
from tests.policy.builders import packaged_laws
from tests.properties import examples
from yibao.adjudication.benefit import decide
from yibao.adjudication.columns import decide_columns
from yibao.adjudication.model import Bill, CounterKey, Person, Provider, Statement, Sums
from yibao.kernel.refusals import Refused
from yibao.policy.model import Law
from yibao.policy.terms import CareKind, IdentityKind, Level, PersonType

BOOK = packaged_laws()


def fixed(count: int) -> settings:
    """So many laws, always the same and without shrinking; or what the long profile says."""
    if settings.get_current_profile_name() == "long":
        return settings()
    return settings(
        max_examples=examples(count),
        deadline=None,
        phases=[Phase.explicit, Phase.generate],
        suppress_health_check=list(HealthCheck),
        database=None,
        derandomize=True,
    )


class TestEquality:
    @fixed(20)
    @given(laws(), histories())
    def test_columns_and_scalar_agree_on_every_bill(
        self, law: Law, people: list[list[Bill]]
    ) -> None:
        decided = decide_columns(law, columns_of(people))
        expected = decided_one_by_one(law, people)
        event("some by scalar" if decided.by_scalar else "all on columns")
        for row, (found, wanted) in enumerate(zip(figures_of(decided), expected, strict=True)):
            assert found == wanted, f"row {row}"

    @pytest.mark.thorough
    @pytest.mark.parametrize("key", sorted(BOOK.laws), ids="/".join)
    def test_packaged_laws_need_no_scalar_engine(self, key: tuple[str, str]) -> None:
        law = BOOK.laws[key]
        people = made_up(law, persons=25)
        decided = decide_columns(law, columns_of(people))
        assert figures_of(decided) == decided_one_by_one(law, people)
        assert decided.by_scalar == 0


class TestProperties:
    @fixed(8)
    @given(laws(), bills_of_one())
    def test_a_trial_is_the_settlement_and_a_cancellation_leaves_nothing(
        self, law: Law, bills: list[Bill]
    ) -> None:
        counters: dict[CounterKey, int] = {}
        for bill in bills:
            before = dict(counters)
            trial = statement_of(bill, law, counters)
            assert counters == before, "a trial moves nothing"
            settled = statement_of(bill, law, counters)
            assert settled == trial
            if settled is not None:
                move(counters, settled, 1)
                move(counters, settled, -1)
                assert {k: v for k, v in counters.items() if v} == before
                assert statement_of(bill, law, counters) == settled
                move(counters, settled, 1)

    @fixed(8)
    @given(laws_and_more_generous(), bills_of_one())
    def test_a_raised_ratio_never_lowers_what_the_funds_pay(
        self, pair: tuple[Law, Law], bills: list[Bill]
    ) -> None:
        law, generous = pair
        counters: dict[CounterKey, int] = {}
        for bill in bills:
            settled = statement_of(bill, law, counters)
            more = statement_of(bill, generous, counters)
            if settled is not None and more is not None:
                assert more.funds >= settled.funds
                move(counters, settled, 1)


def statement_of(bill: Bill, law: Law, counters: dict[CounterKey, int]) -> Statement | None:
    """The decided bill; None when it is refused."""
    try:
        return decide(bill, law, counters, ()).statement
    except Refused:
        return None


def move(counters: dict[CounterKey, int], statement: Statement, sign: int) -> None:
    """Enter a statement's counters, or take them back."""
    for key, moved in statement.counters:
        counters[key] = counters.get(key, 0) + sign * moved


def made_up(law: Law, persons: int) -> list[list[Bill]]:
    """Bills of every level and kind of care that a law pays for, some beyond every cap."""
    dice = random.Random(law.fingerprint)
    kinds = sorted(
        {kind for b in law.benefits for v in b.care_kinds.versions for k in v.cases.values()
         for kind in k}
    )  # fmt: skip
    return [
        [_bill(law, dice, person, day, kinds) for day in _days(dice)]
        for person in (_person(law, dice) for _ in range(persons))
    ]


def _person(law: Law, dice: random.Random) -> Person:
    employee = law.scheme == "310"
    return Person(
        person_type=PersonType(dice.choice(["1101", "1201"] if employee else ["1401", "1501"])),
        birth_date=date(dice.randint(1930, 2015), dice.randint(1, 12), 7),
        gender=dice.choice("12"),
        identities=dice.choice([(), (), (IdentityKind("2303"),), (IdentityKind("2304"),)]),
        retired_on=dice.choice([None, date(2005, 6, 1)]),
        enrolled_years=dice.randint(1, 9),
        claim_free_years=dice.randint(0, 5),
    )


def _days(dice: random.Random) -> list[date]:
    return sorted(
        date(2024, 10, 1) + timedelta(dice.randrange(450)) for _ in range(dice.randint(1, 9))
    )


def _bill(law: Law, dice: random.Random, person: Person, day: date, kinds: list[str]) -> Bill:
    in_scope = int(10 ** dice.uniform(3, 8))
    first_pay = in_scope // 20
    sums = {"general": Sums(in_scope + first_pay, 0, 0, first_pay, in_scope)}
    buckets = sorted({bucket for benefit in law.benefits for bucket in benefit.buckets})
    if dice.random() < 0.2:
        sums[dice.choice(buckets)] = Sums(in_scope, in_scope=in_scope)
    return Bill(
        scheme=law.scheme,
        care_kind=CareKind(dice.choice(kinds)),
        day=day,
        person=person,
        provider=Provider(dice.choice(list(Level))),
        sums=sums,
        use_account=False,
        days=dice.randint(1, 120),
    )
