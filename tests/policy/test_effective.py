"""A law is shown as people read it, and two laws by what differs."""

from datetime import date
from pathlib import Path

import pytest

from tests.policy.builders import dated, document, law_of, limit, packaged_laws, payer, yuan_from
from yibao.policy.effective import Difference, Row, differences, parameters_of, rows
from yibao.policy.load import law_book_of, load_law
from yibao.policy.model import Law

FILE = Path(__file__).with_name("whole_language.toml")
LAW = load_law(FILE)
DAY = date(2025, 6, 1)


def shown(path: str, law: Law = LAW, day: date = DAY) -> dict[str, str | None]:
    """The values of one parameter by case."""
    return {row.case: row.value for row in rows(law, day) if row.path == path}


def changed(old: str, new: str) -> Law:
    """The law with one text replaced."""
    text = FILE.read_text(encoding="utf-8")
    assert text.count(old) == 1
    book = law_book_of({"whole_language.toml": text.replace(old, new)})
    return next(iter(book.laws.values()))


# ------------------------------------------------------------------------------------------ rows


@pytest.mark.parametrize(
    ("path", "values"),
    [
        ("benefit_year", {"": "01-01"}),
        ("unpaid_care_kinds", {"": "41"}),
        ("benefits.inpatient.deductible.stay.amount", {
            "grass/l1/l2/prov any": "300", "l3 first": "1,300", "l3 later": "650",
        }),
        ("benefits.inpatient.deductible.stay.every_days", {"": "90"}),
        ("benefits.inpatient.deductible.stay.factor.poor", {
            "destitute": "0.5", "allowance/ordinary": "1",
        }),
        ("benefits.inpatient.first_pay", {
            "local any": "0%",
            "province/outside none": "20%",
            "province/outside long_term/transfer/emergency/temporary": "10%",
        }),
        ("benefits.inpatient.fixed_price.amount", {"cancer/none_listed": "none", "kidney": "420"}),
        ("benefits.inpatient.payers.pool.reported_as", {"": "310100 (hifp)"}),
        ("benefits.inpatient.payers.pool.adjust.away.points", {
            "local": "0 points", "province/outside": "-10 points",
        }),
        ("benefits.inpatient.payers.bonus.bands", {"active": "none", "retired": "50%"}),
        ("benefits.inpatient.payers.bonus.caps.times.amount", {"": "2"}),
        ("benefits.chronic.payers.pool.bands", {"": "2/3"}),
        ("payers.illness.bands", {"": "0–50,000: 60%; above 50,000: 70%"}),
        ("account.parts", {"": "current, carried"}),
        ("lines.over_limit", {"drug": "whole", "implant": "hospital", "rest": "own"}),
        ("entitlement.grace_months", {"": "none"}),
    ],
)  # fmt: skip
def test_a_value_is_shown_as_it_is_read_with_equal_cases_together(
    path: str, values: dict[str, str]
) -> None:
    assert shown(path) == values


def test_classes_that_a_value_does_not_name_are_told_as_not_known() -> None:
    path = "benefits.inpatient.payers.bonus.bands"
    law = changed('{ active = "none", retired = 0.5 }', "{ retired = 0.5 }")
    assert shown(path, law) == {"retired": "50%", "active": None}
    unknown = next(row for row in rows(law, DAY) if row.path == path and row.value is None)
    assert (unknown.start, unknown.sources) == (None, ())


def test_a_row_says_where_its_value_comes_from() -> None:
    path = "benefits.inpatient.payers.pool.bands"
    row = next(row for row in rows(LAW, DAY) if row.path == path and row.relation)
    assert row == Row(
        path,
        "l3 retired",
        "88.8%",
        "fund_share",
        date(2024, 1, 1),
        (("another test", "none"),),
        "page",
        "whole_language.toml",
        "the newer table",
        "active × 0.8",
    )


def test_a_day_before_shows_the_value_that_held_then() -> None:
    path = "benefits.inpatient.payers.pool.bands"
    assert shown(path, day=date(2023, 12, 31)) == {"": "0–30,000: 85%; above 30,000: 90%"}


def test_what_is_not_known_on_a_day_is_shown_without_a_value() -> None:
    cap = {"year": {"counter": "fund"}}
    counters = {"fund": {"scope": "year", "counts": "fund", "payers": ["pool"]}}
    law = law_of(document({"pool": payer(1, caps=cap)}, counters))
    assert shown("benefits.outpatient.payers.pool.caps.year.amount", law) == {"": None}
    early = [row for row in rows(law, date(1999, 12, 31)) if row.path == "benefit_year"]
    assert [(row.value, row.note) for row in early] == [(None, "from 2000-01-01")]


def test_every_parameter_of_a_packaged_law_is_shown() -> None:
    for law in packaged_laws().laws.values():
        assert {row.path for row in rows(law, DAY)} == {p.path for p in parameters_of(law)}


# ----------------------------------------------------------------------------------- differences


def test_equal_laws_do_not_differ() -> None:
    assert differences(LAW, load_law(FILE)) == []


def test_a_changed_value_is_shown_with_the_cases_it_changes_for() -> None:
    after = changed("other = 300 }", "l1 = 200, other = 300 }")
    path = "benefits.inpatient.deductible.stay.amount"
    start = date(2020, 1, 1)
    assert differences(LAW, after) == [Difference(path, "l1 any", start, "300", "200")]


def test_a_changed_date_is_shown_for_the_days_between() -> None:
    after = changed("from = 2024-01-01", "from = 2025-01-01")
    found = differences(LAW, after)
    assert {difference.start for difference in found} == {date(2024, 1, 1)}
    assert differences(LAW, after, date(2023, 6, 1)) == []
    assert differences(LAW, after, date(2024, 6, 1)) != []
    assert differences(LAW, after, DAY) == []


def test_a_parameter_that_only_one_law_has_is_added_or_removed() -> None:
    after = changed("every_days = 90\n", "")
    path = "benefits.inpatient.deductible.stay.every_days"
    removed = Difference(path, "", date(2020, 1, 1), "90", None)
    assert differences(LAW, after) == [removed]
    assert differences(after, LAW) == [removed._replace(before=None, after="90")]


def test_a_further_dimension_is_compared_case_by_case() -> None:
    def law(amount: object, **by: object) -> Law:
        counters = {"paid": {"scope": "year", "counts": "deductible"}}
        limited = limit("paid", 0) | {"amount": [yuan_from(amount, **by)]}
        return law_of(document(None, counters, {"year": limited}))

    apart = law({"active": 1800, "other": 1300}, by=["person"])
    found = differences(law(1800), apart)
    assert [(d.case, d.before, d.after) for d in found] == [("retired/resident", "1,800", "1,300")]


def test_what_is_not_dated_is_compared_too() -> None:
    after = changed('active = ["11"]', 'active = ["11", "13"]')
    assert differences(LAW, after) == [
        Difference("classes.person.active", "", None, "11", "11, 13")
    ]


def test_the_way_a_value_is_written_is_no_difference() -> None:
    plain = document() | {"defaults": {"from": date(2000, 1, 1), "source": ["T"]}}
    plain["defaults"]["confidence"] = "general"
    plain["benefit_year"] = "01-01"
    dated_law = document() | {"benefit_year": [dated("01-01")]}
    assert differences(law_of(plain), law_of(dated_law)) == []
