"""The steps of one payer: its own deductible, adjustments, bands, caps, and what it pays."""

from collections.abc import Iterator
from fractions import Fraction

from yibao.adjudication.bands import rounded
from yibao.adjudication.explanation.steps import limit_steps, step
from yibao.adjudication.explanation.words import (
    ADJUSTED,
    AXIS,
    COMPONENT,
    NEUTRAL,
    SCOPE,
    Words,
    band_words,
    base_words,
    cap_words,
    decimal,
    exact_yuan,
    percent,
    percent_of,
    points,
)
from yibao.adjudication.model import Step
from yibao.adjudication.payers import PayerDecision
from yibao.kernel.money import yuan
from yibao.policy.model import Adjustment, AdjustmentKind
from yibao.policy.parameters import Found

_OWN_DEDUCTIBLE = Words("起付线", "deductible")
_PAID_BEFORE = Words("此前已付", "paid before")
_USED_BEFORE = Words("此前累计", "used before")


def payer_steps(decision: PayerDecision) -> Iterator[Step]:
    """Every step of a payer; nothing of one that had nothing to do."""
    pays = any(piece.fund for piece in decision.slices)
    limited = bool(decision.deductible.limits or decision.caps)
    if decision.base <= 0 or not (pays or limited):
        return
    yield from _also(decision)
    yield from _own_deductible(decision)
    if pays:
        yield from _adjustments(decision)
        yield from _start(decision)
        yield from _bands(decision)
    for cap in decision.caps:
        what = cap_words(cap.found.limit)
        yield from limit_steps("cap", Words("", ""), what, cap, _USED_BEFORE)
    yield _payment(decision)


def _also(decision: PayerDecision) -> Iterator[Step]:
    payer = decision.found.payer
    for component, counted in decision.also.items():
        found = decision.found.also[component]
        chinese, english = COMPONENT[component]
        share, amount = percent_of(found.value), exact_yuan(counted)
        yield step(
            "also",
            f"{payer.title}：{chinese}按 {share} 计入，计 {amount} 元。",
            f"{payer.english}: {share} of {english} counts into its base, {amount} yuan.",
            found,
            result=rounded(counted),
        )


def _own_deductible(decision: PayerDecision) -> Iterator[Step]:
    if not decision.deductible.limits:
        return
    payer = decision.found.payer
    of = Words(f"{payer.title}：", f"{payer.english}: ")
    for state in decision.deductible.limits:
        yield from limit_steps("payer_deductible_limit", of, _OWN_DEDUCTIBLE, state, _PAID_BEFORE)
    paid, base = exact_yuan(decision.deductible.paid), exact_yuan(decision.base)
    yield step(
        "payer_deductible",
        f"{payer.title}：计入费用 {base} 元，其中 {paid} 元在起付线以内。",
        f"{payer.english}: of {base} yuan that count, {paid} lie within its deductible.",
        base=rounded(decision.base),
        result=rounded(decision.deductible.paid),
    )


def _adjustments(decision: PayerDecision) -> Iterator[Step]:
    payer = decision.found.payer
    for rule, found in decision.found.adjustments:
        if found.value == NEUTRAL[rule.kind]:
            continue
        chinese, english = _adjusted(rule, found)
        yield step(
            "adjustment",
            f"{payer.title}：{chinese}。",
            f"{payer.english}: {english}.",
            found,
            rate=decimal(found.value),
        )


def _adjusted(rule: Adjustment, found: Found[Fraction]) -> Words:
    words = ADJUSTED[rule.kind]
    in_points = rule.kind in (AdjustmentKind.POINTS, AdjustmentKind.POINTS_PER_YEAR_OF_AGE)
    value = points(found.value) if in_points else decimal(found.value)
    return Words(words.chinese.format(value), words.english.format(value))


def _start(decision: PayerDecision) -> Iterator[Step]:
    """Where on the axis the bands began, if a counter moved them on."""
    payer = decision.found.payer
    if payer.counter is None or not decision.start:
        return
    span, start = SCOPE[payer.counter.scope], exact_yuan(decision.start)
    axis = AXIS[payer.axis]
    yield step(
        "axis",
        f"{payer.title}：{span.chinese}{axis.chinese}已计 {start} 元，本次从此处起分段。",
        f"{payer.english}: {start} yuan ({axis.english}, {span.english}) lie before this bill's "
        f"first band.",
        result=rounded(decision.start),
    )


def _bands(decision: PayerDecision) -> Iterator[Step]:
    payer, bands = decision.found.payer, decision.found.bands
    base = base_words(payer.base, also=any(decision.also.values()))
    for piece in decision.slices:
        cost, ratio, fund = exact_yuan(piece.cost), percent(piece.band.rate), piece.fund
        band, paid = band_words(piece.band, payer.axis), exact_yuan(fund)
        of = f"{base.english}{band.english}"
        yield step(
            "band",
            f"{payer.title}：{base.chinese}中的 {cost} 元{band.chinese} × {ratio} = {paid} 元。",
            f"{payer.english}: {cost} yuan of {of} x {ratio} = {paid} yuan.",
            bands,
            base=rounded(piece.cost),
            rate=piece.band.rate.text(),
            result=rounded(fund),
        )


def _payment(decision: PayerDecision) -> Step:
    payer, amount = decision.found.payer, yuan(decision.amount)
    above, english_above = "", ""
    if rounded(decision.above_cap):
        left = exact_yuan(decision.above_cap)
        above = f"；封顶线以上费用 {left} 元不由其支付"
        english_above = f"; it does not pay for {left} yuan of cost above its cap"
    return step(
        "payer",
        f"{payer.title}支付 {amount} 元{above}。",
        f"{payer.english} pays {amount} yuan{english_above}.",
        base=rounded(decision.base),
        result=decision.amount,
    )
