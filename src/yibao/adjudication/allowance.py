"""Sums of money by formula (津贴、划账): base × rate ÷ divisor × units + lump, rounded once.

Maternity allowances (monthly base ÷ 30 × days), the monthly credit of personal accounts (a share of
the base of contributions, a fixed sum for the retired).
"""

from datetime import date
from fractions import Fraction
from typing import Any, NamedTuple

from yibao.adjudication.case import Class, Facts, case_of, facts_asked, facts_of_person
from yibao.adjudication.explanation.steps import step
from yibao.adjudication.explanation.words import decimal, exact_yuan
from yibao.adjudication.model import Person, Step
from yibao.kernel.money import Fen, round_half_up, yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.model import Allowance, Fact, Law
from yibao.policy.parameters import Found, Parameter, missing
from yibao.policy.terms import CareKind, Level


class AllowanceDecision(NamedTuple):
    """A sum by formula, with every value that made it."""

    allowance: Allowance
    base: Fen
    rate: Found[Fraction] | None
    divisor: Found[Fraction] | None
    units: Fraction
    units_found: Found[Fraction] | None
    """None: the claim said how many."""
    lump: Found[Fen | None] | None
    amount: Fen
    trace: tuple[Step, ...]


def allowance(
    law: Law,
    key: str,
    base: Fen,
    day: date,
    person: Person,
    units: int | Fraction | None = None,
    circumstances: tuple[str, ...] = (),
) -> AllowanceDecision:
    """The allowance ``key`` of a law for a base in fen and, where the law leaves them, units.

    Refused: PARAMETER_MISSING for an allowance or a value that the law lacks; FIELD_MISSING when
    the claim must say how many units; AMOUNT_OUT_OF_RANGE for a negative base or units.
    """
    if law.until is not None and day >= law.until:
        raise missing("law.until", day)
    rules = law.allowances.get(key)
    if rules is None:
        raise missing(f"allowances.{key}", day)
    case = _case(law, day, person, circumstances)
    rate = _found(rules.rate, day, case)
    divisor = _found(rules.divisor, day, case)
    units_found = _found(rules.units, day, case)
    lump = _found(rules.lump, day, case)
    count = _units(rules, units_found, units, day)
    if base < 0 or count < 0:
        raise Refused(
            RefusalCode.AMOUNT_OUT_OF_RANGE,
            f"{rules.title}：基数或天数（月数）不能为负",
            field="base" if base < 0 else "units",
        )
    exact = Fraction(base) * (1 if rate is None else rate.value) * count
    if divisor is not None:
        exact /= divisor.value
    fixed = 0 if lump is None else lump.value or 0
    amount = round_half_up(exact.numerator, exact.denominator) + fixed
    decision = AllowanceDecision(rules, base, rate, divisor, count, units_found, lump, amount, ())
    return decision._replace(trace=_trace(decision, exact, fixed))


def _case(law: Law, day: date, person: Person, circumstances: tuple[str, ...]) -> dict[str, Class]:
    """The person's classes; what belongs to a bill (level, place …) is in none."""
    asked = facts_of_person(person, day, facts_asked(law))
    facts = Facts(day, CareKind(""), person.person_type, Level.GRASS_ROOTS)
    case = case_of(facts._replace(circumstances=circumstances, **asked), law)
    of_bills = {Fact.LEVEL, Fact.PLACE, Fact.FILING, Fact.CARE_KIND, Fact.DISEASE}
    return {name: c for name, c in case.items() if law.classes[name].fact not in of_bills}


def _found(rule: Parameter[Any] | None, day: date, case: dict[str, Class]) -> Found[Any] | None:
    return None if rule is None else rule.find(day, case)


def _units(
    rules: Allowance, found: Found[Fraction] | None, units: int | Fraction | None, day: date
) -> Fraction:
    if found is not None:
        return Fraction(found.value)
    if units is not None:
        return Fraction(units)
    if rules.divisor is None:
        return Fraction(1)
    raise Refused(
        RefusalCode.FIELD_MISSING,
        f"{rules.title}：须说明天数或月数（{day.isoformat()}）",
        field="units",
        parameter=f"allowances.{rules.key}.units",
        day=day.isoformat(),
    )


def _trace(decision: AllowanceDecision, exact: Fraction, fixed: Fen) -> tuple[Step, ...]:
    """Each value with its source, and the formula with its figures."""
    rules = decision.allowance
    steps = [
        step(
            f"allowance_{name}", f"{rules.title}：{words}。", f"{rules.english}: {english}.", found
        )
        for name, found, words, english in _values(decision)
    ]
    formula = f"{yuan(decision.base)}"
    if decision.rate is not None:
        formula += f" × {decimal(decision.rate.value)}"
    if decision.divisor is not None:
        formula += f" ÷ {decimal(decision.divisor.value)}"
    if decision.units != 1:
        formula += f" × {decimal(decision.units)}"
    formula += f" = {exact_yuan(exact)}"
    if fixed:
        formula += f"，+ {yuan(fixed)}"
    amount = yuan(decision.amount)
    return (
        *steps,
        step(
            "allowance",
            f"{rules.title}：{formula}，计 {amount} 元。",
            f"{rules.english}: {formula.replace('，', ', ')}; {amount} yuan.",
            base=decision.base,
            result=decision.amount,
        ),
    )


def _values(decision: AllowanceDecision) -> list[tuple[str, Found[Any], str, str]]:
    values: list[tuple[str, Found[Any], str, str]] = []
    if decision.rate is not None:
        text = decimal(decision.rate.value)
        values.append(("rate", decision.rate, f"比例 {text}", f"rate {text}"))
    if decision.divisor is not None:
        text = decimal(decision.divisor.value)
        values.append(("divisor", decision.divisor, f"除数 {text}", f"divisor {text}"))
    if decision.units_found is not None:
        text = decimal(decision.units)
        values.append(("units", decision.units_found, f"天数（月数） {text}", f"units {text}"))
    if decision.lump is not None:
        text = yuan(decision.lump.value or 0)
        values.append(("lump", decision.lump, f"定额 {text} 元", f"lump sum {text} yuan"))
    return values
