"""Traceability codes that come with a bill (``drug_trac_info``): a box is sold once."""

import asyncio
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.gateway.stays import admitted, drug, purchase
from tests.gateway.test_inventory import BOX, sold
from tests.settlement.builders import OTHER_TERTIARY, PHARMACY, TERTIARY
from yibao.gateway.reading import InputReader, digest
from yibao.gateway.tables import tables
from yibao.registry.dictionaries.service import tables as code_tables

OTHER_BOX = "81234567890123450000"


def box(line: str = "B1-0", code: str = BOX, **changes: object) -> Json:
    """A row of ``drug_trac_info``."""
    return {"feedetl_sn": line, "drug_trac_codg": code, "trdn_flag": "0"} | changes


async def charged(counter: Counter) -> Json:
    """The input of 2207 for a fresh person's visit with one line, ``B1-0``."""
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    return counter.settlement(member, visit, await counter.charge(member, visit, ("XA01", "10")))


async def settled(counter: Counter, *boxes: Json) -> Json:
    """A bill with boxes, as settled."""
    content = await charged(counter) | {"drug_trac_info": list(boxes)}
    bill: Json = (await counter.done("2207A", content))["setlinfo"]
    return bill


def cancellation(bill: Json) -> Json:
    """The input of 2208."""
    return {"data": {name: bill[name] for name in ("setl_id", "mdtrt_id", "psn_no")}}


async def test_a_box_of_a_bill_is_sold_and_no_second_bill_may_have_it(counter: Counter) -> None:
    bill = await settled(counter, box())
    content = await charged(counter) | {"drug_trac_info": [box()]}
    for number in ("2206A", "2207A"):
        code, text = await counter.refused(number, content)
        assert code == 7002, number
        assert bill["setl_id"] in text
    content["drug_trac_info"] = [box(code=OTHER_BOX)]
    await counter.done("2207A", content)


async def test_a_bill_refused_for_its_box_leaves_nothing(counter: Counter) -> None:
    await settled(counter, box())
    content = await charged(counter)
    await counter.refused("2207", content | {"drug_trac_info": box()})
    await counter.done("2207", content)


async def test_a_box_sold_elsewhere_is_not_told_whose_it_was(counter: Counter) -> None:
    bill = await settled(counter, box())
    counter.institution = OTHER_TERTIARY
    for number, content in (
        ("2207", await charged(counter) | {"drug_trac_info": [box()]}),
        ("3505", {"selinfo": sold()}),
    ):
        code, text = await counter.refused(number, content)
        assert code == 7002, number
        assert "其他机构" in text
        assert bill["setl_id"] not in text


async def test_the_box_of_a_cancelled_bill_is_free(counter: Counter) -> None:
    bill = await settled(counter, box())
    await counter.done("2208", cancellation(bill))
    again = await settled(counter, box())
    await counter.done("2208", cancellation(again))
    counter.institution = OTHER_TERTIARY
    await counter.done("3505", {"selinfo": sold()})


async def test_a_reversed_message_frees_its_box_and_a_bill_that_stands_again_has_it(
    counter: Counter,
) -> None:
    content, message = await charged(counter) | {"drug_trac_info": [box()]}, counter.message_id()
    bill = (await counter.done("2207A", content, message=message))["setlinfo"]
    named = {"psn_no": bill["psn_no"], "omsgid": message, "oinfno": "2207A"}
    await counter.done("2601", {"data": named})
    other, cancelled = await settled(counter, box()), counter.message_id()
    await counter.done("2208", cancellation(other), message=cancelled)
    named = {"psn_no": other["psn_no"], "omsgid": cancelled, "oinfno": "2208"}
    await counter.done("2601", {"data": named})
    content = await charged(counter) | {"drug_trac_info": [box()]}
    assert (await counter.refused("2207", content))[0] == 7002


@pytest.mark.parametrize("bill_first", [True, False])
async def test_a_sale_is_told_by_bill_and_by_record_once_each(
    counter: Counter, bill_first: bool
) -> None:
    if bill_first:
        bill = await settled(counter, box())
        await counter.done("3505", {"selinfo": sold("S1", setl_id=bill["setl_id"])})
    else:
        await counter.done("3505", {"selinfo": sold("S1")})
        await settled(counter, box())
    assert (await counter.refused("3505", {"selinfo": sold("S2")}))[0] == 7002
    content = await charged(counter) | {"drug_trac_info": [box()]}
    assert (await counter.refused("2207", content))[0] == 7002


async def test_a_record_of_another_bill_does_not_pass_for_this_one(counter: Counter) -> None:
    await settled(counter, box())
    other = await settled(counter)
    record = sold("S1", setl_id=other["setl_id"])
    assert (await counter.refused("3505", {"selinfo": record}))[0] == 7002


async def test_a_bill_settled_anew_after_a_cancellation_keeps_the_records_box(
    counter: Counter,
) -> None:
    bill = await settled(counter, box())
    await counter.done("3505", {"selinfo": sold("S1", setl_id=bill["setl_id"])})
    await counter.done("2208", cancellation(bill))
    await settled(counter, box())
    assert (await counter.refused("3505", {"selinfo": sold("S2")}))[0] == 7002


async def test_a_deleted_record_does_not_free_the_box_of_a_bill(counter: Counter) -> None:
    bill = await settled(counter, box())
    await counter.done("3505", {"selinfo": sold("S1")})
    await counter.done("3507", {"data": {"fixmedins_bchno": "S1", "inv_data_type": "4"}})
    delete = {"data": {"fixmedins_bchno": bill["setl_id"], "inv_data_type": "4"}}
    assert (await counter.refused("3507", delete))[0] == 7001, "a bill is cancelled, not deleted"
    content = await charged(counter) | {"drug_trac_info": [box()]}
    assert (await counter.refused("2207", content))[0] == 7002
    await counter.done("3505", {"selinfo": sold("S3")})


async def test_a_bill_moves_no_stock(counter: Counter) -> None:
    await settled(counter, box())
    answer = await counter.call("3505", {"selinfo": sold("S1", sel_retn_cnt="2")})
    assert "-2.0000" in answer["warn_msg"]


async def test_pharmacies_tell_boxes_beside_the_lines_or_in_them(counter: Counter) -> None:
    counter.institution = PHARMACY
    member = await counter.town.insure(account="500")
    content = purchase(counter, member, drug("1", "10", drug_trac_info={"drug_trac_codg": BOX}))
    bought = (await counter.done("2102A", content))["setlinfo"]
    content = purchase(counter, member, drug("1", "10")) | {"drug_trac_info": [box("1")]}
    for number in ("2101A", "2102A"):
        assert (await counter.refused(number, content))[0] == 7002
    await counter.done("2103", {"data": {"setl_id": bought["setl_id"]}})
    await counter.done("2102A", content)


async def test_a_stay_tells_its_boxes(counter: Counter) -> None:
    stay = await admitted(counter)
    await stay.charge(stay.fee("1", "3000"))
    await counter.done("2402", stay.discharge())
    content = stay.settlement()
    content["data"] |= {"drug_trac_info": [box("1")]}
    await counter.done("2304A", content)
    content = await charged(counter) | {"drug_trac_info": [box()]}
    assert (await counter.refused("2207", content))[0] == 7002


async def test_parts_of_an_opened_box_are_sold_by_who_opened_it(counter: Counter) -> None:
    await settled(counter, box(trdn_flag="1"))
    await settled(counter, box(trdn_flag="1"))
    counter.institution = OTHER_TERTIARY
    content = await charged(counter) | {"drug_trac_info": [box(trdn_flag="1")]}
    assert (await counter.refused("2207", content))[0] == 7002


@pytest.mark.parametrize(
    "nothing",
    [box(code="123"), box(code="无码"), box(line="NOWHERE"), box(line="")],
    ids=["short", "no code", "another line", "no line"],
)
async def test_a_row_that_cannot_be_kept_keeps_no_bill_from_being_settled(
    counter: Counter, nothing: Json
) -> None:
    await settled(counter, nothing)
    await settled(counter, nothing, box())
    assert (await counter.refused("2207", await charged(counter) | {"drug_trac_info": box()}))[
        0
    ] == 7002


async def test_a_box_told_twice_in_one_bill_is_one_box(counter: Counter) -> None:
    await settled(counter, box(), box())


@pytest.mark.parametrize("nothing", ["", None, [], [{}], {"feedetl_sn": "B1-0"}, "null"])
async def test_a_bill_without_a_code_is_settled(counter: Counter, nothing: Any) -> None:
    await counter.done("2207A", await charged(counter) | {"drug_trac_info": nothing})


async def test_a_message_without_boxes_is_remembered_as_before_they_were_read(
    counter: Counter,
) -> None:
    content = await charged(counter)
    await counter.done("2207", content)
    nodes = [
        node
        for node in tables().transactions["2207"].input
        if not node.name.endswith("drug_trac_info")
    ]
    async with counter.town.database.owner() as connection:
        found = await connection.fetch("SELECT digest FROM platform.message")
    read = InputReader(nodes, code_tables()).read(content)
    assert digest(read) in [row["digest"] for row in found]


async def test_a_repeated_bill_has_its_box_already(counter: Counter) -> None:
    content, message = await charged(counter) | {"drug_trac_info": [box()]}, counter.message_id()
    first = await counter.done("2207", content, message=message)
    assert await counter.done("2207", content, message=message) == first


async def test_of_many_bills_at_once_one_gets_the_box(counter: Counter) -> None:
    bills = [await charged(counter) | {"drug_trac_info": [box()]} for _ in range(6)]
    counter.institution = TERTIARY
    answers = await asyncio.gather(*(counter.call("2207", bill) for bill in bills))
    assert sorted(answer["infcode"] for answer in answers) == [0] + [7002] * 5
