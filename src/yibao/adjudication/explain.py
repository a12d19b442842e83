"""What a patient reads: a decided bill told in plain Chinese or English, with the law's sources."""

from collections.abc import Sequence
from typing import Literal

from yibao.adjudication.benefit import Decision
from yibao.adjudication.model import ChargedLine, ItemTerms, LineSplit, Step
from yibao.adjudication.trace import percent, steps
from yibao.kernel.money import NO_CEILING, PRICE_SCALE, unscaled, yuan
from yibao.policy.model import Law
from yibao.policy.terms import ItemClass

Language = Literal["zh", "en"]

_CLASS = {ItemClass.A: ("甲类", "class A"), ItemClass.B: ("乙类", "class B")}


def explain(decision: Decision, language: Language = "zh") -> str:
    """A decided bill step by step, numbered, each rule with where it stands."""
    return explain_trace(steps(decision), decision.law, language)


def explain_trace(trace: Sequence[Step], law: Law, language: Language = "zh") -> str:
    """A statement's trace as text; the law's name and fingerprint stand at its end."""
    chinese = language == "zh"
    by, last = ("依据", "适用规则") if chinese else ("by", "Law")
    lines = []
    for number, step in enumerate(trace, 1):
        lines.append(f"{number}. {step.text if chinese else step.english}")
        if step.parameter:
            lines.append(f"   {by}: {step.parameter} ({step.reference})")
    lines.append(f"{last}: {law.title} ({law.fingerprint[:12]})")
    return "\n".join(lines)


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
        parts.append(f"单价限价 {ceiling} 元，超限价 {over} 元自付")
        english_parts.append(f"price ceiling {ceiling} yuan, {over} above it is the person's")
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
    if line.approved is False:
        return "医院审批不通过", "not approved by the hospital"
    return "限制使用项目未经医院审批", "limited in use and not approved by the hospital"


def _price(price: int) -> str:
    assert price != NO_CEILING
    return unscaled(price, PRICE_SCALE).rstrip("0").rstrip(".")
