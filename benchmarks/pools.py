"""More pools than the sandbox has: invented counties of Changsha that insure their people alone.

Their hospitals, people and law are like Changsha's; divisions 430191 and following do not exist.
"""

import asyncio
import secrets
from collections.abc import Iterator
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from benchmarks.messages import Row
from yibao.cli.serving import Running
from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault, load_key
from yibao.platform.database import Database
from yibao.policy.terms import EMPLOYEE, RESIDENT, Level, PersonType
from yibao.registry.institutions import service as institutions
from yibao.registry.institutions.model import (
    HeaderFamily,
    Institution,
    InstitutionKind,
    InstitutionTerm,
    PoolDivision,
    Sender,
)
from yibao.registry.people import service as people
from yibao.registry.people.model import Enrolment, NewMembership, NewPerson
from yibao.sandbox.places import CHANGSHA
from yibao.sandbox.population import (
    IDENTITY_CARD,
    PERSONS_EACH,
    artificial_name,
    impossible_identity_number,
    member_number,
)

if TYPE_CHECKING:
    from asyncpg import Connection

PERSONS = 400
"""Of each pool."""
_SINCE = Period(date(2023, 1, 1))
_BORN = date(1980, 1, 1)
_ACCOUNT = 300_000
"""Fen in an employee's account."""
_LEVELS = (Level.THIRD, Level.SECOND)


def with_pools(server: Running, found: Row, wanted: int) -> dict[str, Any]:
    """The sandbox's accounts, grown until there are so many pools with hospitals."""
    there = {row["pool"] for row in found["institutions"]}
    grown = {**found}
    for number in range(len(there), wanted):
        added = asyncio.run(_founded(server, Pool(f"4301{91 + number - len(there)}"), number))
        items = [item for item in found["items"] if item["pool"] == CHANGSHA.pool]
        pool = added["institutions"][0]["pool"]
        added["items"] = [{**item, "pool": pool} for item in items]
        grown |= {name: [*grown[name], *rows] for name, rows in added.items()}
    return grown


async def _founded(server: Running, pool: Pool, number: int) -> dict[str, Any]:
    """Rows of a new pool as the sandbox's accounts have them."""
    dsn, now = server.settings.database_url, datetime.now(UTC)
    assert dsn is not None
    vault = Vault(load_key(server.settings))
    database = await Database.open(dsn, writers=1, readers=1)
    try:
        numbers = await database.numbers()
        async with database.writer() as connection, connection.transaction():
            await institutions.found_pool(
                connection,
                pool,
                f"演示区{number}",
                [PoolDivision(Division(pool), pool, _SINCE)],
                now=now,
            )
            hospitals = [
                await _designated(connection, vault, pool, place, now)
                for place in range(len(_LEVELS))
            ]
            settled = list(_people(pool, number))
            await people.admit(connection, vault, settled, now=now)
            members = [one.memberships[0] for one in settled]
            await ledger.credit(
                Unit(pool, connection, now, numbers),
                [
                    Credit(member.number or "", EMPLOYEE, now.year, "current", _ACCOUNT)
                    for member in members
                    if member.enrolments[0].scheme == EMPLOYEE
                ],
            )
    finally:
        await database.close()
    persons = [
        {
            "psn_no": one.memberships[0].number,
            "certno": one.document_number,
            "insutype": one.memberships[0].enrolments[0].scheme,
            "insuplc_admdvs": pool,
            "pool": pool,
        }
        for one in settled
    ]
    return {"institutions": hospitals, "persons": persons}


async def _designated(
    connection: "Connection[Any]", vault: Vault, pool: Pool, place: int, now: datetime
) -> dict[str, Any]:
    code, level = f"H{pool}{99_001 + place}", _LEVELS[place]
    term = InstitutionTerm(
        period=_SINCE,
        name=f"演示医院{code}",
        level=level,
        grade="02",
        division=Division(pool),
        area=CHANGSHA.area,
        contract=f"DEMO-{code}",
        suspended=False,
    )
    designated = Institution(code, InstitutionKind.HOSPITAL, pool, (term,))
    await institutions.designate(connection, [designated], now=now)
    sender = Sender(
        id=f"SENDER-{code}",
        family=HeaderFamily.TIF,
        secret=secrets.token_hex(16),
        institutions=((code, _SINCE),),
    )
    await institutions.give_key(connection, vault, sender, now=now)
    return {
        "fixmedins_code": code,
        "fixmedins_name": term.name,
        "level": level.value,
        "kind": "hospital",
        "admdvs": term.division,
        "pool": pool,
        "auth": {"family": sender.family.value, "id": sender.id, "secret": sender.secret},
    }


def _people(pool: Pool, number: int) -> Iterator[NewPerson]:
    """Employees and residents in turn; after the sandbox's own in the row of all."""
    first = (2 + number) * PERSONS_EACH + 1_000
    for index in range(first, first + PERSONS):
        scheme, kind = ((EMPLOYEE, "1101"), (RESIDENT, "1501"))[index % 2]
        enrolment = Enrolment(scheme, Division(pool), PersonType(kind), _SINCE)
        yield NewPerson(
            document_type=IDENTITY_CARD,
            document_number=impossible_identity_number(index, _BORN, "1"),
            name=artificial_name(index % PERSONS_EACH),
            gender="1",
            birth_date=_BORN,
            memberships=(
                NewMembership(pool, _SINCE, (enrolment,), number=member_number(pool, index)),
            ),
        )
