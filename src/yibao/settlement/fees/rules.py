"""Checks and classification of fee lines. Pure."""

from collections.abc import Iterable
from datetime import datetime

from yibao.adjudication.classify import classify
from yibao.adjudication.model import ChargedLine, ItemTerms, Sums
from yibao.kernel.money import AMOUNT_LIMIT, line_amount, yuan
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import ItemClass
from yibao.registry.catalogue.model import Catalogue
from yibao.settlement.fees.model import Basis
from yibao.settlement.model import FeeLine, LineFacts
from yibao.settlement.visits.rules import CLOCK_TOLERANCE

LINE_TOLERANCE = 1
"""|amount − price × count| may be one fen (CONCEPTS section 9); the sent amount counts."""

_APPROVALS = {"0": None, "1": True, "2": False}

NOT_LISTED = ItemTerms(ItemClass.C)
"""An item without terms on the fee's day, area and level is own expense."""


def check_line(line: FeeLine, now: datetime) -> None:
    """Refuse a line whose figures or time cannot be."""
    for field, label, value in (
        ("quantity", "数量须大于 0", line.quantity - 1),
        ("price", "单价不得为负", line.price),
        ("amount", "金额不得为负", line.amount),
    ):
        if value < 0:
            raise Refused(
                RefusalCode.AMOUNT_OUT_OF_RANGE,
                f"明细 {line.serial}：门诊明细的{label}（退费请用 2205 或 2208）",
                field,
            )
    if line.amount > AMOUNT_LIMIT:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            f"明细 {line.serial}：金额 {yuan(line.amount)} 超过单条上限 {yuan(AMOUNT_LIMIT)} 元",
            "amount",
        )
    expected = line_amount(line.price, line.quantity)
    if abs(line.amount - expected) > LINE_TOLERANCE:
        raise Refused(
            RefusalCode.LINE_AMOUNT_DIFFERS,
            f"明细 {line.serial}：金额 {yuan(line.amount)} 与单价×数量 {yuan(expected)} 不符",
            "amount",
        )
    if line.time > now + CLOCK_TOLERANCE:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"明细 {line.serial}：费用发生时间晚于当前时间（{business_date(now)}）",
            "time",
        )
    if line.approval not in _APPROVALS:
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"明细 {line.serial}：医院审批标志须为 0、1 或 2",
            "approval",
        )


def classified(line: FeeLine, catalogue: Catalogue, basis: Basis) -> tuple[LineFacts, str]:
    """A line with its split under the catalogue of the place of care, and its benefit bucket."""
    item = catalogue.items.get(line.item)
    if item is None:
        raise Refused(
            RefusalCode.CODE_UNKNOWN,
            f"明细 {line.serial}：医疗目录编码 {line.item} 不在目录中",
            "item",
        )
    terms = (
        catalogue.terms_on(
            line.item,
            business_date(line.time),
            area=basis.area,
            level=basis.level,
            scheme=basis.scheme,
            care_kind=basis.care_kind,
        )
        or NOT_LISTED
    )
    charged = ChargedLine(line.amount, line.price, line.quantity, _APPROVALS[line.approval])
    split = classify(charged, terms)
    facts = LineFacts(
        line=line,
        item_name=item.name,
        charge_type=item.charge_type,
        item_class=terms.item_class,
        first_pay_rate=terms.first_pay,
        ceiling=terms.ceiling,
        restricted=terms.restricted,
        own=split.own,
        over_limit=split.over_limit,
        first_pay=split.first_pay,
        in_scope=split.in_scope,
        hospital=split.hospital,
    )
    return facts, terms.bucket


def bucket_sums(lines: Iterable[tuple[LineFacts, str]]) -> dict[str, Sums]:
    """Sums by benefit bucket."""
    totals: dict[str, list[int]] = {}
    for facts, bucket in lines:
        total = totals.setdefault(bucket, [0, 0, 0, 0, 0, 0])
        total[0] += facts.line.amount
        total[1] += facts.own
        total[2] += facts.over_limit
        total[3] += facts.first_pay
        total[4] += facts.in_scope
        total[5] += facts.hospital
    return {bucket: Sums(*total) for bucket, total in totals.items()}


def merged(left: dict[str, Sums], right: dict[str, Sums]) -> dict[str, Sums]:
    """Two sets of bucket sums as one."""
    return {
        bucket: left.get(bucket, Sums()) + right.get(bucket, Sums())
        for bucket in left.keys() | right.keys()
    }
