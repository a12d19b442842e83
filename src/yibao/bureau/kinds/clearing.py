"""Clearing by a clerk: review, payment, confirmation, advances, retention."""

from collections.abc import Mapping
from typing import Any

from yibao.bureau import fields
from yibao.bureau.model import Field, Kind, Office, Proposal
from yibao.clearing import service as clearing
from yibao.clearing.payments.model import PayeeAccount
from yibao.clearing.review.model import Deduction, ReviewApplication
from yibao.clearing.terms import check_rate
from yibao.kernel.money import rate_from_text, yuan
from yibao.platform.commands.model import Unit

Content = Mapping[str, Any]
Told = Mapping[str, Any]


def _amount_from_zero(value: str) -> str:
    """Yuan, zero or more."""
    parsed = fields.amount(value)
    if fields.fen(parsed) < 0:
        raise ValueError("金额不能小于零")
    return parsed


def _rate(value: str) -> str:
    """A share between 0 and 1."""
    try:
        rate = rate_from_text(value.strip())
    except (ArithmeticError, ValueError):
        raise ValueError(f"应为0与1之间的比例，如 0.05，不能是 {value!r}") from None
    check_rate(rate)
    return rate.text()


def _year(value: str) -> int:
    """A year: 2026."""
    year = fields.whole_number(value)
    if not 2000 <= year <= 2099:
        raise ValueError(f"应为年份，如 2026，不能是 {value!r}")
    return year


def _file(value: str) -> str:
    """The bank's file as it is; it names no people."""
    if not value.strip():
        raise ValueError("不能为空")
    return value


_DEDUCTION = (
    Field("amount", "扣款金额", fields.positive_amount),
    Field("reason", "扣款原因", fields.text),
    Field("settlement", "结算ID", fields.key, required=False),
)
_APPLICATION = Field("application", "清算申请编号", fields.key)
_POOL = Field("pool", "统筹区", fields.pool)
_INSTITUTION = Field("institution", "医药机构编号", fields.text)
_BY_APPLICATION = fields.pool_of_key("application")


# ------------------------------------------------------------------------------------------ review


async def _review(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Told:
    del office
    rate = content.get("retention_rate")
    review = await clearing.approve(
        unit,
        ReviewApplication(
            fields.read_key(content["application"]),
            proposal.proposed_by,
            tuple(_deduction(row) for row in content.get("deductions", ())),
            None if rate is None else rate_from_text(rate),
            fields.fen(content.get("set_off", "0")),
        ),
    )
    granted = review.granted
    doubted = await clearing.paid_on_paper_of(unit.connection, review)
    return {
        "institution": review.institution,
        "month": review.month,
        "claimed": yuan(granted.claimed),
        "deducted": yuan(granted.deducted),
        "retention_rate": granted.retention_rate.text(),
        "withheld": yuan(granted.withheld),
        "payable": yuan(granted.payable),
        "set_off": yuan(granted.set_off),
        "due": yuan(granted.due),
        "paid_on_paper": [
            {"settlement": one.bill.settlement.text(), "paper": one.paper.settlement.text()}
            for one in doubted
        ],
    }


def _deduction(row: Content) -> Deduction:
    settlement = row.get("settlement")
    key = None if settlement is None else fields.read_key(settlement)
    return Deduction(fields.fen(row["amount"]), row["reason"], key)


async def _refuse(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Told:
    del office
    given_back = await clearing.refuse(
        unit, fields.read_key(content["application"]), proposal.reason, proposal.proposed_by
    )
    return {"institution": given_back.institution, "application": content["application"]}


# ----------------------------------------------------------------------------------------- payment


async def _account(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Told:
    reference = await office.references.current(unit.connection)
    account = PayeeAccount(content["payee"], content["holder"], content["account"], content["bank"])
    kept = await clearing.keep_account(
        unit, office.vault, reference.directory, account, proposal.proposed_by
    )
    return {"payee": kept.payee, "bank": kept.bank, "account_ends_in": kept.account[-4:]}


async def _pay(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Told:
    made = await clearing.make_run(
        unit, office.vault, content["bank"], content.get("payees"), proposal.proposed_by
    )
    return {
        "run": made.run.key.text(),
        "bank": made.run.bank,
        "lines": len(made.run.payments),
        "amount": yuan(made.run.amount),
        "without_account": list(made.without_account),
        "left_over": made.left_over,
    }


async def _confirm(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Told:
    done = await clearing.confirm(
        unit, office.vault, content["file"].encode(), proposal.proposed_by
    )
    return {
        "run": done.run.text(),
        "lines": done.lines,
        "paid": yuan(done.paid),
        "rejected": yuan(done.rejected),
        "waiting": done.waiting,
    }


# --------------------------------------------------------------------------- advances and retention


async def _advance(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Told:
    reference = await office.references.current(unit.connection)
    advance = await clearing.grant(
        unit,
        reference.directory,
        content["institution"],
        fields.fen(content["amount"]),
        proposal.reason,
        proposal.proposed_by,
    )
    return {"advance": advance.key.text(), "amount": yuan(advance.amount)}


async def _release(unit: Unit, office: Office, content: Content, proposal: Proposal) -> Told:
    reference = await office.references.current(unit.connection)
    assessment = await clearing.assess(
        unit,
        reference.directory,
        content["institution"],
        content["year"],
        fields.fen(content.get("forfeited", "0")),
        proposal.reason,
        proposal.proposed_by,
    )
    return {
        "assessment": assessment.key.text(),
        "withheld": yuan(assessment.withheld),
        "released": yuan(assessment.released),
        "forfeited": yuan(assessment.forfeited),
    }


KINDS: tuple[Kind, ...] = (
    Kind(
        "clearing.review",
        "清算审核通过",
        (
            _APPLICATION,
            Field("deductions", "审核扣款", fields.rows(_DEDUCTION), required=False),
            Field("retention_rate", "质量保证金比例", _rate, required=False),
            Field("set_off", "冲抵预付金", _amount_from_zero, required=False),
        ),
        _review,
        _BY_APPLICATION,
    ),
    Kind("clearing.refuse", "清算审核不通过", (_APPLICATION,), _refuse, _BY_APPLICATION),
    Kind(
        "clearing.account",
        "收款账户登记",
        (
            _POOL,
            Field("payee", "收款方（机构编号或人员编号）", fields.text),
            Field("holder", "户名", fields.text),
            Field("account", "账号", fields.text),
            Field("bank", "开户行", fields.text),
        ),
        _account,
        fields.pool_named,
    ),
    Kind(
        "clearing.pay",
        "拨付",
        (
            _POOL,
            Field("bank", "付款账户", fields.text),
            Field("payees", "收款方（逗号分隔，空为全部）", fields.words, required=False),
        ),
        _pay,
        fields.pool_named,
    ),
    Kind(
        "clearing.confirm",
        "银行回盘",
        (_POOL, Field("file", "回盘文件", _file)),
        _confirm,
        fields.pool_named,
    ),
    Kind(
        "clearing.advance",
        "预付金拨付",
        (_POOL, _INSTITUTION, Field("amount", "金额", fields.positive_amount)),
        _advance,
        fields.pool_named,
    ),
    Kind(
        "clearing.release_retention",
        "质量保证金年度考核",
        (
            _POOL,
            _INSTITUTION,
            Field("year", "年度", _year),
            Field("forfeited", "扣留金额", _amount_from_zero, required=False),
        ),
        _release,
        fields.pool_named,
    ),
)
