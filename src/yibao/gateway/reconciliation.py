"""An institution's books against ours (对总账、对明细账): 3201, 3202."""

import asyncio
from collections.abc import Mapping
from typing import Any

from yibao.gateway.context import Call
from yibao.gateway.dispatch import transaction
from yibao.gateway.reading import Row
from yibao.gateway.rendering import shaped
from yibao.gateway.writing import moment
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.money import yuan
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.files import service as files
from yibao.policy.terms import Scheme
from yibao.registry.dictionaries import service as dictionaries
from yibao.settlement.reconciliation import service as reconciliation
from yibao.settlement.reconciliation.model import (
    CompareLines,
    CompareTotals,
    Figures,
    Span,
    Statement,
)

_NOT_COUNTED = "0"
"""``refd_setl_flag``: cancellations are left out; without the flag they count."""


@transaction("3201")
async def compare_totals(call: Call) -> Any:
    """Compare the sums of a span of days (对总账)."""
    data = call.input["data"]
    theirs = Figures(
        data["fixmedins_setl_cnt"],
        data["medfee_sumamt"],
        data["fund_pay_sumamt"],
        data["acct_pay"],
    )
    statement = await _perform(call, CompareTotals(call.institution.code, _span(data), theirs))
    values = {
        "setl_optins": statement.span.office,
        "stmt_rslt": statement.result.value,
        "stmt_rslt_dscr": statement.description,
    }
    return {"stmtinfo": shaped("3201", "stmtinfo", values)}


@transaction("3202")
async def compare_lines(call: Call) -> Any:
    """Compare settlement by settlement with the file that 9101 took (对明细账)."""
    data = call.input["data"]
    span = _span(data)
    async with call.context.database.reader([call.institution.code]) as connection:
        facts = await files.find(connection, data["file_qury_no"], call.received)
        content = await files.content_of(connection, call.context.vault, facts)
    lines = await asyncio.to_thread(lambda: reconciliation.read_lines(files.the_text_in(content)))
    _warn_of_other_sums(call, data, reconciliation.sum_of_lines(lines))
    name = f"{call.institution.code}_{span.first_day:%Y%m%d}_{span.last_day:%Y%m%d}_rslt.zip"
    in_funds = call.dialect.answers.account_in_funds
    statement = await _perform(
        call, CompareLines(call.institution.code, span, lines, name, in_funds)
    )
    assert statement.answer is not None, "a comparison of lines has an answer"
    async with call.context.database.reader([call.institution.code]) as connection:
        answer = await files.find(connection, statement.answer.text(), call.received)
    values = {
        "file_qury_no": answer.key.text(),
        "filename": answer.name,
        "dld_endtime": moment(answer.expires_at),
    }
    return {"fileinfo": shaped("3202", "fileinfo", values)}


def _span(data: Row) -> Span:
    """What the message asks about."""
    scheme = _listed(data, "insutype", "险种")
    return Span(
        first_day=data["stmt_begndate"],
        last_day=data["stmt_enddate"],
        office=data["setl_optins"],
        scheme=None if scheme is None else Scheme(scheme),
        clearing_class=_listed(data, "clr_type", "清算类别"),
        with_refunds=data.get("refd_setl_flag") != _NOT_COUNTED,
    )


def _listed(data: Row, name: str, label: str) -> str | None:
    """A code that is on the list: one that nobody uses would only be told that we have nothing."""
    value: str | None = data.get(name)
    table = dictionaries.table(name)
    if value is not None and table is not None and table.find(value) is None:
        raise Refused(
            RefusalCode.CODE_UNKNOWN, f"data.{name}（{label}）{value} 不存在", f"data.{name}"
        )
    return value


def _warn_of_other_sums(call: Call, data: Row, sums: Figures) -> None:
    """The file is what is compared; sums of the message that are not its sums are worth a word."""
    differing = [
        f"{name}报文{sent}文件{counted}"
        for name, sent, counted in (
            ("笔数", str(data["fixmedins_setl_cnt"]), str(sums.count)),
            ("医疗费总额", yuan(data["medfee_sumamt"]), yuan(sums.total)),
            ("基金支付总额", yuan(data["fund_pay_sumamt"]), yuan(sums.funds)),
        )
        if sent != counted
    ]
    if differing:
        call.progress.warning = "报文合计与明细文件合计不一致：" + "；".join(differing)


async def _perform(call: Call, request: CompareTotals | CompareLines) -> Statement:
    async def recall(reference: Mapping[str, Any]) -> Statement:
        async with call.context.database.reader([call.institution.code]) as connection:
            return await reconciliation.recall_statement(connection, reference)

    statement: Statement = await call.perform(
        NO_PERSON_POOL, call.institution.code, request, recall
    )
    return statement
