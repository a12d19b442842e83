"""A simulated pharmacy sells drugs alone, each time as a bill of its own."""

from random import Random

import pytest

from tests.client.test_connection import platform
from tests.sandbox.builders import endpoint, setlinfo
from tests.sandbox.test_stay import PATIENT, YesSayer
from yibao.client import Client
from yibao.kernel.money import PRICE_SCALE, fen_from_yuan
from yibao.sandbox.books import Kind
from yibao.sandbox.desk import PriceListEntry
from yibao.sandbox.encounters import drug_names, item_names
from yibao.sandbox.line import NO_TROUBLES
from yibao.sandbox.pharmacy import Pharmacy

PRICES = [PriceListEntry(name, name, 10 * 10**PRICE_SCALE) for name in item_names()]


class Shop(YesSayer):
    """A platform that settles purchases under numbers of their own."""

    def output(self, number: str, content: object) -> object:
        if number not in ("2101", "2102"):
            return super().output(number, content)  # type: ignore[arg-type]
        serial = f"{number}{len(self.seen)}"
        return {"setlinfo": {**setlinfo(setl_id=serial), "mdtrt_id": f"v{serial}"}}


@pytest.fixture
def shop() -> Shop:
    """The platform."""
    return Shop()


async def test_what_is_sold_is_a_drug_and_the_total_is_its_lines(shop: Shop) -> None:
    async with platform(shop.answer) as url, Client(endpoint(url)) as client:
        pharmacy = Pharmacy(client, PRICES, level="grass", random=Random(5), troubles=NO_TROUBLES)
        for _ in range(5):
            await pharmacy.sell(PATIENT)
    assert pharmacy.seen == {Kind.PURCHASE: 5}
    sold = shop.sent("2102")
    assert len(sold) >= 5
    for purchase in sold:
        lines = purchase["drugdetail"]
        assert {line["med_list_codg"] for line in lines} <= set(drug_names())
        total = sum(fen_from_yuan(line["det_item_fee_sumamt"]) for line in lines)
        assert fen_from_yuan(purchase["druginfo"]["medfee_sumamt"]) == total
    assert shop.sent("2101") == sold, "the trial is the same message"
    assert pharmacy.books.faults == []
