"""The trace of a decision: every step with its figures, its parameter and its source.

Made from the record that ``benefit.decide`` kept, so it can only say what was computed; made only
when somebody asks, so that settling does not pay for it.
"""

from collections.abc import Iterator

from yibao.adjudication.account import FamilyDecision
from yibao.adjudication.bands import rounded
from yibao.adjudication.benefit import Decision, PartDecision
from yibao.adjudication.explanation.steps import limit_steps, step
from yibao.adjudication.explanation.trace_payers import payer_steps
from yibao.adjudication.explanation.words import (
    NOT_COVERED,
    PARTS,
    SCOPE,
    Words,
    exact_yuan,
    percent,
    percent_of,
)
from yibao.adjudication.model import Statement, Step, Sums
from yibao.adjudication.plan import NotCovered, Part
from yibao.kernel.frozen import replace
from yibao.kernel.money import yuan
from yibao.policy.model import Counter

__all__ = ["explained", "percent", "steps"]

_DEDUCTIBLE = Words("起付线", "deductible")
_PAID_BEFORE = Words("此前已付", "paid before")


def explained(decision: Decision) -> Statement:
    """The statement with its trace."""
    return replace(decision.statement, trace=steps(decision))


def steps(decision: Decision) -> tuple[Step, ...]:
    """The steps of a decision, in the order of the computation."""
    return tuple(_steps(decision))


def _steps(decision: Decision) -> Iterator[Step]:
    yield _line_split(decision)
    for name, number in decision.times:
        yield _times(decision.law.counters[name], number)
    for part in decision.parts:
        if len(decision.parts) > 1:
            yield _part(part)
        yield from _part_steps(part)
    for payer in decision.common:
        yield from payer_steps(payer)
    yield _personal(decision.statement)
    if decision.account is not None:
        yield _account(decision)
    if decision.family is not None:
        yield _family(decision.family)
    yield _cash(decision.statement)


def _line_split(decision: Decision) -> Step:
    sums = sum([part.opening.sums for part in decision.parts], Sums())
    total, own, over = yuan(sums.total), yuan(sums.own), yuan(sums.over_limit)
    first, scope = yuan(sums.first_pay), yuan(sums.in_scope)
    return step(
        "line_split",
        f"费用总额 {total} 元：全自费 {own} 元，超限价 {over} 元，先行自付 {first} 元，"
        f"政策范围内 {scope} 元。",
        f"Of {total} yuan in all, {own} is own expense, {over} lies above price ceilings, {first} "
        f"is first self-pay, and {scope} is within the policy's scope.",
        base=sums.total,
        result=sums.in_scope,
    )


def _times(counter: Counter, number: int) -> Step:
    alike = " of its kind" if counter.by else ""
    return step(
        "times",
        f"{counter.title}：本次为第 {number} 次。",
        f"In {SCOPE[counter.scope].english} this is stay number {number}{alike}.",
    )


def _part(part: PartDecision) -> Step:
    buckets = ", ".join(part.buckets)
    title, english = ("不支付", "not paid")
    if isinstance(part.found, Part):
        title, english = part.found.rules.title, part.found.rules.english
    amount = yuan(part.opening.sums.in_scope)
    return step(
        "part",
        f"费用类别 {buckets}（{title}）：政策范围内 {amount} 元。",
        f"Lines of {buckets} ({english}): {amount} yuan in scope.",
        base=part.opening.sums.total,
        result=part.opening.sums.in_scope,
    )


def _part_steps(part: PartDecision) -> Iterator[Step]:
    found, opening = part.found, part.opening
    if opening.over_limit_borne:
        borne = yuan(opening.over_limit_borne)
        yield step(
            "hospital_over_limit",
            f"超限价中 {borne} 元由医院承担。",
            f"Of what lies above price ceilings the hospital bears {borne} yuan.",
            result=opening.over_limit_borne,
        )
    if isinstance(found, NotCovered):
        chinese, english = NOT_COVERED[found.reason]
        yield step("not_covered", chinese, english, found.because, result=0)
        return
    yield from _before_deductible(part, found)
    for state in opening.deductible.limits:
        yield from limit_steps("deductible_limit", Words("", ""), _DEDUCTIBLE, state, _PAID_BEFORE)
    paid = exact_yuan(opening.deductible.paid)
    yield step(
        "deductible",
        f"本次支付起付线 {paid} 元。",
        f"With this bill {paid} yuan of deductible is paid.",
        result=rounded(opening.deductible.paid),
    )
    for payer in part.payers:
        yield from payer_steps(payer)


def _before_deductible(part: PartDecision, found: Part) -> Iterator[Step]:
    opening = part.opening
    moved = opening.settled.first_pay - opening.sums.first_pay
    if found.first_pay is not None and moved:
        share, scope = percent_of(found.first_pay.value), yuan(opening.sums.in_scope)
        yield step(
            "first_pay",
            f"先由个人负担：政策范围内 {scope} 元 × {share} = {yuan(moved)} 元。",
            f"First self-pay: {share} of {scope} yuan in scope is {yuan(moved)} yuan.",
            found.first_pay,
            base=opening.sums.in_scope,
            rate=percent_of(found.first_pay.value),
            result=moved,
        )
    if found.fixed_price is not None and found.fixed_price.value is not None:
        price, above = yuan(found.fixed_price.value), yuan(opening.above_price)
        daily = found.rules.fixed_price is not None and found.rules.fixed_price.per_day
        unit, english_unit = ("元/日", "yuan a day") if daily else ("元", "yuan")
        yield step(
            "fixed_price",
            f"定额标准 {price} {unit}，超出的 {above} 元由医院承担。",
            f"The fixed price is {price} {english_unit}; the hospital bears {above} yuan above it.",
            found.fixed_price,
            result=opening.above_price,
        )
    if opening.spent:
        spent = yuan(opening.spent)
        yield step(
            "spent_first",
            f"个人账户先行支付 {spent} 元，其余进入起付线。",
            f"The personal account pays {spent} yuan first; the deductible begins after it.",
            result=opening.spent,
        )


def _personal(statement: Statement) -> Step:
    total, funds, personal = (
        yuan(statement.sums.total),
        yuan(statement.funds),
        yuan(statement.personal),
    )
    hospital, english = "", ""
    if statement.hospital_part:
        borne = yuan(statement.hospital_part)
        hospital, english = f"医院承担 {borne} 元，", f", the hospital bears {borne}"
    return step(
        "personal",
        f"总额 {total} 元，基金共支付 {funds} 元，{hospital}个人负担 {personal} 元。",
        f"Of {total} yuan the funds pay {funds}{english}; {personal} yuan is left to the person.",
        base=statement.sums.total,
        result=statement.personal,
    )


def _account(decision: Decision) -> Step:
    account = decision.account
    assert account is not None
    may_pay = account.found.may_pay
    allowed = [
        words for part, words in PARTS.items() if any(part in f.value for f in may_pay.values())
    ]
    paid, payable = yuan(decision.statement.account_total), yuan(account.payable)
    first, english_first = "", ""
    if account.spent_first:
        spent = yuan(account.spent_first)
        first, english_first = f"（含先行支付 {spent} 元）", f" ({spent} of it spent first)"
    return step(
        "account",
        f"个人账户可支付{'、'.join(words.chinese for words in allowed)}，共 {payable} 元，"
        f"实际支付 {paid} 元{first}。",
        f"The personal account may pay {', '.join(words.english for words in allowed)}, here "
        f"{payable} yuan; it pays {paid} yuan{english_first}.",
        next(iter(may_pay.values()), None),
        base=account.payable,
        result=decision.statement.account_total,
    )


def _family(family: FamilyDecision) -> Step:
    paid, payable = yuan(sum(amount for _, amount in family.paid)), yuan(family.payable)
    return step(
        "family",
        f"共济账户可支付 {payable} 元，实际支付 {paid} 元。",
        f"Relatives' accounts may pay {payable} yuan; they pay {paid} yuan.",
        next(iter(family.found.may_pay.values()), None),
        base=family.payable,
        result=sum(amount for _, amount in family.paid),
    )


def _cash(statement: Statement) -> Step:
    cash = yuan(statement.cash)
    return step(
        "cash", f"现金支付 {cash} 元。", f"{cash} yuan is paid in cash.", result=statement.cash
    )
