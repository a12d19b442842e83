"""A review divides a claim to the fen, closes the month, and is made once."""

import json
from datetime import date

import pytest

from tests.clearing.builders import LAST_DAY, Month, key_of
from tests.settlement.builders import CLINIC, POOL, TERTIARY
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement.clearing import service as applications
from yibao.settlement.clearing.model import ApplicationState, WithdrawApplication


async def test_a_claim_becomes_payable_and_withheld(month: Month) -> None:
    result = await month.granted("5000", "3000", retention_rate="0.05")
    held = await month.balances()
    assert held["claimed"] == 0, "what is cleared is claimed no more"
    assert held["withheld"] > 0
    assert held["payable"] + held["withheld"] == _fen(result["claimed"])
    assert await month.town.faults() == []


async def test_the_retention_is_a_share_of_the_funds_alone(month: Month) -> None:
    await month.bill("5000")
    month.end()
    application = await month.apply()
    assert application.figures.account == 10000
    await month.review(application, retention_rate="0.1")
    assert (await month.balances())["withheld"] == application.figures.funds // 10


async def test_the_terms_of_the_pool_tell_the_rate_that_nobody_named(month: Month) -> None:
    assert (await month.granted("5000"))["retention_rate"] == "0.05"


async def test_deductions_stay_in_the_fund_with_their_reasons(month: Month) -> None:
    bill = await month.bill("5000")
    month.end()
    rows = [
        {"amount": "12.34", "reason": "超限制范围用药", "settlement": bill.key.text()},
        {"amount": "1", "reason": "病历缺失"},
    ]
    result = await month.review(
        await month.apply(), deductions=json.dumps(rows), retention_rate="0"
    )
    assert result["deducted"] == "13.34"
    held = await month.balances()
    assert (held["deducted"], held["payable"]) == (1334, _fen(result["claimed"]) - 1334)


@pytest.mark.parametrize(
    ("rows", "code", "word"),
    [
        ([{"amount": "999999", "reason": "过大"}], RefusalCode.AMOUNT_EXCEEDS, "扣款合计999999.00"),
        (
            [{"amount": "1", "reason": "别处", "settlement": f"{POOL}{1:019d}"}],
            RefusalCode.SETTLEMENT_UNKNOWN,
            "不在该清算申请之内",
        ),
    ],
)
async def test_a_deduction_beyond_what_there_is_is_refused(
    month: Month, rows: list[dict[str, str]], code: RefusalCode, word: str
) -> None:
    await month.bill("5000")
    month.end()
    application = await month.apply()
    before = await month.balances()
    with pytest.raises(Refused) as refused:
        await month.review(application, deductions=json.dumps(rows))
    assert refused.value.refusal.code is code
    assert word in refused.value.refusal.message
    assert await month.balances() == before
    assert await month.town.rows("clearing.visible_review") == 0


async def test_a_bill_gives_up_no_more_than_it_claims(month: Month) -> None:
    small = await month.bill("50")
    await month.bill("5000")
    month.end()
    rows = [{"amount": "50.01", "reason": "不合规", "settlement": small.key.text()}]
    with pytest.raises(Refused) as refused:
        await month.review(await month.apply(), deductions=json.dumps(rows))
    assert "超过该笔应付50.00" in refused.value.refusal.message


async def test_a_month_is_reviewed_once_and_then_closed(month: Month) -> None:
    await month.bill("5000")
    month.end()
    application = await month.apply()
    async with month.town.database.reader(None) as connection:
        assert not await applications.is_cleared(connection, TERTIARY, LAST_DAY, "11")
    await month.review(application)
    async with month.town.database.reader(None) as connection:
        assert await applications.is_cleared(connection, TERTIARY, LAST_DAY, "11")
        assert await applications.is_cleared(connection, TERTIARY, LAST_DAY)
        assert not await applications.is_cleared(connection, TERTIARY, LAST_DAY, "21")
        assert not await applications.is_cleared(connection, TERTIARY, date(2026, 8, 1), "11")
        assert not await applications.is_cleared(connection, CLINIC, LAST_DAY, "11")
    with pytest.raises(Refused) as refused:
        await month.review(application)
    assert refused.value.refusal.code is RefusalCode.CLEARING_DECIDED
    withdrawn = await month.send(WithdrawApplication(TERTIARY, application.key))
    assert getattr(withdrawn, "code", None) is RefusalCode.CLEARING_DECIDED


async def test_an_application_that_was_given_back_is_made_anew(month: Month) -> None:
    await month.bill("5000")
    month.end()
    first = await month.apply()
    await month.do("clearing.refuse", application=first.key.text())
    again = await month.apply()
    assert (first.state, again.key != first.key) == (ApplicationState.APPLIED, True)
    await month.review(again)
    assert (await month.balances())["claimed"] == 0


async def test_spans_that_share_a_day_are_refused(month: Month) -> None:
    await month.bill("5000")
    month.end()
    await month.apply()
    month.end()
    asked = await month.application(
        month="202608", first_day=date(2026, 7, 15), last_day=date(2026, 8, 14)
    )
    outcome = await month.send(asked)
    assert getattr(outcome, "code", None) is RefusalCode.CLEARING_EXISTS


async def test_books_that_changed_since_are_not_granted(month: Month) -> None:
    bill = await month.bill("5000")
    month.end()
    application = await month.apply()
    async with month.town.database.owner() as connection:
        await connection.execute(
            """INSERT INTO platform.message
                   (pool, key, transaction, subject, digest, outcome, reference, recorded_at)
               VALUES ($1, platform.message_key($2, '2601', 'late'), '2601', $3, '', 'done', '{}',
                       now())""",
            POOL, TERTIARY, bill.member,
        )  # fmt: skip
        await connection.execute(
            """INSERT INTO settlement.settlement
               SELECT (jsonb_populate_record(settlement, jsonb_build_object(
                   'id', settlement.id + 1, 'kind', 'cancellation', 'mirrors', settlement.id,
                   'message_id', 'late'))).* FROM settlement.settlement AS settlement
               WHERE id = $1""",
            bill.key.number,
        )
    with pytest.raises(Refused) as refused:
        await month.review(application)
    assert refused.value.refusal.code is RefusalCode.FIGURES_DIFFER


async def test_an_unknown_application_is_named(month: Month) -> None:
    unknown = key_of(f"{POOL}{7:019d}").text()
    with pytest.raises(Refused) as refused:
        await month.do("clearing.review", application=unknown)
    assert refused.value.refusal.code is RefusalCode.CLEARING_UNKNOWN


def _fen(yuan: str) -> int:
    return int(yuan.replace(".", ""))
