"""Bills as documents: what is read, and how what cannot be right is refused by name."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from yibao.adjudication.documents.bills import BillDocument, read_bills
from yibao.adjudication.documents.case_laws import case_law
from yibao.adjudication.documents.succession import Succession, refuse_unmet
from yibao.adjudication.model import Sums
from yibao.kernel.money import NO_CEILING
from yibao.policy.model import Law
from yibao.policy.parameters import LawError
from yibao.policy.terms import Filing, ItemClass, Level, Place

DAY = date(2025, 6, 1)


def a_law(**more: Any) -> Law:
    """A law of stays: a deductible a visit, stays counted by level, one fund, one dual bucket."""
    document = {
        "classes": {
            "nth": {
                "fact": "times",
                "counter": "stays",
                "order": ["first", "later"],
                "first": {"below": 2},
                "later": {"from": 2},
            },
            "way": {
                "fact": "circumstance",
                "order": ["referred"],
                "referred": ["referred"],
                "otherwise": "direct",
            },
        },
        "counters": {"stays": {"scope": "year", "counts": "stays", "by": ["level"]}},
        "benefits": {
            "inpatient": {
                "deductible": {
                    "visit": {"amount": {"by": ["nth"], "value": {"first": 800, "later": 400}}}
                },
                "payers": {
                    "pool": {
                        "bands": {
                            "by": ["way"],
                            "value": {"referred": Decimal("0.8"), "direct": Decimal("0.7")},
                        },
                        "caps": {"year": {"amount": 100000}},
                    }
                },
            },
            "dual": {"buckets": ["dual"], "payers": {"dual": {"bands": Decimal("0.6")}}},
        },
    }
    return case_law("test", {**document, **more}, "a test", ["21"])


def bill(**more: Any) -> dict[str, Any]:
    """The least that a bill needs, and more."""
    return {"care_kind": "21", "day": DAY, "sums": {"in_scope": 1000}, **more}


def read(document: dict[str, Any], law: Law | None = None) -> BillDocument:
    """The only bill of a document."""
    (found,) = read_bills("bill.toml", document, law or a_law())
    return found


def refusal(document: dict[str, Any], law: Law | None = None) -> str:
    """Key and reason of what is refused."""
    with pytest.raises(LawError) as caught:
        read(document, law)
    assert caught.value.file == "bill.toml"
    return f"{caught.value.key}: {caught.value.reason}"


# ------------------------------------------------------------------------------------ what is read


def test_a_bill_says_every_fact_that_a_law_may_ask_for() -> None:
    found = read(
        bill(
            scheme="310",
            begin=date(2025, 5, 20),
            level="l2",
            disease="M03900",
            further_diseases=2,
            place="outside",
            filing="transfer",
            circumstances=["referred"],
            months=3,
            visit="v1",
            chain="c1",
            use_account=False,
            person={
                "type": "1201",
                "birth": "1955-02-01",
                "gender": "1",
                "identities": ["2303"],
                "traits": ["section_rank"],
                "enrolments": ["320"],
                "retired_on": date(2003, 5, 1),
                "enrolled_years": 6,
            },
        )
    ).bill
    assert (found.day, found.begin, found.days) == (DAY, date(2025, 5, 20), 12)
    assert (found.provider.level, found.place, found.filing) == (
        Level.SECOND,
        Place.OUTSIDE,
        Filing.TRANSFER,
    )
    assert (found.person.birth_date, found.person.retired_on) == (
        date(1955, 2, 1),
        date(2003, 5, 1),
    )
    assert (found.visit, found.chain, found.months, found.further_diseases) == ("v1", "c1", 3, 2)
    assert found.person.enrolled_years == 6
    assert found.person.claim_free_years is None
    assert not found.use_account


def test_sums_are_read_by_bucket_and_their_total_is_of_all() -> None:
    found = read(
        bill(sums={"total": 1300, "own": 100, "in_scope": 1000, "dual": {"in_scope": 200}})
    )
    assert found.bill.sums == {
        "general": Sums(110000, 10000, 0, 0, 100000),
        "dual": Sums(20000, 0, 0, 0, 20000),
    }


def test_lines_are_split_and_summed_by_bucket() -> None:
    lines = [
        {"price": Decimal("4.52"), "class": "B", "first_pay": Decimal("0.05")},
        {"amount": 30, "count": 2, "class": "A", "ceiling": 10},
        {"amount": 7, "class": "C"},
        {"amount": 50, "class": "A", "bucket": "dual"},
    ]
    document = bill(lines=lines)
    del document["sums"]
    found = read(document)
    assert found.bill.sums == {
        "general": Sums(4152, 700, 1000, 23, 2429),
        "dual": Sums(5000, 0, 0, 0, 5000),
    }
    assert [line.terms.item_class for line in found.lines][2] is ItemClass.C
    assert found.lines[0].terms.ceiling == NO_CEILING


def test_a_line_without_first_pay_takes_the_laws() -> None:
    first_pay = {"by": ["item_class"], "value": {"A": 0, "B": Decimal("0.1"), "C": 0}}
    law = a_law(lines={"first_pay": first_pay})
    document = bill(lines=[{"amount": 100, "class": "B"}])
    del document["sums"]
    assert read(document, law).bill.sums["general"].first_pay == 1000


def test_a_json_document_reads_like_a_toml_one() -> None:
    assert read(bill(day="2025-06-01")).bill == read(bill()).bill


def test_several_bills_share_what_stands_beside_them() -> None:
    first, second = read_bills(
        "bill.toml",
        {
            "person": {"type": "1201", "birth": "1950-01-01"},
            "history": {"stays": 1},
            "account": {"current": 100},
            "bill": [bill(), bill(person={"type": "1202"})],
        },
        a_law(),
    )
    assert (first.bill.person.person_type, second.bill.person.person_type) == ("1201", "1202")
    assert second.bill.person.birth_date == date(1950, 1, 1)
    assert first.account == {"current": 10000}
    assert (second.account, second.history) == (None, ())
    assert first.bill.visit != second.bill.visit


# --------------------------------------------------------------------------------- which day it is


@pytest.mark.parametrize(
    ("basis", "day"),
    [(None, DAY), ("discharge", DAY), ("admission", date(2025, 5, 20))],
)
def test_the_law_picks_the_day_of_a_stay(basis: str | None, day: date) -> None:
    law = a_law()
    if basis is not None:
        inpatient = {"date_basis": {"law": basis}, "payers": {"pool": {"bands": 1}}}
        law = case_law("test", {"benefits": {"inpatient": inpatient}}, "a test", ["21"])
    document = bill(admission=date(2025, 5, 20), discharge=DAY)
    del document["day"]
    assert read(document, law).bill.day == day


def test_a_visit_is_decided_on_the_day_it_begins() -> None:
    document = bill(visit_day=None)
    del document["day"], document["visit_day"]
    found = read({**document, "begin": DAY, "settlement": date(2025, 6, 3)})
    assert found.bill.day == DAY


# ------------------------------------------------------------------------------------- the history


def test_a_counter_without_a_scope_is_the_one_that_the_bill_meets() -> None:
    succession = Succession(a_law())
    settled = succession.settle(read(bill(level="l2", history={"stays": 1})))
    assert settled.statement.deductible == 40000
    assert {key.scope: value for key, value in settled.after.items() if key.name == "stays"} == {
        "2025|l2": 2,
        "visit:visit 1": 1,
    }


def test_a_counter_with_a_scope_is_that_one_alone() -> None:
    succession = Succession(a_law())
    settled = succession.settle(read(bill(level="l2", history={"stays@2025|l3": 1})))
    assert settled.statement.deductible == 80000


def test_counters_and_account_go_along_from_bill_to_bill() -> None:
    document = {
        "account": {"current": 500},
        "bill": [bill(visit="v1"), bill(visit="v2", sums={"in_scope": 2000})],
    }
    succession = Succession(a_law())
    first, second = (succession.settle(one) for one in read_bills("bill.toml", document, a_law()))
    assert (first.statement.deductible, second.statement.deductible) == (80000, 40000)
    assert (first.statement.account_total, second.statement.account_total) == (50000, 0)


def test_cancelling_the_last_bill_gives_back_all_that_it_moved() -> None:
    succession = Succession(a_law())
    settled = succession.settle(read(bill(visit="v1", account={"current": 500})))
    mirror = succession.cancel("v1")
    assert mirror.statement.personal == -settled.statement.personal
    assert not any(succession.counters.values())
    assert succession.account == {"current": 50000}


def test_a_counter_that_no_bill_meets_is_refused() -> None:
    law = a_law(counters={"stays": {"scope": "year", "counts": "stays"}})
    other = case_law(
        "test",
        {
            "counters": {"dual_paid": {"scope": "year", "counts": "fund", "payers": ["dual"]}},
            "benefits": {
                "general": {"payers": {"pool": {"bands": 1}}},
                "dual": {"buckets": ["dual"], "payers": {"dual": {"bands": 1}}},
            },
        },
        "a test",
        ["21"],
    )
    succession = Succession(other)
    succession.settle(read(bill(history={"dual_paid": 5}), other))
    with pytest.raises(LawError, match="no bill here reads or feeds this counter"):
        refuse_unmet(succession)
    assert law.counters["stays"].in_times


def test_an_instance_that_no_bill_meets_is_refused_with_those_that_are_met() -> None:
    succession = Succession(a_law())
    succession.settle(read(bill(level="l2", history={"stays@2025|l3": 1})))
    with pytest.raises(LawError, match=r"no bill here .*; they meet stays@2025\|l2"):
        refuse_unmet(succession)


def test_one_counter_told_twice_is_refused() -> None:
    document = read(bill(level="l2", history={"stays": 1, "stays@2025|l2": 2}))
    with pytest.raises(LawError, match=r"is the same counter as history\.stays: say one"):
        Succession(a_law()).settle(document)


# ------------------------------------------------------------------------------- what is refused


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"levle": "l3"}, "levle: unknown key 'levle' (did you mean 'level'?)"),
        ({"level": "l4"}, "level: unknown word 'l4'"),
        ({"place": "abroad"}, "place: unknown word 'abroad'"),
        ({"care_kind": 21}, 'care_kind: must be a text in quotes, such as "21"'),
        ({"day": "2025-02-30"}, "day: impossible date '2025-02-30'"),
        ({"day": 20250601}, "day: must be a date"),
        ({"scheme": "390"}, "scheme: is 390, but"),
        ({"begin": date(2025, 7, 1)}, "(document): begins on 2025-07-01, after its day 2025-06-01"),
        (
            {"admission": date(2025, 6, 2), "discharge": DAY},
            "discharge: 2025-06-01 is before the admission, 2025-06-02",
        ),
        ({"months": 0}, "months: must be a whole number of at least 1, not 0"),
        ({"days": Decimal("1.5")}, "days: must be a whole number of at least 1, not 1.5"),
        ({"use_account": "yes"}, "use_account: must be true or false"),
        ({"circumstances": ["refered"]}, "circumstances: the law has no word 'refered' (did you"),
        ({"circumstances": "referred"}, "circumstances: must be a list of texts"),
        ({"person": {"borth": DAY}}, "person.borth: unknown key 'borth' (did you mean 'birth'?)"),
        ({"person": {"type": "abc"}}, "person.type: must be two to six digits, not 'abc'"),
        ({"visit": "v\x1b[2J"}, "visit: has a character that cannot be printed"),
        ({"sums": {"in_scope": "1_000"}}, "sums.in_scope: not a number: '1_000'"),
        ({"sums": {"in_scope": "５００"}}, "sums.in_scope: not a number: '５００'"),
        ({"sums": {"in_scope": Decimal("0.30000000000000004")}}, "sums.in_scope: 0.3000000000000"),
        ({"person": {"entitlement": "some"}}, "person.entitlement: unknown word 'some'"),
        ({"sums": {"in_scope": "12.345"}}, "sums.in_scope: 12.345 has more than 2 decimals"),
        ({"sums": {"in_scope": "a lot"}}, "sums.in_scope: not a number"),
        ({"sums": {"in_scope": 200_000_000}}, "sums.in_scope: 200000000.00 yuan is beyond"),
        (
            {"sums": {"inscope": 5}},
            "sums.inscope: unknown key 'inscope' (did you mean 'in_scope'?)",
        ),
        (
            {"sums": {"total": 1050, "own": 50}},
            "sums.total: is 1050.00, but own + over_limit + first_pay + in_scope is 50.00 (1000",
        ),
        (
            {"sums": {"over_limit": 5, "hospital": 6}},
            "sums.hospital: is a part of over_limit and cannot be more",
        ),
        ({"lines": [{"amount": 5, "class": "A"}]}, "sums: give the parts in [sums] or the fee lin"),
        ({"account": {"old": 5}}, "account.old: unknown key 'old'"),
        ({"account": {"current": -5}}, "account.current: a balance is not negative"),
        ({"history": {"stay": 1}}, "history.stay: the law has no counter 'stay' (did you mean 'st"),
        ({"history": {"stays": "1.5"}}, "history.stays: counts times: must be a whole number"),
    ],
)
def test_what_cannot_be_right_is_refused_by_name(wrong: dict[str, Any], told: str) -> None:
    assert refusal(bill(**wrong)).startswith(told)


@pytest.mark.parametrize(
    ("line", "told"),
    [
        ({"class": "A"}, "lines[1].amount: missing"),
        ({"amount": 5}, "lines[1].class: missing"),
        ({"amount": 5, "class": "D"}, "lines[1].class: unknown class 'D'; known: A, B, C"),
        (
            {"amount": 10, "price": 3, "count": 3, "class": "A"},
            "lines[1].amount: is 10.00, but price × count is 9.00: more than a fen apart",
        ),
        ({"amount": 5, "class": "A", "ceiling": -1}, "lines[1].ceiling: a price is not negative"),
        ({"price": -3, "class": "A"}, "lines[1].price: a price is not negative"),
        ({"price": 3, "count": 0, "class": "A"}, "lines[1].count: must not be 0"),
        ({"amount": 5, "class": "B", "first_pay": 5}, "lines[1].first_pay: is a share of the line"),
        ({"amount": 5, "class": "B", "first_pay": "x"}, "lines[1].first_pay: is a share of the li"),
        ({"amount": 5, "class": "A", "approved": "1"}, "lines[1].approved: must be true or false"),
        (
            {"amount": 5, "class": "A", "celing": 3},
            "lines[1].celing: unknown key 'celing' (did you",
        ),
    ],
)
def test_what_cannot_be_right_in_a_line_is_refused_with_its_number(
    line: dict[str, Any], told: str
) -> None:
    document = bill(lines=[line])
    del document["sums"]
    assert refusal(document).startswith(told)


def test_a_bill_without_a_day_or_amounts_says_what_it_lacks() -> None:
    assert refusal({"sums": {"in_scope": 5}}).startswith("day: missing (or one of begin, fee,")
    assert refusal({"day": DAY}).startswith("sums: give the parts in [sums]")
    no_discharge = {"care_kind": "21", "admission": DAY, "sums": {"in_scope": 5}}
    assert refusal(no_discharge).startswith("discharge: missing: the law goes by it (or")


def test_a_file_of_bills_holds_nothing_beside_what_they_share() -> None:
    with pytest.raises(LawError, match="levl: unknown key"):
        list(read_bills("bill.toml", {"levl": "l3", "bill": [bill()]}, a_law()))
    with pytest.raises(LawError, match="has no bill"):
        list(read_bills("bill.toml", {"bill": []}, a_law()))
