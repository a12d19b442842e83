"""Two books are equal or every difference is named, whatever is changed in one of them."""

from dataclasses import replace
from datetime import date

from hypothesis import given
from hypothesis import strategies as st

from yibao.policy.terms import EMPLOYEE
from yibao.settlement.reconciliation import rules, tables
from yibao.settlement.reconciliation.model import (
    Figures,
    OurLine,
    Result,
    Span,
    StatementLine,
)

DAY = date(2026, 7, 15)
SPAN = Span(DAY, DAY, "110000")


def our_line(number: int, total: int = 1000, *, refund_of: int | None = None) -> OurLine:
    """A settlement of ours, or the cancellation of one."""
    sign = 1 if refund_of is None else -1
    return OurLine(
        settlement=f"S{number}",
        mirrors=None if refund_of is None else f"S{refund_of}",
        visit=f"V{number}",
        member="M1",
        message_id=f"message-{number}",
        settled_on=DAY,
        scheme=EMPLOYEE,
        clearing_class="11",
        office="110000",
        refund=refund_of is not None,
        total=sign * total,
        funds=sign * (total // 2),
        account=sign * (total // 4),
    )


def sent(ours: OurLine, row: int = 1) -> StatementLine:
    """The row by which an institution tells one of our settlements."""
    return StatementLine(
        row,
        ours.settlement,
        ours.visit,
        ours.member,
        ours.total,
        ours.funds,
        ours.account,
        ours.refund,
    )


@st.composite
def books(draw: st.DrawFn) -> list[OurLine]:
    """A day's settlements, some of them cancelled."""
    totals = draw(st.lists(st.integers(0, 10**8), max_size=12))
    lines = [our_line(number, total) for number, total in enumerate(totals)]
    cancelled = draw(st.sets(st.sampled_from(range(len(totals))))) if totals else set()
    return lines + [
        our_line(100 + number, totals[number], refund_of=number) for number in sorted(cancelled)
    ]


@given(books(), st.randoms())
def test_our_own_file_has_no_differences(ours: list[OurLine], chance: object) -> None:
    told = [sent(line) for line in ours]
    chance.shuffle(told)  # type: ignore[attr-defined]
    file = tables.read_lines(tables.write_lines(told))
    compared = rules.compare_lines(file, ours, {}, SPAN)
    assert {line.result for line in compared} <= {Result.EQUAL}
    assert len(compared) == len(ours)
    assert rules.sum_of_lines(file) == rules.sum_of_lines(ours)


CHANGES = {
    "total": "医疗费总额",
    "funds": "基金支付总额",
    "account": "个人账户支付",
    "visit": "就诊ID",
    "member": "人员编号",
}


@given(books().filter(bool), st.data())
def test_every_change_of_a_single_row_is_found_and_named(
    ours: list[OurLine], data: st.DataObject
) -> None:
    told = [sent(line, row) for row, line in enumerate(ours, 1)]
    place = data.draw(st.sampled_from(range(len(told))))
    field = data.draw(st.sampled_from(sorted(CHANGES)))
    value = getattr(told[place], field)
    other = f"{value}X" if isinstance(value, str) else value + data.draw(st.integers(1, 10**6))
    told[place] = replace(told[place], **{field: other})
    compared = rules.compare_lines(told, ours, {}, SPAN)
    (different,) = [line for line in compared if line.result is not Result.EQUAL]
    assert different.result is Result.DIFFERENT
    assert different.ours == ours[place]
    assert CHANGES[field] in different.reason
    assert rules.result_of_lines(compared) is Result.DIFFERENT


@given(books().filter(bool), st.data())
def test_a_row_that_the_institution_lacks_is_found(
    ours: list[OurLine], data: st.DataObject
) -> None:
    place = data.draw(st.sampled_from(range(len(ours))))
    told = [sent(line) for line in ours[:place] + ours[place + 1 :]]
    compared = rules.compare_lines(told, ours, {}, SPAN)
    (lacking,) = [line for line in compared if line.result is not Result.EQUAL]
    assert (lacking.result, lacking.ours) == (Result.PLATFORM_HAS_MORE, ours[place])
    assert rules.result_of_lines(compared) is Result.PLATFORM_HAS_MORE


@given(books(), st.booleans())
def test_a_row_that_only_the_institution_has_is_found(ours: list[OurLine], refund: bool) -> None:
    stranger = replace(sent(our_line(999)), refund=refund)
    compared = rules.compare_lines([*map(sent, ours), stranger], ours, {}, SPAN)
    (more,) = [line for line in compared if line.result is not Result.EQUAL]
    assert (more.result, more.theirs) == (Result.INSTITUTION_HAS_MORE, stranger)
    assert more.reason == "平台无此结算"


def test_a_cancellation_may_be_named_by_the_original() -> None:
    original, mirror = our_line(1), our_line(2, refund_of=1)
    told = [sent(original), replace(sent(mirror), settlement=original.settlement)]
    compared = rules.compare_lines(told, [original, mirror], {}, SPAN)
    assert [line.result for line in compared] == [Result.EQUAL, Result.EQUAL]


def test_a_row_that_comes_twice_counts_once() -> None:
    line = our_line(1)
    compared = rules.compare_lines([sent(line, 1), sent(line, 2)], [line], {}, SPAN)
    assert [one.result for one in compared] == [Result.EQUAL, Result.INSTITUTION_HAS_MORE]
    assert compared[1].reason == "与第1行重复"


def test_a_reason_says_where_a_settlement_is_instead() -> None:
    def reason(known: OurLine, span: Span = SPAN, *, refund: bool = False) -> str:
        told = replace(sent(known), refund=refund)
        (compared,) = rules.compare_lines([told], [], {known.settlement: known}, span)
        return compared.reason

    assert reason(replace(our_line(1), settled_on=date(2026, 7, 1))).startswith(
        "平台结算日期2026-07-01"
    )
    assert "清算类别11" in reason(our_line(1), SPAN._replace(clearing_class="21"))
    assert reason(our_line(1), refund=True) == "平台无此退费"
    mirror = our_line(2, refund_of=1)
    assert "不含退费" in reason(mirror, SPAN._replace(with_refunds=False), refund=True)


def test_totals_say_which_side_has_more() -> None:
    ours = Figures(2, 2000, 1000, 500)
    assert rules.compare_totals(ours, ours) is Result.EQUAL
    assert rules.compare_totals(Figures(1, 2000, 1000, 500), ours) is Result.PLATFORM_HAS_MORE
    assert rules.compare_totals(Figures(3, 2000, 1000, 500), ours) is Result.INSTITUTION_HAS_MORE
    for other in (Figures(2, 2001, 1000, 500), Figures(2, 2000, 1, 500), Figures(2, 2000, 1000, 0)):
        assert rules.compare_totals(other, ours) is Result.DIFFERENT


@given(*(st.builds(Figures, *(st.integers(-(10**15), 10**15),) * 4),) * 2)
def test_a_description_fits_into_its_field(theirs: Figures, ours: Figures) -> None:
    assert len(rules.describe(theirs, ours)) <= 200


def test_a_cancellation_by_the_bureau_is_told_as_one() -> None:
    """The institution sent nothing, and would look for a message of its own in vain."""
    proposal = "1100000000000000000000042"
    cancelled = replace(our_line(2, refund_of=1), message_id=proposal)
    (told,) = rules.compare_lines([], [cancelled], {}, SPAN)
    assert told.result is Result.PLATFORM_HAS_MORE
    assert "经办机构撤销" in told.reason
    assert proposal in told.reason
    assert "S1" in told.reason
    (own,) = rules.compare_lines([], [our_line(2, refund_of=1)], {}, SPAN)
    assert "经办机构" not in own.reason
