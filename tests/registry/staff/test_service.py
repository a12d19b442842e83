"""Practitioners: entered, changed by date, released; nobody reads their names in the database."""

from datetime import date

import asyncpg
import pytest

from tests.registry.builders import BEIJING, instant, institution
from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.institutions import service as institutions
from yibao.registry.staff import service as staff
from yibao.registry.staff.model import Practitioner, PractitionerKind

HOSPITAL = "H11010599001"
DOCTOR = Practitioner(
    "D110105000001",
    PractitionerKind.DOCTOR,
    "测试医师",
    "01",
    "990101197001010001",
    Period(date(2020, 1, 1)),
)


async def found(writer: asyncpg.Connection) -> None:
    """Designate the hospital."""
    await institutions.found_pool(writer, BEIJING, "北京", now=instant(1))
    await institutions.designate(writer, [institution(HOSPITAL)], now=instant(1))


async def test_the_same_once_more_records_nothing(writer: asyncpg.Connection, vault: Vault) -> None:
    await found(writer)
    assert await staff.engage(writer, vault, HOSPITAL, [DOCTOR], now=instant(2)) == 1
    assert await staff.engage(writer, vault, HOSPITAL, [DOCTOR], now=instant(3)) == 0
    assert await staff.practitioners_of(writer, vault, HOSPITAL) == [DOCTOR]


async def test_a_change_holds_from_its_day(writer: asyncpg.Connection, vault: Vault) -> None:
    await found(writer)
    await staff.engage(writer, vault, HOSPITAL, [DOCTOR], now=instant(2))
    summer = Period(date(2026, 7, 1))
    changed = replace(DOCTOR, contracted=False, period=summer)
    assert await staff.engage(writer, vault, HOSPITAL, [changed], now=instant(3)) == 2
    before = replace(DOCTOR, period=Period(date(2020, 1, 1), summer.start))
    assert await staff.practitioners_of(writer, vault, HOSPITAL) == [before, changed]


async def test_who_is_released_is_there_until_the_day_before(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    await found(writer)
    await staff.engage(writer, vault, HOSPITAL, [DOCTOR], now=instant(2))
    await staff.release(writer, vault, HOSPITAL, DOCTOR.code, date(2026, 7, 1), now=instant(3))
    (left,) = await staff.practitioners_of(writer, vault, HOSPITAL)
    assert left.period == Period(date(2020, 1, 1), date(2026, 7, 1))
    with pytest.raises(Refused) as refused:
        await staff.release(writer, vault, HOSPITAL, "D2", date(2026, 7, 1), now=instant(3))
    assert refused.value.refusal.code is RefusalCode.RECORD_UNKNOWN


async def test_nobody_is_entered_twice_at_once_or_nowhere(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    await found(writer)
    for place, people, code in (
        (HOSPITAL, [DOCTOR, DOCTOR], RefusalCode.RECORD_EXISTS),
        ("H99999999999", [DOCTOR], RefusalCode.INSTITUTION_UNKNOWN),
    ):
        with pytest.raises(Refused) as refused:
            await staff.engage(writer, vault, place, people, now=instant(2))
        assert refused.value.refusal.code is code


async def test_names_are_sealed_and_shown_to_their_institution_alone(
    database: Database, writer: asyncpg.Connection, vault: Vault
) -> None:
    await found(writer)
    await staff.engage(writer, vault, HOSPITAL, [DOCTOR], now=instant(2))
    text = await writer.fetchval("SELECT practitioner::text FROM registry.practitioner")
    assert "测试" not in text
    assert "1970" not in text
    async with database.reader([HOSPITAL]) as reader:
        assert await staff.practitioners_of(reader, vault, HOSPITAL) == [DOCTOR]
    async with database.reader(["H11010599002"]) as reader:
        assert await staff.practitioners_of(reader, vault, HOSPITAL) == []
