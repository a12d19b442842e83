"""A prescription's way from the doctor to the pharmacy's counter, over the interface."""

import asyncio
import base64
import json
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import (
    CLINIC,
    OTHER_TERTIARY,
    PHARMACY,
    TERTIARY,
    laws_of_beijing,
)
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.platform.commands.model import Command, Done, MessageKey
from yibao.platform.commands.service import Commands
from yibao.platform.database import Database
from yibao.prescriptions.model import Dispense, Drug
from yibao.prescriptions.service import handlers
from yibao.registry.service import ReferenceCache

FILE = base64.b64encode(b"a prescription on paper").decode()
NO_AMOUNTS = {"fund_pay_sumamt": 0, "psn_part_amt": 0, "acct_pay": 0, "psn_cash_pay": 0}

REVIEW = {"phar_name": "药师乙", "phar_certno": "990000199001010009"}


def drug(item: str, quantity: str) -> Json:
    """A row of 7101's ``rxdrugdetail``."""
    return {
        "med_list_codg": item,
        "drug_genname": "试验药",
        "drug_dosform": "片剂",
        "drug_spec": "10mg",
        "drug_cnt": quantity,
        "drug_cnt_unit": "盒",
        "medc_way_codg": "1",
        "medc_way_dscr": "口服",
        "medc_days": "3.5",
        "medc_endtime": "2026-07-18 12:00:00",
    }


def uploaded(counter: Counter, member: str, visit: str, **changes: Any) -> Json:
    """``input`` of 7101."""
    data = {
        "hosp_rxno": "CF0001",
        "rx_type_code": "1",
        "prsc_time": "2026-07-15 12:00:00",
        "rx_drug_nums": "2",
        "valid_days": 3,
        "valid_end_time": "2026-07-18 12:00:00",
        "rx_cotn_flag": "0",
        "rx_file": FILE,
        "rx_circ_flag": "1",
    }
    seen = {
        "mdtrt_id": visit,
        "psn_no": member,
        "med_type": "11",
        "ipt_op_no": "MZ0001",
        "age": "46.5",
        "gend": "1",
        "certno": counter.town.documents[member],
        "psn_cert_type": "01",
        "insutype": "310",
        "insuplc_admdvs": "110000",
        "prsc_dept_name": "内科",
        "prsc_dr_name": "医师甲",
        "phar_name": "药师甲",
        "diag_code": "J06.900",
        "diag_name": "感冒",
        "diag_dept": "内科",
    }
    diagnosis = {
        "diag_type": "1",
        "maindiag_flag": "1",
        "diag_srt_no": 1,
        "diag_code": "J06.900",
        "diag_name": "感冒",
        "diag_dept": "内科",
        "dise_dor_no": "D1",
        "dise_dor_name": "医师甲",
        "diag_time": "2026-07-15 12:00:00",
    }
    return {
        "data": {k: changes.pop(k, v) for k, v in data.items()},
        "rxdrugdetail": changes.pop("drugs", [drug("XA01", "2"), drug("XB01", "1")]),
        "mdtrtinfo": seen | changes,
        "diseinfo": [diagnosis],
    }


def checked(counter: Counter, member: str, visit: str, **seen: Any) -> Json:
    """``input`` of D001."""
    return {
        "data": {
            "mdtrtCertType": "02",
            "hospRxno": "CF-D001",
            "prscTime": "2026-07-15 12:00:00",
            "valiDays": 3,
            "valiEndTime": "2026-07-18 12:00:00",
            "mdtrtinfo": {
                "fixmedinsCode": counter.institution,
                "mdtrtId": visit,
                "psnNo": member,
                "certno": counter.town.documents[member],
                "prscDeptName": "内科",
                "maindiagName": "感冒",
            }
            | seen,
            "rxdrugdetail": [{"medListCodg": "XA01", "drugCnt": "2", "sinDoscnt": "0.5"}],
            "diseinfo": [{"diagCode": "J06.900", "diagName": "感冒"}],
        }
    }


def sold(number: str, *drugs: tuple[str, str], **changes: Any) -> Json:
    """``input`` of 7206."""
    data = {
        "hi_rxno": number,
        "phar_name": "药师乙",
        "phar_prac_cert_no": "YS0002",
        "dspeer_name": "配药员",
        "pro_name": "发药员",
        "sel_retn_time": "2026-07-15 13:00:00",
        "setl_time": "2026-07-15 13:00:00",
    }
    rows = [
        {
            "med_list_codg": item,
            "fixmedins_hilist_id": "YP-1",
            "fixmedins_hilist_name": "试验药",
            "drug_spec": "10mg",
            "manu_lotnum": "L1",
            "rx_flag": "1",
            "trdn_flag": "0",
            "sel_retn_cnt": quantity,
            "sumamt": 0,
        }
        for item, quantity in drugs
    ]
    return {"data": data | NO_AMOUNTS | changes, "selinfo": rows}


def decoded(scan: str) -> Json:
    """``input`` of 7201."""
    return {"data": {"epc_qrcd": scan, "opter_name": "收银员"}}


def presented(counter: Counter, member: str) -> Json:
    """``input`` of 7202: the person's identity card."""
    return {
        "data": {
            "mdtrt_cert_type": "02",
            "mdtrt_cert_no": counter.town.documents[member],
            "insuplc_admdvs": "110000",
            "opter_name": "收银员",
        }
    }


class Case:
    """A member with a visit and an uploaded prescription, and a pharmacy's counter."""

    def __init__(self, counter: Counter, member: str, visit: str, output: Json) -> None:
        self.counter, self.member, self.visit = counter, member, visit
        self.number: str = output["hi_rxno"]
        self.scan: str = output["epc_qrcd"]

    def at(self, institution: str) -> Counter:
        """Another institution's counter."""
        self.counter.institution = institution
        return self.counter

    async def token(self, institution: str = PHARMACY) -> str:
        """The token that the QR text gives an institution."""
        token: str = (await self.at(institution).done("7201", decoded(self.scan)))["epc_token"]
        return token

    async def take(self, institution: str = PHARMACY) -> Json:
        """The prescription, taken by an institution."""
        content = {"data": {"epc_token": await self.token(institution), "insuplc_admdvs": "110000"}}
        output: Json = await self.counter.done("7203", content)
        return output


@pytest.fixture
async def case(counter: Counter) -> Case:
    """A prescription that waits for a pharmacy."""
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    output = await counter.done("7101", uploaded(counter, member, visit))
    return Case(counter, member, visit, output)


async def test_a_pharmacy_hands_out_what_was_prescribed(case: Case) -> None:
    shown = await case.at(PHARMACY).done("7201", decoded(case.scan))
    assert shown["certno"] == case.counter.town.documents[case.member]
    assert shown["insuplc_admdvs"] == "110000"
    taken = await case.take()
    assert taken["data"]["hi_rxno"] == case.number
    assert taken["data"]["fixmedins_code"] == TERTIARY
    assert taken["data"]["rx_file"] == FILE
    assert [row["drug_cnt"] for row in taken["rxdrugdetail"]] == [2, 1]
    assert str(taken["mdtrtinfo"]["age"]) == "46.5"
    assert taken["mdtrtinfo"]["patn_name"] == shown["name"]
    assert taken["diseinfo"][0]["diag_code"] == "J06.900"
    code = taken["data"]["download_ide_code"]
    passed = REVIEW | {"hi_rxno": case.number, "rx_chk_stas_codg": "1"}
    await case.counter.done("7204", {"data": passed})
    first = await case.counter.done(
        "7206", sold(case.number, ("XA01", "2"), download_ide_code=code)
    )
    assert first["data"]["remaining"] == [{"med_list_codg": "XB01", "drug_cnt": "1.0000"}]
    await case.counter.done("7206", sold(case.number, ("XB01", "1")))
    assert (await case.counter.refused("7206", sold(case.number, ("XB01", "1"))))[0] == 7011


async def test_the_centres_form_signs_before_it_uploads(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    numbers = (await counter.done("D001", checked(counter, member, visit)))["data"]
    assert len(numbers["rxTraceCode"]) <= 20
    value = base64.b64encode(json.dumps(numbers).encode()).decode()
    wanted = {"fixmedinsCode": TERTIARY, "originalValue": value, "originalRxFile": FILE}
    upload = {
        **numbers,
        "mdtrtId": visit,
        "certno": counter.town.documents[member],
        "rxFile": FILE,
        "signDigest": "forged",
        "pharName": "药师甲",
        "pharCode": "YS1",
        "pharChkTime": "2026-07-15 12:30:00",
    }
    assert (await counter.refused("D003", {"data": upload}))[0] == 7011
    signed = (await counter.done("D002", {"data": wanted}))["data"]
    for wrong in ({}, {"signDigest": signed["signDigest"], "rxFile": FILE + "AAAA"}):
        assert (await counter.refused("D003", {"data": upload | wrong}))[0] == 7016
    asked = {
        "data": {
            "hiRxno": numbers["hiRxno"],
            "fixmedinsCode": TERTIARY,
            "mdtrtId": visit,
            "certno": counter.town.documents[member],
        }
    }
    before = (await counter.done("D006", asked))["data"]
    assert (before["rxChkStasCodg"], before["rxStasCodg"]) == ("0", None)
    taken_in = await counter.done("D003", {"data": upload | {"signDigest": signed["signDigest"]}})
    assert taken_in["data"]["rxStasName"] == "有效"
    after = (await counter.done("D006", asked))["data"]
    assert (after["rxChkStasCodg"], after["rxStasCodg"]) == ("1", "1")
    assert after["pharName"] == "药师甲"
    counter.institution = PHARMACY
    token = (await counter.done("7201", decoded(taken_in["data"]["epcQrcd"])))["epc_token"]
    taken = await counter.done("7203", {"data": {"epc_token": token, "insuplc_admdvs": "110000"}})
    assert taken["data"]["rx_file"] == FILE
    assert taken["mdtrtinfo"]["phar_name"] == "药师甲"
    assert taken["rxdrugdetail"][0]["med_list_codg"] == "XA01"
    assert str(taken["rxdrugdetail"][0]["sin_doscnt"]) == "0.5000"
    counter.institution = TERTIARY
    undo = {"hiRxno": numbers["hiRxno"], "fixmedinsCode": TERTIARY, "undoRea": "开错"}
    assert (await counter.refused("D004", {"data": undo}))[0] == 7011


async def test_a_withdrawn_prescription_is_gone_and_its_number_is_free(case: Case) -> None:
    undo = {
        "hi_rxno": case.number,
        "prsc_dr_name": "医师甲",
        "undo_dr_certno": "990000199001010009",
        "undo_rea": "开错",
        "undo_time": "2026-07-15 12:30:00",
    }
    again = uploaded(case.counter, case.member, case.visit)
    assert (await case.counter.refused("7101", again))[0] == 7015
    await case.counter.done("7104", {"data": undo})
    assert (await case.counter.refused("7104", {"data": undo}))[0] == 7011
    token = await case.token()
    content = {"data": {"epc_token": token, "insuplc_admdvs": "110000"}}
    assert (await case.counter.refused("7203", content))[0] == 7011
    assert await case.counter.done("7202", presented(case.counter, case.member)) == []
    assert (await case.at(TERTIARY).done("7101", again))["hi_rxno"] != case.number


async def test_a_voucher_shows_what_may_be_had_here(case: Case) -> None:
    listed = await case.at(PHARMACY).done("7202", presented(case.counter, case.member))
    (row,) = listed
    assert row["diag_name"] == "感冒"
    assert row["fixmedins_code"] == TERTIARY
    content = {"data": {"auth_rxno": row["auth_rxno"], "insuplc_admdvs": "110000"}}
    assert (await case.at(CLINIC).refused("7203", content))[0] == 7010, "not its number"
    await case.at(PHARMACY).done("7203", content)
    assert len(await case.counter.done("7202", presented(case.counter, case.member))) == 1
    assert await case.at(CLINIC).done("7202", presented(case.counter, case.member)) == []


async def test_of_two_pharmacies_one_has_it_until_it_lets_go(case: Case) -> None:
    token = await case.token(CLINIC)
    await case.take(PHARMACY)
    content = {"data": {"epc_token": token, "insuplc_admdvs": "110000"}}
    assert (await case.at(CLINIC).refused("7203", content))[0] == 7013
    assert (await case.counter.refused("7206", sold(case.number, ("XA01", "1"))))[0] == 7010
    no = REVIEW | {"hi_rxno": case.number, "rx_chk_stas_codg": "2", "rx_chk_opnn": "缺货"}
    await case.at(PHARMACY).done("7204", {"data": no})
    await case.at(CLINIC).done("7203", content)
    assert (await case.at(PHARMACY).refused("7206", sold(case.number, ("XA01", "1"))))[0] == 7010


async def test_an_addressed_prescription_is_for_its_pharmacy(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    nobody = checked(counter, member, visit, extras={"circFixmedinsCode": "P99999999999"})
    assert (await counter.refused("D001", nobody))[0] == 2010
    content = checked(counter, member, visit, extras={"circFixmedinsCode": PHARMACY})
    numbers = (await counter.done("D001", content))["data"]
    wanted = {"originalValue": json.dumps(numbers), "originalRxFile": FILE}
    signed = (await counter.done("D002", {"data": wanted}))["data"]
    upload = {
        **numbers,
        "certno": counter.town.documents[member],
        "rxFile": FILE,
        "signDigest": signed["signDigest"],
    }
    scan = (await counter.done("D003", {"data": upload}))["data"]["epcQrcd"]
    counter.institution = CLINIC
    assert (await counter.refused("7201", decoded(scan)))[0] == 7010
    assert await counter.done("7202", presented(counter, member)) == []
    counter.institution = PHARMACY
    assert len(await counter.done("7202", presented(counter, member))) == 1


async def test_of_many_dispensings_at_once_no_more_is_handed_out_than_prescribed(
    case: Case,
) -> None:
    await case.take()
    answers = await asyncio.gather(
        *(case.counter.call("7206", sold(case.number, ("XA01", "1"))) for _ in range(6))
    )
    codes = sorted(answer["infcode"] for answer in answers)
    assert codes == [0, 0, 7014, 7014, 7014, 7014]


async def test_two_servers_hand_out_no_more_than_was_prescribed(case: Case) -> None:
    """Each with commands of its own: the prescription's next turn is what they meet at."""
    await case.take()
    town, key = case.counter.town, parse_pool_key(case.number)
    assert key is not None
    request = Dispense(PHARMACY, key, (Drug("XA01", 10_000),), None)
    other = await Database.open(town.database.dsn)
    try:
        made = handlers(ReferenceCache(town.vault, laws_of_beijing()), town.vault)
        servers = [
            Commands(database.writer, town.clock, await database.numbers(), made)
            for database in (town.database, other)
        ]
        outcomes = await asyncio.gather(
            *(
                servers[turn % 2].submit(
                    Command(
                        key.pool,
                        f"subject {turn}",  # so that even one server does not queue them
                        MessageKey(PHARMACY, "7206", f"message {turn}"),
                        b"digest",
                        request,
                    )
                )
                for turn in range(8)
            )
        )
    finally:
        await other.close()
    assert sum(isinstance(outcome, Done) for outcome in outcomes) == 2
    refusals = {outcome.code for outcome in outcomes if isinstance(outcome, Refusal)}
    assert refusals == {RefusalCode.PRESCRIPTION_EXCEEDED}


async def test_bills_and_payments_are_noted_by_who_may(case: Case) -> None:
    bill = {
        "hi_rxno": case.number,
        "fund_pay_sumamt": "10.00",
        "psn_part_amt": "5.50",
        "acct_pay": "5.00",
        "psn_cash_pay": "0.50",
        "setl_time": "2026-07-15 13:00:00",
    }
    lines = [{"drug_spec": "10mg", "sumamt": "15.50"}]
    await case.counter.done("7103", {"data": bill, "seltdelts": lines})
    for data, rows in (
        (bill | {"psn_cash_pay": "0.40"}, lines),
        (bill, [{"drug_spec": "10mg", "sumamt": "15.49"}]),
    ):
        assert (await case.counter.refused("7103", {"data": data, "seltdelts": rows}))[0] == 4030
    paid = {"hi_rxno": case.number, "hosp_rxno": "CF0001", "rx_pay_status_code": "1"}
    await case.counter.done("7105", {"data": paid})
    assert (await case.counter.refused("7105", {"data": paid | {"hosp_rxno": "CF9"}}))[0] == 1012
    delivery = {"hi_rxno": case.number, "delv_stas_codg": "1", "delver_name": "骑手甲"}
    assert (await case.at(PHARMACY).refused("7205", {"data": delivery}))[0] == 7010
    await case.take()
    await case.counter.done("7205", {"data": delivery})
    assert (await case.at(OTHER_TERTIARY).refused("7103", {"data": bill}))[0] == 7010


async def test_a_repeated_message_gets_the_first_answer(case: Case) -> None:
    content = uploaded(case.counter, case.member, case.visit, hosp_rxno="CF2")
    message = case.counter.message_id()
    first = await case.counter.done("7101", content, message=message)
    assert await case.counter.done("7101", content, message=message) == first
    await case.take()
    message, one = case.counter.message_id(), sold(case.number, ("XA01", "1"))
    first = await case.counter.done("7206", one, message=message)
    await case.counter.done("7206", one)
    assert await case.counter.done("7206", one, message=message) == first


async def test_nothing_that_names_a_person_lies_open(case: Case) -> None:
    await case.take()
    await case.counter.done(
        "7205",
        {
            "data": {
                "hi_rxno": case.number,
                "delv_stas_codg": "1",
                "delver_name": "骑手甲",
                "delv_addr": "虚构路1号",
            }
        },
    )
    document = case.counter.town.documents[case.member]
    async with case.counter.town.database.owner() as connection:
        for table in ("prescriptions.prescription", "prescriptions.event", "platform.message"):
            text = await connection.fetchval(f"SELECT string_agg(t::text, '|') FROM {table} AS t")
            for word in (document, "感冒", "骑手甲", "虚构路", "医师甲"):
                assert word not in text, (table, word)


async def test_bad_prescriptions_are_refused_and_not_kept(case: Case) -> None:
    counter, member, visit = case.counter, case.member, case.visit
    other = await counter.town.insure()

    async def kept() -> int:
        return await counter.town.rows("prescriptions.visible_prescription")

    before = await kept()
    fresh = {"hosp_rxno": "CF3"}
    for changes, code, word in (
        ({"certno": "990000190001010000"}, 3004, "certno"),
        ({"patn_name": "别人"}, 3004, "patn_name"),
        ({"psn_no": other}, 3004, "psn_no"),
        ({"mdtrt_id": "nonsense"}, 4001, "mdtrt_id"),
        ({"drugs": []}, 4021, "rxdrugdetail"),
        ({"drugs": [drug("NOWHERE", "1")]}, 4010, "NOWHERE"),
        ({"drugs": [drug("XA01", "-1")]}, 1013, "XA01"),
        ({"drugs": [drug("XA01", "")]}, 1010, "drug_cnt"),
        ({"prsc_time": "2027-01-01 00:00:00"}, 4005, "prsc_time"),
        ({"valid_end_time": "2026-07-15 11:00:00"}, 4005, "valid_end_time"),
        ({"valid_end_time": "", "valid_days": ""}, 1010, "valid_end_time"),
        ({"rx_file": ""}, 1010, "rx_file"),
        ({"rx_file": {"a": 1}}, 1012, "rx_file"),
        ({"hosp_rxno": ""}, 1010, "hosp_rxno"),
    ):
        refused, text = await counter.refused(
            "7101", uploaded(counter, member, visit, **fresh | changes)
        )
        assert refused == code, (changes, text)
        assert word in text, (changes, text)
    counter.institution = OTHER_TERTIARY
    foreign = uploaded(counter, member, visit, **fresh)
    assert (await counter.refused("7101", foreign))[0] == 4001
    undo = {"data": {"hi_rxno": case.number, "undo_rea": "x"}}
    assert (await counter.refused("7104", undo))[0] == 7010
    for number in ("nonsense", "110000" + "0" * 19, "000000" + "0" * 19):
        assert (await counter.refused("7104", {"data": {"hi_rxno": number}}))[0] == 7010
    assert (await counter.refused("7201", decoded("RX" + "A" * 25)))[0] == 7010
    assert (await counter.refused("7203", {"data": {"insuplc_admdvs": "110000"}}))[0] == 1010
    for value in ("nonsense", "[]", json.dumps({"hiRxno": "x"}), json.dumps({"rxTraceCode": 1})):
        wanted = {"originalValue": value, "originalRxFile": FILE}
        refused, _ = await counter.refused("D002", {"data": wanted})
        assert refused in (1012, 7010), value
    assert await kept() == before
