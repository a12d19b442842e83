"""What a patient reads first of a settled bill: a few sentences, then the steps. Pure.

The sentences are made of the settlement as it was stored; why each fund paid what it did is read
off its decision.
"""

from collections.abc import Sequence
from typing import Literal

from yibao.adjudication.benefit import Decision
from yibao.adjudication.explanation.explain import explain
from yibao.adjudication.explanation.trace import percent
from yibao.adjudication.model import Payment
from yibao.adjudication.plan import NotCovered
from yibao.kernel.money import Fen, yuan
from yibao.policy.model import Law, Payer
from yibao.settlement.bills.recomputation import Difference, Recomputed
from yibao.settlement.model import SettlementFacts, SettlementKind

Language = Literal["zh", "en"]

_NOT_COVERED = {
    "care_kind": ("本险种不支付这类医疗", "the scheme pays nothing for this kind of care"),
    "place": ("本险种不在这类机构支付", "the scheme does not pay at such an institution"),
    "entitlement": ("就诊当日不享受统筹待遇", "the fund was not open to the person on that day"),
}
_DIFFERENCE = {
    "total": "总额", "own": "自费", "over_limit": "超限价", "first_pay": "先行自付",
    "in_scope": "政策范围内", "deductible": "起付线", "funds": "基金支付", "personal": "个人负担",
    "account": "个人账户", "family": "共济账户", "cash": "现金", "hospital_part": "医院负担",
}  # fmt: skip


def told(
    facts: SettlementFacts, again: Recomputed, language: Language = "zh", *, auditor: bool = False
) -> str:
    """A settlement as its patient, or an auditor, reads it: summary, steps, and what differs."""
    blocks = [summary(facts, again.decision, language)]
    blocks.append(explain(again.decision, language, auditor=auditor))
    if auditor:
        blocks.append(_basis(facts, language))
    if again.differences:
        blocks.append(_differing(again.differences, language))
    return "\n\n".join(blocks)


def summary(facts: SettlementFacts, decision: Decision, language: Language = "zh") -> str:
    """A few sentences: what the bill was, who paid what and why, what is left to the patient."""
    chinese = language == "zh"
    sentences = [_opening(facts, chinese=chinese)]
    sentences += _funds(facts, decision, chinese=chinese)
    sentences += _own_side(facts, chinese=chinese)
    sentences.append(_settled(facts, chinese=chinese))
    return "\n".join(sentences)


# --------------------------------------------------------------------------------------- sentences


def _opening(facts: SettlementFacts, *, chinese: bool) -> str:
    total, scope = yuan(facts.sums.total), yuan(facts.sums.in_scope)
    cancelled = facts.cancelled_by is not None or facts.kind is SettlementKind.CANCELLATION
    if chinese:
        note = "（本结算已撤销）" if cancelled else ""
        return f"{facts.day} 的费用共 {total} 元，其中政策范围内 {scope} 元。{note}"
    note = " This settlement was cancelled." if cancelled else ""
    return f"Of {total} yuan on {facts.day}, {scope} yuan are in the insurance's scope.{note}"


def _funds(facts: SettlementFacts, decision: Decision, *, chinese: bool) -> list[str]:
    if not facts.payments:
        return [_nothing(decision, chinese=chinese)]
    paid, base = yuan(facts.funds), yuan(facts.deductible)
    first = (
        f"基金支付 {paid} 元" + (f"（先由个人负担起付线 {base} 元）" if facts.deductible else "")
        if chinese
        else f"The funds paid {paid} yuan"
        + (f", after a deductible of {base} yuan" if facts.deductible else "")
    )
    shares = [
        _share(payment, decision.law, chinese=chinese) for payment in decision.statement.payments
    ]
    return [f"{first}：" if chinese else f"{first}:", *(f"  · {share}" for share in shares)]


def _nothing(decision: Decision, *, chinese: bool) -> str:
    for part in decision.parts:
        if isinstance(part.found, NotCovered):
            zh, en = _NOT_COVERED[part.found.reason]
            return f"基金没有支付，因为{zh}。" if chinese else f"The funds paid nothing: {en}."
    if decision.statement.deductible:
        due = yuan(decision.statement.deductible)
        return (
            f"基金没有支付，因为费用还在起付线之内（本次计入 {due} 元）。"
            if chinese
            else f"The funds paid nothing: the deductible took {due} yuan of this bill."
        )
    return "基金没有支付。" if chinese else "The funds paid nothing."


def _share(payment: Payment, law: Law, *, chinese: bool) -> str:
    payer = _payer(payment.payer, law)
    amount, base = yuan(payment.amount), yuan(payment.base)
    rate = None if payment.rate is None else percent(payment.rate)
    if chinese:
        why = f"{base} 元的 {rate}" if rate else f"按 {base} 元分段计算"
        return f"{payer.title if payer else payment.fund} {amount} 元，{why}"
    why = f"{rate} of {base} yuan" if rate else f"by bands, on {base} yuan"
    return f"{payer.english if payer else payment.fund} {amount} yuan, {why}"


def _own_side(facts: SettlementFacts, *, chinese: bool) -> list[str]:
    sums = facts.sums
    parts: list[tuple[str, str, Fen]] = [
        ("自费项目", "items outside the insurance", sums.own),
        ("超过限价", "above the price ceiling", sums.over_limit),
        ("先行自付", "first self-pay", sums.first_pay),
        ("起付线", "deductible", facts.deductible),
    ]
    named = [(zh, en, amount) for zh, en, amount in parts if amount]
    personal = yuan(facts.personal)
    told_parts = (
        "，".join(f"{zh} {yuan(amount)} 元" for zh, _, amount in named)
        if chinese
        else ", ".join(f"{en} {yuan(amount)}" for _, en, amount in named)
    )
    lines = []
    if chinese:
        reason = f"，其中：{told_parts}" if named else ""
        lines.append(f"个人负担 {personal} 元{reason}。")
    else:
        reason = f", among it: {told_parts}" if named else ""
        lines.append(f"The patient bears {personal} yuan{reason}.")
    if facts.hospital_part:
        part = yuan(facts.hospital_part)
        lines.append(f"医院负担 {part} 元。" if chinese else f"The hospital bears {part} yuan.")
    return lines


def _settled(facts: SettlementFacts, *, chinese: bool) -> str:
    account, cash, family = yuan(facts.account), yuan(facts.cash), yuan(facts.family)
    if chinese:
        shared = f"，共济账户 {family} 元" if facts.family else ""
        return f"其中个人账户支付 {account} 元{shared}，现金 {cash} 元。"
    shared = f", family accounts {family}" if facts.family else ""
    return f"Of that the personal account paid {account} yuan{shared}, cash {cash} yuan."


def _payer(path: str, law: Law) -> Payer | None:
    """The payer behind ``benefits.inpatient.payers.pool`` or ``payers.assistance``."""
    owner, _, key = path.rpartition(".")
    for benefit in law.benefits:
        if owner == f"benefits.{benefit.key}.payers":
            return next((payer for payer in benefit.payers if payer.key == key), None)
    return next((payer for payer in law.payers if payer.key == key), None)


# ----------------------------------------------------------------------------------------- auditor


def _basis(facts: SettlementFacts, language: Language) -> str:
    stored = {name: value for name, value in facts.snapshot.items() if name != "account"}
    head = "结算时采用的事实" if language == "zh" else "Facts the settlement used"
    lines = [f"{head}:", f"  person_type {facts.person_type}, level {facts.level}"]
    lines += [f"  {name} {value}" for name, value in stored.items()]
    return "\n".join(lines)


def _differing(differences: Sequence[Difference], language: Language) -> str:
    head = (
        "按原规则和原事实重新计算，以下金额与结算不同："
        if language == "zh"
        else "Computed again from the same law and facts, these amounts differ from the settlement:"
    )
    lines = [
        f"  {_name(one.name, language)}: {yuan(one.settled)} → {yuan(one.again)}"
        for one in differences
    ]
    return "\n".join([head, *lines])


def _name(name: str, language: Language) -> str:
    return _DIFFERENCE.get(name, name) if language == "zh" else name
