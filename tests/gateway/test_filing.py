"""Filings by serial number: made, seen by who settles, taken back by who made them."""

import asyncio
from datetime import date
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import FOREIGN, OTHER_TERTIARY, POOL, TERTIARY
from yibao.policy.terms import Filing
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured

TODAY = date(2026, 7, 15)
UNDO = {"2501": "2502", "2503": "2504", "2505": "2506", "2507": "2508"}
BAD_SERIALS = ("nonsense", "110000" + "0" * 19, "430100" + "0" * 19)


def transfer(member: str, **changes: Any) -> Json:
    """``input`` of 2501: to the hospital of the other pool."""
    data = {
        "psn_no": member,
        "insutype": "310",
        "tel": "000-0000",
        "diag_code": "J06.900",
        "diag_name": "感冒",
        "reflin_medins_no": FOREIGN,
        "reflin_medins_name": "外地医院",
        "mdtrtarea_admdvs": "430100",
        "refl_type": "3",
        "refl_date": "2026-07-15",
        "refl_rea": "病情需要",
        "refl_opnn": "同意",
    }
    return {"refmedin": data | changes}


def disease(member: str, **changes: Any) -> Json:
    """``input`` of 2503."""
    data = {
        "psn_no": member,
        "insutype": "310",
        "opsp_dise_code": "M03900",
        "opsp_dise_name": "高血压",
        "insu_optins": "110000",
        "ide_fixmedins_no": TERTIARY,
        "ide_fixmedins_name": "测试医院",
        "hosp_ide_date": "2026-07-01",
        "diag_dr_codg": "D110000001",
        "diag_dr_name": "医师甲",
        "begndate": "2026-07-15",
        "enddate": "2026-12-31",
    }
    return {"data": data | changes}


def choice(member: str, **changes: Any) -> Json:
    """``input`` of 2505."""
    data = {
        "psn_no": member,
        "biz_appy_type": "03",
        "begndate": "2026-07-15",
        "fix_srt_no": "1",
        "fixmedins_code": TERTIARY,
        "fixmedins_name": "测试医院",
        "agnter_name": "代办甲",
    }
    return {"data": data | changes}


def injury(member: str, **changes: Any) -> Json:
    """``input`` of 2507."""
    data = {"psn_no": member, "trum_time": "2026-07-14 08:00:00", "trum_rea": "跌倒"}
    return {"data": data | changes}


FILINGS = {"2501": transfer, "2503": disease, "2505": choice, "2507": injury}


async def file(counter: Counter, number: str, content: Json, **rest: Any) -> str:
    """File, and return the serial number."""
    serial: str = (await counter.done(number, content, **rest))["result"]["trt_dcla_detl_sn"]
    return serial


async def seen(counter: Counter, member: str) -> Insured:
    """The member as who settles sees one."""
    async with counter.town.database.reader([counter.institution]) as connection:
        found = await people.load_members(connection, counter.town.vault, POOL, [member])
    return found[member]


async def declared(counter: Counter) -> tuple[int, int]:
    """How many declarations and withdrawals there are."""
    async with counter.town.database.owner() as connection:
        return (
            await connection.fetchval("SELECT count(*) FROM registry.declaration"),
            await connection.fetchval("SELECT count(*) FROM registry.declaration_withdrawal"),
        )


# --------------------------------------------------------------------------------- what it makes


async def test_a_referral_is_on_file_for_its_place_and_hospital(counter: Counter) -> None:
    member = await counter.town.insure()
    serial = await file(counter, "2501", transfer(member))
    assert serial.startswith(POOL)
    assert len(serial) <= 30
    known = await seen(counter, member)
    assert known.filing_on("430102", TODAY) is Filing.TRANSFER
    assert known.filing_on("310000", TODAY) is Filing.NONE
    assert known.circumstances_at(FOREIGN, "430100", TODAY) == ("referred",)
    assert known.circumstances_at("H43019900001", "430100", TODAY) == ()
    assert known.circumstances_at(TERTIARY, "110000", TODAY) == ()
    await counter.done("2502", {"data": {"trt_dcla_detl_sn": serial, "psn_no": member}})
    assert (await seen(counter, member)).filings == ()


async def test_withdrawing_one_referral_leaves_the_others_of_the_place(counter: Counter) -> None:
    member = await counter.town.insure()
    first = await file(counter, "2501", transfer(member))
    elsewhere = transfer(member, reflin_medins_no="H43019900001")
    await file(counter, "2501", elsewhere)
    await counter.done("2502", {"data": {"trt_dcla_detl_sn": first, "psn_no": member}})
    known = await seen(counter, member)
    assert known.filing_on("430100", TODAY) is Filing.TRANSFER
    assert [row.institution for row in known.filings] == ["H43019900001"]


async def test_a_disease_is_on_file_until_its_last_day(counter: Counter) -> None:
    member = await counter.town.insure()
    serial = await file(counter, "2503", disease(member))
    known = await seen(counter, member)
    assert [row.code for row in known.diseases_on(date(2026, 12, 31))] == ["M03900"]
    assert known.diseases_on(date(2027, 1, 1)) == ()
    assert known.diseases_on(date(2026, 7, 14)) == ()
    undo = {"trt_dcla_detl_sn": serial, "psn_no": member, "memo": "误录"}
    await counter.done("2504", {"data": undo})
    assert (await seen(counter, member)).diseases == ()


async def test_a_chosen_institution_is_selected(counter: Counter) -> None:
    member = await counter.town.insure()
    serial = await file(counter, "2505", choice(member))
    known = await seen(counter, member)
    assert [row.institution for row in known.designated_on(TODAY)] == [TERTIARY]
    assert known.circumstances_at(TERTIARY, "110000", TODAY) == ("selected",)
    assert known.circumstances_at(OTHER_TERTIARY, "110000", TODAY) == ()
    undo = {"trt_dcla_detl_sn": serial, "psn_no": member, "memo": "改选"}
    await counter.done("2506", {"data": undo})
    assert (await seen(counter, member)).circumstances_at(TERTIARY, "110000", TODAY) == ()


async def test_a_choice_for_one_purpose_does_not_select_for_another(counter: Counter) -> None:
    member = await counter.town.insure()
    await file(counter, "2505", choice(member, biz_appy_type="10"))
    assert (await seen(counter, member)).circumstances_at(TERTIARY, "110000", TODAY) == ()


async def test_an_injury_is_filed_once(counter: Counter) -> None:
    member = await counter.town.insure()
    serial = await file(counter, "2507", injury(member))
    assert (await counter.refused("2507", injury(member)))[0] == 3022
    await counter.done("2508", {"data": {"trt_dcla_detl_sn": serial, "psn_no": member}})
    assert await file(counter, "2507", injury(member)) != serial


@pytest.mark.parametrize("number", FILINGS)
async def test_a_repeated_message_gets_the_same_serial_number(
    counter: Counter, number: str
) -> None:
    member, message = await counter.town.insure(), counter.message_id()
    content = FILINGS[number](member)
    serial = await file(counter, number, content, message=message)
    assert await file(counter, number, content, message=message) == serial
    assert await declared(counter) == (1, 0)


@pytest.mark.parametrize("number", FILINGS)
async def test_of_two_at_the_same_moment_one_is_filed(counter: Counter, number: str) -> None:
    member = await counter.town.insure()
    answers = await asyncio.gather(
        *(counter.call(number, FILINGS[number](member)) for _ in range(4))
    )
    assert sorted(answer["infcode"] for answer in answers) == [0, 3022, 3022, 3022]
    assert await declared(counter) == (1, 0)


async def test_telephones_and_agents_are_not_readable_in_the_database(counter: Counter) -> None:
    member = await counter.town.insure()
    await file(counter, "2505", choice(member))
    async with counter.town.database.owner() as connection:
        text = await connection.fetchval("SELECT declaration::text FROM registry.declaration")
    assert "代办甲" not in text
    assert "医院" in text


# -------------------------------------------------------------------------------- what is refused

FAULTS: list[tuple[str, Json, int, str]] = [
    ("2501", {"refl_date": "2026-07-16"}, 4005, "refl_date"),
    ("2501", {"begndate": "2026-07-15", "enddate": "2026-07-14"}, 4005, "enddate"),
    ("2501", {"begndate": "2020-07-15"}, 4005, "begndate"),
    ("2501", {"diag_code": "X99.999"}, 4010, "diag_code"),
    ("2501", {"mdtrtarea_admdvs": "110000"}, 2013, "mdtrtarea_admdvs"),
    ("2501", {"mdtrtarea_admdvs": "北京"}, 1012, "mdtrtarea_admdvs"),
    ("2501", {"reflin_medins_no": "", "mdtrtarea_admdvs": ""}, 1010, "reflin_medins_no"),
    ("2501", {"reflin_medins_no": "H31000000001", "mdtrtarea_admdvs": ""}, 1010, "就医地"),
    ("2501", {"refl_type": "1"}, 1012, "refl_type"),
    ("2501", {"insutype": "390"}, 3003, "insutype"),
    ("2501", {"insu_optins": "430100"}, 2013, "insu_optins"),
    ("2501", {"psn_no": "110000" + "9" * 19}, 3001, "psn_no"),
    ("2503", {"opsp_dise_code": "高血压"}, 4010, "opsp_dise_code"),
    ("2503", {"hosp_ide_date": "2026-07-16"}, 4005, "hosp_ide_date"),
    ("2503", {"insutype": "390"}, 3003, "insutype"),
    ("2503", {"insu_optins": "430100"}, 2013, "insu_optins"),
    ("2503", {"begndate": "2019-07-15"}, 4005, "begndate"),
    ("2503", {"psn_no": "430100" + "9" * 19}, 2013, "insu_optins"),
    ("2503", {"psn_no": "110000" + "9" * 19}, 3001, "psn_no"),
    ("2505", {"fixmedins_code": "H99999999999"}, 2010, "fixmedins_code"),
    ("2505", {"fix_srt_no": "x"}, 1012, "fix_srt_no"),
    ("2505", {"fix_srt_no": "0"}, 1012, "fix_srt_no"),
    ("2505", {"enddate": "2026-07-01"}, 4005, "enddate"),
    ("2507", {"trum_time": "2026-07-15 12:00:01"}, 4005, "trum_time"),
    ("2507", {"trum_time": ""}, 1010, "trum_time"),
    ("2507", {"trum_rea": ""}, 1010, "trum_rea"),
    ("2507", {"psn_no": ""}, 1010, "psn_no"),
]


@pytest.mark.parametrize(
    ("number", "changes", "code", "word"),
    FAULTS,
    ids=[f"{fault[0]} {next(iter(fault[1]))}={next(iter(fault[1].values()))}" for fault in FAULTS],
)
async def test_a_bad_filing_is_refused_with_its_field(
    counter: Counter, number: str, changes: Json, code: int, word: str
) -> None:
    member = await counter.town.insure()
    refused, text = await counter.refused(number, FILINGS[number](member, **changes))
    assert refused == code, text
    assert word in text
    assert await declared(counter) == (0, 0)
    assert (await seen(counter, member)).filings == ()


async def test_the_same_disease_is_not_filed_twice_for_a_day(counter: Counter) -> None:
    member = await counter.town.insure()
    await file(counter, "2503", disease(member))
    overlapping = disease(member, begndate="2026-12-31", enddate="")
    assert (await counter.refused("2503", overlapping))[0] == 3022
    await file(counter, "2503", disease(member, begndate="2027-01-01", enddate=""))
    await file(counter, "2503", disease(member, opsp_dise_code="M01600"))


async def test_a_place_among_the_chosen_is_taken_once(counter: Counter) -> None:
    member = await counter.town.insure()
    await file(counter, "2505", choice(member))
    code, text = await counter.refused("2505", choice(member, fixmedins_code=OTHER_TERTIARY))
    assert (code, "fix_srt_no" in text) == (3022, True)
    code, text = await counter.refused("2505", choice(member, fix_srt_no="2"))
    assert (code, "fixmedins_code" in text) == (3022, True)
    await file(counter, "2505", choice(member, fixmedins_code=OTHER_TERTIARY, fix_srt_no="2"))


@pytest.mark.parametrize("number", FILINGS)
async def test_only_who_filed_takes_it_back_and_once(counter: Counter, number: str) -> None:
    member, other = await counter.town.insure(), await counter.town.insure()
    serial = await file(counter, number, FILINGS[number](member))
    right = {"trt_dcla_detl_sn": serial, "psn_no": member, "memo": "误录"}
    undo = UNDO[number]
    for wrong in (*({"trt_dcla_detl_sn": bad} for bad in BAD_SERIALS), {"psn_no": other}):
        code, text = await counter.refused(undo, {"data": right | wrong})
        assert code == 3020, wrong
        assert "trt_dcla_detl_sn" in text
    for another in set(UNDO.values()) - {undo}:
        assert (await counter.refused(another, {"data": right}))[0] == 3020
    counter.institution = OTHER_TERTIARY
    assert (await counter.refused(undo, {"data": right}))[0] == 3020
    counter.institution = TERTIARY
    assert await declared(counter) == (1, 0)
    await counter.done(undo, {"data": right})
    assert (await counter.refused(undo, {"data": right}))[0] == 3021
    assert await declared(counter) == (1, 1)


async def test_of_two_withdrawals_at_the_same_moment_one_is_done(counter: Counter) -> None:
    member = await counter.town.insure()
    serial = await file(counter, "2503", disease(member))
    undo = {"data": {"trt_dcla_detl_sn": serial, "psn_no": member, "memo": "误录"}}
    answers = await asyncio.gather(*(counter.call("2504", undo) for _ in range(3)))
    assert sorted(answer["infcode"] for answer in answers) == [0, 3021, 3021]


# ---------------------------------------------------------------------------------- what is shown


async def test_diseases_on_file_are_shown_at_any_institution(counter: Counter) -> None:
    member = await counter.town.insure()
    await file(counter, "2503", disease(member))
    counter.institution = OTHER_TERTIARY
    output = await counter.done("5301", {"data": {"psn_no": member}})
    assert output == {
        "feedetail": [
            {
                "opsp_dise_code": "M03900",
                "opsp_dise_name": "高血压",
                "begndate": "2026-07-15",
                "enddate": "2026-12-31",
            }
        ]
    }


async def test_chosen_institutions_are_shown_by_purpose(counter: Counter) -> None:
    member = await counter.town.insure()
    await file(counter, "2505", choice(member))
    await file(counter, "2505", choice(member, biz_appy_type="1", fixmedins_code=OTHER_TERTIARY))
    every = (await counter.done("5302", {"data": {"psn_no": member}}))["psnfixmedin"]
    assert [row["fixmedins_code"] for row in every] == [OTHER_TERTIARY, TERTIARY]
    assert every[1]["fixmedins_name"] == f"机构{TERTIARY}"
    assert every[1]["enddate"] is None
    asked = {"psn_no": member, "biz_appy_type": "03"}
    (one,) = (await counter.done("5302", {"data": asked}))["psnfixmedin"]
    assert (one["fixmedins_code"], one["fix_srt_no"]) == (TERTIARY, "1")
    assert (await counter.refused("5302", {"data": {}}))[0] == 1010


async def test_referrals_are_shown_where_the_person_comes_to(counter: Counter) -> None:
    member = await counter.town.insure()
    serial = await file(counter, "2501", transfer(member))
    span = {"begntime": "2026-07-01", "endtime": "2026-07-31"}
    counter.institution = OTHER_TERTIARY
    (row,) = (await counter.done("5304", {"data": span | {"psn_no": member}}))["refmedin"]
    assert row["trt_dcla_detl_sn"] == serial
    assert row["reflin_medins_no"] == FOREIGN
    assert row["out_flag"] == "1"
    assert row["tel"] == "000-0000"
    assert row["opter_name"] == "收费员"
    assert (row["refl_date"], row["begndate"], row["enddate"]) == ("2026-07-15",) * 2 + (None,)
    assert (await counter.done("5304", {"data": span}))["refmedin"] == []
    counter.institution = TERTIARY
    assert len((await counter.done("5304", {"data": span}))["refmedin"]) == 1
    early = {"begntime": "2026-06-01", "endtime": "2026-07-14", "psn_no": member}
    assert (await counter.done("5304", {"data": early}))["refmedin"] == []
    turned = {"begntime": "2026-07-31", "endtime": "2026-07-01", "psn_no": member}
    assert (await counter.refused("5304", {"data": turned}))[0] == 4005
    await counter.done("2502", {"data": {"trt_dcla_detl_sn": serial, "psn_no": member}})
    assert (await counter.done("5304", {"data": span}))["refmedin"] == []


@pytest.mark.parametrize("number", ["5301", "5302", "5304"])
async def test_nobody_is_shown_for_a_number_that_is_not_there(
    counter: Counter, number: str
) -> None:
    span = {"begntime": "2026-07-01", "endtime": "2026-07-31"}
    answer = await counter.call(number, {"data": span | {"psn_no": "110000" + "9" * 19}})
    if number == "5304":
        assert answer["output"] == {"refmedin": []}
    else:
        assert answer["infcode"] == 3001
