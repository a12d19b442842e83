"""The values of limits and payers for one case: amounts with their factors, bands as adjusted."""

from collections.abc import Iterable
from fractions import Fraction

from yibao.adjudication.case import Facts
from yibao.adjudication.plan import FoundLimit, FoundPayer, PayerFeeds
from yibao.kernel.money import FULL_RATE, Fen, Rate, round_half_up
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import (
    Adjustment,
    AdjustmentKind,
    Band,
    Bands,
    Fact,
    Growth,
    Limit,
    Payer,
)
from yibao.policy.parameters import Case, Found

_YEARS = {
    Fact.AGE: "周岁年龄",
    Fact.ENROLLED_YEARS: "连续参保年限",
    Fact.CLAIM_FREE_YEARS: "大病未报销年限",
}


def find_limits(limits: Iterable[Limit], facts: Facts, case: Case) -> tuple[FoundLimit, ...]:
    """Limits with their values. Refused: PARAMETER_MISSING, FIELD_MISSING for unknown years."""
    return tuple([_limit(limit, facts, case) for limit in limits])


def _limit(limit: Limit, facts: Facts, case: Case) -> FoundLimit:
    day = facts.day
    amount = limit.amount.find(day, case)
    if amount.value is None:
        return FoundLimit(limit, amount, (), (), None, None, None)
    factors = tuple([factor.value.find(day, case) for factor in limit.factors])
    exact = Fraction(amount.value)
    for factor in factors:
        exact *= factor.value
    height = _rounded(exact)
    growth = tuple([(rule, _grown(rule, facts, case)) for rule in limit.growth])
    grown = sum([added for _, added in growth])
    if growth and limit.growth_at_most is not None:
        at_most = limit.growth_at_most.find(day, case).value
        grown = min(grown, _rounded(height * at_most))
    every, further = limit.every_days, limit.further
    return FoundLimit(
        limit,
        amount,
        factors,
        growth,
        height + grown,
        None if every is None else every.find(day, case),
        None if further is None else further.find(day, case),
    )


def _grown(rule: Growth, facts: Facts, case: Case) -> Fen:
    """What an amount has grown by for the person's years."""
    step = rule.step.find(facts.day, case).value or 0
    years = _number(rule.years, facts, rule.step.path)
    return step * max(0, years - rule.after.find(facts.day, case).value)


def _number(fact: Fact, facts: Facts, path: str) -> int:
    """A number of the person that a formula needs. Refused: FIELD_MISSING, naming the fact."""
    number: int | None = getattr(facts, fact.value)
    if number is None:
        raise Refused(
            RefusalCode.FIELD_MISSING,
            f"缺少{_YEARS[fact]}，无法按 {path} 计算（{facts.day.isoformat()}）",
            field=fact.value,
            parameter=path,
            day=facts.day.isoformat(),
        )
    return number


def find_payer(payer: Payer, path: str, facts: Facts, case: Case, feeds: PayerFeeds) -> FoundPayer:
    """A payer with its values; of one that does not pay in this case nothing more is asked."""
    day = facts.day
    bands = payer.bands.find(day, case)
    reported_as = payer.reported_as.find(day, case)
    if bands.value is None:
        return FoundPayer(payer, path, reported_as, bands, (), None, (), (), {})
    adjustments = tuple([(rule, rule.value.find(day, case)) for rule in payer.adjustments])
    return FoundPayer(
        payer,
        path,
        reported_as,
        bands,
        adjustments,
        adjusted(bands.value, adjustments, facts),
        find_limits(payer.deductible, facts, case),
        find_limits(payer.caps, facts, case),
        {part: share.find(day, case) for part, share in payer.also.items()},
        feeds,
    )


def adjusted(
    bands: tuple[Band, ...],
    adjustments: tuple[tuple[Adjustment, Found[Fraction]], ...],
    facts: Facts,
) -> Bands:
    """Bands after the adjustments, one after the other; a ratio of 0 stays 0."""
    if not adjustments:
        return bands
    return tuple([band._replace(rate=_adjusted(band.rate, adjustments, facts)) for band in bands])


def _adjusted(
    rate: Rate, adjustments: tuple[tuple[Adjustment, Found[Fraction]], ...], facts: Facts
) -> Rate:
    before = share = Fraction(rate.numerator, rate.denominator)
    for rule, found in adjustments:
        if share:
            share = min(Fraction(1), max(Fraction(0), _changed(share, rule, found, facts)))
    return rate if share == before else _rate(share)


def _rate(share: Fraction) -> Rate:
    whole, rest = divmod(FULL_RATE.denominator, share.denominator)
    return Rate(share.numerator, share.denominator) if rest else Rate(share.numerator * whole)


def _changed(share: Fraction, rule: Adjustment, found: Found[Fraction], facts: Facts) -> Fraction:
    match rule.kind:
        case AdjustmentKind.OWN_SHARE_TIMES:
            return 1 - (1 - share) * found.value
        case AdjustmentKind.FUND_SHARE_TIMES:
            return share * found.value
        case AdjustmentKind.POINTS:
            return share + found.value
        case AdjustmentKind.POINTS_PER_YEAR_OF_AGE:
            return share + found.value * _number(Fact.AGE, facts, found.path)


def _rounded(exact: Fraction) -> Fen:
    return round_half_up(exact.numerator, exact.denominator)
