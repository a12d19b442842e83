"""Goods: one record or a list, rows answered one by one, a box sold once."""

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY, PHARMACY

BOX = "81234567890123456789"


def goods(serial: str = "S1", **changes: object) -> Json:
    """The fields that all records share."""
    return {
        "med_list_codg": "XA01",
        "fixmedins_hilist_id": "YP-1",
        "fixmedins_hilist_name": "甲类药",
        "fixmedins_bchno": serial,
        "rx_flag": "1",
        "manu_lotnum": "L1",
        "manu_date": "2026-01-01",
        "expy_end": "2028-01-01",
    } | changes


def sold(serial: str = "S1", **changes: object) -> Json:
    """A row of 3505."""
    return (
        goods(serial)
        | {
            "prsc_dr_name": "医师甲",
            "phar_name": "药师甲",
            "phar_prac_cert_no": "YS0001",
            "mdtrt_sn": "JZ0001",
            "trdn_flag": "0",
            "rtal_docno": "LS0001",
            "sel_retn_cnt": "1",
            "sel_retn_time": "2026-07-15 12:00:00",
            "sel_retn_opter_name": "收费员",
            "drugtracinfo": [{"drug_trac_codg": BOX}],
        }
        | changes
    )


def bought(**changes: object) -> Json:
    """A row of 3503 and 3504."""
    return (
        goods()
        | {
            "spler_name": "供应商甲",
            "prdr_name": "药厂甲",
            "aprvno": "国药准字0001",
            "purc_retn_cnt": 10,
            "purc_retn_stoin_time": "2026-07-14 09:00:00",
            "purc_retn_opter_name": "采购员",
            "purc_invo_no": "FP0001",
            "drugtracinfo": {"drug_trac_codg": BOX},
        }
        | changes
    )


async def test_a_pharmacys_day(counter: Counter) -> None:
    counter.institution = PHARMACY
    counted = goods(invdate="2026-07-14", inv_cnt="2.00")
    assert (await counter.done("3501", {"invinfo": counted}))["result"][0]["retRslt"] == "1"
    await counter.done("3503", {"purcinfo": bought()})
    await counter.done("3504", {"purcinfo": bought(drugtracinfo=[], purc_retn_cnt=-1)})
    change = goods(inv_chg_type="104", pric="1.000000", cnt="2", inv_chg_time="2026-07-15 08:00:00")
    await counter.done("3502", {"invinfo": change})
    await counter.done("3505", {"selinfo": sold()})
    returned = sold("R1", sel_retn_cnt="-1")
    answer = await counter.call("3506", {"selinfo": returned})
    assert answer["infcode"] == 0
    assert answer["warn_msg"] is None, "2 + 10 - 1 - 2 - 1 + 1 is above zero"
    answer = await counter.call("3505", {"selinfo": sold("S2", sel_retn_cnt="10")})
    assert "-1.0000" in answer["warn_msg"]
    await counter.done("3507", {"data": {"fixmedins_bchno": "S2", "inv_data_type": "4"}})
    assert (
        await counter.refused("3507", {"data": {"fixmedins_bchno": "S2", "inv_data_type": "4"}})
    )[0] == 7001


async def test_one_record_is_refused_as_a_whole(counter: Counter) -> None:
    await counter.done("3505", {"selinfo": sold("S1")})
    code, text = await counter.refused("3505", {"selinfo": [sold("S2")]})
    assert code == 7002
    assert "S1" in text
    assert "drug_trac_codg" in text


@pytest.mark.parametrize(("number", "node"), [("3505", "selinfo"), ("3505A", "selinfoDetail")])
async def test_rows_of_a_list_are_answered_one_by_one(
    counter: Counter, number: str, node: str
) -> None:
    rows = [
        sold("S1"),
        sold("S2"),
        sold("S3", drugtracinfo=[]),
        sold("S4", drugtracinfo=[], psn_no="110000" + "9" * 10),
        sold("S5", drugtracinfo=[], setl_id="nonsense"),
        sold("S6", drugtracinfo=[{"drug_trac_codg": "123"}]),
        sold("S7", drugtracinfo=[], sel_retn_cnt=0),
    ]
    message = counter.message_id()
    output = await counter.done(number, {node: rows}, message=message)
    told = {row["fixmedins_bchno"]: (row["retRslt"], row["msgRslt"]) for row in output["result"]}
    assert [told[f"S{i}"][0] for i in range(1, 8)] == ["1", "0", "1", "0", "0", "0", "0"]
    for serial, word in (
        ("S2", BOX),
        ("S4", "人员编号"),
        ("S5", "结算ID"),
        ("S6", "20位"),
        ("S7", "sel_retn_cnt"),
    ):
        assert word in told[serial][1], serial
    assert await counter.done(number, {node: rows}, message=message) == output


async def test_a_list_number_with_one_row_is_still_answered_by_row(counter: Counter) -> None:
    await counter.done("3505A", {"selinfoDetail": [sold("S1")]})
    output = await counter.done("3505A", {"selinfoDetail": [sold("S2")]})
    assert output["result"][0]["retRslt"] == "0"


async def test_who_sold_a_box_is_not_told_to_others(counter: Counter) -> None:
    await counter.done("3505", {"selinfo": sold("S1")})
    counter.institution = OTHER_TERTIARY
    code, text = await counter.refused("3505", {"selinfo": sold("S9")})
    assert code == 7002
    assert "其他机构" in text
    assert "H11000000001" not in text
    assert "S1" not in text
    delete = {"data": {"fixmedins_bchno": "S1", "inv_data_type": "4"}}
    assert (await counter.refused("3507", delete))[0] == 7001


async def test_a_sale_may_name_its_buyer_and_settlement(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "10"))
    settled = await counter.done("2207", counter.settlement(member, visit, priced))
    named = {"psn_no": member, "setl_id": settled["setlinfo"]["setl_id"], "psn_name": "虚构甲"}
    await counter.done("3505", {"selinfo": sold(**named)})
    async with counter.town.database.owner() as connection:
        row = await connection.fetchrow("SELECT details::text, sealed FROM inventory.movement")
    assert "虚构甲" not in row["details"]
    assert member not in row["details"]
    assert "虚构甲" in counter.town.vault.open(row["sealed"])
    other = await counter.town.insure()
    unboxed = sold("S2", drugtracinfo=[], **named | {"psn_no": other})
    assert (await counter.refused("3505", {"selinfo": unboxed}))[0] == 3004
    counter.institution = OTHER_TERTIARY
    foreign = sold("S3", drugtracinfo=[], **named)
    assert (await counter.refused("3505", {"selinfo": foreign}))[0] == 4040


async def test_what_no_table_enforces_is_asked_for(counter: Counter) -> None:
    for number, node, row, word in (
        ("3505", "selinfo", sold(sel_retn_cnt=""), "sel_retn_cnt"),
        ("3501", "invinfo", goods(invdate="2026-07-14"), "inv_cnt"),
        ("3501", "invinfo", goods(invdate="2026-07-14", inv_cnt="-1"), "inv_cnt"),
        ("3503", "purcinfo", bought(purc_retn_cnt="-1"), "退货交易"),
        ("3505A", "selinfoDetail", sold(med_list_codg=""), "med_list_codg"),
    ):
        answer = await counter.call(number, {node: row})
        told = answer["err_msg"] or answer["output"]["result"][0]["msgRslt"]
        assert word in told, number
    assert (await counter.refused("3505", {"selinfo": []}))[0] == 4021
    wrong = {"data": {"fixmedins_bchno": "S1", "inv_data_type": "9"}}
    code, text = await counter.refused("3507", wrong)
    assert code in (1012, 7001)
    assert "inv_data_type" in text


async def test_goods_outside_the_catalogue_are_recorded_with_a_warning(counter: Counter) -> None:
    answer = await counter.call("3503", {"purcinfo": bought(med_list_codg="XNOWHERE")})
    assert answer["infcode"] == 0
    assert "XNOWHERE" in answer["warn_msg"]
