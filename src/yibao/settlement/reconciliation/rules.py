"""How two books are compared. Pure: figures and lines in, results and reasons out."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta

from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.money import Fen, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.reconciliation.model import (
    ComparedLine,
    Figures,
    OurLine,
    Result,
    Span,
    StatementLine,
)

LONGEST_SPAN = timedelta(days=366)


def check_span(first_day: date, last_day: date) -> None:
    """A span has an end that is not before its begin, and is no longer than a year."""
    if last_day < first_day:
        raise Refused(
            RefusalCode.SPAN_NOT_ALLOWED,
            f"结束日期{last_day}早于开始日期{first_day}",
            "last_day",
        )
    if last_day - first_day >= LONGEST_SPAN:
        raise Refused(
            RefusalCode.SPAN_NOT_ALLOWED,
            f"起止日期{first_day}至{last_day}不得超过一年",
            "last_day",
        )


# ----------------------------------------------------------------------------------------- totals


def compare_totals(theirs: Figures, ours: Figures) -> Result:
    """Equal, or whose book holds more settlements, or equal numbers with other amounts."""
    if theirs == ours:
        return Result.EQUAL
    if theirs.count < ours.count:
        return Result.PLATFORM_HAS_MORE
    return Result.INSTITUTION_HAS_MORE if theirs.count > ours.count else Result.DIFFERENT


def describe(theirs: Figures, ours: Figures) -> str:
    """Both sides' figures for a clerk; at most 200 characters."""
    if theirs == ours:
        return f"一致：{_figures(ours)}"
    return f"机构{_figures(theirs)}；平台{_figures(ours)}"


def _figures(figures: Figures) -> str:
    return (
        f"{figures.count}笔，总额{yuan(figures.total)}，基金{yuan(figures.funds)}，"
        f"个账{yuan(figures.account)}"
    )


# ------------------------------------------------------------------------------------------ lines


def sum_of_lines(lines: Iterable[StatementLine | OurLine]) -> Figures:
    """The figures that lines come to."""
    total = Figures()
    for line in lines:
        total = total.plus(Figures(1, line.total, line.funds, line.account))
    return total


def compare_lines(
    theirs: Sequence[StatementLine],
    ours: Sequence[OurLine],
    elsewhere: Mapping[str, OurLine],
    span: Span,
) -> list[ComparedLine]:
    """Every line of either side once: those of the file in its order, then what it lacks.

    A cancellation may be named by its own number or by the original's. ``elsewhere`` are
    settlements of the institution that the file names but the span does not hold.
    """
    waiting = {line.settlement: line for line in ours}
    known = {**elsewhere, **waiting}
    names = {(line.settlement, line.refund): line.settlement for line in ours}
    names |= {
        (line.mirrors, True): line.settlement for line in ours if line.refund and line.mirrors
    }
    seen: dict[str, int] = {}
    compared = []
    for line in theirs:
        name = names.get((line.settlement, line.refund))
        if name is None:
            reason = _why_not_here(line, known.get(line.settlement), span)
            compared.append(ComparedLine(Result.INSTITUTION_HAS_MORE, reason, line, None))
        elif name not in waiting:
            reason = f"与第{seen[name]}行重复"
            compared.append(ComparedLine(Result.INSTITUTION_HAS_MORE, reason, line, None))
        else:
            seen[name] = line.row
            compared.append(_compare_line(line, waiting.pop(name)))
    compared += [
        ComparedLine(Result.PLATFORM_HAS_MORE, _why_not_there(line), None, line)
        for line in waiting.values()
    ]
    return compared


def _compare_line(theirs: StatementLine, ours: OurLine) -> ComparedLine:
    reasons = [
        f"{label}机构{_shown(sent)}平台{_shown(known)}"
        for label, sent, known in (
            ("就诊ID", theirs.visit, ours.visit),
            ("人员编号", theirs.member, ours.member),
            ("医疗费总额", theirs.total, ours.total),
            ("基金支付总额", theirs.funds, ours.funds),
            ("个人账户支付", theirs.account, ours.account),
        )
        if sent != known
    ]
    result = Result.DIFFERENT if reasons else Result.EQUAL
    return ComparedLine(result, "；".join(reasons) or "一致", theirs, ours)


def _why_not_here(line: StatementLine, known: OurLine | None, span: Span) -> str:
    if known is None:
        return "平台无此结算"
    if line.refund != known.refund:
        return "平台无此退费" if line.refund else "平台此号为退费记录"
    if not span.first_day <= known.settled_on <= span.last_day:
        return f"平台结算日期{known.settled_on}，不在对账期间"
    if known.refund and not span.with_refunds:
        return "本次对账不含退费记录"
    return (
        f"不在本次对账范围：险种{known.scheme}，清算类别{known.clearing_class}，"
        f"结算经办机构{known.office}"
    )


def _why_not_there(line: OurLine) -> str:
    if line.refund and parse_pool_key(line.message_id) is not None:
        return (
            f"平台有、机构文件无：由经办机构撤销（业务单{line.message_id}，原结算{line.mirrors}），"
            "机构没有发送撤销，请补记退费"
        )
    return "平台有、机构文件无"


def _shown(value: str | Fen) -> str:
    return value if isinstance(value, str) else yuan(value)


def result_of_lines(compared: Sequence[ComparedLine]) -> Result:
    """The result of the whole: one kind of difference by its name, several as unequal."""
    results = {line.result for line in compared} - {Result.EQUAL}
    if not results:
        return Result.EQUAL
    return results.pop() if len(results) == 1 else Result.DIFFERENT
