"""Whether costs were settled before, and what can be wrong with a paper bill. Pure."""

from collections.abc import Sequence
from datetime import date

from yibao.kernel.money import yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.manual_claims.model import Claim, Paper, Standing


def check_claim(claim: Claim, today: date) -> None:
    """Days in order and over, lines within them, the lines' sum as told."""
    if not claim.first_day <= claim.last_day <= today:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"就诊日期 {claim.first_day} 至 {claim.last_day} 颠倒或晚于今日 {today}",
            "first_day",
        )
    for number, line in enumerate(claim.lines, 1):
        if not claim.first_day <= line.day <= claim.last_day:
            raise Refused(
                RefusalCode.DATE_NOT_ALLOWED,
                f"第{number}行的日期 {line.day} 不在就诊日期 {claim.first_day} 至 "
                f"{claim.last_day} 之内",
                "lines",
            )
    found = sum(line.amount for line in claim.lines)
    if found != claim.total:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"票据总额 {yuan(claim.total)} 与明细合计 {yuan(found)} 不一致",
            "total",
        )


def check_not_claimed(claim: Claim, standing: Sequence[Standing], remark: str | None) -> None:
    """Refused: CLAIM_DOUBLE for costs that were settled; CLAIM_SIMILAR until the approver says why
    costs that resemble others are others."""
    for one in standing:
        if why := same_costs(claim, one):
            raise Refused(
                RefusalCode.CLAIM_DOUBLE,
                f"{why}，已由结算 {one.settlement.text()} 支付，不能重复报销",
                "invoice",
                settlement=one.settlement.text(),
            )
    similar = [one for one in standing if _meets(claim, one)]
    if similar and not remark:
        named = "、".join(one.settlement.text() for one in similar)
        raise Refused(
            RefusalCode.CLAIM_SIMILAR,
            f"就诊日期与已有结算 {named} 相同或相接，请复核人核对后写明不是重复报销的依据",
            "remark",
            settlements=named,
        )


def same_costs(claim: Claim | Paper, one: Standing) -> str | None:
    """Why a paper bill and a settlement are of the same costs; None where they are not."""
    if one.invoice and one.invoice.strip().upper() == claim.invoice.strip().upper():
        return f"票据号 {claim.invoice} 相同"
    days = (claim.first_day, claim.last_day)
    if (one.first_day, one.last_day) == days and one.total == claim.total:
        return f"就诊日期和总额 {yuan(claim.total)} 相同"
    if one.is_stay and claim.discharged is None and _lies_within(claim.first_day, one):
        return f"{claim.first_day} 在住院期间，门诊费用属于该次住院"
    if one.is_stay and claim.discharged is not None and _overlaps(claim, one):
        return f"住院日期与另一次住院（自 {one.first_day}）重叠"
    if not one.is_stay and claim.first_day < one.first_day < claim.last_day:
        return f"住院期间的 {one.first_day} 已有门诊结算"
    return None


def _lies_within(day: date, stay: Standing) -> bool:
    return stay.first_day < day and (stay.last_day is None or day < stay.last_day)


def _overlaps(claim: Claim | Paper, stay: Standing) -> bool:
    return stay.first_day < claim.last_day and (
        stay.last_day is None or claim.first_day < stay.last_day
    )


def _meets(claim: Claim, one: Standing) -> bool:
    return one.first_day <= claim.last_day and (
        one.last_day is None or claim.first_day <= one.last_day
    )
