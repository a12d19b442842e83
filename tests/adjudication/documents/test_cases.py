"""Cases as documents: what they may expect, and how what cannot be run is told."""

from typing import Any

import pytest

from yibao.adjudication.documents.cases import CaseResult, run_cases
from yibao.policy.model import Law
from yibao.policy.parameters import LawError

LAW: dict[str, Any] = {
    "counters": {"stays": {"scope": "year", "counts": "stays"}},
    "benefits": {
        "inpatient": {
            "deductible": {"year": {"amount": 800}},
            "payers": {
                "pool": {"bands": "0.8", "caps": {"year": {"amount": 2000}}},
                "large": {"base": "above_cap", "bands": "0.5"},
            },
        }
    },
    "allowances": {"maternity": {"divisor": 30}},
}


def a_bill(in_scope: Any = 1800, **more: Any) -> dict[str, Any]:
    """A stay of 1,800 yuan: 800 deductible, 800 of the pool, 200 of the person."""
    return {"day": "2025-06-01", "care_kind": "21", "sums": {"in_scope": in_scope}, **more}


def no_law(_file: str, name: str) -> Law:
    """There is no other law than that of the case."""
    raise LawError(name, "law", "no such law")


def run(**more: Any) -> CaseResult:
    """The result of one case."""
    case = {"id": "X1", "law": LAW, "bill": a_bill(), "expected": {"funds": 800}, **more}
    case = {key: value for key, value in case.items() if value is not None}
    (result,) = run_cases({"cases.toml": {"case": [case]}}, no_law)
    return result


@pytest.mark.parametrize(
    "expected",
    [
        {"total": 1800, "in_scope": 1800, "deductible": 800, "funds": "800.00", "cash": 1000},
        {"payers.pool": 800, "payers.pool.band1": 800, "payers.large": 0},
        {"payers": {"pool": 800}},
        {"payers.pool.deductible": 0},
        {"fields.hifp": 800, "fields.maf": 0},
        {"counters.stays": 1, "counters.deductible_year": 800},
        {"counters.deductible_year@2025": 800},
    ],
)
def test_a_case_may_expect(expected: dict[str, Any]) -> None:
    assert run(expected=expected).ok


def test_bills_of_a_case_are_settled_one_after_the_other() -> None:
    bills = [a_bill(expected={"deductible": 800}), a_bill(4300)]
    result = run(bill=None, bills=bills, expected={"payers.pool": 1200, "payers.large": 1400})
    assert result.ok, result
    assert result.expected["bills[1].deductible"] == "800.00"


def test_a_cancelled_bill_is_the_mirror_and_gives_back_the_deductible() -> None:
    bills = [
        a_bill(visit="v1"),
        {"cancels": "v1", "expected": {"total": -1800, "deductible": -800, "payers.pool": -800}},
        a_bill(visit="v2"),
    ]
    assert run(bill=None, bills=bills, expected={"deductible": 800}).ok


def test_cancelling_what_was_never_settled_is_a_refusal() -> None:
    bills = [a_bill(visit="v1"), {"cancels": "v2"}]
    assert run(bill=None, bills=bills, expected={"refused": "SETTLEMENT_UNKNOWN"}).ok


def test_a_law_may_refuse_to_cancel_what_a_later_bill_depends_on() -> None:
    law = {
        **LAW,
        "benefits": {"inpatient": {**LAW["benefits"]["inpatient"], "out_of_order": "refuse"}},
    }
    bills = [a_bill(visit="v1"), a_bill(visit="v2"), {"cancels": "v1"}]
    assert run(law=law, bill=None, bills=bills, expected={"refused": "NOT_REVERSIBLE"}).ok


def test_a_refusal_is_expected_by_the_missing_parameter() -> None:
    early = {**LAW, "defaults": {"from": "2026-01-01"}}
    result = run(law=early, expected={"refused": "benefits.inpatient.care_kinds"})
    assert result.ok, result


def test_a_refusal_that_nobody_expected_is_told() -> None:
    result = run(bill=a_bill(-5))
    assert (result.ok, result.got) == (False, {"refused": "AMOUNT_OUT_OF_RANGE"})


def test_a_refusal_that_does_not_come_is_not_ok() -> None:
    result = run(expected={"refused": "AMOUNT_OUT_OF_RANGE"})
    assert (result.ok, result.got) == (False, {"refused": "not refused"})


def test_an_allowance_is_a_case_too() -> None:
    claim = {"key": "maternity", "base": 8000, "units": 158}
    assert run(bill=None, allowance=claim, expected={"amount": "42133.33"}).ok


def test_a_slip_of_the_source_is_reported_with_its_size() -> None:
    result = run(slips={"funds": {"printed": 801, "reason": "a misprint"}})
    assert result.ok
    assert result.as_json()["slip"] == {"printed": "801.00", "reason": "a misprint", "size": "1.00"}


@pytest.mark.parametrize(
    ("wrong", "told"),
    [
        ({"expcted": {}}, "case[1].expcted: unknown key 'expcted' (did you mean 'expected'?)"),
        ({"expected": {"fund": 5}}, "case[1].expected.fund: unknown figure 'fund' (did you mean"),
        (
            {"expected": {"payers.pol": 5}},
            "case[1].expected.payers.pol: the law has no payer 'pol'",
        ),
        (
            {"expected": {"counters.x": 5}},
            "case[1].expected.counters.x: the law has no counter 'x'",
        ),
        ({"expected": {}}, "case[1]: expects nothing"),
        ({"bill": None}, "case[1]: give one bill, bills = [ … ] or an allowance"),
        (
            {"bill": a_bill(levl="l3")},
            "case[1].bill.levl: unknown key 'levl' (did you mean 'level'",
        ),
        ({"law": "nowhere/310"}, "nowhere/310: law: no such law"),
        (
            {"law": {"benefits": {"inpatient": {"payers": {"pool": {"bands": "1.8"}}}}}},
            "cases.toml: case[1].law.benefits.inpatient.payers.pool.bands",
        ),
        (
            {"slips": {"funds": {"printed": 800, "reason": "none"}}},
            "case[1].slips.funds.printed: is what the case expects: no slip",
        ),
        ({"slips": {"cash": {"printed": 5, "reason": "x"}}}, "is no figure that the case expects"),
        (
            {"bill": None, "allowance": {"key": "matrenity", "base": 5}},
            "case[1].allowance.key: the law has no allowance 'matrenity' (did you mean",
        ),
    ],
)
def test_a_case_that_cannot_be_run_says_why(wrong: dict[str, Any], told: str) -> None:
    result = run(**wrong)
    assert not result.ok
    assert told in result.got["error"]


def test_the_other_cases_of_a_file_are_run_all_the_same() -> None:
    good = {"id": "X1", "law": LAW, "bill": a_bill(), "expected": {"funds": 800}}
    results = run_cases(
        {"cases.toml": {"case": [{**good, "law": "none"}, {**good, "id": "X2"}]}}, no_law
    )
    assert [result.ok for result in results] == [False, True]


def test_an_id_is_there_once() -> None:
    case = {"id": "X1", "law": LAW, "bill": a_bill(), "expected": {"funds": 800}}
    with pytest.raises(LawError, match=r"case 'X1' is in a\.toml already"):
        run_cases({"a.toml": {"case": [case]}, "b.toml": {"case": [case]}}, no_law)


def test_a_file_without_cases_is_no_case_file() -> None:
    with pytest.raises(LawError, match="case: missing"):
        run_cases({"a.toml": {"cases": []}}, no_law)
