"""What is wrong with a bill before any rule is asked: refused by name, never a wrong cent."""

from datetime import timedelta
from typing import NoReturn

from yibao.adjudication.model import Bill, Sums
from yibao.kernel.money import yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import AcrossYear, Law
from yibao.policy.parameters import Found


def check_bill(bill: Bill) -> None:
    """Refused: AMOUNT_OUT_OF_RANGE, TOTAL_DIFFERS, naming the field."""
    for bucket, sums in bill.sums.items():
        _check_sums(bucket, sums)
    if bill.days < 1 or bill.months < 1 or bill.further_diseases < 0:
        _refuse_counts(bill)


def _check_sums(bucket: str, sums: Sums) -> None:
    own, over_limit, first_pay, in_scope = sums.own, sums.over_limit, sums.first_pay, sums.in_scope
    if own < 0 or over_limit < 0 or first_pay < 0 or in_scope < 0:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            "本批退费大于收费，分项合计为负，不能结算；请撤销原结算后重新结算",
            field="sums",
        )
    if not 0 <= sums.hospital <= over_limit:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            f"医院负担 {yuan(sums.hospital)} 元超出超限价 {yuan(over_limit)} 元的范围",
            field="sums",
        )
    parts = own + over_limit + first_pay + in_scope
    if sums.total != parts:
        raise Refused(
            RefusalCode.TOTAL_DIFFERS,
            f"总额 {yuan(sums.total)} 元与分项合计 {yuan(parts)} 元不一致（{bucket}）",
            field="total",
        )


def _refuse_counts(bill: Bill) -> NoReturn:
    for field, value, least in (
        ("days", bill.days, 1),
        ("months", bill.months, 1),
        ("further_diseases", bill.further_diseases, 0),
    ):
        if value < least:
            raise Refused(
                RefusalCode.AMOUNT_OUT_OF_RANGE, f"{field} 不能小于 {least}：{value}", field=field
            )
    raise AssertionError("nothing is wrong with the bill")


def check_within_year(rule: Found[AcrossYear], bill: Bill, law: Law) -> None:
    """A stay that the law cuts at the year's end must be settled up to it, and the rest apart.

    Refused: DATE_NOT_ALLOWED, naming the last day of the year that it begins in.
    """
    if rule.value is AcrossYear.WHOLE or not bill.begin:
        return
    year = law.year_begin(bill.day)
    if bill.begin < year:
        last = _last_day_of_year(bill, law)
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"住院跨待遇年度，须先结算至 {last}，其余费用另行结算（{rule.parameter}）",
            field="day",
            day=last,
            parameter=rule.path,
        )


def _last_day_of_year(bill: Bill, law: Law) -> str:
    """The last day of the benefit year in which the bill begins."""
    assert bill.begin is not None
    begin = law.year_begin(bill.begin)
    day = begin
    while law.year_begin(day) == begin:
        day += timedelta(days=1)
    return (day - timedelta(days=1)).isoformat()
