"""A decided bill told in plain Chinese or English, with the law's sources.

A patient reads its steps; an auditor reads with each of them its numbers, before them the case that
the bill was placed in, and after them what its counters moved by.
"""

from collections.abc import Sequence
from typing import Literal

from yibao.adjudication.benefit import Decision
from yibao.adjudication.explanation.trace import percent, steps
from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit, Step
from yibao.kernel.money import NO_CEILING, PRICE_SCALE, unscaled, yuan
from yibao.policy.model import Law, OverLimit
from yibao.policy.terms import ItemClass

Language = Literal["zh", "en"]

_CLASS = {ItemClass.A: ("甲类", "class A"), ItemClass.B: ("乙类", "class B")}


def explain(decision: Decision, language: Language = "zh", *, auditor: bool = False) -> str:
    """A decided bill step by step, numbered, each rule with where it stands."""
    told = explain_trace(steps(decision), decision.law, language, auditor=auditor)
    if not auditor:
        return told
    return "\n".join([_case(decision, language), told, *_moved(decision, language)])


def explain_trace(
    trace: Sequence[Step], law: Law, language: Language = "zh", *, auditor: bool = False
) -> str:
    """A statement's trace as text; the law's name and fingerprint stand at its end."""
    chinese = language == "zh"
    by, last = ("依据", "适用规则") if chinese else ("by", "Law")
    lines = []
    for number, step in enumerate(trace, 1):
        lines.append(f"{number}. {step.text if chinese else step.english}")
        if auditor:
            lines.append(f"   {_figures(step)}")
        if step.parameter:
            lines.append(f"   {by}: {step.parameter} ({step.reference})")
    fingerprint = law.fingerprint if auditor else law.fingerprint[:12]
    lines.append(f"{last}: {law.title} ({fingerprint})")
    return "\n".join(lines)


def _figures(step: Step) -> str:
    """A step's numbers, in yuan: ``band: base 766.43, rate 0.5, result 383.22``."""
    figures = [
        f"{name} {value}"
        for name, value in (
            ("base", None if step.base is None else yuan(step.base)),
            ("rate", step.rate),
            ("result", None if step.result is None else yuan(step.result)),
        )
        if value is not None
    ]
    return f"[{step.name}{': ' if figures else ''}{', '.join(figures)}]"


def _case(decision: Decision, language: Language) -> str:
    """The classes that the law placed the bill in."""
    bill, case = decision.bill, decision.plan.case
    classes = ", ".join(f"{name} = {word or '-'}" for name, word in sorted(case.items()))
    if language == "zh":
        return f"费用日期 {bill.day}，医疗类别 {bill.care_kind}；适用情形：{classes}"
    return f"Day {bill.day}, kind of care {bill.care_kind}; case: {classes}"


def _moved(decision: Decision, language: Language) -> list[str]:
    """What the bill adds to each counter."""
    counters = decision.law.counters
    heading = "累计变动" if language == "zh" else "Counters moved"
    lines = []
    for key, delta in decision.statement.counters:
        amount = f"{delta:+d}" if counters[key.name].in_times else f"{_signed(delta)}"
        lines.append(f"   {key.name}@{key.scope} {amount}")
    return [f"{heading}:", *lines] if lines else []


def _signed(amount: int) -> str:
    return f"+{yuan(amount)}" if amount > 0 else yuan(amount)


def explain_line(
    line: ChargedLine, terms: ItemTerms, split: LineSplit, language: Language = "zh"
) -> str:
    """One fee line in a sentence: why which part of it is the person's own."""
    chinese = language == "zh"
    amount = yuan(line.amount)
    if split.own:
        reason, english = _own_reason(line, terms)
        return (
            f"{amount} 元：{reason}，全部自费。"
            if chinese
            else f"{amount} yuan: {english}, own expense whole."
        )
    name, english_name = _CLASS[terms.item_class]
    parts, english_parts = [f"{amount} 元：{name}"], [f"{amount} yuan: {english_name}"]
    if split.over_limit:
        ceiling, over = _price(terms.ceiling), yuan(split.over_limit)
        who, whose = ("医院承担", "the hospital's") if split.hospital else ("自付", "the person's")
        parts.append(f"单价限价 {ceiling} 元，超限价 {over} 元{who}")
        english_parts.append(f"price ceiling {ceiling} yuan, {over} above it is {whose}")
    if terms.first_pay.numerator:
        ratio, first = percent(terms.first_pay), yuan(split.first_pay)
        parts.append(f"先行自付 {ratio} 为 {first} 元")
        english_parts.append(f"first self-pay {ratio} is {first} yuan")
    parts.append(f"政策范围内 {yuan(split.in_scope)} 元。")
    english_parts.append(f"{yuan(split.in_scope)} yuan in scope.")
    return "，".join(parts) if chinese else ", ".join(english_parts)


def _own_reason(line: ChargedLine, terms: ItemTerms) -> tuple[str, str]:
    if terms.item_class is ItemClass.C:
        return "丙类（目录外）", "class C, outside the catalogue"
    if terms.over_limit is OverLimit.WHOLE and abs(line.price) > terms.ceiling:
        ceiling = _price(terms.ceiling)
        return f"单价超过限价 {ceiling} 元", f"priced above the ceiling of {ceiling} yuan"
    if line.approved is False:
        return "医院审批不通过", "not approved by the hospital"
    return "限制使用项目未经医院审批", "limited in use and not approved by the hospital"


def _price(price: int) -> str:
    assert price != NO_CEILING
    return unscaled(price, PRICE_SCALE).rstrip("0").rstrip(".")
