"""The trace of a decision: every step with its figures, its parameter and its source.

Made from the record that ``benefit.decide`` kept, so it can only say what was computed; made only
when somebody asks, so that settling does not pay for it.
"""

import dataclasses
from collections.abc import Iterator
from fractions import Fraction
from typing import Any

from yibao.adjudication.applicable import NotCovered
from yibao.adjudication.bands import Exact, rounded
from yibao.adjudication.benefit import Decision
from yibao.adjudication.deductible import LimitState
from yibao.adjudication.model import Statement, Step
from yibao.adjudication.payers import PayerDecision
from yibao.kernel.money import Fen, Rate, round_half_up, unscaled, yuan
from yibao.policy.model import Axis, Band, Base, Found, PersonalPart, Scope

_EXACT_DECIMALS = 8

_SCOPE = {
    Scope.VISIT: ("本次就诊", "this visit"),
    Scope.DAY: ("当日", "the day"),
    Scope.MONTH: ("当月", "the month"),
    Scope.YEAR: ("本待遇年度", "the benefit year"),
    Scope.LIFE: ("历来", "all years"),
}

_NOT_COVERED = {
    "care_kind": (
        "该医疗类别不由统筹基金支付，由个人账户和现金支付。",
        "The scheme does not pay for this kind of care: account and cash pay.",
    ),
    "place": (
        "该险种在本级别机构就诊不由统筹基金支付，由个人账户和现金支付。",
        "The scheme does not pay for this care at this level of institution: account and cash pay.",
    ),
    "entitlement": (
        "就诊当日未享受统筹待遇，基金不支付。",
        "The person had no entitlement to the fund on the day of care: the fund does not pay.",
    ),
}

_BASE = {
    Base.IN_SCOPE: ("起付线以上的政策范围内费用", "the in-scope amount above the deductible"),
    Base.CO_PAY: ("前面各基金支付后的自付部分", "the co-payment that the funds before left"),
    Base.UNPAID: ("前面各基金未支付的政策范围内费用", "the in-scope amount not paid so far"),
    Base.ABOVE_CAP: ("前一基金封顶线以上的费用", "the cost above the cap of the fund before"),
}

_AXIS = {
    Axis.ABSOLUTE: ("政策范围内费用", "in-scope amount"),
    Axis.AFTER_DEDUCTIBLE: ("起付线以上费用", "cost above the deductible"),
    Axis.FUND_PAID: ("基金累计支付", "paid by the fund so far"),
}

_PARTS = {
    PersonalPart.DEDUCTIBLE: ("起付线", "deductible"),
    PersonalPart.CO_PAY: ("自付", "co-payment"),
    PersonalPart.FIRST_PAY: ("先行自付", "first self-pay"),
    PersonalPart.OVER_LIMIT: ("超限价", "over-limit"),
    PersonalPart.OWN: ("全自费", "own expense"),
}


def explained(decision: Decision) -> Statement:
    """The statement with its trace."""
    return dataclasses.replace(decision.statement, trace=steps(decision))


def steps(decision: Decision) -> tuple[Step, ...]:
    """The steps of a decision, in the order of the computation."""
    return tuple(_steps(decision))


def _steps(decision: Decision) -> Iterator[Step]:
    yield _line_split(decision.statement)
    if isinstance(decision.applicable, NotCovered):
        yield _not_covered(decision.applicable)
    else:
        for state in decision.care.deductible.limits:
            yield _deductible_limit(state)
        yield _deductible(decision.care.deductible.paid)
        for payer in decision.care.payers:
            yield from _payer(payer)
    yield _personal(decision.statement)
    if decision.account is not None:
        yield _account(decision)
    yield _cash(decision.statement)


def _step(
    name: str, chinese: str, english: str, found: Found[Any] | None = None, **figures: Any
) -> Step:
    return Step(
        name=name,
        text=chinese,
        english=english,
        parameter=found.parameter if found else None,
        reference=found.reference if found else None,
        **figures,
    )


def _line_split(statement: Statement) -> Step:
    sums = statement.sums
    total, own, over = yuan(sums.total), yuan(sums.own), yuan(sums.over_limit)
    first, scope = yuan(sums.first_pay), yuan(sums.in_scope)
    return _step(
        "line_split",
        f"费用总额 {total} 元：全自费 {own} 元，超限价 {over} 元，先行自付 {first} 元，"
        f"政策范围内 {scope} 元。",
        f"Of {total} yuan in all, {own} is own expense, {over} lies above price ceilings, {first} "
        f"is first self-pay, and {scope} is within the policy's scope.",
        base=sums.total,
        result=sums.in_scope,
    )


def _not_covered(not_covered: NotCovered) -> Step:
    chinese, english = _NOT_COVERED[not_covered.reason]
    return _step("not_covered", chinese, english, not_covered.because, result=0)


def _deductible_limit(state: LimitState) -> Step:
    counter = state.found.limit.counter
    span, english_span = _SCOPE[counter.scope]
    if state.left is None:
        chinese, english = f"{span}不设起付线。", f"There is no deductible for {english_span}."
    else:
        amount, used, left = yuan(state.found.amount.value or 0), yuan(state.used), yuan(state.left)
        chinese = f"{span}起付线 {amount} 元，此前已付 {used} 元，尚余 {left} 元。"
        english = (
            f"The deductible for {english_span} is {amount} yuan; {used} was paid before, "
            f"{left} is left."
        )
    return _step("deductible_limit", chinese, english, state.found.amount, result=state.left)


def _deductible(paid: Fen) -> Step:
    return _step(
        "deductible",
        f"本次支付起付线 {yuan(paid)} 元。",
        f"With this bill {yuan(paid)} yuan of deductible is paid.",
        result=paid,
    )


def _payer(decision: PayerDecision) -> Iterator[Step]:
    payer, bands = decision.found.payer, decision.found.bands
    if decision.base <= 0 or all(not piece.fund for piece in decision.slices):
        return
    chinese_base, english_base = _BASE[payer.base]
    for piece in decision.slices:
        cost, ratio, fund = _exact_yuan(piece.cost), percent(piece.band.rate), piece.fund
        band, english_band = _band_words(piece.band, payer.axis)
        paid, of = _exact_yuan(fund), f"{english_base}{english_band}"
        yield _step(
            "band",
            f"{payer.title}：{chinese_base}中的 {cost} 元{band} × {ratio} = {paid} 元。",
            f"{payer.english}: {cost} yuan of {of} x {ratio} = {paid} yuan.",
            bands,
            base=rounded(piece.cost),
            rate=piece.band.rate.text(),
            result=rounded(fund),
        )
    for cap in decision.caps:
        yield _cap(cap)
    amount = yuan(decision.amount)
    above, english_above = "", ""
    if rounded(decision.above_cap):
        left = _exact_yuan(decision.above_cap)
        above = f"；封顶线以上费用 {left} 元不由其支付"
        english_above = f"; it does not pay for {left} yuan of cost above its cap"
    yield _step(
        "payer",
        f"{payer.title}支付 {amount} 元{above}。",
        f"{payer.english} pays {amount} yuan{english_above}.",
        base=rounded(decision.base),
        result=decision.amount,
    )


def _band_words(band: Band, axis: Axis) -> tuple[str, str]:
    """Which band it is; nothing to say of a ratio that holds for everything."""
    if band.above == 0 and band.to is None:
        return "", ""
    chinese, english = _AXIS[axis]
    above = yuan(band.above)
    if band.to is None:
        return f"（{chinese} {above} 元以上）", f" ({english} above {above})"
    return f"（{chinese} {above}—{yuan(band.to)} 元）", f" ({english} {above} to {yuan(band.to)})"


def _cap(cap: LimitState) -> Step:
    span, english_span = _SCOPE[cap.found.limit.counter.scope]
    if cap.left is None:
        chinese, english = f"{span}不设封顶线。", f"There is no cap for {english_span}."
    else:
        amount, used, left = yuan(cap.found.amount.value or 0), yuan(cap.used), yuan(cap.left)
        chinese = f"{span}封顶线 {amount} 元，此前累计 {used} 元，尚余 {left} 元。"
        english = (
            f"The cap for {english_span} is {amount} yuan; {used} was used before, {left} is left."
        )
    return _step("cap", chinese, english, cap.found.amount, result=cap.left)


def _personal(statement: Statement) -> Step:
    total, funds, personal = (
        yuan(statement.sums.total),
        yuan(statement.funds),
        yuan(statement.personal),
    )
    return _step(
        "personal",
        f"总额 {total} 元，基金共支付 {funds} 元，个人负担 {personal} 元。",
        f"Of {total} yuan the funds pay {funds}; {personal} yuan is left to the person.",
        base=statement.sums.total,
        result=statement.personal,
    )


def _account(decision: Decision) -> Step:
    account = decision.account
    assert account is not None
    allowed = [words for part, words in _PARTS.items() if part in account.found.may_pay.value]
    paid, payable = yuan(decision.statement.account_total), yuan(account.payable)
    return _step(
        "account",
        f"个人账户可支付{'、'.join(words[0] for words in allowed)}，共 {payable} 元，"
        f"实际支付 {paid} 元。",
        f"The personal account may pay {', '.join(words[1] for words in allowed)}, here {payable} "
        f"yuan; it pays {paid} yuan.",
        account.found.may_pay,
        base=account.payable,
        result=decision.statement.account_total,
    )


def _cash(statement: Statement) -> Step:
    cash = yuan(statement.cash)
    return _step(
        "cash", f"现金支付 {cash} 元。", f"{cash} yuan is paid in cash.", result=statement.cash
    )


def percent(rate: Rate) -> str:
    """A rate as a patient reads it: 70%, 99.1%, 2/3."""
    exact = Fraction(rate.numerator * 100, rate.denominator)
    if 10**_EXACT_DECIMALS % exact.denominator:
        third = exact / 100
        return f"{third.numerator}/{third.denominator}"
    return f"{_decimal(exact).rstrip('0').rstrip('.')}%"


def _exact_yuan(exact: Exact) -> str:
    """Yuan of an amount that may have a fraction of a fen; ≈ where no decimals can say it."""
    if isinstance(exact, int):
        return yuan(exact)
    in_yuan = exact / 100
    if 10**_EXACT_DECIMALS % in_yuan.denominator:
        return f"≈{unscaled(round_half_up(exact.numerator * 100, exact.denominator), 4)}"
    text = _decimal(in_yuan)
    return text[:-6] + text[-6:].rstrip("0")


def _decimal(exact: Fraction) -> str:
    return unscaled(int(exact * 10**_EXACT_DECIMALS), _EXACT_DECIMALS)
