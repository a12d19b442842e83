"""The way of a stay through the room, over a real database."""

from dataclasses import replace
from datetime import timedelta

import pytest

from tests.settlement.builders import (
    CLASS_B,
    OTHER_TERTIARY,
    TERTIARY,
    Town,
    key_of,
    stay_line,
)
from yibao.kernel.refusals import RefusalCode as Code
from yibao.settlement.model import (
    CancelAdmission,
    ReopenStay,
    VisitKind,
    VisitState,
    WithdrawLines,
)


async def test_a_stay_is_admitted_charged_discharged_and_settled(town: Town) -> None:
    member = await town.insure()
    stay = await town.admit(member, days_ago=5)
    assert (stay.kind, stay.end, stay.details) == (VisitKind.STAY, None, {"adm_bed": "8"})
    (line,) = await town.do(town.upload(stay, stay_line("1", "5000")))
    assert line.line.batch == "stay-1"
    discharged = await town.do(town.discharge(stay))
    assert discharged.end == town.clock.now()
    request = town.stay_settlement(stay, "5000")
    tried = await town.trial(request)
    settled = await town.do(request)
    # 1300 deductible of the first stay, then 85 % of 3700 at level 3
    assert (settled.deductible, settled.funds) == (130000, 314500)
    assert settled.snapshot["days"] == 5
    assert replace(tried, key=settled.key, message_id=settled.message_id, insured=None) == replace(
        settled, insured=None
    )
    assert await town.faults() == []


async def test_the_second_stay_of_the_year_has_half_the_deductible(town: Town) -> None:
    member = await town.insure()
    await town.stayed(member, "5000", days=9)
    town.clock.set(town.clock.now() + timedelta(days=30))
    assert (await town.stayed(member, "5000", days=9)).deductible == 65000


async def test_interim_settlements_pay_the_deductible_once(town: Town) -> None:
    member = await town.insure()
    stay = await town.admit(member, days_ago=5)
    await town.do(town.upload(stay, stay_line("1", "1000")))
    first = await town.do(town.stay_settlement(stay, "1000", interim=True))
    (line,) = await town.do(town.upload(stay, stay_line("2", "4000")))
    assert line.line.batch == "stay-2"
    await town.do(town.discharge(stay))
    second = await town.do(town.stay_settlement(stay, "4000"))
    whole = await town.stayed(await town.insure(), "5000")
    assert first.deductible + second.deductible == whole.deductible == 130000
    assert first.funds + second.funds == whole.funds
    assert (first.interim, second.interim) == (True, False)
