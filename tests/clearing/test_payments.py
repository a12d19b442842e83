"""What is due goes into transit by one file, and leaves the bank by the bank's own answer."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.clearing.builders import ACCOUNT, Month, run_account
from tests.settlement.builders import CLINIC, POOL, TERTIARY
from yibao.clearing import service as clearing
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import (
    Entry,
    Occasion,
    OccasionKind,
    Posting,
    fund_account,
    owed_account,
)
from yibao.platform.crypto_sm import sm3


async def test_a_run_pays_what_is_due_and_the_bank_confirms_it(month: Month) -> None:
    await month.granted("5000")
    due = (await month.balances())["payable"]
    await month.name_account()
    run = await month.pay()
    assert [(p.payee.name, p.amount) for p in run.payments] == [(TERTIARY, due)]
    assert (await month.balances())["payable"] == 0
    assert await month.balance(run_account(run)) == due
    result = await month.confirm(run)
    assert (result["rejected"], result["waiting"]) == ("0.00", 0)
    assert await month.balance(run_account(run)) == 0
    assert await month.balance("bank:测试专户") == due
    assert await month.town.faults() == []


async def test_what_the_bank_rejects_is_due_again(month: Month) -> None:
    await month.granted("5000")
    due = (await month.balances())["payable"]
    await month.name_account()
    run = await month.pay()
    await month.confirm(run, {1: "账号户名不符"})
    assert (await month.balances())["payable"] == due
    assert await month.balance("bank:测试专户") == 0
    async with month.town.database.reader([TERTIARY]) as connection:
        (listed,) = await clearing.payments_of(connection, TERTIARY)
    assert listed.reason == "账号户名不符"
    await month.name_account(account="6200000000000002")
    again = await month.pay()
    assert again.payments[0].to.account == "6200000000000002"
    await month.confirm(again)
    assert await month.balance("bank:测试专户") == due


async def test_a_run_takes_along_what_is_owed_to_persons(month: Month) -> None:
    member = await month.town.insure()
    async with month.bureau.unit(POOL) as unit:
        entries = (Entry(fund_account("310100"), -4321), Entry(owed_account(member), 4321))
        occasion = Occasion(OccasionKind.CLAIM)
        await ledger.post(unit, [Posting(unit.numbers.next(unit.now), unit.day, entries, occasion)])
    await month.name_account(member, holder="测试参保人")
    run = await month.pay()
    assert [(p.payee.is_person, p.amount) for p in run.payments] == [(True, 4321)]
    await month.confirm(run, {1: "销户"})
    assert await month.balance(owed_account(member)) == 4321


async def test_the_file_is_the_same_whenever_it_is_made(month: Month) -> None:
    await month.granted("5000")
    await month.name_account()
    run = await month.pay()
    async with month.town.database.reader(None) as connection:
        name, content = await clearing.bank_file_of(connection, month.town.vault, run.key)
        month.end()
        assert (name, content) == await clearing.bank_file_of(connection, month.town.vault, run.key)
        digest = await connection.fetchval("SELECT digest FROM clearing.visible_run")
    assert name == f"pay-{POOL}-20260804-{run.key.number:019d}.csv"
    assert content.decode().splitlines()[-1].endswith(digest.hex())
    async with month.town.database.reader([TERTIARY]) as connection:
        with pytest.raises(Refused):
            await clearing.bank_file_of(connection, month.town.vault, run.key)


async def test_who_has_no_bank_account_is_left_out_and_told(month: Month) -> None:
    await month.bill("4000", CLINIC)
    await month.granted("5000")
    await month.review(await month.apply(CLINIC))
    await month.name_account()
    result = await month.do("clearing.pay", bank="测试专户")
    assert (result["lines"], result["without_account"]) == (1, [CLINIC])
    with pytest.raises(Refused) as refused:
        await month.do("clearing.pay", bank="测试专户", payees=CLINIC)
    assert refused.value.refusal.code is RefusalCode.PAYEE_UNKNOWN


async def test_nothing_is_paid_twice(month: Month) -> None:
    await month.granted("5000")
    await month.name_account()
    await month.pay()
    for payees in ({}, {"payees": TERTIARY}):
        with pytest.raises(Refused) as refused:
            await month.pay(**payees)
        assert refused.value.refusal.code is RefusalCode.NOTHING_TO_PAY


@pytest.mark.parametrize(
    ("payee", "account", "code"),
    [
        (TERTIARY, "12x", RefusalCode.FIELD_INVALID),
        ("H99999999999", ACCOUNT["account"], RefusalCode.INSTITUTION_UNKNOWN),
        ("43010000000000000001", ACCOUNT["account"], RefusalCode.PAYEE_UNKNOWN),
    ],
)
async def test_an_account_that_cannot_be_paid_is_refused(
    month: Month, payee: str, account: str, code: RefusalCode
) -> None:
    with pytest.raises(Refused) as refused:
        await month.name_account(payee, account=account)
    assert refused.value.refusal.code is code


async def _paid_twice(month: Month) -> Any:
    """A run of two lines."""
    await month.bill("4000", CLINIC)
    await month.granted("5000")
    await month.review(await month.apply(CLINIC))
    await month.name_account()
    await month.name_account(CLINIC)
    return await month.pay()


async def test_a_bank_may_answer_in_parts(month: Month) -> None:
    run = await _paid_twice(month)
    first, second = month.answers(run)
    for lines, waiting in (([second], 1), ([first], 0)):
        content = clearing.confirmation_of(run, lines).decode()
        assert (await month.do("clearing.confirm", file=content))["waiting"] == waiting
    assert await month.balance(run_account(run)) == 0


async def test_a_confirmation_that_does_not_fit_changes_nothing(month: Month) -> None:
    run = await _paid_twice(month)
    first, second = month.answers(run)
    good = clearing.confirmation_of(run, [first, second]).decode()
    end = good.splitlines()[-1]
    body = good.removesuffix(end + "\n")
    _, count, total, checksum = end.split(",")
    other = replace(run, key=run.key._replace(number=run.key.number + 1))
    late = replace(first, banked_on=first.banked_on + timedelta(days=2))
    spoiled = {
        "末行第3列：合计": f"{body}end,{count},1.00,{checksum}\n",
        "末行第2列：笔数": f"{body}end,3,{total},{checksum}\n",
        "末行第4列：校验值": good.replace(TERTIARY, CLINIC, 1),
        "末行": body,
        "表头": good.replace("banked_on", "day", 1).replace(checksum, _sm3(body, "banked_on")),
        "第3行line列：序号1在文件中重复": clearing.confirmation_of(run, [first, first]).decode(),
        "第2行line列：序号9不在该拨付批次中": clearing.confirmation_of(
            run, [replace(first, line=9)]
        ).decode(),
        "第2行amount列：金额0.01与": clearing.confirmation_of(
            run, [replace(first, amount=1)]
        ).decode(),
        "第2行payee列：收款方H0与": clearing.confirmation_of(
            run, [replace(first, payee="H0")]
        ).decode(),
        "没有拨付批次": clearing.confirmation_of(other, [first]).decode(),
        "第2行banked_on列：入账日期": clearing.confirmation_of(run, [late]).decode(),
        "实有0个": clearing.confirmation_of(run, []).decode(),
    }
    before = await month.balances(), await month.balance(run_account(run))
    for word, content in spoiled.items():
        with pytest.raises(Refused) as refused:
            await month.do("clearing.confirm", file=content)
        told = refused.value.refusal.message
        assert word in told, (word, told)
        assert "由银行更正后整份重新提交" in told or word == "没有拨付批次"
    assert (await month.balances(), await month.balance(run_account(run))) == before
    assert await month.town.rows("clearing.visible_payment WHERE result IS NOT NULL") == 0
    await month.do("clearing.confirm", file=good)
    with pytest.raises(Refused) as refused:
        await month.do("clearing.confirm", file=good)
    assert "第2行line列：序号1先前已回盘" in refused.value.refusal.message


def _sm3(body: str, word: str) -> str:
    return sm3(body.replace(word, "day", 1).encode()).hex()
