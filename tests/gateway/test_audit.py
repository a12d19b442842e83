"""Rules of use over the interface: 3101, 3102 and the hospital's answer 3103."""

import asyncio
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import CLINIC, OTHER_TERTIARY
from yibao.kernel.identifiers import parse_pool_key
from yibao.supervision.service import answers_to

FOR_WOMEN = "002101030310000"
INPATIENTS_ONLY = "XB05BAU012B002010102180"
HIGHER_HOSPITALS = "ZC01AAA0042010105549"


def order(item: str = FOR_WOMEN, **changes: Any) -> Json:
    """One order of 10 yuan."""
    row = {
        "rx_id": "R1",
        "rxno": "1",
        "long_drord_flag": "0",
        "hilist_type": "2",
        "chrg_type": "03",
        "drord_bhvr": "0",
        "hilist_code": item,
        "hilist_name": "",
        "hilist_lv": "1",
        "hilist_pric": "10",
        "hosplist_code": "H1",
        "hosplist_name": "某项目",
        "cnt": 1,
        "pric": "10",
        "sumamt": "10.00",
        "ownpay_amt": "0",
        "selfpay_amt": "0",
        "spec": "次",
        "spec_unt": "次",
        "drord_begn_date": "2026-07-15",
        "drord_dept_codg": "0300",
        "drord_dept_name": "内科",
        "drord_dr_codg": "D1",
        "drord_dr_name": "医师甲",
        "drord_dr_profttl": "1",
        "curr_drord_flag": "1",
    }
    return row | {"hilist_name": "某项目"} | changes


def encounter(counter: Counter, *orders: Json, **changes: Any) -> Json:
    """A visit with orders."""
    visit = {
        "mdtrt_id": "V1",
        "medins_id": counter.institution,
        "medins_name": "测试医院",
        "medins_admdvs": "110000",
        "medins_type": "1",
        "medins_lv": "3",
        "adm_date": "2026-07-15",
        "dscg_date": "2026-07-15",
        "dscg_main_dise_codg": "J06.900",
        "dscg_main_dise_name": "感冒",
        "dr_codg": "D1",
        "adm_dept_codg": "0300",
        "adm_dept_name": "内科",
        "dscg_dept_codg": "0300",
        "dscg_dept_name": "内科",
        "med_mdtrt_type": "1",
        "med_type": "11",
        "matn_stas": "0",
        "medfee_sumamt": "10",
        "ownpay_amt": "0",
        "selfpay_amt": "0",
        "setl_totlnum": 0,
        "insutype": "310",
        "reim_flag": "0",
        "out_setl_flag": "0",
        "fsi_order_dtos": list(orders),
    }
    return visit | changes


def asked(*visits: Json, **changes: Any) -> Json:
    """``input`` of 3101 about one person's visits."""
    person = {
        "patn_id": "P1",
        "patn_name": "测试",
        "gend": "1",
        "brdy": "1980-01-01",
        "poolarea": "110000",
        "curr_mdtrt_id": "V1",
        "fsi_encounter_dtos": list(visits),
    }
    data = {"syscode": "HIS", "task_id": "T1", "trig_scen": "1", "patient_dtos": [person | changes]}
    return {"data": data}


async def findings(counter: Counter, content: Json, number: str = "3101") -> list[Json]:
    """The findings answered to a message."""
    found: list[Json] = (await counter.done(number, content))["result"]
    return found


async def test_a_clean_order_passes(counter: Counter) -> None:
    assert await findings(counter, asked(encounter(counter, order("UNKNOWN")))) == []
    assert await findings(counter, asked(encounter(counter))) == []


async def test_a_finding_is_told_with_rule_amount_and_evidence(counter: Counter) -> None:
    (found,) = await findings(counter, asked(encounter(counter, order())))
    assert found["rule_id"] == "A02"
    assert found["rule_name"] == "项目区分性别使用"
    assert "限女" in found["vola_cont"]
    assert "男" in found["vola_cont"]
    assert str(found["vola_amt"]) == "10.00"
    assert (found["patn_id"], found["mdtrt_id"], found["task_id"]) == ("P1", "V1", "T1")
    (detail,) = found["judge_result_detail_dtos"]
    assert detail["rx_id"] == "R1"
    assert detail["jrd_id"].startswith(found["jr_id"])
    assert str(detail["vola_amt"]) == "10.00"


async def test_a_hospitals_own_history_may_come_along(counter: Counter) -> None:
    for history in ([], [{"mdtrt_id": "V0"}], None, ""):
        content = asked(encounter(counter, order()), fsi_his_data_dto=history)
        assert len(await findings(counter, content)) == 1, history


async def test_history_and_other_visits_are_not_judged(counter: Counter) -> None:
    earlier = encounter(counter, order(), mdtrt_id="V0")
    now = encounter(counter, order(curr_drord_flag="0"))
    assert await findings(counter, asked(earlier, now)) == []
    assert len(await findings(counter, asked(earlier, curr_mdtrt_id="V9"))) == 1


async def test_the_level_is_the_registered_one_of_the_institution(counter: Counter) -> None:
    content = asked(encounter(counter, order(HIGHER_HOSPITALS)))
    assert await findings(counter, content) == []
    counter.institution = CLINIC
    (found,) = await findings(counter, content)
    assert found["rule_id"] == "A07"


async def test_the_kind_of_care_decides(counter: Counter) -> None:
    drug = order(INPATIENTS_ONLY)
    assert len(await findings(counter, asked(encounter(counter, drug)))) == 1
    assert await findings(counter, asked(encounter(counter, drug, med_type="21"))) == []


async def test_a_sender_may_ask_for_some_rules_only(counter: Counter) -> None:
    content = asked(encounter(counter, order()))
    content["data"]["rule_ids"] = ["A01"]
    assert await findings(counter, content) == []
    content["data"]["rule_ids"] = "A01,A02"
    assert len(await findings(counter, content)) == 1


async def test_a_repeated_message_gets_the_first_findings(counter: Counter) -> None:
    content, message = asked(encounter(counter, order())), counter.message_id()
    first = await counter.done("3101", content, message=message)
    assert await counter.done("3101", content, message=message) == first
    assert await counter.done("3101", content) != first


async def test_in_process_the_registered_person_counts(counter: Counter) -> None:
    member = await counter.town.insure()  # a man
    visit = await counter.open_visit(member)
    content = asked(
        encounter(counter, order(), mdtrt_id=visit), curr_mdtrt_id=visit, gend="2", patn_id=member
    )
    assert len(await findings(counter, content, "3102")) == 1
    assert len(await findings(counter, content, "3101")) == 1


async def test_in_process_a_visit_must_be_the_institutions_own(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    for unknown in ("V1", "110000" + "9" * 18 + "0"):
        content = asked(encounter(counter, order(), mdtrt_id=unknown), curr_mdtrt_id=unknown)
        assert (await counter.refused("3102", content))[0] == 4001
    counter.institution = OTHER_TERTIARY
    content = asked(encounter(counter, order("X"), mdtrt_id=visit), curr_mdtrt_id=visit, gend="2")
    assert (await counter.refused("3102", content))[0] == 4001
    assert await findings(counter, content, "3101") == []
    assert await kept(counter) == (1, 0)


async def kept(counter: Counter) -> tuple[int, int]:
    """How many audits and findings are written down."""
    async with counter.town.database.owner() as connection:
        return (
            await connection.fetchval("SELECT count(*) FROM supervision.audit"),
            await connection.fetchval("SELECT count(*) FROM supervision.finding"),
        )


async def test_the_hospital_answers_its_findings(counter: Counter) -> None:
    (found,) = await findings(counter, asked(encounter(counter, order())))
    answer = {"warn_rslt_id": found["jr_id"], "dspo_way": "1", "dspo_way_rea": "病情需要"}
    content = {"data": {"warn_type": "1", "warns": [answer]}}
    message = counter.message_id()
    await counter.done("3103", content, message=message)
    await counter.done("3103", content, message=message)
    changed = answer | {"dspo_way": "2"}
    await counter.done("3103", {"data": {"warn_type": "1", "warns": changed}})
    key = parse_pool_key(found["jr_id"])
    assert key is not None
    async with counter.town.database.reader([counter.institution]) as connection:
        answers = await answers_to(connection, counter.town.vault, key)
    assert [(way, reason) for _, way, reason in answers] == [("1", "病情需要"), ("2", "病情需要")]
    async with counter.town.database.reader([OTHER_TERTIARY]) as connection:
        assert await answers_to(connection, counter.town.vault, key) == []


async def test_an_answer_to_nothing_or_to_anothers_finding_is_refused(counter: Counter) -> None:
    (found,) = await findings(counter, asked(encounter(counter, order())))
    answer = {"warn_rslt_id": found["jr_id"], "dspo_way": "1"}
    for warn, code, field in (
        (answer | {"warn_rslt_id": "x"}, 6620, "warn_rslt_id"),
        (answer | {"warn_rslt_id": "000000" + "1" * 19}, 6620, "warn_rslt_id"),
        (answer | {"warn_rslt_id": ""}, 1010, "warn_rslt_id"),
        (answer | {"dspo_way": ""}, 1010, "dspo_way"),
        (answer | {"dspo_way": "3"}, 1012, "dspo_way"),
        (answer | {"dspo_way_rea": "长" * 1001}, 1011, "dspo_way_rea"),
    ):
        refused, text = await counter.refused("3103", {"data": {"warns": [answer, warn]}})
        assert refused == code, text
        assert field in text
    assert (await counter.refused("3103", {"data": {}}))[0] == 1010
    counter.institution = OTHER_TERTIARY
    assert (await counter.refused("3103", {"data": {"warns": [answer]}}))[0] == 6620
    async with counter.town.database.owner() as connection:
        assert await connection.fetchval("SELECT count(*) FROM supervision.answer") == 0


async def test_many_wards_ask_at_once(counter: Counter) -> None:
    contents = [asked(encounter(counter, order(rx_id=f"R{i}")), patn_id=f"P{i}") for i in range(20)]
    found = await asyncio.gather(*(findings(counter, content) for content in contents))
    assert {rows[0]["patn_id"] for rows in found} == {f"P{i}" for i in range(20)}
    assert len({rows[0]["jr_id"] for rows in found}) == 20


async def test_no_name_is_kept_in_the_open(counter: Counter) -> None:
    await findings(counter, asked(encounter(counter, order()), patn_id="990101198001010001"))
    async with counter.town.database.owner() as connection:
        text = await connection.fetchval("SELECT f::text FROM supervision.finding AS f")
    assert "990101198001010001" not in text


ORDERS = "data.patient_dtos[1].fsi_encounter_dtos[1].fsi_order_dtos[1]"


@pytest.mark.parametrize(
    ("changes", "code", "place"),
    [
        ({"hilist_code": ""}, 1010, f"{ORDERS}.hilist_code"),
        ({"cnt": "一"}, 1012, f"{ORDERS}.cnt"),
        ({"cnt": "1.005"}, 1012, f"{ORDERS}.cnt"),
        ({"sumamt": "1e30"}, 1011, f"{ORDERS}.sumamt"),
        ({"drord_begn_date": "2026-02-30"}, 1012, f"{ORDERS}.drord_begn_date"),
        ({"hilist_code": "1" * 51}, 1011, f"{ORDERS}.hilist_code"),
        ({"curr_drord_flag": None}, 1010, f"{ORDERS}.curr_drord_flag"),
    ],
)
async def test_a_bad_order_is_refused_by_its_place(
    counter: Counter, changes: Json, code: int, place: str
) -> None:
    refused, text = await counter.refused("3101", asked(encounter(counter, order(**changes))))
    assert refused == code, text
    assert place in text
    assert await kept(counter) == (0, 0)


async def test_a_message_about_nobody_is_refused(counter: Counter) -> None:
    nobody: list[Json] = [{}, {"patient_dtos": []}]
    for data in nobody:
        code, text = await counter.refused("3101", {"data": data})
        assert code == 1010
        assert "patient_dtos" in text
