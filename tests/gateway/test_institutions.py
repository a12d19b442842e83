"""An institution asks of institutions, and says what departments it has."""

import asyncio
from datetime import date, timedelta
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import (
    CLINIC,
    FOREIGN,
    OTHER_TERTIARY,
    PHARMACY,
    SUSPENDED,
    TERTIARY,
)
from yibao.kernel.periods import Period
from yibao.registry.staff import service as staff
from yibao.registry.staff.model import Practitioner, PractitionerKind


def department(code: str = "0300", **changes: Any) -> Json:
    """A department as 3401 carries it."""
    row = {
        "hosp_dept_codg": code,
        "caty": "A03",
        "hosp_dept_name": "内科",
        "begntime": "2026-01-01 00:00:00",
        "itro": "简介",
        "dept_resper_name": "负责人甲",
        "dept_resper_tel": "000-0000",
        "dept_estbdat": "2020-01-01 00:00:00",
        "aprv_bed_cnt": 30,
        "poolarea_no": "110000",
        "dr_psncnt": "10",
        "phar_psncnt": 2,
        "nurs_psncnt": 20,
        "tecn_psncnt": 3,
    }
    return row | changes


def uploaded(code: str = "0300", **changes: Any) -> Json:
    """``input`` of 3401 and 3402."""
    return {"deptinfo": department(code, **changes)}


async def shown(counter: Counter, code: str | None = None) -> list[Json]:
    """The departments of 5101."""
    data = {} if code is None else {"data": {"hosp_dept_codg": code}}
    rows: list[Json] = (await counter.done("5101", data))["feedetail"]
    return rows


# ------------------------------------------------------------------------------------------- 1201


async def test_institutions_are_found_by_type_code_and_name(counter: Counter) -> None:
    async def found(**wanted: str) -> list[str]:
        output = await counter.done("1201", {"medinsinfo": wanted})
        return sorted(row["fixmedins_code"] for row in output["medinsinfo"])

    hospitals = [TERTIARY, CLINIC, OTHER_TERTIARY, SUSPENDED, FOREIGN]
    assert await found(fixmedins_type="1") == sorted(hospitals)
    assert await found(fixmedins_type="2") == [PHARMACY]
    assert await found(fixmedins_type="1", fixmedins_code=CLINIC) == [CLINIC]
    assert await found(fixmedins_type="2", fixmedins_code=CLINIC) == []
    assert await found(fixmedins_type="1", fixmedins_name="H4301") == [FOREIGN]
    assert await found(fixmedins_type="3") == []


async def test_an_institution_is_shown_as_it_is_today(counter: Counter) -> None:
    wanted = {"fixmedins_type": "1", "fixmedins_code": TERTIARY}
    (row,) = (await counter.done("1201", {"medinsinfo": wanted}))["medinsinfo"]
    assert row == {
        "fixmedins_code": TERTIARY,
        "fixmedins_name": f"机构{TERTIARY}",
        "uscc": None,
        "fixmedins_type": "1",
        "hosp_lv": "02",
    }
    assert (await counter.refused("1201", {"medinsinfo": {"fixmedins_type": "9"}}))[0] == 1012


# ------------------------------------------------------------------------------------ departments


async def test_a_department_is_uploaded_and_read_back(counter: Counter) -> None:
    await counter.done("3401", uploaded())
    (row,) = await shown(counter)
    sent = department()
    assert row == {name: row[name] for name in row} | {
        name: value for name, value in sent.items() if name != "dr_psncnt"
    }
    assert row["dr_psncnt"] == 10
    assert row["endtime"] is None
    assert await shown(counter, "0301") == []


async def test_the_same_department_once_more_changes_nothing(counter: Counter) -> None:
    await counter.done("3401", uploaded())
    before = await shown(counter)
    await counter.done("3401", uploaded())
    assert await shown(counter) == before
    code, text = await counter.refused("3401", uploaded(hosp_dept_name="外科"))
    assert code == 6501
    assert "hosp_dept_codg" in text
    assert "3402" in text
    assert await shown(counter) == before


async def test_departments_are_uploaded_all_or_none(counter: Counter) -> None:
    rows = [department("01"), department("02"), department("03", caty="")]
    code, text = await counter.refused("3401A", {"deptinfo": rows})
    assert (code, "deptinfo[3].caty" in text) == (1010, True)
    twice = [department("01"), department("02"), department("01", hosp_dept_name="外科")]
    code, text = await counter.refused("3401A", {"deptinfo": twice})
    assert (code, "deptinfo[3].hosp_dept_codg" in text) == (6501, True)
    assert (await counter.refused("3401A", {"deptinfo": []}))[0] == 4021
    assert await shown(counter) == []
    await counter.done("3401A", {"deptinfo": rows[:2]})
    assert [row["hosp_dept_codg"] for row in await shown(counter)] == ["01", "02"]


async def test_a_change_holds_from_its_day(counter: Counter) -> None:
    await counter.done("3401", uploaded())
    await counter.done("3402", uploaded(hosp_dept_name="心内科", begntime="2026-08-01 00:00:00"))
    rows = await shown(counter, "0300")
    assert [(row["hosp_dept_name"], row["begntime"][:10], row["endtime"]) for row in rows] == [
        ("内科", "2026-01-01", "2026-07-31 00:00:00"),
        ("心内科", "2026-08-01", None),
    ]


async def test_a_change_from_the_first_day_corrects_the_whole(counter: Counter) -> None:
    await counter.done("3401", uploaded())
    await counter.done("3402", uploaded(aprv_bed_cnt=50, endtime="2026-12-31 23:59:59"))
    (row,) = await shown(counter)
    assert (row["aprv_bed_cnt"], row["endtime"]) == (50, "2026-12-31 00:00:00")


async def test_a_closed_department_is_gone_from_its_day_and_may_come_again(
    counter: Counter,
) -> None:
    named = {"hosp_dept_codg": "0300", "hosp_dept_name": "内科"}
    await counter.done("3401", uploaded())
    code, text = await counter.refused("3403", {"data": named | {"hosp_dept_name": "外科"}})
    assert (code, "hosp_dept_name" in text) == (1012, True)
    await counter.done("3403", {"data": named | {"begntime": "2026-01-01"}})
    assert (await shown(counter))[0]["endtime"] == "2026-07-14 00:00:00"
    assert (await counter.refused("3403", {"data": named}))[0] == 6502
    change = {"hosp_dept_name": "外科", "begntime": "2026-07-15 00:00:00"}
    assert (await counter.refused("3402", uploaded(**change)))[0] == 6502
    early = change | {"begntime": "2026-07-14 00:00:00"}
    assert (await counter.refused("3401", uploaded(**early)))[0] == 4005
    await counter.done("3401", uploaded(**change))
    assert len(await shown(counter)) == 2


async def test_a_department_closes_on_a_day_to_come(counter: Counter) -> None:
    named = {"hosp_dept_codg": "0300", "hosp_dept_name": "内科", "begntime": "2026-10-01"}
    await counter.done("3401", uploaded())
    await counter.done("3403", {"data": named})
    assert (await shown(counter))[0]["endtime"] == "2026-09-30 00:00:00"


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [
        ({"hosp_dept_codg": ""}, 1010, "hosp_dept_codg"),
        ({"hosp_dept_name": None}, 1010, "hosp_dept_name"),
        ({"caty": "1234567"}, 1011, "caty"),
        ({"aprv_bed_cnt": -1}, 1012, "aprv_bed_cnt"),
        ({"nurs_psncnt": "x"}, 1012, "nurs_psncnt"),
        ({"begntime": "2026-02-30 00:00:00"}, 1012, "begntime"),
        ({"endtime": "2025-12-31 00:00:00"}, 4005, "endtime"),
    ],
)
async def test_a_bad_department_is_refused(
    counter: Counter, changes: Json, code: int, word: str
) -> None:
    refused, text = await counter.refused("3401", uploaded(**changes))
    assert (refused, word in text) == (code, True), text
    assert await shown(counter) == []


async def test_departments_of_others_are_neither_seen_nor_touched(counter: Counter) -> None:
    await counter.done("3401", uploaded())
    before = await shown(counter)
    counter.institution = OTHER_TERTIARY
    assert await shown(counter) == []
    assert (await counter.refused("3402", uploaded(caty="A04")))[0] == 6502
    named = {"hosp_dept_codg": "0300", "hosp_dept_name": "内科"}
    assert (await counter.refused("3403", {"data": named | {"begntime": "2026-01-01"}}))[0] == 6502
    await counter.done("3401", uploaded(hosp_dept_name="外科"))
    counter.institution = TERTIARY
    assert await shown(counter) == before


async def test_of_different_departments_with_one_code_one_is_uploaded(counter: Counter) -> None:
    answers = await asyncio.gather(
        *(counter.call("3401", uploaded(hosp_dept_name=name)) for name in ("内科", "外科", "儿科"))
    )
    assert sorted(answer["infcode"] for answer in answers) == [0, 6501, 6501]
    assert len(await shown(counter)) == 1


async def test_a_visit_needs_no_registered_department(counter: Counter) -> None:
    member = await counter.town.insure()
    await counter.done("2201", counter.registration(member, dept_code="unknown"))


# ------------------------------------------------------------------------------------------ staff


async def employ(counter: Counter, *people: Practitioner) -> None:
    """Let practitioners work at the counter's institution."""
    town = counter.town
    now = town.clock.now() - timedelta(days=1)
    async with town.database.writer() as connection, connection.transaction():
        await staff.engage(connection, town.vault, counter.institution, people, now=now)


DOCTOR = Practitioner(
    "D110000000001",
    PractitionerKind.DOCTOR,
    "测试医师甲",
    "01",
    "990101197001010001",
    Period(date(2020, 1, 1)),
    own_number="7",
)
NURSE = Practitioner(
    "N110000000001",
    PractitionerKind.NURSE,
    "测试护士乙",
    "01",
    "990101197001010002",
    Period(date(2020, 1, 1), date(2026, 1, 1)),
    contracted=False,
)


async def test_staff_is_shown_by_kind_and_person(counter: Counter) -> None:
    await employ(counter, DOCTOR, NURSE)

    async def asked(**data: str) -> list[Json]:
        rows: list[Json] = (await counter.done("5102", {"data": data}))["feedetail"]
        return rows

    (row,) = await asked(prac_psn_type="1")
    assert row["prac_psn_name"] == "测试医师甲"
    assert row["certno"] == "990101197001010001"
    assert (row["prac_psn_no"], row["hi_dr_flag"], row["endtime"]) == ("7", "1", None)
    (row,) = await asked(prac_psn_type="02")
    assert (row["hi_dr_flag"], row["endtime"]) == ("0", "2025-12-31 00:00:00")
    assert await asked(prac_psn_type="3") == []
    assert len(await asked(prac_psn_type="1", prac_psn_code=DOCTOR.code)) == 1
    for wrong in ({"prac_psn_name": "测试医师"}, {"certno": "0"}, {"prac_psn_code": "D2"}):
        assert await asked(prac_psn_type="1", **wrong) == []
    code, text = await counter.refused("5102", {"data": {"prac_psn_type": "9"}})
    assert (code, "prac_psn_type" in text) == (1012, True)


async def test_other_institutions_staff_is_not_shown(counter: Counter) -> None:
    await employ(counter, DOCTOR)
    counter.institution = OTHER_TERTIARY
    assert (await counter.done("5102", {"data": {"prac_psn_type": "1"}}))["feedetail"] == []
