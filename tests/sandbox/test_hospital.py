"""A simulated hospital's inpatients: whatever happens to them, they go home with a bill."""

from datetime import datetime
from itertools import pairwise
from random import Random

import pytest

from tests.client.test_connection import platform
from tests.sandbox.builders import endpoint
from tests.sandbox.yes_sayer import PATIENT, YesSayer
from yibao.client import Client
from yibao.kernel.money import PRICE_SCALE
from yibao.kernel.periods import CHINA_TIME
from yibao.sandbox.books import Kind
from yibao.sandbox.desk import PriceListEntry
from yibao.sandbox.encounters import item_names
from yibao.sandbox.hospital import Hospital, admitted_at
from yibao.sandbox.line import NO_TROUBLES

STAYS = 60
PRICES = [PriceListEntry(name, name, 10 * 10**PRICE_SCALE) for name in item_names()]


async def test_every_stay_ends_with_a_discharge_and_a_bill_that_lives() -> None:
    yes = YesSayer()
    async with platform(yes.answer) as url, Client(endpoint(url)) as client:
        hospital = Hospital(client, PRICES, level="l2", random=Random(2), troubles=NO_TROUBLES)
        for _ in range(STAYS):
            await hospital.take_in(PATIENT)
    assert hospital.seen == {Kind.STAY: STAYS}
    assert hospital.books.faults == []
    in_vain = len(yes.sent("2404"))
    final = [m["data"] for m in yes.sent("2304") if m["data"]["mid_setl_flag"] == "0"]
    visits = {message["mdtrt_id"] for message in final}
    assert len(visits) == STAYS - in_vain
    assert {key.visit for key in hospital.books.living} >= visits
    assert len(yes.sent("2402")) == len(visits) + len(yes.sent("2405"))
    order = [number for number, _ in yes.seen if number in ("2402", "2405", "2401")]
    assert all(pair != ("2405", "2401") for pair in pairwise(order))
    assert order[-1] == "2402", "nobody stays behind"
    for number in ("2301", "2305", "2403", "2404", "2405"):
        assert yes.sent(number), f"{number} happens now and then"


@pytest.mark.parametrize("day", [1, 2, 20])
def test_a_stay_does_not_begin_in_another_year(day: int) -> None:
    today = datetime(2026, 1, day, 9, tzinfo=CHINA_TIME)
    begin = admitted_at(PATIENT, today)
    assert begin.year == 2026
    assert begin <= today


def test_two_stays_of_one_patient_on_one_day_would_begin_together() -> None:
    morning, evening = (datetime(2026, 8, 15, hour, tzinfo=CHINA_TIME) for hour in (9, 20))
    first, second = admitted_at(PATIENT, morning), admitted_at(PATIENT, evening)
    assert first.date() == second.date() < morning.date()
