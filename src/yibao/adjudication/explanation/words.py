"""The words of an explanation: the law's terms and exact figures in Chinese and English."""

from fractions import Fraction
from typing import NamedTuple

from yibao.adjudication.bands import Exact
from yibao.adjudication.limits import LimitState
from yibao.kernel.money import Fen, Rate, round_half_up, unscaled, yuan
from yibao.policy.model import (
    AdjustmentKind,
    Axis,
    Band,
    Base,
    Component,
    Counted,
    Counter,
    Fact,
    Limit,
    Scope,
)
from yibao.policy.purses import PersonalPart

_EXACT_DECIMALS = 8


class Words(NamedTuple):
    """The same said in Chinese and in English."""

    chinese: str
    english: str


SCOPE = {
    Scope.VISIT: Words("本次就诊", "this visit"),
    Scope.VISIT_YEAR: Words("本次就诊在本待遇年度内", "this visit within the benefit year"),
    Scope.CHAIN: Words("本次连续住院", "this chain of stays"),
    Scope.DAY: Words("当日", "the day"),
    Scope.MONTH: Words("当月", "the month"),
    Scope.QUARTER: Words("本季度", "the quarter"),
    Scope.YEAR: Words("本待遇年度", "the benefit year"),
    Scope.LIFE: Words("历来", "all years"),
}

NOT_COVERED = {
    "care_kind": Words(
        "该医疗类别不由统筹基金支付，由个人账户和现金支付。",
        "The scheme does not pay for this kind of care: account and cash pay.",
    ),
    "place": Words(
        "该险种在本级别机构就诊不由统筹基金支付，由个人账户和现金支付。",
        "The scheme does not pay for this care at this level of institution: account and cash pay.",
    ),
    "entitlement": Words(
        "就诊当日未享受统筹待遇，基金不支付。",
        "The person had no entitlement to the fund on the day of care: the fund does not pay.",
    ),
}

BASE = {
    Base.IN_SCOPE: Words("起付线以上的政策范围内费用", "the in-scope amount above the deductible"),
    Base.CO_PAY: Words("前面各基金支付后的自付部分", "the co-payment that the funds before left"),
    Base.UNPAID: Words("前面各基金未支付的政策范围内费用", "the in-scope amount not paid so far"),
    Base.ABOVE_CAP: Words("前一基金封顶线以上的费用", "the cost above the cap of the fund before"),
    Base.OUTSIDE: Words("政策范围外的个人负担", "what lies outside the scope"),
}

AXIS = {
    Axis.ABSOLUTE: Words("政策范围内费用", "in-scope amount"),
    Axis.AFTER_DEDUCTIBLE: Words("起付线以上费用", "cost above the deductible"),
    Axis.FUND_PAID: Words("基金累计支付", "paid by the fund so far"),
}

COMPONENT = {
    Component.FIRST_PAY: Words("先行自付", "first self-pay"),
    Component.OVER_LIMIT: Words("超限价", "over-limit"),
    Component.OWN: Words("全自费", "own expense"),
}

PARTS = {
    PersonalPart.DEDUCTIBLE: Words("起付线", "deductible"),
    PersonalPart.CO_PAY: Words("自付", "co-payment"),
    PersonalPart.FIRST_PAY: COMPONENT[Component.FIRST_PAY],
    PersonalPart.OVER_LIMIT: COMPONENT[Component.OVER_LIMIT],
    PersonalPart.OWN: COMPONENT[Component.OWN],
}

CAP_ON = {
    Counted.FUND: Words("封顶线", "cap"),
    Counted.PAYMENTS: Words("支付次数上限", "limit of payments"),
}
"""Of other counters it is a limit on cost."""

CAP_ON_COST = Words("费用限额", "limit of cost")

ADJUSTED = {
    AdjustmentKind.OWN_SHARE_TIMES: Words("个人自付比例 × {}", "own share x {}"),
    AdjustmentKind.FUND_SHARE_TIMES: Words("基金支付比例 × {}", "fund share x {}"),
    AdjustmentKind.POINTS: Words("基金支付比例 {} 个百分点", "fund share {} points"),
    AdjustmentKind.POINTS_PER_YEAR_OF_AGE: Words(
        "每周岁基金支付比例 {} 个百分点", "fund share {} points a year of age"
    ),
}

YEARS = {
    Fact.ENROLLED_YEARS: Words("连续参保激励", "years enrolled without a gap"),
    Fact.CLAIM_FREE_YEARS: Words("零报销激励", "years without a claim"),
}
"""What an amount grows with."""

NEUTRAL = {
    AdjustmentKind.OWN_SHARE_TIMES: 1,
    AdjustmentKind.FUND_SHARE_TIMES: 1,
    AdjustmentKind.POINTS: 0,
    AdjustmentKind.POINTS_PER_YEAR_OF_AGE: 0,
}
"""The value of an adjustment that changes nothing, and of which nothing is said."""


def base_words(base: Base, *, also: bool) -> Words:
    """What a payer works on; ``also``: with what else counts into it."""
    chinese, english = BASE[base]
    if not also or base is Base.OUTSIDE:
        return Words(chinese, english)
    return Words(f"{chinese}及计入部分", f"{english} and of what else counts")


def band_words(band: Band, axis: Axis) -> Words:
    """Which band it is; nothing to say of a ratio that holds for everything."""
    if band.above == 0 and band.to is None:
        return Words("", "")
    chinese, english = AXIS[axis]
    above = yuan(band.above)
    if band.to is None:
        return Words(f"（{chinese} {above} 元以上）", f" ({english} above {above})")
    to = yuan(band.to)
    return Words(f"（{chinese} {above}—{to} 元）", f" ({english} {above} to {to})")


def counted(counter: Counter, value: int) -> Words:
    """A counter's value with its unit."""
    if counter.in_times:
        return Words(f"{value} 次", f"{value} times")
    return Words(f"{yuan(value)} 元", f"{yuan(value)} yuan")


def height_words(state: LimitState) -> Words:
    """How a limit's height came about, where it is not simply the amount: （800.00 元 × 0.5）."""
    found = state.found
    amount = found.amount.value
    if amount is None or state.height is None or state.height == amount:
        return Words("", "")
    chinese, english = counted(found.limit.counter, amount)
    for factor in found.factors:
        times = decimal(factor.value)
        chinese, english = f"{chinese} × {times}", f"{english} x {times}"
    ungrown = chinese
    for rule, added in found.growth:
        years = YEARS[rule.years]
        chinese += f" + {years.chinese} {yuan(added)} 元"
        english += f" + {yuan(added)} for {years.english}"
    if chinese != ungrown and found.limit.growth_at_most is not None:
        chinese += "（有上限）"
        english += " (at most so much)"
    if found.every_days is not None and found.every_days.value is not None:
        chinese += f"，每 {found.every_days.value} 天计一次"
        english += f", due every {found.every_days.value} days"
        if found.height and found.further is None:
            begun = state.height // found.height
            chinese, english = f"{chinese}，共 {begun} 次", f"{english}, so x {begun}"
    if found.further is not None and found.further.value:
        chinese += f"，每增加一个病种加 {yuan(found.further.value)} 元"
        english += f", and {yuan(found.further.value)} for each further disease"
    return Words(f"（{chinese}）", f" ({english})")


def cap_words(limit: Limit) -> Words:
    """What kind of cap a limit is."""
    return CAP_ON.get(limit.counter.counts, CAP_ON_COST)


def percent(rate: Rate) -> str:
    """A rate as a patient reads it: 70%, 99.1%, 2/3."""
    exact = Fraction(rate.numerator * 100, rate.denominator)
    if 10**_EXACT_DECIMALS % exact.denominator:
        third = exact / 100
        return f"{third.numerator}/{third.denominator}"
    return f"{_decimal(exact).rstrip('0').rstrip('.')}%"


def percent_of(share: Fraction) -> str:
    """A fraction as a patient reads it."""
    return percent(Rate(share.numerator, share.denominator))


def points(share: Fraction) -> str:
    """Points added with their sign: +2, -10."""
    text = decimal(share * 100)
    return text if share < 0 else f"+{text}"


def decimal(exact: Fraction) -> str:
    """A factor as decimal text, or as a fraction where no decimals can say it."""
    if 10**_EXACT_DECIMALS % exact.denominator:
        return f"{exact.numerator}/{exact.denominator}"
    return _decimal(exact).rstrip("0").rstrip(".")


def exact_yuan(exact: Exact) -> str:
    """Yuan of an amount that may have a fraction of a fen; ≈ where no decimals can say it."""
    if isinstance(exact, int):
        return yuan(exact)
    in_yuan = exact / 100
    if 10**_EXACT_DECIMALS % in_yuan.denominator:
        return f"≈{unscaled(round_half_up(exact.numerator * 100, exact.denominator), 4)}"
    text = _decimal(in_yuan)
    return text[:-6] + text[-6:].rstrip("0")


def fen_or_none(amount: Fen | None) -> str:
    """Yuan, or a dash where there is none."""
    return "—" if amount is None else yuan(amount)


def _decimal(exact: Fraction) -> str:
    return unscaled(int(exact * 10**_EXACT_DECIMALS), _EXACT_DECIMALS)
