"""Money paid ahead comes back by set-off; what is kept back is released or forfeited."""

import pytest

from tests.clearing.builders import Month
from tests.settlement.builders import FOREIGN, TERTIARY
from yibao.kernel.refusals import RefusalCode, Refused


async def test_an_advance_is_paid_by_the_run_and_set_off_by_a_review(month: Month) -> None:
    await month.do("clearing.advance", institution=TERTIARY, amount="100.00")
    assert (await month.balances())["advanced"] == -10000
    await month.name_account()
    await month.confirm(await month.pay())
    assert await month.balance("bank:测试专户") == 10000
    result = await month.granted("5000", set_off="60.00", retention_rate="0")
    held = await month.balances()
    assert held["advanced"] == -4000
    assert held["payable"] == int(result["claimed"].replace(".", "")) - 6000
    assert result["due"] == f"{held['payable'] / 100:.2f}"


@pytest.mark.parametrize(("set_off", "word"), [("100.01", "未冲抵"), ("99999", "审核应付")])
async def test_no_more_is_set_off_than_there_is(month: Month, set_off: str, word: str) -> None:
    await month.do("clearing.advance", institution=TERTIARY, amount="100")
    await month.bill("5000")
    month.end()
    with pytest.raises(Refused) as refused:
        await month.review(await month.apply(), set_off=set_off)
    assert refused.value.refusal.code is RefusalCode.AMOUNT_EXCEEDS
    assert word in refused.value.refusal.message


async def test_an_institution_of_another_pool_is_not_paid_ahead(month: Month) -> None:
    with pytest.raises(Refused) as refused:
        await month.do("clearing.advance", institution=FOREIGN, amount="1")
    assert refused.value.refusal.code is RefusalCode.AREA_DIFFERS


async def test_the_years_assessment_releases_what_is_not_forfeited(month: Month) -> None:
    await month.granted("5000", retention_rate="0.1")
    before = await month.balances()
    result = await month.do(
        "clearing.release_retention", institution=TERTIARY, year="2026", forfeited="1.00"
    )
    after = await month.balances()
    assert (after["withheld"], after["deducted"]) == (0, 100)
    assert after["payable"] == before["payable"] + before["withheld"] - 100
    assert result["forfeited"] == "1.00"
    with pytest.raises(Refused) as refused:
        await month.do("clearing.release_retention", institution=TERTIARY, year="2026")
    assert refused.value.refusal.code is RefusalCode.NOTHING_TO_PAY
    assert await month.town.faults() == []


async def test_no_more_is_forfeited_than_was_kept_back(month: Month) -> None:
    await month.granted("5000", retention_rate="0.1")
    with pytest.raises(Refused) as refused:
        await month.do(
            "clearing.release_retention", institution=TERTIARY, year="2026", forfeited="99999"
        )
    assert refused.value.refusal.code is RefusalCode.AMOUNT_EXCEEDS
