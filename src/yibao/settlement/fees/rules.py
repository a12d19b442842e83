"""Checks and classification of fee lines. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import date, datetime

from yibao.adjudication.classify import classify
from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit, Sums
from yibao.adjudication.returns import Returned, partial_return
from yibao.kernel.frozen import replace
from yibao.kernel.money import AMOUNT_LIMIT, line_amount, yuan
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import ItemClass
from yibao.registry.catalogue.model import Catalogue, Item
from yibao.settlement.fees.model import OTHER_CHARGES, Basis, Booked, Classified
from yibao.settlement.model import (
    FeeLine,
    LineFacts,
    Practice,
    SerialScope,
    UnknownItems,
    VisitFacts,
)
from yibao.settlement.visits.rules import CLOCK_TOLERANCE

NOT_LISTED = ItemTerms(ItemClass.C)
"""An item without terms on the fee's day, area and level is own expense."""


# ------------------------------------------------------------------------------------------ checks


def check_line(line: FeeLine, now: datetime, practice: Practice) -> None:
    """Refuse a line whose figures or time cannot be. A return is checked against its original."""
    if line.returns is None:
        _check_positive(line)
        check_amount(line, practice)
    elif line.quantity >= 0 or line.amount > 0 or line.price < 0:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            f"明细 {line.serial}：退费明细（冲销 {line.returns}）的数量和金额须为负数",
            "quantity",
        )
    if abs(line.amount) > AMOUNT_LIMIT:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            f"明细 {line.serial}：金额 {yuan(line.amount)} 超过单条上限 {yuan(AMOUNT_LIMIT)} 元",
            "amount",
        )
    if line.time > now + CLOCK_TOLERANCE:
        raise Refused(
            RefusalCode.DATE_NOT_ALLOWED,
            f"明细 {line.serial}：费用发生时间晚于当前时间（{business_date(now)}）",
            "time",
        )
    if line.approval not in practice.approvals:
        allowed = "、".join(flag for flag in practice.approvals if flag)
        raise Refused(
            RefusalCode.FIELD_INVALID,
            f"明细 {line.serial}：医院审批标志须为 {allowed}",
            "approval",
        )


def _check_positive(line: FeeLine) -> None:
    if line.quantity <= 0:
        raise _not_positive(line, "quantity", "数量须大于 0")
    if line.price < 0:
        raise _not_positive(line, "price", "单价不得为负")
    if line.amount < 0:
        raise _not_positive(line, "amount", "金额不得为负")


def _not_positive(line: FeeLine, field: str, label: str) -> Refused:
    return Refused(
        RefusalCode.AMOUNT_OUT_OF_RANGE,
        f"明细 {line.serial}：{label}（门诊退费请用 2205 或 2208，住院退费须填被冲销明细的流水号）",
        field,
    )


def check_amount(line: FeeLine, practice: Practice) -> None:
    """The amount is price × count, as far as the province is exact."""
    expected = line_amount(line.price, line.quantity)
    if abs(line.amount - expected) > practice.line_tolerance:
        raise Refused(
            RefusalCode.LINE_AMOUNT_DIFFERS,
            f"明细 {line.serial}：金额 {yuan(line.amount)} 与单价×数量 {yuan(expected)} 不符",
            "amount",
        )


def check_fee_day(line: FeeLine, visit: VisitFacts) -> None:
    """A fee of a stay lies between admission and discharge; returns may come after the latter."""
    day, admitted = business_date(line.time), business_date(visit.begin)
    ended = None if visit.end is None or line.returns is not None else business_date(visit.end)
    if day < admitted:
        raise _wrong_day(line, day, f"早于入院日期 {admitted}")
    if ended is not None and day > ended:
        raise _wrong_day(line, day, f"晚于出院日期 {ended}")


def check_no_return(line: FeeLine) -> None:
    """Outside a stay, nothing is given back line by line."""
    if line.returns is not None:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            f"明细 {line.serial}：只有住院费用可以逐条退费；门诊请用 2205 或 2208，药店请用 2103",
            "returns",
        )


def check_withdrawal(wanted: set[str], booked: Sequence[Booked], unsettled: set[int]) -> None:
    """All the lines must be there and unsettled, and none leave a return behind."""
    found = {one.line.facts.line.serial for one in booked}
    if missing := sorted(wanted - found):
        raise Refused(
            RefusalCode.LINE_UNKNOWN, f"费用明细流水号 {missing[0]} 不存在或已撤销", "serials"
        )
    for one in booked:
        line = one.line.facts.line
        if line.serial in wanted and one.batch not in unsettled:
            raise Refused(
                RefusalCode.BATCH_SETTLED,
                f"费用明细流水号 {line.serial} 已结算，请先用 2305 撤销结算",
                "serials",
            )
        if line.serial not in wanted:
            raise Refused(
                RefusalCode.LINE_RETURNED,
                f"费用明细流水号 {line.returns} 已有退费明细 {line.serial}，须一并撤销",
                "serials",
            )


def check_later_returns(wanted: set[str], of_originals: Sequence[Booked]) -> None:
    """A return was split by what those before it had left: it does not go without those after it.

    ``of_originals`` are the originals of the returns to withdraw, with all their returns in order.
    """
    gone: dict[str, str] = {}
    for one in of_originals:
        line = one.line.facts.line
        if line.returns is None:
            continue
        if line.serial in wanted:
            gone.setdefault(line.returns, line.serial)
        elif line.returns in gone:
            raise Refused(
                RefusalCode.LINE_RETURNED,
                f"退费明细 {gone[line.returns]} 之后还有同一明细 {line.returns} 的退费 "
                f"{line.serial}，须一并撤销",
                "serials",
            )


def _wrong_day(line: FeeLine, day: date, why: str) -> Refused:
    return Refused(
        RefusalCode.DATE_NOT_ALLOWED,
        f"明细 {line.serial}：费用发生日期 {day} {why}",
        "time",
        day=day.isoformat(),
    )


# ---------------------------------------------------------------------------------- classification


def classified(line: FeeLine, catalogue: Catalogue, basis: Basis) -> Classified:
    """A line with its split under the catalogue of the place of care."""
    practice = basis.practice
    item = catalogue.items.get(line.item)
    if item is None or line.item in practice.own_expense_codes:
        if item is None and not _is_own_expense(line.item, practice):
            raise Refused(
                RefusalCode.CODE_UNKNOWN,
                f"明细 {line.serial}：医疗目录编码 {line.item} 不在目录中",
                "item",
            )
        terms = NOT_LISTED
    else:
        terms = _terms(line, catalogue, basis)
    approved = practice.approvals.get(line.approval)
    charged = ChargedLine(line.amount, line.price, line.quantity, approved)
    return _with_split(line, item, terms, approved, classify(charged, terms))


def _is_own_expense(code: str, practice: Practice) -> bool:
    return practice.unknown_items is UnknownItems.OWN_EXPENSE or code in practice.own_expense_codes


def _terms(line: FeeLine, catalogue: Catalogue, basis: Basis) -> ItemTerms:
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
    way = basis.practice.over_limit
    return terms if way is None else replace(terms, over_limit=way)


def _with_split(
    line: FeeLine, item: Item | None, terms: ItemTerms, approved: bool | None, split: LineSplit
) -> Classified:
    facts = LineFacts(
        line,
        item.name if item else line.item,
        item.charge_type if item else OTHER_CHARGES,
        terms.item_class,
        terms.first_pay,
        terms.ceiling,
        terms.restricted,
        split.own,
        split.over_limit,
        split.first_pay,
        split.in_scope,
        split.hospital,
    )
    return Classified(facts, terms, approved)


# --------------------------------------------------------------------------------- partial returns


def returned(
    line: FeeLine, original: Classified, before: Returned, catalogue: Catalogue
) -> Classified:
    """A return with its split: that of what remains of its original less that of before.

    Class, price and fee day are the original's, whatever has changed since.
    """
    first = original.facts.line
    if (line.item, line.price) != (first.item, first.price):
        raise Refused(
            RefusalCode.LINE_DIFFERS,
            f"明细 {line.serial}：退费的医疗目录编码和单价须与被冲销明细 {first.serial} 一致",
            "returns",
        )
    try:
        back = partial_return(
            original.charged, original.terms, before, -line.quantity, -line.amount
        )
    except Refused as refused:
        refusal = refused.refusal
        raise Refused(
            refusal.code, f"明细 {line.serial}：{refusal.message}", refusal.field, **refusal.facts
        ) from refused
    item = catalogue.items.get(line.item)
    return _with_split(line, item, original.terms, original.approved, back.split)


def check_return_amount(
    line: FeeLine, original: FeeLine, before: Returned, practice: Practice
) -> None:
    """As ``check_amount``; the last return gives back whatever rounding has left."""
    if before.quantity - line.quantity < original.quantity:
        check_amount(line, practice)


def after(before: Returned, line: FeeLine) -> Returned:
    """What has gone back of a line with this return too."""
    return Returned(before.amount - line.amount, before.quantity - line.quantity)


def serial_key(line: FeeLine, scope: SerialScope) -> tuple[str, str]:
    """What makes a line the same line again: its serial, in its batch where those are counted."""
    return (line.batch if scope is SerialScope.BATCH else "", line.serial)


class Known:
    """Lines of a visit by serial, and what has gone back of each."""

    def __init__(
        self, booked: Iterable[Booked] = (), scope: SerialScope = SerialScope.VISIT
    ) -> None:
        self._scope = scope
        self._lines: dict[tuple[str, str], tuple[int | None, Classified]] = {}
        self._returned: dict[str, Returned] = {}
        for one in booked:
            self.add(one.line, one.batch)

    def add(self, line: Classified, batch: int | None = None) -> None:
        """Note a line; ``batch`` is None for one that is not kept yet."""
        sent = line.facts.line
        self._lines[serial_key(sent, self._scope)] = batch, line
        if sent.returns is not None:
            self._returned[sent.returns] = after(self.returned(sent.returns), sent)

    def find(self, sent: FeeLine) -> tuple[int | None, Classified] | None:
        """The line that has a sent one's serial, with its batch."""
        return self._lines.get(serial_key(sent, self._scope)) if self._lines else None

    def original(self, sent: FeeLine) -> tuple[int | None, Classified] | None:
        """The line that a sent one gives back, with its batch."""
        return None if sent.returns is None else self._lines.get(("", sent.returns))

    def returned(self, serial: str) -> Returned:
        """What has gone back of a line so far."""
        return self._returned.get(serial, Returned())


# -------------------------------------------------------------------------------------------- sums


def bucket_sums(lines: Iterable[Classified]) -> dict[str, Sums]:
    """Sums by benefit bucket."""
    totals: dict[str, list[int]] = {}
    for one in lines:
        facts, total = one.facts, totals.setdefault(one.terms.bucket, [0, 0, 0, 0, 0, 0])
        total[0] += facts.line.amount
        total[1] += facts.own
        total[2] += facts.over_limit
        total[3] += facts.first_pay
        total[4] += facts.in_scope
        total[5] += facts.hospital
    return {bucket: Sums(*total) for bucket, total in totals.items()}


def merged(left: Mapping[str, Sums], right: Mapping[str, Sums]) -> dict[str, Sums]:
    """Two sets of bucket sums as one."""
    return {
        bucket: left.get(bucket, Sums()) + right.get(bucket, Sums())
        for bucket in left.keys() | right.keys()
    }


def without(left: Mapping[str, Sums], right: Mapping[str, Sums]) -> dict[str, Sums]:
    """Bucket sums with those of withdrawn lines taken off."""
    taken = {
        bucket: Sums(-s.total, -s.own, -s.over_limit, -s.first_pay, -s.in_scope, -s.hospital)
        for bucket, s in right.items()
    }
    return in_use(merged(left, taken))


def in_use(buckets: Mapping[str, Sums]) -> dict[str, Sums]:
    """Only the buckets in which something is left: an empty one asks nothing of the law."""
    return {bucket: sums for bucket, sums in buckets.items() if sums != Sums()}
