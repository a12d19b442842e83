"""A month is applied for with our very figures, once, and withdrawn while nobody decided."""

from datetime import timedelta
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY, TERTIARY
from yibao.settlement.clearing.model import ApplicationState
from yibao.settlement.clearing.service import applications

FIGURES = {
    "psntime": 1,
    "medfee_sumamt": "2010.00",
    "med_sumfee": "2009.00",
    "fund_appy_sum": "146.30",
    "cash_payamt": "1363.70",
    "acct_pay": "500.00",
}
"""Of the one bill that stands at the end of July."""


def application(**changes: Any) -> Json:
    """``input`` of 3203 for July."""
    data = {
        "clr_type": "11",
        "clr_way": "1",
        "setlym": "202607",
        "begndate": "2026-07-01",
        "enddate": "2026-07-31",
    }
    return {"data": data | FIGURES | changes}


@pytest.fixture
async def august(counter: Counter) -> Counter:
    """A counter in August, after a July with a bill and another that was cancelled."""
    for prices, cancelled in (
        ((("XA01", "2000"), ("XB01", "10")), False),
        ((("XA01", "9"),), True),
    ):
        member = await counter.town.insure(account="500")
        visit = await counter.open_visit(member)
        priced = await counter.charge(member, visit, *prices)
        output = await counter.done("2207", counter.settlement(member, visit, priced))
        if cancelled:
            settlement = output["setlinfo"]["setl_id"]
            named = {"psn_no": member, "mdtrt_id": visit, "setl_id": settlement}
            await counter.done("2208", {"data": named})
    counter.town.clock.move(timedelta(days=20))
    return counter


async def apply(counter: Counter, **changes: Any) -> str:
    """Apply for July; the application's number."""
    output = await counter.done("3203", application(**changes))
    number: str = output["result"]["clr_appy_evt_id"]
    return number


def withdrawal(number: str) -> Json:
    """``input`` of 3204."""
    return {"data": {"clr_appy_evt_id": number}}


async def states(counter: Counter) -> list[ApplicationState]:
    """How far the tertiary hospital's applications have come."""
    async with counter.town.database.reader([TERTIARY]) as connection:
        return [one.state for one in await applications(connection, TERTIARY, "202607")]


async def test_a_month_is_applied_for_and_can_be_read_again(august: Counter) -> None:
    number = await apply(august)
    async with august.town.database.reader([TERTIARY]) as connection:
        (found,) = await applications(connection, TERTIARY)
    assert found.key.text() == number
    assert found.state is ApplicationState.APPLIED
    assert (found.figures.visits, found.figures.total, found.figures.funds) == (1, 201000, 14630)
    async with august.town.database.reader([OTHER_TERTIARY]) as connection:
        assert await applications(connection, TERTIARY) == []


async def test_figures_that_need_not_be_sent_need_not_be_sent(august: Counter) -> None:
    assert await apply(august, psntime=None, med_sumfee=None, clr_way=None)


async def test_the_recognised_fee_may_be_the_whole(august: Counter) -> None:
    assert await apply(august, med_sumfee="2010.00")


@pytest.mark.parametrize("name", FIGURES)
async def test_another_figure_is_refused_with_both(august: Counter, name: str) -> None:
    code, text = await august.refused("3203", application(**{name: 7}))
    assert code == 6012
    assert name in text
    assert f"平台{FIGURES[name]}" in text
    assert await states(august) == []


async def test_a_month_is_applied_for_once(august: Counter) -> None:
    message = august.message_id()
    first = await august.done("3203", application(), message=message)
    assert await august.done("3203", application(), message=message) == first
    code, text = await august.refused("3203", application())
    assert code == 6021
    assert first["result"]["clr_appy_evt_id"] in text


async def test_an_application_is_withdrawn_and_made_anew(august: Counter) -> None:
    number = await apply(august)
    await august.done("3204", withdrawal(number))
    assert await states(august) == [ApplicationState.WITHDRAWN]
    code, text = await august.refused("3204", withdrawal(number))
    assert (code, "已撤销" in text) == (6022, True)
    await apply(august)
    assert await states(august) == [ApplicationState.WITHDRAWN, ApplicationState.APPLIED]


@pytest.mark.parametrize("state", ["approved", "refused"])
async def test_a_decided_application_stays(august: Counter, state: str) -> None:
    number = await apply(august)
    async with august.town.database.owner() as connection:
        await connection.execute("UPDATE settlement.clearing_application SET state = $1", state)
    assert (await august.refused("3204", withdrawal(number)))[0] == 6022


async def test_nobody_withdraws_another_institutions_application(august: Counter) -> None:
    number = await apply(august)
    august.institution = OTHER_TERTIARY
    for wrong in (number, "nonsense", "000000" + "9" * 18 + "0"):
        code, text = await august.refused("3204", withdrawal(wrong))
        assert (code, "clr_appy_evt_id" in text) == (6020, True)
    assert (await august.refused("3204", {"data": {}}))[0] == 1010
    assert await states(august) == [ApplicationState.APPLIED]


async def test_bad_applications_are_refused(august: Counter) -> None:
    for changes, code, word in (
        ({"clr_type": None}, 1010, "clr_type"),
        ({"clr_type": "99"}, 4010, "clr_type"),
        ({"setlym": None}, 1010, "setlym"),
        ({"setlym": "202613"}, 6010, "setlym"),
        ({"setlym": "2026-07"}, 1011, "setlym"),
        ({"setlym": "202606"}, 6010, "202606"),
        ({"fund_appy_sum": None}, 1010, "fund_appy_sum"),
        ({"fund_appy_sum": "1.001"}, 1012, "fund_appy_sum"),
        ({"enddate": "2026-06-30"}, 6010, "一个月"),
        ({"begndate": "2026-06-30"}, 6010, "一个月"),
        ({"begndate": "2026-08-01", "enddate": "2026-08-31", "setlym": "202608"}, 6010, "尚未"),
        ({"begndate": "x"}, 1012, "begndate"),
    ):
        refused, text = await august.refused("3203", application(**changes))
        assert (refused, word in text) == (code, True), (changes, refused, text)
    assert await states(august) == []
