"""What is counted of a comparison, worked by hand on a few bills."""

from dataclasses import replace
from datetime import date

import numpy as np
import pytest

from yibao.adjudication.columns.model import BillColumns, Coded, Decided, SumColumns
from yibao.analysis.aggregate import Aggregate
from yibao.analysis.model import Cell, Sums
from yibao.policy.terms import Level

POOL, CRITICAL = "benefits.outpatient.payers.pool", "payers.critical"
LINES = ({POOL: False, CRITICAL: True}, {POOL: False, CRITICAL: True})


def columns(persons: list[int], births: list[date] | None = None) -> BillColumns:
    """Bills of 100 yuan each on 1 March 2025, of employees aged 44 at a secondary hospital."""
    rows = len(persons)
    birth = [int(f"{day:%Y%m%d}") for day in births] if births else [19800601] * rows
    nothing = np.zeros(rows, np.int64)
    return BillColumns(
        person=np.array(persons, np.int64),
        day=np.full(rows, 20250301, np.int32),
        care_kind=Coded.of("11", rows),
        person_type=Coded(np.arange(rows, dtype=np.uint16) % 2, ["1101", "1102"]),
        birth=np.array(birth, np.int32),
        level=Coded.of((Level.SECOND, False), rows),
        sums={"general": SumColumns(nothing, nothing, nothing, nothing + 10_000)},
        optional={},
    )


def decided(pool: list[int], critical: list[int] | None = None, **refused: str) -> Decided:
    """What funds pay of bills of 100 yuan; ``row1="name"`` refuses row 1."""
    paid, extra = np.array(pool, np.int64), np.array(critical or [0] * len(pool), np.int64)
    nothing = np.zeros(len(pool), np.int64)
    return Decided(
        deductible=nothing,
        payments={POOL: paid, CRITICAL: extra},
        funds=paid + extra,
        hospital_part=nothing,
        personal=10_000 - paid - extra,
        in_scope=nothing + 10_000,
        bases={POOL: paid, CRITICAL: extra},
        refused={int(row.removeprefix("row")): name for row, name in refused.items()},
    )


def counted(bills: BillColumns, before: Decided, after: Decided) -> Aggregate:
    aggregate = Aggregate()
    aggregate.add(bills, before, after, LINES)
    return aggregate


def test_sums_go_by_group_and_persons_by_what_all_their_bills_change() -> None:
    # person 1: 20 → 30 less and 30 → 20 more: the same in all; person 2: 40 yuan less
    found = counted(columns([1, 1, 2]), decided([2000, 3000, 0]), decided([3000, 2000, 4000]))
    assert found.cells == {
        Cell("11", "18-44", "", "l2"): Sums(
            bills=3,
            total=30_000,
            personal_before=25_000,
            personal_after=21_000,
            funds_before=5_000,
            funds_after=9_000,
            persons=2,
            winners=1,
            losers=0,
        )
    }


def test_a_bill_that_one_law_refuses_is_in_no_sum() -> None:
    bills = columns([1, 2])
    found = counted(bills, decided([1000, 1000]), decided([0, 5000], row0="lines.first_pay"))
    assert found.refused[0] == {}
    assert found.refused[1] == {"lines.first_pay": 1}
    assert found.refused_bills == 1
    assert found.compared().bills == 1
    assert found.compared().persons == 1
    assert found.paid[0][POOL] == 1000
    assert found.paid[1][POOL] == 5000


def test_a_payer_counts_bills_and_the_persons_over_its_line() -> None:
    bills = columns([1, 1, 2, 3])
    found = counted(bills, decided([1, 0, 0, 0], [5, 5, 0, 0]), decided([1, 1, 0, 0], [5, 5, 7, 0]))
    assert (found.paid[0][CRITICAL], found.paid[1][CRITICAL]) == (10, 17)
    assert (found.paid_bills[0][CRITICAL], found.paid_bills[1][CRITICAL]) == (2, 3)
    assert (found.over[0][CRITICAL], found.over[1][CRITICAL]) == (1, 2)
    assert POOL not in found.over[0]


@pytest.mark.parametrize(
    ("less", "above", "to"),
    [
        (0, -1, 0),
        (1, -1000, -1),
        (-1, 0, 1000),
        (1000, -5000, -1000),
        (999, -1000, -1),
        (-1000, 0, 1000),
        (-1001, 1000, 5000),
    ],
)
def test_each_change_has_one_bin(less: int, above: int, to: int) -> None:
    found = counted(columns([1]), decided([5000]), decided([5000 + less]))
    filled = [found_bin for found_bin in found.change_bins() if found_bin.persons]
    assert [(one.above, one.to, one.persons) for one in filled] == [(above, to, 1)]


def test_tenths_hold_everyone_once_and_every_fen() -> None:
    persons = list(range(23))
    before = [10_000 - 100 * person for person in persons]
    found = counted(columns(persons), decided(before), decided([10_000] * 23))
    deciles = found.deciles()
    assert sum(tenth.persons for tenth in deciles) == 23
    assert {tenth.persons for tenth in deciles} == {2, 3}
    assert sum(tenth.before for tenth in deciles) == sum(100 * person for person in persons)
    assert sum(tenth.after for tenth in deciles) == 0
    assert deciles[0].before == 0 + 100
    assert deciles[-1].up_to >= 2200 > deciles[-2].up_to
    assert deciles[-1].up_to < 2200 * 101 // 100


def test_two_halves_add_up_to_the_whole() -> None:
    births = [date(1950, 1, 1), date(2012, 5, 5), date(1980, 1, 1), date(1964, 3, 2)]
    bills = columns([1, 2, 3, 3], births)
    before = decided([0, 100, 200, 300], [1, 0, 0, 1], row1="x")
    after = decided([50, 50, 400, 300], [0, 0, 2, 1], row2="y")
    whole = counted(bills, before, after)
    halves = Aggregate()
    for rows in (slice(0, 2), slice(2, 4)):
        halves.merge(
            counted(
                part_of(bills, rows),
                part_of_decided(before, rows),
                part_of_decided(after, rows),
            )
        )
    assert halves == whole
    assert {cell.age for cell in whole.cells} == {"70-79", "60-69"}


def part_of(bills: BillColumns, rows: slice) -> BillColumns:
    def cut(fact: Coded) -> Coded:
        return Coded(fact.codes[rows], fact.words)

    return replace(
        bills,
        person=bills.person[rows],
        day=bills.day[rows],
        birth=bills.birth[rows],
        care_kind=cut(bills.care_kind),
        person_type=cut(bills.person_type),
        level=cut(bills.level),
    )


def part_of_decided(whole: Decided, rows: slice) -> Decided:
    return replace(
        whole,
        payments={path: amounts[rows] for path, amounts in whole.payments.items()},
        bases={path: amounts[rows] for path, amounts in whole.bases.items()},
        funds=whole.funds[rows],
        personal=whole.personal[rows],
        hospital_part=whole.hospital_part[rows],
        refused={
            row - rows.start: name
            for row, name in whole.refused.items()
            if rows.start <= row < rows.stop
        },
    )
