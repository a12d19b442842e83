"""A stay in a simulated hospital's hands: what it sends, seen by a platform that says yes."""

from collections.abc import AsyncIterator
from datetime import timedelta
from random import Random

import pytest

from tests.client.test_connection import platform
from tests.sandbox.builders import endpoint
from tests.sandbox.yes_sayer import PATIENT, YesSayer
from yibao.client import Client, NotDone
from yibao.kernel.money import PRICE_SCALE, QUANTITY_SCALE
from yibao.sandbox.books import Books
from yibao.sandbox.desk import Charge, Desk, PriceListEntry, now
from yibao.sandbox.encounters import CHECKUP
from yibao.sandbox.line import NO_TROUBLES, Line
from yibao.sandbox.stay import LINES_A_MESSAGE, Ordered, Stay

DRIP = Charge(PriceListEntry("X1", "静脉输液", 0), 2 * 10**QUANTITY_SCALE, 10 * 10**PRICE_SCALE)
"""Two drips of 10.00."""


@pytest.fixture
def yes() -> YesSayer:
    """The platform."""
    return YesSayer()


@pytest.fixture
async def desk(yes: YesSayer) -> AsyncIterator[Desk]:
    """A hospital's desk with a line to it."""
    async with platform(yes.answer) as url, Client(endpoint(url)) as client:
        line = Line(client, Random(1), NO_TROUBLES)
        yield Desk(line, Books(), "l3", Random(1), lambda _: None)


async def admitted(desk: Desk, days_ago: int = 3) -> Stay:
    return await Stay.admit(desk, PATIENT, "Z1", CHECKUP, now() - timedelta(days=days_ago))


async def test_more_lines_than_a_message_holds_go_in_several(desk: Desk, yes: YesSayer) -> None:
    stay = await admitted(desk)
    await stay.charge([Ordered(DRIP, day=0)] * (2 * LINES_A_MESSAGE + 1))
    sent = [message["feedetail"] for message in yes.sent("2301")]
    assert [len(lines) for lines in sent] == [LINES_A_MESSAGE, LINES_A_MESSAGE, 1]
    serials = [line["feedetl_sn"] for lines in sent for line in lines]
    assert len(set(serials)) == len(serials)
    assert desk.books.faults == []


async def test_fees_fall_on_their_day_and_never_after_now(desk: Desk, yes: YesSayer) -> None:
    stay = await admitted(desk, days_ago=3)
    await stay.charge([Ordered(DRIP, day=0), Ordered(DRIP, day=2), Ordered(DRIP, day=9)])
    first, third, late = [line["fee_ocur_time"] for line in yes.sent("2301")[0]["feedetail"]]
    assert first[:10] == f"{stay.begin:%Y-%m-%d}"
    assert third[:10] == f"{stay.begin + timedelta(days=2):%Y-%m-%d}"
    assert late <= f"{now():%Y-%m-%d %H:%M:%S}"


async def test_a_return_is_one_piece_of_a_line_that_was_charged(desk: Desk, yes: YesSayer) -> None:
    stay = await admitted(desk)
    await stay.charge([Ordered(DRIP, day=0)])
    await stay.give_back()
    [charged], [back] = (message["feedetail"] for message in yes.sent("2301"))
    assert back["init_feedetl_sn"] == charged["feedetl_sn"]
    assert back["feedetl_sn"] != charged["feedetl_sn"]
    assert (float(back["cnt"]), back["det_item_fee_sumamt"]) == (-1, "-10.00")
    await stay.settle()
    assert yes.sent("2304")[0]["data"]["medfee_sumamt"] == "10.00"


async def test_the_last_bill_is_of_what_the_interim_one_left(desk: Desk, yes: YesSayer) -> None:
    stay = await admitted(desk)
    await stay.charge([Ordered(DRIP, day=0), Ordered(DRIP, day=0)])
    await stay.settle(interim=True)
    await stay.charge([Ordered(DRIP, day=1)])
    await stay.settle()
    interim, last = [message["data"] for message in yes.sent("2304")]
    assert (interim["mid_setl_flag"], interim["medfee_sumamt"]) == ("1", "40.00")
    assert (last["mid_setl_flag"], last["medfee_sumamt"]) == ("0", "20.00")
    assert [message["data"] for message in yes.sent("2303")] == [interim, last]


async def test_who_lay_elsewhere_is_admitted_as_of_now(desk: Desk, yes: YesSayer) -> None:
    yes.refuses = ["2401"]
    stay = await admitted(desk, days_ago=3)
    begins = [message["mdtrtinfo"]["begntime"][:10] for message in yes.sent("2401")]
    assert begins == [f"{now() - timedelta(days=3):%Y-%m-%d}", f"{now():%Y-%m-%d}"]
    assert stay.begin.date() == now().date()


async def test_who_is_refused_again_is_not_admitted(desk: Desk, yes: YesSayer) -> None:
    yes.refuses = ["2401", "2401"]
    with pytest.raises(NotDone):
        await admitted(desk)
