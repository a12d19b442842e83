"""Bad input gets a clear answer that names field and rule, and changes nothing."""

import json
from typing import Any

import pytest

from tests.gateway.builders import ACCOUNT, Counter, Json
from tests.settlement.builders import OTHER_TERTIARY
from yibao.gateway.authentication import tif_signature

TABLES = (
    "settlement.visit",
    "settlement.charge_batch",
    "settlement.fee_upload",
    "settlement.settlement",
    "settlement.accumulator_entry",
    "ledger.entry",
)


async def books(counter: Counter) -> list[Any]:
    """All that a message may change, as rows' text."""
    async with counter.town.database.owner() as connection:
        return [
            await connection.fetchval(
                f"SELECT md5(string_agg(t::text, '|' ORDER BY t::text)) FROM {table} AS t"
            )
            for table in TABLES
        ]


async def visit_with_lines(counter: Counter) -> tuple[str, str, list[Json]]:
    """A member's visit with an unsettled batch B1."""
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    return member, visit, await counter.charge(member, visit, ("XA01", "100"))


LINE_FAULTS: list[tuple[str, Json, int, str]] = [
    ("a negative quantity", {"cnt": "-1"}, 1013, "数量须大于 0"),
    ("a quantity of zero", {"cnt": 0, "det_item_fee_sumamt": 0}, 1013, "数量须大于 0"),
    ("a negative price", {"pric": "-1", "det_item_fee_sumamt": "-1"}, 1013, "不得为负"),
    ("an absurd amount", {"det_item_fee_sumamt": "100000000.01"}, 1013, "det_item_fee_sumamt"),
    ("more digits than money has", {"det_item_fee_sumamt": "1.005"}, 1012, "det_item_fee_sumamt"),
    ("an amount that is not price × quantity", {"det_item_fee_sumamt": "7"}, 4012, "单价"),
    ("an unknown item", {"med_list_codg": "NOWHERE"}, 4010, "med_list_codg"),
    ("an unknown approval", {"hosp_appr_flag": "7"}, 1012, "hosp_appr_flag"),
    ("a date that is none", {"fee_ocur_time": "2026-02-30 00:00:00"}, 1012, "fee_ocur_time"),
    ("a day to come", {"fee_ocur_time": "2099-01-01 00:00:00"}, 4005, "fee_ocur_time"),
    ("an infinite amount", {"det_item_fee_sumamt": "Infinity"}, 1012, "det_item_fee_sumamt"),
    ("an exponent bomb", {"pric": "1e999999999"}, 1011, "pric"),
    ("text that no database keeps", {"bilg_dr_name": "a\x00"}, 1012, "bilg_dr_name"),
    ("a batch number too long", {"chrg_bchno": "x" * 31}, 1011, "chrg_bchno"),
]


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [fault[1:] for fault in LINE_FAULTS],
    ids=[fault[0] for fault in LINE_FAULTS],
)
async def test_a_bad_line_is_refused(counter: Counter, changes: Json, code: int, word: str) -> None:
    member, visit, _ = await visit_with_lines(counter)
    before = await books(counter)
    good, bad = (counter.fee(member, visit, serial, "5", batch="B2") for serial in ("B2-1", "B2-2"))
    refused, text = await counter.refused("2204", {"feedetail": [good, bad | changes]})
    assert refused == code, text
    assert word in text
    assert await books(counter) == before


async def test_what_names_something_else_is_refused(counter: Counter) -> None:
    member, visit, priced = await visit_with_lines(counter)
    other = await counter.town.insure()
    before = await books(counter)
    settle = counter.settlement(member, visit, priced)["data"]
    line = counter.fee(member, visit, "9", "1", batch="B2")
    cases: list[tuple[str, Any, int]] = [
        ("2207", settle | {"mdtrt_id": "nonsense"}, 4001),
        ("2207", settle | {"mdtrt_id": "110000" + "9" * 18 + "0"}, 4001),
        ("2207", settle | {"mdtrt_id": "430100" + visit[6:]}, 2013),
        ("2207", settle | {"psn_no": other}, 3004),
        ("2207", settle | {"psn_no": "0000000000000001"}, 3001),
        ("2207", settle | {"chrg_bchno": "NONE"}, 4020),
        ("2207", settle | {"medfee_sumamt": "99.99"}, 4030),
        ("2207", settle | {"fulamt_ownpay_amt": "1.00", "inscp_scp_amt": "99.00"}, 4031),
        ("2207", settle | {"acct_used_flag": "2"}, 1012),
        ("2207", settle | {"medfee_sumamt": "1e30"}, 1011),
        ("2207", settle | {"mdtrt_cert_no": "990000190001010000"}, 3004),
        ("2207", settle | {"mdtrt_cert_type": "01"}, 3005),
        ("2207", settle | {"mdtrt_cert_type": "09"}, 3002),
        ("2207", settle | {"med_type": "99"}, 5001),
        ("2206", settle | {"mdtrt_cert_no": "990000190001010000"}, 3004),
        ("2206", settle | {"medfee_sumamt": "99.99"}, 4030),
        ("2206", settle | {"chrg_bchno": "NONE"}, 4020),
        ("2208", {"psn_no": member, "mdtrt_id": visit, "setl_id": visit}, 4040),
        ("2208", {"psn_no": member, "mdtrt_id": visit, "setl_id": "x"}, 4040),
        ("2205", {"psn_no": member, "mdtrt_id": visit, "chrg_bchno": "NONE"}, 4020),
        ("2201", counter.registration(member, insutype="999")["data"], 3003),
        ("2201", counter.registration(member, begntime="2027-01-01 00:00:00")["data"], 4005),
        ("2201", counter.registration("110000" + "9" * 19)["data"], 3001),
        ("2601", {"psn_no": member, "omsgid": "x", "oinfno": "1101"}, 4042),
    ]
    for number, data, code in cases:
        refused, text = await counter.refused(number, {"data": data})
        assert refused == code, (number, data, text)
        assert await books(counter) == before, number
    for rows, code in (
        ([], 4021),
        ([line, line | {"feedetl_sn": "10", "psn_no": other}], 1012),
        ([line, line | {"feedetl_sn": "10", "mdtrt_id": "110000" + "1" * 19}], 1012),
        ([line, line | {"cnt": 2, "det_item_fee_sumamt": 2}], 4013),
        ([line, line], 4013),
        ("text", 1012),
        ([1], 1012),
    ):
        refused, text = await counter.refused("2204", {"feedetail": rows})
        assert refused == code, (rows, text)
        assert await books(counter) == before


async def test_a_settled_batch_and_a_cancelled_visit_are_refused(counter: Counter) -> None:
    member, visit, priced = await visit_with_lines(counter)
    settle = counter.settlement(member, visit, priced)
    whose = {"psn_no": member, "mdtrt_id": visit}
    output = await counter.done("2207", settle)
    assert (await counter.refused("2207", settle))[0] == 4022
    assert (await counter.refused("2206", settle))[0] == 4022
    assert (await counter.refused("2202", {"data": whose | {"ipt_otp_no": "MZ0001"}}))[0] == 4003
    undo = {"data": whose | {"setl_id": output["setlinfo"]["setl_id"]}}
    await counter.done("2208", undo)
    assert (await counter.refused("2208", undo))[0] == 4041
    await counter.done("2202", {"data": whose | {"ipt_otp_no": "MZ0001"}})
    for number, content in (
        ("2207", settle),
        ("2206", settle),
        ("2203", counter.description(member, visit)),
        ("2204", {"feedetail": [counter.fee(member, visit, "9", "1")]}),
    ):
        assert (await counter.refused(number, content))[0] == 4002, number


async def test_who_does_not_prove_itself_changes_nothing(counter: Counter) -> None:
    member = await counter.town.insure()
    before = await books(counter)
    body = json.dumps(counter.envelope("2201", counter.registration(member))).encode()
    now = int(counter.town.clock.now().timestamp())
    right = counter.headers()
    for headers, code in (
        ({}, 2001),
        (right | {"x-tif-paasid": "nobody"}, 2001),
        (right | {"x-tif-signature": "0" * 64}, 2002),
        (right | {"x-tif-nonce": "another"}, 2002),
        (_signed(now - 901), 2003),
        (_signed(now + 901), 2003),
    ):
        answer = await counter.post(body, headers=headers)
        assert answer["infcode"] == code, answer
        assert answer["err_msg"]
        assert await books(counter) == before
    assert (await counter.post(body, headers=right))["infcode"] == 0
    other = body.replace(b"MZ", b"ZM")
    assert (await counter.post(other, headers=right))["infcode"] == 2004


def _signed(timestamp: int) -> dict[str, str]:
    return {
        "x-tif-paasid": ACCOUNT,
        "x-tif-timestamp": str(timestamp),
        "x-tif-nonce": "n",
        "x-tif-signature": tif_signature(str(timestamp), "not-a-real-secret", "n"),
    }


async def test_institutions_and_transactions_are_checked_by_name(counter: Counter) -> None:
    member = await counter.town.insure()
    content = counter.registration(member)
    assert (await counter.refused("2201", content, fixmedins_code="H99999999999"))[0] == 2010
    assert (await counter.refused("0001", {}))[0] == 1003
    code, text = await counter.refused("5401", {})
    assert code == 1004
    assert "5401" in text
    assert "项目互认信息查询" in text
    assert (await counter.refused("2201", content, path="/hsa/hgs/2202"))[0] == 1005


async def test_a_body_of_twenty_megabytes_is_not_kept(counter: Counter) -> None:
    answer = await counter.post(b" " * 20_000_000)
    assert answer["infcode"] == 1002
    assert "8MB" in answer["err_msg"]
    declared = counter.headers() | {"content-length": "20000000"}
    assert (await counter.post(b"{}", headers=declared))["infcode"] == 1002


async def test_another_method_is_refused_in_an_envelope(counter: Counter) -> None:
    assert (await counter.post(b"", method="GET"))["infcode"] == 1001


async def test_another_institutions_visit_is_not_found(counter: Counter) -> None:
    member, visit, priced = await visit_with_lines(counter)
    before = await books(counter)
    counter.institution = OTHER_TERTIARY
    for number, content in (
        ("2207", counter.settlement(member, visit, priced)),
        ("2206", counter.settlement(member, visit, priced)),
        ("2203", counter.description(member, visit)),
        ("2204", {"feedetail": [counter.fee(member, visit, "9", "1")]}),
    ):
        assert (await counter.refused(number, content))[0] == 4001, number
    assert await books(counter) == before
