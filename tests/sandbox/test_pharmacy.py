"""A simulated pharmacy sells drugs alone, each time as a bill of its own."""

from random import Random

import pytest

from tests.client.test_connection import platform
from tests.sandbox.builders import endpoint
from tests.sandbox.yes_sayer import PATIENT, YesSayer
from yibao.client import Client
from yibao.kernel.money import PRICE_SCALE, fen_from_yuan
from yibao.sandbox.books import Amounts, Kind
from yibao.sandbox.desk import PriceListEntry
from yibao.sandbox.encounters import drug_names, item_names
from yibao.sandbox.line import NO_TROUBLES
from yibao.sandbox.pharmacy import Pharmacy

PRICES = [PriceListEntry(name, name, 10 * 10**PRICE_SCALE) for name in item_names()]


@pytest.fixture
def yes() -> YesSayer:
    """The platform."""
    return YesSayer()


async def test_what_is_sold_is_a_drug_and_the_total_is_its_lines(yes: YesSayer) -> None:
    async with platform(yes.answer) as url, Client(endpoint(url)) as client:
        pharmacy = Pharmacy(client, PRICES, level="grass", random=Random(5), troubles=NO_TROUBLES)
        for _ in range(5):
            await pharmacy.sell(PATIENT)
    assert pharmacy.seen == {Kind.PURCHASE: 5}
    sold = yes.sent("2102")
    assert len(sold) >= 5
    for purchase in sold:
        lines = purchase["drugdetail"]
        assert {line["med_list_codg"] for line in lines} <= set(drug_names())
        total = sum(fen_from_yuan(line["det_item_fee_sumamt"]) for line in lines)
        assert fen_from_yuan(purchase["druginfo"]["medfee_sumamt"]) == total
    assert yes.sent("2101") == sold, "the trial is the same message"
    assert pharmacy.books.faults == []


async def test_what_is_brought_back_counts_nothing(yes: YesSayer) -> None:
    async with platform(yes.answer) as url, Client(endpoint(url)) as client:
        pharmacy = Pharmacy(client, PRICES, level="grass", random=Random(5), troubles=NO_TROUBLES)
        for _ in range(100):
            await pharmacy.sell(PATIENT)
    back = {message["data"]["setl_id"] for message in yes.sent("2103")}
    assert back, "somebody brings something back"
    books = pharmacy.books
    assert {key.settlement for key in books.living} == set(yes.settled) - back
    assert {books.bills[key] for key in books.bills if key.settlement in back} == {Amounts()}
    assert books.faults == []
