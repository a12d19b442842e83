"""Orders of the mobile-payment centre: registered, paid, refunded; never twice, never too much."""

import asyncio
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY


def line(price: str, count: str, amount: str, serial: str = "1") -> Json:
    """A row of ``feedetailList``."""
    return {
        "feedetlSn": serial,
        "medListCodg": "XA01",
        "pric": price,
        "cnt": count,
        "detItemFeeSumamt": amount,
    }


def ordered(counter: Counter, member: str, **changes: Any) -> Json:
    """``input`` of 6201: 12.30 yuan in two lines."""
    data = {
        "orgCodg": counter.institution,
        "psnNo": member,
        "insutype": "310",
        "medOrgOrd": "DD0001",
        "begntime": "2026-07-15 12:00:00",
        "idNo": counter.town.documents[member],
        "userName": "测试",
        "idType": "01",
        "ecToken": "T1",
        "insuCode": "110000",
        "iptOtpNo": "MZ0001",
        "deptCode": "0300",
        "deptName": "内科",
        "caty": "A03",
        "medType": "11",
        "feeType": "01",
        "medfeeSumamt": "12.30",
        "psnSetlway": "01",
        "chrgBchno": "B1",
        "feedetailList": [line("5.00", "2", "10.00"), line("2.30", "1", "2.30", "2")],
    }
    return {"data": data | changes}


class Order:
    """A registered order."""

    def __init__(self, counter: Counter, member: str, output: Json) -> None:
        self.counter, self.member = counter, member
        self.named = {
            "payOrdId": output["data"]["payOrdId"],
            "payToken": output["data"]["payToken"],
            "orgCodg": counter.institution,
        }

    def paying(self, **changes: Any) -> Json:
        """``input`` of 6202."""
        data = {"payAuthNo": "A1", "orgBizSer": "ZF1", "chrgBchno": "B1", "feeType": "01"}
        return {"data": self.named | data | changes}

    def refund(self, cash: str, **changes: Any) -> Json:
        """``input`` of 6203."""
        data = {
            "payOrdId": self.named["payOrdId"],
            "appRefdSn": "TK1",
            "appRefdTime": "20260715130000",
            "totlRefdAmt": cash,
            "cashRefdAmt": cash,
            "refdType": "CASH",
            "ecToken": "T1",
        }
        return {"data": data | changes}

    def asked(self, **changes: Any) -> Json:
        """``input`` of 6301 and 6401."""
        person = {
            "idNo": self.counter.town.documents[self.member],
            "userName": "测试",
            "idType": "01",
        }
        return {"data": self.named | person | changes}

    async def state(self) -> str:
        """``ordStas`` as the query tells it."""
        state: str = (await self.counter.done("6301", self.asked()))["data"]["ordStas"]
        return state


@pytest.fixture
async def order(counter: Counter) -> Order:
    """An order that was not paid."""
    member = await counter.town.insure()
    return Order(counter, member, await counter.done("6201", ordered(counter, member)))


async def test_an_order_is_registered_paid_and_refunded(order: Order) -> None:
    counter = order.counter
    assert await order.state() == "0"
    paid = (await counter.done("6202", order.paying()))["data"]
    assert paid["payOrdId"] == order.named["payOrdId"]
    assert paid["ordStas"] == "6"
    assert paid["feeSumamt"] == "12.30"
    assert (paid["ownPayAmt"], paid["psnAcctPay"], paid["fundPay"]) == ("12.30", "0.00", "0.00")
    told = (await counter.done("6301", order.asked()))["data"]
    assert told["feeSumamt"] == "12.30"
    assert told["medOrgOrd"] == "DD0001"
    assert (await counter.done("6203", order.refund("2.30")))["data"] == {"refStatus": "SUCC"}
    told = (await counter.done("6301", order.asked()))["data"]
    assert (told["ordStas"], told["feeSumamt"]) == ("10", None)
    rest = order.refund("10.00", appRefdSn="TK2")
    await counter.done("6203", rest)
    assert await order.state() == "7"
    more = order.refund("0.01", appRefdSn="TK3")
    assert (await counter.refused("6203", more))[0] == 7021


async def test_all_is_refunded_at_once(order: Order) -> None:
    await order.counter.done("6202", order.paying())
    wrong = order.refund("12.29", refdType="ALL")
    assert (await order.counter.refused("6203", wrong))[0] == 4030
    await order.counter.done("6203", order.refund("12.30", refdType="ALL"))
    assert await order.state() == "7"


async def test_a_withdrawn_order_is_not_paid_and_its_number_is_free(order: Order) -> None:
    counter = order.counter
    for _ in range(2):
        assert (await counter.done("6401", order.asked()))["data"]["success"] is True
    assert await order.state() == "12"
    assert (await counter.refused("6202", order.paying()))[0] == 7021
    again = await counter.done("6201", ordered(counter, order.member))
    assert again["data"]["payOrdId"] != order.named["payOrdId"]
    paid = Order(counter, order.member, again)
    await counter.done("6202", paid.paying())
    assert (await counter.refused("6401", paid.asked()))[0] == 7021


async def test_the_same_order_refund_and_payment_come_once(order: Order) -> None:
    counter = order.counter
    again = await counter.done("6201", ordered(counter, order.member))
    assert again["data"]["payOrdId"] == order.named["payOrdId"]
    other = ordered(counter, order.member, feeType="02")
    assert (await counter.refused("6201", other))[0] == 7022
    for _ in range(2):
        assert (await counter.done("6202", order.paying()))["data"]["ordStas"] == "6"
    assert (await counter.refused("6202", order.paying(orgBizSer="ZF2")))[0] == 7021
    for _ in range(2):
        await counter.done("6203", order.refund("2.30"))
    assert (await counter.refused("6203", order.refund("2.29")))[0] == 7022
    left = order.refund("10.01", appRefdSn="TK2")
    assert (await counter.refused("6203", left))[0] == 7023


async def test_a_repeated_message_gets_the_first_answer(order: Order) -> None:
    message = order.counter.message_id()
    first = await order.counter.done("6202", order.paying(), message=message)
    await order.counter.done("6203", order.refund("12.30", refdType="ALL"))
    assert await order.counter.done("6202", order.paying(), message=message) == first


async def test_of_many_refunds_at_once_no_more_goes_back_than_came(order: Order) -> None:
    await order.counter.done("6202", order.paying())
    answers = await asyncio.gather(
        *(order.counter.call("6203", order.refund("5.00", appRefdSn=f"TK{i}")) for i in range(6))
    )
    assert sorted(answer["infcode"] for answer in answers) == [0, 0, 7023, 7023, 7023, 7023]


async def test_an_order_may_name_its_visit(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    named = ordered(counter, member, ecToken="", payAuthNo="A1", mdtrtId=visit)
    output = await counter.done("6201", named)
    assert output["data"]["extData"] == {"mdtrtId": visit}
    order = Order(counter, member, output)
    wrong = order.paying(mdtrtId="110000" + "0" * 19)
    assert (await counter.refused("6202", wrong))[0] == 1012
    await counter.done("6202", order.paying(mdtrtId=visit))
    other = await counter.town.insure()
    foreign = ordered(counter, other, mdtrtId=visit, medOrgOrd="DD2")
    assert (await counter.refused("6201", foreign))[0] == 3004
    counter.institution = OTHER_TERTIARY
    elsewhere = ordered(counter, member, mdtrtId=visit)
    assert (await counter.refused("6201", elsewhere))[0] == 4001


async def test_bad_orders_are_refused_and_not_kept(counter: Counter) -> None:
    member = await counter.town.insure()
    for changes, code, word in (
        ({"medfeeSumamt": "12.29"}, 4030, "medfeeSumamt"),
        ({"medfeeSumamt": "12.301"}, 1012, "medfeeSumamt"),
        ({"feedetailList": []}, 4021, "feedetailList"),
        ({"feedetailList": [line("5", "2", "12.30")]}, 4012, "feedetailList"),
        ({"feedetailList": [line("5", "2", "")]}, 1010, "detItemFeeSumamt"),
        ({"orgCodg": "H99999999999"}, 2011, "orgCodg"),
        ({"ecToken": ""}, 1010, "ecToken"),
        ({"ecToken": "", "payAuthNo": "A1"}, 1010, "mdtrtId"),
        ({"psnNo": "110000" + "9" * 10}, 3001, "psnNo"),
        ({"userName": "别人"}, 3004, "idNo"),
        ({"idNo": "990000190001010000"}, 3004, "idNo"),
        ({"mdtrtId": "nonsense"}, 4001, "nonsense"),
    ):
        refused, text = await counter.refused("6201", ordered(counter, member, **changes))
        assert refused == code, (changes, text)
        assert word in text, (changes, text)
    assert await counter.town.rows("payments.visible_order") == 0


async def test_only_who_registered_an_order_may_use_it(order: Order) -> None:
    counter = order.counter
    for number, content, code in (
        ("6202", order.paying(payToken="0" * 64), 7020),
        ("6202", order.paying(payOrdId="nonsense"), 7020),
        ("6202", order.paying(payOrdId=""), 1010),
        ("6202", order.paying(payToken=""), 1010),
        ("6202", order.paying(chrgBchno="B9"), 1012),
        ("6203", order.refund("1.00", payAuthNo="A1"), 1012),
        ("6203", order.refund("1.00", ecToken=""), 1012),
        ("6203", order.refund("1.00", totlRefdAmt="2.00"), 4030),
        ("6203", order.refund("1.00", refdType="HALF"), 1012),
        ("6203", order.refund("1.00"), 7021),
        ("6301", order.asked(userName="别人"), 3004),
        ("6301", order.asked(idNo="990000190001010000"), 3004),
        ("6401", order.asked(payToken="0" * 64), 7020),
    ):
        refused, text = await counter.refused(number, content)
        assert refused == code, (number, content, text)
    counter.institution = OTHER_TERTIARY
    own = {"orgCodg": OTHER_TERTIARY}
    for number, content in (
        ("6202", order.paying(**own)),
        ("6203", order.refund("1.00")),
        ("6301", order.asked(**own)),
        ("6401", order.asked(**own)),
    ):
        assert (await counter.refused(number, content))[0] == 7020, number
    assert await counter.town.rows("payments.visible_order_event") == 0


async def test_what_names_a_person_is_sealed(order: Order) -> None:
    async with order.counter.town.database.owner() as connection:
        row = await connection.fetchrow(
            "SELECT t::text AS text, content FROM payments.payment_order AS t"
        )
    document = order.counter.town.documents[order.member]
    assert document not in row["text"]
    assert document in order.counter.town.vault.open(row["content"])
