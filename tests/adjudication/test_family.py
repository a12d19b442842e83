"""Relatives' accounts (家庭共济) pay after the own one; nothing else about a bill changes."""

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.adjudication.builders import bill_of
from tests.adjudication.test_benefit_properties import amounts, settled_bills
from tests.policy.builders import AREA, dated, document, law_of
from yibao.adjudication.benefit import benefit, decide
from yibao.adjudication.explanation.trace import steps
from yibao.adjudication.model import AccountPart, Bill, FamilyAccount, Statement
from yibao.policy.law_book import law_from_canonical
from yibao.policy.model import Law
from yibao.policy.terms import EntitlementExtent

EVERYTHING = ["deductible", "co_pay", "first_pay", "over_limit", "own"]


def law(parts: list[str] | None = None, may_pay: Any = None) -> Law:
    """One fund that pays 70 %, and a law that lets relatives pay."""
    content = document()
    family = {"relations": [dated(["spouse"])], "parts": [dated(parts or ["carried", "current"])]}
    if may_pay is not None:
        family["may_pay"] = [dated(may_pay)]
    return law_of({**content, "family": family})


def account(
    amount: int, origin: str = "carried", limit: int | None = None, name: str = "a"
) -> FamilyAccount:
    """A relative's account of one part."""
    return FamilyAccount((AccountPart(f"{name}:{origin}", origin, amount),), limit)


def settled(of: Law, *family: FamilyAccount, own: int = 0, **bill: Any) -> Statement:
    """A bill of 100 yuan in scope, of which 30 are the person's."""
    parts = [AccountPart("own", "current", own)] if own else []
    return benefit(bill_of(of, 10_000, **bill), of, {}, parts, family)


def test_what_the_own_account_leaves_is_paid_by_relatives_in_the_order_given() -> None:
    statement = settled(law(), account(500), account(9_000, name="b"), own=1_000)
    assert statement.account == (("own", 1_000),)
    assert statement.family_accounts == (("a:carried", 500), ("b:carried", 1_500))
    assert (statement.family, statement.cash, statement.personal) == (2_000, 0, 3_000)


def test_a_relative_pays_up_to_the_limit_of_the_link() -> None:
    statement = settled(law(), account(9_000, limit=700), account(9_000, limit=0, name="b"))
    assert statement.family_accounts == (("a:carried", 700),)
    assert statement.cash == 2_300


def test_only_the_parts_that_the_law_admits_pay_and_in_its_order() -> None:
    both = FamilyAccount((AccountPart("now", "current", 900), AccountPart("old", "carried", 800)))
    assert settled(law(["carried"]), both).family_accounts == (("old", 800),)
    assert settled(law(), both).family_accounts == (("old", 800), ("now", 900))


def test_relatives_pay_what_the_law_lets_them_pay() -> None:
    narrow = law(may_pay=["own"])
    assert settled(narrow, account(9_000), own=100).family == 0
    assert settled(narrow, account(9_000), own=0).family == 0
    bill = bill_of(narrow, 10_000, own=250)
    assert benefit(bill, narrow, {}, [], [account(9_000)]).family == 250


def test_without_a_rule_no_relative_pays() -> None:
    silent = law_of(document())
    assert settled(silent, account(9_000)).family == 0


@pytest.mark.parametrize(
    "bill", [{"use_account": False}, {"entitlement": EntitlementExtent.NONE}], ids=str
)
def test_where_the_own_account_may_not_be_used_no_relative_pays(bill: dict[str, Any]) -> None:
    assert settled(law(), account(9_000), **bill).family == 0


def test_the_explanation_tells_what_relatives_pay() -> None:
    of = law()
    told = steps(decide(bill_of(of, 10_000), of, {}, [], [account(500)]))
    (step,) = [one for one in told if one.name == "family"]
    assert (step.base, step.result) == (3_000, 500)
    assert step.reference is not None


def test_the_rules_survive_in_the_kept_text_of_the_law() -> None:
    of = law(["carried"], ["own"])
    again = law_from_canonical(of.canonical)
    assert again.fingerprint == of.fingerprint
    assert again.area == AREA
    assert settled(again, account(9_000)) == settled(of, account(9_000))


families = st.lists(
    st.builds(
        account,
        amounts,
        st.sampled_from(["current", "carried", "other"]),
        st.none() | amounts,
        st.uuids().map(str),
    ),
    max_size=4,
)


@settings(deadline=None)
@given(settled_bills(), families, st.sampled_from([["carried"], ["current", "carried"]]))
def test_who_pays_the_person_s_part_changes_no_benefit(
    bill: tuple[Law, Bill, dict[Any, int], list[AccountPart]],
    family: list[FamilyAccount],
    parts: list[str],
) -> None:
    alone_law, asked, history, own = bill
    rules = law(parts).family
    object.__setattr__(alone_law, "family", rules)
    alone = benefit(asked, alone_law, history, own)
    shared = benefit(asked, alone_law, history, own, family)
    assert shared.payments == alone.payments
    assert shared.counters == alone.counters
    assert (shared.sums, shared.deductible, shared.personal, shared.account) == (
        alone.sums,
        alone.deductible,
        alone.personal,
        alone.account,
    )
    assert shared.cash + shared.family == alone.cash
    used = dict(shared.family_accounts)
    for one in family:
        taken = sum(used.get(part.key, 0) for part in one.parts)
        assert one.limit is None or taken <= one.limit
        assert all(used.get(p.key, 0) <= p.available for p in one.parts)
        assert all(p.origin in parts for p in one.parts if p.key in used)
