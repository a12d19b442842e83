"""How differences between books are found and explained. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta

from yibao.clearing.differences.model import Books, Cause, Difference
from yibao.clearing.payments.model import ListedPayment
from yibao.clearing.payments.model import Result as BankResult
from yibao.clearing.retention.model import Assessment
from yibao.clearing.review.model import Granted
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, yuan
from yibao.kernel.periods import business_date
from yibao.ledger.inquiries.model import InstitutionPosting
from yibao.settlement.clearing.model import Application, ApplicationState, ClaimedFigures
from yibao.settlement.manual_claims.model import PaidTwice
from yibao.settlement.reconciliation.model import (
    AnsweredLine,
    Booking,
    OurLine,
    Result,
    Span,
    Statement,
)

_REPAIRS = {
    (Books.LEDGER, Cause.MISSING_HERE): "结算没有记账：核对账簿，上报系统管理员",
    (Books.LEDGER, Cause.MISSING_THERE): "账簿有无对应结算的分录：核对账簿，上报系统管理员",
    (Books.LEDGER, Cause.AMOUNT_DIFFERS): "账簿与结算金额不一致：核对账簿，上报系统管理员",
    (Books.LEDGER, Cause.REVERSED_OVER_MIDNIGHT): "无需处理：冲正在另一对账期，两期合计为零",
    (Books.FILE, Cause.MISSING_HERE): "平台无此结算：机构重新结算，或从其账中剔除",
    (Books.FILE, Cause.MISSING_THERE): "机构补记该笔；确未收到结果的，由机构撤销（2208、2305）",
    (Books.FILE, Cause.AMOUNT_DIFFERS): "机构按平台金额更正其账",
    (Books.FILE, Cause.CANCELLED_AFTER_FILE): "机构补记退费后重新对账（3202）",
    (Books.FILE, Cause.REVERSED): "该笔已冲正：机构从其账中剔除，需要时重新结算",
    (Books.FILE, Cause.OTHER_DAY): "按平台结算日期归入相应对账期",
    (Books.FILE, Cause.OTHER_OFFICE): "与该结算经办机构对账",
    (Books.FILE, Cause.OTHER_SCOPE): "按其险种、清算类别分别对账",
    (Books.FILE, Cause.NOT_COMPARED): "机构对总账（3201），不平时对明细账（3202）",
    (Books.CLEARING, Cause.NOT_APPLIED): "机构申请清算（3203）",
    (Books.CLEARING, Cause.AMOUNT_DIFFERS): "待审核的退回（clearing.refuse）；已审核的下期更正",
    (Books.ACCOUNTS, Cause.AMOUNT_DIFFERS): "账簿余额与清算业务不符：核对账簿，上报系统管理员",
    (Books.BANK, Cause.NOT_CONFIRMED): "向银行催取回盘文件（clearing.confirm）",
    (Books.BANK, Cause.REJECTED): "更正收款账户（clearing.account）后重新拨付（clearing.pay）",
    (Books.BANK, Cause.NOT_PAID): "拨付（clearing.pay）；没有收款账户的先登记（clearing.account）",
    (Books.PAPER, Cause.PAID_ON_PAPER): (
        "核实后择一：撤销零星报销（manual_claims.cancel）并向个人追回；"
        "或审核扣款（clearing.review），由机构与个人退费"
    ),
}  # fmt: skip


def difference(
    books: Books,
    cause: Cause,
    subject: str,
    day: date | None,
    here: Fen | None,
    there: Fen | None,
    explanation: str,
) -> Difference:
    """A difference with the repair that its cause asks for."""
    repair = _REPAIRS[books, cause]
    return Difference(books, cause, subject, day, here, there, explanation, repair)


# -------------------------------------------------------------------------- ledger and settlements


def compare_ledger(
    postings: Sequence[InstitutionPosting],
    bookings: Sequence[Booking],
    originals: Mapping[PoolKey, PoolKey],
) -> list[Difference]:
    """What the ledger's postings and the settlements tell of an institution's claim and cash.

    ``originals``: of postings without a booking, the bill that each is or mirrors: a reversal took
    both out of the bookings, and both are zero together unless they lie in two spans.
    """
    posted = {PoolKey(one.pool, one.posting): one for one in postings if one.kind is None}
    found = []
    for booking in bookings:
        posting = posted.pop(booking.key, None)
        here = (posting.claimed, posting.collected) if posting else (0, 0)
        if here == (booking.claimed, booking.cash):
            continue
        cause = Cause.AMOUNT_DIFFERS if posting else Cause.MISSING_HERE
        claim = sum(here) if posting else None
        there = booking.claimed + booking.cash
        text = (
            f"账簿应付{yuan(here[0])}现金{yuan(here[1])}，"
            f"结算应付{yuan(booking.claimed)}现金{yuan(booking.cash)}"
        )
        found.append(
            difference(
                Books.LEDGER, cause, booking.settlement, booking.settled_on, claim, there, text
            )
        )
    return found + _unbooked(posted, originals)


def _unbooked(
    posted: Mapping[PoolKey, InstitutionPosting], originals: Mapping[PoolKey, PoolKey]
) -> list[Difference]:
    """Postings whose settlement no book counts: undone ones come in pairs that sum to zero."""
    groups: dict[PoolKey, list[InstitutionPosting]] = {}
    for key, posting in posted.items():
        groups.setdefault(originals.get(key, key), []).append(posting)
    found = []
    for original, group in groups.items():
        claimed, collected = (
            sum(one.claimed for one in group),
            sum(one.collected for one in group),
        )
        if claimed == collected == 0:
            continue
        undone = all(PoolKey(one.pool, one.posting) in originals for one in group)
        cause = Cause.REVERSED_OVER_MIDNIGHT if undone else Cause.MISSING_THERE
        text = "冲正与原结算不在同一对账期" if undone else "分录没有对应的结算"
        found.append(
            difference(
                Books.LEDGER,
                cause,
                original.text(),
                group[0].day,
                claimed + collected,
                None,
                f"{text}：应付{yuan(claimed)}现金{yuan(collected)}",
            )
        )
    return found


# --------------------------------------------------------------- settlements and hospital's file


def compare_file(
    answered: Sequence[AnsweredLine],
    known: Mapping[str, OurLine],
    undone: Iterable[str],
    span: Span,
) -> list[Difference]:
    """What a line-by-line comparison found, with the cause as it is seen now.

    ``known``: settlements of ours that the file names; ``undone``: those that a reversal undid.
    """
    equal = {line.settlement for line in answered if line.result is Result.EQUAL}
    reversed_ = set(undone)
    found = []
    for line in answered:
        if line.result is Result.EQUAL:
            continue
        ours = known.get(line.settlement)
        amount = line.funds + line.account
        cause = _cause(line, ours, equal, span, was_undone=line.settlement in reversed_)
        here = None if line.result is Result.INSTITUTION_HAS_MORE else amount
        there = None if line.result is Result.PLATFORM_HAS_MORE else amount
        if line.result is Result.DIFFERENT:
            there = None  # the answer tells our figures alone; the explanation has both
        found.append(
            difference(
                Books.FILE,
                cause,
                line.settlement,
                ours.settled_on if ours else None,
                here,
                there,
                line.reason,
            )
        )
    return found


def _cause(
    line: AnsweredLine, ours: OurLine | None, equal: set[str], span: Span, *, was_undone: bool
) -> Cause:
    if line.result is Result.DIFFERENT:
        return Cause.AMOUNT_DIFFERS
    if line.result is Result.PLATFORM_HAS_MORE:
        undoes_known = ours is not None and ours.refund and ours.mirrors in equal
        if was_undone:
            return Cause.REVERSED
        return Cause.CANCELLED_AFTER_FILE if undoes_known else Cause.MISSING_THERE
    if was_undone:
        return Cause.REVERSED
    if ours is None or ours.refund != line.refund:
        return Cause.MISSING_HERE
    if not span.first_day <= ours.settled_on <= span.last_day:
        return Cause.OTHER_DAY
    in_scope = span.scheme in (ours.scheme, None) and span.clearing_class in (
        ours.clearing_class,
        None,
    )
    return Cause.OTHER_OFFICE if in_scope else Cause.OTHER_SCOPE


# ------------------------------------------------------------------------- settlements and clearing


def compare_application(application: Application, now: ClaimedFigures) -> Difference | None:
    """What was applied for against what is booked now; None when they are one."""
    figures = application.figures
    if figures == now:
        return None
    approved = application.state is ApplicationState.APPROVED
    text = (
        f"{'已审核' if approved else '待审核'}的申请：现有{now.visits}人次应付{yuan(now.claimed)}，"
        f"申请时{figures.visits}人次应付{yuan(figures.claimed)}"
    )
    return difference(
        Books.CLEARING,
        Cause.AMOUNT_DIFFERS,
        application.key.text(),
        application.last_day,
        now.claimed,
        figures.claimed,
        text,
    )


def not_applied(
    bookings: Sequence[Booking], standing: Sequence[Application], today: date
) -> list[Difference]:
    """Bills of months that are over and that no standing application holds, by month and class."""
    left: dict[tuple[str, str], list[Booking]] = {}
    for booking in bookings:
        held = any(
            one.clearing_class == booking.clearing_class
            and one.first_day <= booking.settled_on <= one.last_day
            for one in standing
        )
        month = f"{booking.settled_on:%Y%m}"
        if not held and month < f"{today:%Y%m}":
            left.setdefault((month, booking.clearing_class), []).append(booking)
    return [
        difference(
            Books.CLEARING,
            Cause.NOT_APPLIED,
            f"{month} {cleared_as}",
            max(one.settled_on for one in group),
            sum(one.claimed for one in group),
            None,
            f"清算年月{month}、清算类别{cleared_as}有{len(group)}笔结算未申请清算",
        )
        for (month, cleared_as), group in sorted(left.items())
    ]


# ------------------------------------------------------------------------------- compared at all


def standing_comparisons(statements: Sequence[Statement]) -> list[Statement]:
    """Those that no later comparison of the whole of their span has replaced, oldest first."""
    return [
        one
        for place, one in enumerate(statements)
        if not any(_covers(later.span, one.span) for later in statements[place + 1 :])
    ]


def _covers(span: Span, other: Span) -> bool:
    return (
        span.first_day <= other.first_day
        and span.last_day >= other.last_day
        and span.scheme in (other.scheme, None)
        and span.clearing_class in (other.clearing_class, None)
        and (span.with_refunds or not other.with_refunds)
    )


def totals_differ(statement: Statement) -> Difference:
    """A comparison of sums that were not equal, or one of lines whose answer has expired."""
    span = statement.span
    return difference(
        Books.FILE,
        Cause.AMOUNT_DIFFERS,
        f"{span.first_day}~{span.last_day}",
        span.last_day,
        statement.ours.funds + statement.ours.account,
        statement.theirs.funds + statement.theirs.account,
        statement.description,
    )


def not_compared(
    bookings: Sequence[Booking], statements: Sequence[Statement], today: date
) -> list[Difference]:
    """Days that are over, with bills that no comparison of a later day held; one a day."""
    days: dict[date, list[Booking]] = {}
    for booking in bookings:
        if booking.settled_on < today and not any(_holds(one, booking) for one in statements):
            days.setdefault(booking.settled_on, []).append(booking)
    return [
        difference(
            Books.FILE,
            Cause.NOT_COMPARED,
            day.isoformat(),
            day,
            sum(one.claimed for one in group),
            None,
            f"{day}有{len(group)}笔结算，机构在日终后未对账",
        )
        for day, group in sorted(days.items())
    ]


def _holds(statement: Statement, booking: Booking) -> bool:
    span = statement.span
    return (
        span.first_day <= booking.settled_on <= span.last_day
        and business_date(statement.recorded_at) > booking.settled_on
        and span.scheme in (booking.scheme, None)
        and span.clearing_class in (booking.clearing_class, None)
    )


# -------------------------------------------------------------------------------- clearing and bank

PATIENCE = timedelta(days=3)
"""How long a bank may take to answer before it is a difference."""


def compare_bank(
    payments: Sequence[ListedPayment], payable: Fen, institution: str, today: date
) -> list[Difference]:
    """Payments that the bank has not answered or sent back, and what is due in no run.

    ``payable``: what the ledger says is due to the institution now.
    """
    found = []
    for payment in payments:
        day = business_date(payment.made_at)
        subject = f"{payment.run.text()}-{payment.line}"
        if payment.result is None and today - day > PATIENCE:
            text = f"{day}拨付{yuan(payment.amount)}，银行尚未回盘"
            cause = Cause.NOT_CONFIRMED
            found.append(difference(Books.BANK, cause, subject, day, payment.amount, None, text))
        # a run takes all that is due, so only what the last one lost can still be due
        elif payment.result is BankResult.REJECTED and payable > 0 and payment is payments[-1]:
            text = f"{day}拨付{yuan(payment.amount)}被退回：{payment.reason}"
            cause = Cause.REJECTED
            found.append(difference(Books.BANK, cause, subject, day, payment.amount, 0, text))
            payable -= payment.amount
    if payable > 0:
        text = f"应付{yuan(payable)}未列入拨付"
        found.append(difference(Books.BANK, Cause.NOT_PAID, institution, None, payable, None, text))
    return found


# ---------------------------------------------------------------------- settlements and paper bills


def paid_on_paper(found: Sequence[PaidTwice]) -> list[Difference]:
    """Bills whose costs a paper bill was paid for: what each of the two paid."""
    return [
        difference(
            Books.PAPER,
            Cause.PAID_ON_PAPER,
            one.bill.settlement.text(),
            one.settled_on,
            one.claimed,
            one.paper.funds,
            f"与零星报销 {one.paper.settlement.text()}（{one.paper.place}，票据号"
            f"{one.paper.invoice}）疑为同一费用：{one.why}",
        )
        for one in found
    ]


# ----------------------------------------------------------------------- ledger and clearing's acts


@dataclass(frozen=True, slots=True)
class Acts:
    """All that clearing did with an institution's money, ever."""

    claimed: Fen
    """By its bills."""
    reviews: Sequence[Granted]
    advances: Sequence[Fen]
    assessments: Sequence[Assessment]
    payments: Sequence[ListedPayment]

    def balances(self) -> dict[str, Fen]:
        """What each of the institution's accounts must hold."""
        ordered = sum(one.amount for one in self.payments if one.result is not BankResult.REJECTED)
        advanced = sum(self.advances)
        released = sum(one.released for one in self.assessments)
        assessed = sum(one.withheld for one in self.assessments)
        forfeited = sum(one.forfeited for one in self.assessments)
        return {
            "claimed": self.claimed - sum(one.claimed for one in self.reviews),
            "payable": sum(one.due for one in self.reviews) + advanced + released - ordered,
            "withheld": sum(one.withheld for one in self.reviews) - assessed,
            "advanced": sum(one.set_off for one in self.reviews) - advanced,
            "deducted": sum(one.deducted for one in self.reviews) + forfeited,
        }


_PURSES = {
    "claimed": "应付待清算",
    "payable": "清算应付",
    "withheld": "质量保证金",
    "advanced": "预付金",
    "deducted": "审核扣款",
}


def compare_accounts(held: Mapping[str, Fen], acts: Acts, institution: str) -> list[Difference]:
    """Each of an institution's accounts against what explains it."""
    return [
        difference(
            Books.ACCOUNTS,
            Cause.AMOUNT_DIFFERS,
            f"institution:{institution}:{purse}",
            None,
            held[purse],
            expected,
            f"{_PURSES[purse]}账簿余额{yuan(held[purse])}，按清算业务应为{yuan(expected)}",
        )
        for purse, expected in acts.balances().items()
        if held[purse] != expected
    ]
