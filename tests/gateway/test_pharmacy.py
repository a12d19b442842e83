"""A purchase is one message: tried, bought, taken back."""

from decimal import Decimal

import pytest

from tests.gateway.amounts import FUNDS
from tests.gateway.builders import Counter, Json
from tests.gateway.stays import drug, purchase
from tests.settlement.builders import PHARMACY, TERTIARY


@pytest.fixture
def shop(counter: Counter) -> Counter:
    """The counter of a pharmacy."""
    counter.institution = PHARMACY
    return counter


async def test_a_purchase_is_tried_and_made(shop: Counter) -> None:
    member = await shop.town.insure(account="500")
    content = purchase(shop, member, drug("1", "12.50", "2"), drug("2", "30", med_list_codg="XB01"))
    tried = await shop.done("2101", content)
    done = await shop.done("2102", content)
    info = done["setlinfo"]
    assert info["medfee_sumamt"] == Decimal("55.00")
    assert info["fund_pay_sumamt"] == sum(info[name] for name in FUNDS)
    assert info["psn_part_amt"] == (
        info["acct_pay"] + info["acct_mulaid_pay"] + info["psn_cash_pay"]
    )
    assert info["medfee_sumamt"] == info["fund_pay_sumamt"] + info["psn_part_amt"]
    assert info["clr_type"] == "41"
    assert info["psn_no"] == member
    assert tried["setlinfo"]["setl_id"] is None
    for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay", "psn_cash_pay", "balc"):
        assert tried["setlinfo"][name] == info[name], name
    assert tried["detlcutinfo"] == done["detlcutinfo"]
    first, second = done["detlcutinfo"]
    assert first["feedetl_sn"] == "1"
    assert second["preselfpay_amt"] == Decimal("3.00")


async def test_a_repeated_purchase_is_answered_as_at_first(shop: Counter) -> None:
    member = await shop.town.insure(account="500")
    content, message = purchase(shop, member), shop.message_id()
    first = await shop.done("2102", content, message=message)
    assert await shop.done("2102", content, message=message) == first


async def test_a_person_is_found_by_the_voucher(shop: Counter) -> None:
    member = await shop.town.insure(account="500")
    document = shop.town.documents[member]
    content = purchase(shop, None, mdtrt_cert_no=document)
    del content["druginfo"]["insutype"]
    info = (await shop.done("2102", content))["setlinfo"]
    assert (info["psn_no"], info["insutype"]) == (member, "310")


async def test_a_purchase_is_taken_back_by_its_settlement_alone(shop: Counter) -> None:
    member = await shop.town.insure(account="500")
    bought = (await shop.done("2102", purchase(shop, member)))["setlinfo"]
    output = await shop.done("2103", {"data": {"setl_id": bought["setl_id"]}})
    mirror = output["setlinfo"]
    assert mirror["medfee_sumamt"] == -bought["medfee_sumamt"]
    assert mirror["cash_payamt"] == -bought["psn_cash_pay"]
    assert mirror["psn_pay"] == -bought["psn_part_amt"]
    assert mirror["mdtrt_id"] == bought["mdtrt_id"]
    again = {"data": {name: bought[name] for name in ("setl_id", "mdtrt_id", "psn_no")}}
    assert (await shop.refused("2103", again))[0] == 4041


async def test_a_purchase_is_queried_like_a_bill(shop: Counter) -> None:
    member = await shop.town.insure(account="500")
    bought = (await shop.done("2102", purchase(shop, member)))["setlinfo"]
    named = {name: bought[name] for name in ("setl_id", "mdtrt_id", "psn_no")}
    shown = (await shop.done("5203", {"data": named}))["setlinfo"]
    assert shown["medfee_sumamt"] == bought["medfee_sumamt"]
    (line,) = await shop.done("5204", {"data": named})
    assert line["med_list_codg"] == "XA01"


FAULTS: list[tuple[str, Json, str]] = [
    ("druginfo", {"mdtrt_cert_type": None}, "druginfo.mdtrt_cert_type"),
    ("druginfo", {"medfee_sumamt": ""}, "druginfo.medfee_sumamt"),
    ("druginfo", {"mdtrt_cert_type": "09"}, "mdtrt_cert_type"),
    ("drugdetail", {"feedetl_sn": ""}, "drugdetail[1].feedetl_sn"),
    ("drugdetail", {"pric": None}, "drugdetail[1].pric"),
    ("drugdetail", {"cnt": None}, "drugdetail[1].cnt"),
    ("drugdetail", {"med_list_codg": None}, "drugdetail[1].med_list_codg"),
    ("drugdetail", {"det_item_fee_sumamt": None}, "drugdetail[1].det_item_fee_sumamt"),
]


@pytest.mark.parametrize(("node", "changes", "word"), FAULTS, ids=[f[2] for f in FAULTS])
async def test_what_a_purchase_cannot_do_without_is_named(
    shop: Counter, node: str, changes: Json, word: str
) -> None:
    content = purchase(shop, await shop.town.insure())
    row = content[node][0] if isinstance(content[node], list) else content[node]
    row |= changes
    for number in ("2101", "2102"):
        code, text = await shop.refused(number, content)
        assert word in text, text
        assert code < 4000


async def test_a_purchase_of_nothing_is_refused(shop: Counter) -> None:
    member = await shop.town.insure()
    content = purchase(shop, member) | {"drugdetail": []}
    assert (await shop.refused("2102", content))[0] == 4021


async def test_a_hospital_sells_as_an_outpatient_department_only(counter: Counter) -> None:
    member = await counter.town.insure(account="500")
    assert counter.institution == TERTIARY
    for number in ("2101", "2102"):
        assert (await counter.refused(number, purchase(counter, member)))[0] == 5002
