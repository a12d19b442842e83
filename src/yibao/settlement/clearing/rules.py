"""When an institution may apply for a month, and with which figures."""

import re
from datetime import date, timedelta

from yibao.kernel.money import yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.clearing.model import ApplyForClearing, ClaimedFigures

_MONTH = re.compile(r"20\d\d(0[1-9]|1[0-2])", re.ASCII)
_LONGEST = timedelta(days=31)


def check_month(request: ApplyForClearing, today: date) -> None:
    """The span ends in the month that is applied for, is no longer than one, and is over.

    A month need not begin on the first: some bureaus clear from the 26th to the 25th.
    """
    if not _MONTH.fullmatch(request.month):
        raise _refused(f"清算年月“{request.month}”应为yyyyMM", "clearing_month")
    first, last = request.first_day, request.last_day
    if last < first or last - first >= _LONGEST:
        raise _refused(f"清算期间{first}至{last}应为一个月", "enddate")
    if f"{last:%Y%m}" != request.month:
        raise _refused(f"清算期间的结束日期{last}不在清算年月{request.month}之内", "clearing_month")
    if last >= today:
        raise _refused(f"清算期间尚未结束：结束日期{last}，今日{today}", "enddate")


def check_figures(request: ApplyForClearing, ours: ClaimedFigures) -> None:
    """Every figure that is sent equals ours; refused with both sides of each that does not.

    The recognised fee (``med_sumfee``) is what lies in the policy's scope; institutions that mean
    the whole fee by it are understood.
    """
    differing = [
        f"{name}申报{show(sent)}平台{show(known[0])}"
        for name, sent, known, show in (
            ("psntime（清算人次）", request.visits, (ours.visits,), str),
            ("medfee_sumamt（医疗费总额）", request.total, (ours.total,), yuan),
            (
                "med_sumfee（医保认可费用总额）",
                request.in_scope,
                (ours.in_scope, ours.total),
                yuan,
            ),
            ("fund_appy_sum（基金申报总额）", request.funds, (ours.funds,), yuan),
            ("cash_payamt（现金支付金额）", request.cash, (ours.cash,), yuan),
            ("acct_pay（个人账户支出）", request.account, (ours.account,), yuan),
        )
        if sent is not None and sent not in known
    ]
    if differing:
        raise Refused(
            RefusalCode.FIGURES_DIFFER, "申报数与平台结算数不一致：" + "；".join(differing)
        )


def _refused(reason: str, field: str) -> Refused:
    return Refused(RefusalCode.SPAN_NOT_ALLOWED, reason, field)
