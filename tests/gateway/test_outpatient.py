"""A bill's way over the interface."""

from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from tests.gateway.amounts import AMOUNTS, assert_identities
from tests.gateway.builders import Counter, Json


async def settled(counter: Counter, member: str, *fees: tuple[str, str]) -> tuple[Json, Json]:
    """A whole visit; 2207's input and output."""
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, *fees)
    content = counter.settlement(member, visit, priced)
    return content, await counter.done("2207", content)


async def test_a_visit_is_registered_priced_tried_and_settled(counter: Counter) -> None:
    member = await counter.town.insure(account="500")
    visit = await counter.open_visit(member)
    priced = await counter.charge(
        member, visit, ("XA01", "2000"), ("XB01", "100.50"), ("XC01", "33.33")
    )
    content = counter.settlement(member, visit, priced)
    tried = await counter.done("2206", content)
    done = await counter.done("2207", content)
    assert_identities(tried)
    assert_identities(done)
    assert "setl_id" not in tried["setlinfo"]
    different = {
        name for name in tried["setlinfo"] if tried["setlinfo"][name] != done["setlinfo"][name]
    }
    assert different == {"medins_setl_id"}, "the trial is the settlement without the write"
    assert tried["setldetail"] == done["setldetail"]
    info = done["setlinfo"]
    # 2000 + 100.50 × 0.9 = 2090.45 in scope; 1800 deductible; 70 % of 290.45 = 203.32
    assert info["inscp_scp_amt"] == Decimal("2090.45")
    assert info["act_pay_dedc"] == Decimal("1800.00")
    assert info["hifob_pay"] == info["fund_pay_sumamt"] == Decimal("203.32")
    assert info["acct_pay"] == Decimal("500.00")
    assert info["balc"] == 0
    assert info["psn_name"] == "测试"
    assert info["age"] == 46
    assert {row["fund_pay_type"] for row in done["setldetail"]} == {"330100", "310200"}


async def test_amounts_are_numbers_with_exactly_two_decimals(counter: Counter) -> None:
    member = await counter.town.insure()
    _, output = await settled(counter, member, ("XA01", "12.3"))
    for name in AMOUNTS:
        assert output["setlinfo"][name].as_tuple().exponent == -2, name


async def test_the_line_answer_prices_and_splits(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    (row,) = await counter.charge(member, visit, ("XB01", "4.52"))
    assert row["chrgitm_lv"] == "02"
    assert row["selfpay_prop"] == Decimal("0.1000")
    assert row["pric_uplmt_amt"] == Decimal("999999.000000")
    assert (row["preselfpay_amt"], row["inscp_scp_amt"]) == (Decimal("0.45"), Decimal("4.07"))
    assert str(row["cnt"]) == "1.0000"
    assert str(row["pric"]) == "4.520000"


async def test_a_cancellation_answers_the_negative_of_every_amount(counter: Counter) -> None:
    member = await counter.town.insure(account="100")
    content, output = await settled(counter, member, ("XA01", "2000"), ("XC01", "10"))
    info = output["setlinfo"]
    cancelled = await counter.done(
        "2208",
        {
            "data": {
                "setl_id": info["setl_id"],
                "mdtrt_id": info["mdtrt_id"],
                "psn_no": member,
            }
        },
    )
    mirror = cancelled["setlinfo"]
    assert_identities({**cancelled, "setlinfo": {**mirror, "psn_cash_pay": mirror["pdn_cash_pay"]}})
    for name in AMOUNTS:
        assert mirror[name] == -info[name], name
    assert mirror["pdn_cash_pay"] == mirror["psn_cash_pay"]
    assert mirror["setl_id"] != info["setl_id"]
    assert mirror["balc"] == Decimal("100.00")
    assert content["data"]["chrg_bchno"] == "B1"


async def test_a_repeated_message_gets_the_first_answer(counter: Counter) -> None:
    member = await counter.town.insure(account="100")
    visit = await counter.open_visit(member)
    fees = {"feedetail": [counter.fee(member, visit, "1", "2500")]}
    calls: list[tuple[str, Any]] = [("2204", fees)]
    first: dict[str, Json] = {}
    messages = {number: counter.message_id() for number in ("2204", "2207", "2208")}
    first["2204"] = await counter.call("2204", fees, message=messages["2204"])
    content = counter.settlement(member, visit, first["2204"]["output"]["result"])
    calls.append(("2207", content))
    first["2207"] = await counter.call("2207", content, message=messages["2207"])
    info = first["2207"]["output"]["setlinfo"]
    undo = {"data": {"setl_id": info["setl_id"], "mdtrt_id": visit, "psn_no": member}}
    calls.append(("2208", undo))
    first["2208"] = await counter.call("2208", undo, message=messages["2208"])
    for number, again in calls:
        answer = await counter.call(number, again, message=messages[number])
        assert answer["infcode"] == 0, answer
        assert answer["output"] == first[number]["output"], number
        assert answer["inf_refmsgid"] != first[number]["inf_refmsgid"]


async def test_a_suffixed_number_is_the_same_transaction(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "10"))
    content = counter.settlement(member, visit, priced)
    message = counter.message_id()
    first = await counter.done("2207A", content, message=message)
    again = await counter.done("2207", content, message=message)
    assert first == again


async def test_equal_content_in_another_spelling_is_the_same_message(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    message = counter.message_id()
    row = counter.fee(member, visit, "1", "10")
    first = await counter.done("2204", {"feedetail": [row]}, message=message)
    other = row | {"cnt": 1, "pric": 10.000, "det_item_fee_sumamt": 10.0, "rxno": "null"}
    again = await counter.done("2204", {"feedetail": other}, message=message)
    assert first == again


async def test_a_message_id_is_not_used_for_other_content(counter: Counter) -> None:
    member = await counter.town.insure()
    message = counter.message_id()
    await counter.done("2201", counter.registration(member), message=message)
    code, text = await counter.refused(
        "2201", counter.registration(member, dr_name="医师乙"), message=message
    )
    assert code == 1020
    assert "msgid" in text or message in text


async def test_the_input_may_be_json_text_and_numbers_text(counter: Counter) -> None:
    import json

    member = await counter.town.insure()
    output = await counter.done(
        "2201", json.dumps(counter.registration(member, ipt_otp_no=12345), ensure_ascii=False)
    )
    assert output["data"]["ipt_otp_no"] == "12345"


async def test_a_registration_and_its_fees_are_withdrawn(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    await counter.charge(member, visit, ("XA01", "10"))
    whose = {"mdtrt_id": visit, "psn_no": member}
    assert await counter.done("2205", {"data": whose | {"chrg_bchno": "0000"}}) is None
    assert await counter.done("2202", {"data": whose | {"ipt_otp_no": "MZ0001"}}) is None
    code, _ = await counter.refused("2204", {"feedetail": [counter.fee(member, visit, "2", "1")]})
    assert code == 4002


async def test_a_reversal_undoes_a_settlement_and_may_be_sent_twice(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "2000"))
    message = counter.message_id()
    await counter.done("2207", counter.settlement(member, visit, priced), message=message)
    undo = {"data": {"psn_no": member, "omsgid": message, "oinfno": "2207A"}}
    assert await counter.done("2601", undo) is None
    assert await counter.done("2601", undo) is None
    assert await counter.town.counters(member) == {}
    unknown = {"data": {"psn_no": member, "omsgid": counter.message_id(), "oinfno": "2207"}}
    assert await counter.done("2601", unknown) is None


async def test_a_retry_over_midnight_and_months_end_gets_the_first_answer(counter: Counter) -> None:
    counter.town.clock.set(datetime(2026, 7, 31, 15, 59, 50, tzinfo=UTC))  # 23:59:50 in China
    member = await counter.town.insure(account="100")
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "2000"))
    content, message = counter.settlement(member, visit, priced), counter.message_id()
    first = await counter.call("2207", content, message=message)
    counter.town.clock.set(datetime(2026, 7, 31, 16, 0, 10, tzinfo=UTC))
    again = await counter.call("2207", content, message=message)
    assert (first["infcode"], again["output"]) == (0, first["output"])
    assert again["refmsg_time"].startswith("20260801")


async def test_the_day_of_a_settled_visit_stays(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "100"))
    output = await counter.done("2207", counter.settlement(member, visit, priced))
    moved = counter.description(member, visit)
    moved["mdtrtinfo"]["begntime"] = "2026-07-14 12:00:00"
    code, text = await counter.refused("2203", moved)
    assert (code, "begntime" in text) == (4003, True)
    moved["mdtrtinfo"]["begntime"] = "2026-07-15 12:30:00"  # within the day nothing hangs on it
    await counter.done("2203", moved)
    settlement = {"setl_id": output["setlinfo"]["setl_id"], "psn_no": member, "mdtrt_id": visit}
    await counter.done("2208", {"data": settlement})
    moved["mdtrtinfo"]["begntime"] = "2026-07-14 12:00:00"
    await counter.done("2203", moved)


async def test_no_batch_is_called_by_the_word_for_all(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    rows = [counter.fee(member, visit, "1", "1"), counter.fee(member, visit, "2", "1")]
    rows[1]["chrg_bchno"] = "0000"
    code, text = await counter.refused("2204", {"feedetail": rows})
    assert (code, "feedetail[2].chrg_bchno" in text) == (1012, True)


async def test_a_path_may_leave_the_suffix_to_the_body(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "100"))
    content = counter.settlement(member, visit, priced)
    await counter.done("2207A", content, path="/hsa/hgs/2207")
    code, _ = await counter.refused("2207", content, path="/hsa/hgs/2208")
    assert code == 1005
