"""Two processes that write the same at one moment: one is refused, none is mistaken."""

import asyncio
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest

from tests.registry.builders import BEIJING, instant, person
from yibao.kernel.areas import NO_PERSON_POOL, Pool
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refusal, RefusalCode
from yibao.platform.commands.model import Command, Done, Handler, MessageKey, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.policy.terms import EMPLOYEE
from yibao.registry.departments import service as departments
from yibao.registry.departments.model import Department, UploadDepartments
from yibao.registry.filings import service as filings
from yibao.registry.filings.model import DeclareDisease
from yibao.registry.mappings import service as mappings
from yibao.registry.mappings.model import OwnItem, UploadMappings
from yibao.registry.people import service as people

HOSPITAL = "H11010599001"
NOW = instant(7, 15)


async def run_at_once(
    database: Database, handler: Handler, pool: Pool, requests: Sequence[Any]
) -> list[Outcome]:
    """Each request in a process's transaction of its own; all are open together."""
    begun = asyncio.Barrier(len(requests))

    async def run(writer: int, request: Any) -> Outcome:
        async with database.writer() as connection, connection.transaction():
            unit = Unit(pool, connection, NOW, NumberSource(writer))
            key = MessageKey(HOSPITAL, "0000", str(writer))
            await begun.wait()
            (outcome,) = await handler(unit, [Command(pool, HOSPITAL, key, b"", request)])
            return outcome

    return await asyncio.gather(*(run(writer, one) for writer, one in enumerate(requests)))


def refusals(outcomes: Sequence[Outcome]) -> list[RefusalCode]:
    """Codes of the refusals; the others are done."""
    assert all(isinstance(one, Done | Refusal) for one in outcomes)
    return [one.code for one in outcomes if isinstance(one, Refusal)]


@pytest.mark.parametrize("_again", range(3))
async def test_a_department_is_founded_once(database: Database, vault: Vault, _again: int) -> None:
    handler = departments.handlers(vault)[UploadDepartments]
    requests = [
        UploadDepartments(
            HOSPITAL, (Department("1", "内科", "A03", Period(date(2026, 1, day)), {}),)
        )
        for day in (1, 2, 3)
    ]
    outcomes = await run_at_once(database, handler, NO_PERSON_POOL, requests)
    assert refusals(outcomes) == [RefusalCode.RECORD_EXISTS] * 2
    async with database.reader([HOSPITAL]) as connection:
        assert len(await departments.departments_of(connection, HOSPITAL)) == 1


async def test_days_of_an_item_are_taken_once(database: Database, vault: Vault) -> None:
    async with database.writer() as connection:
        await connection.execute(
            """INSERT INTO registry.item (code, name, list_type, charge_type, reference_price,
                                          demo_price, demo_class, recorded_at)
               VALUES ('XA01', '药', '101', '09', 1, true, true, $1)""",
            instant(1),
        )
    handler = mappings.handlers(vault)[UploadMappings]
    requests = [
        UploadMappings(HOSPITAL, (OwnItem("101", "OWN", "药", "XA01", begin, None, {}),))
        for begin in (date(2026, 1, 1), date(2026, 2, 1), date(2026, 3, 1))
    ]
    await run_at_once(database, handler, NO_PERSON_POOL, requests)
    async with database.reader([HOSPITAL]) as connection:
        page = await mappings.mappings(
            connection, HOSPITAL, updated_after=None, page=1, size=9, day=date(2026, 7, 15)
        )
    assert page.total == 1


async def test_a_disease_is_on_file_once(database: Database, vault: Vault) -> None:
    async with database.writer() as connection:
        (admitted,) = await people.admit(connection, vault, [person()], now=instant(1))
    member = admitted.memberships[0].number
    handler = filings.handlers(vault)[DeclareDisease]
    requests = [
        DeclareDisease(
            institution=HOSPITAL,
            member=member,
            begin=date(2026, 7, day),
            end=None,
            details={},
            contact={},
            scheme=EMPLOYEE,
            code="M03900",
            name="高血压",
            identified_on=None,
        )
        for day in (1, 2, 3)
    ]
    outcomes = await run_at_once(database, handler, BEIJING, requests)
    assert refusals(outcomes) == [RefusalCode.FILING_EXISTS] * 2
