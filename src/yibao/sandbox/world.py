"""Fill an empty platform with the demo world: one transaction, all of it or nothing."""

import secrets
from collections.abc import Callable, Sequence
from datetime import date, datetime
from itertools import islice
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import NumberSource
from yibao.kernel.periods import Period, business_date
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.registry.catalogue import service as catalogue
from yibao.registry.credentials import service as credentials
from yibao.registry.family import service as family
from yibao.registry.family.model import NewFamilyLink
from yibao.registry.institutions import service as bureau
from yibao.registry.institutions.model import PoolDivision, Sender
from yibao.registry.people import service as people
from yibao.registry.people.model import Admitted
from yibao.registry.staff import service as staff
from yibao.sandbox import clerks
from yibao.sandbox.places import BEIJING, PLACES, institutions, senders
from yibao.sandbox.population import (
    CARD_LIFE,
    PERSONS_EACH,
    Settler,
    card_of,
    member_number,
    population,
)
from yibao.sandbox.staff import practitioners

if TYPE_CHECKING:
    from asyncpg import Connection

SEED = 20260101
"""The world that everybody gets who does not ask for another."""

_FOUNDED = date(2023, 1, 1)
_PORTION = 1_000
"""People admitted at a time: what the progress bar moves by."""

_RELATIONS = {"family_child": "child", "family_parent": "parent"}

Progress = Callable[[str, int, int], None]
"""Told what is being filled, how much of it is done, and how much there is."""


def _silent(_what: str, _done: int, _all: int) -> None:
    return


async def is_filled(database: Database) -> bool:
    """Whether the world is there: the first named person has a personal account."""
    async with database.reader(None) as connection:
        first = member_number(BEIJING.pool, 0)
        return first in await ledger.balances(connection, BEIJING.pool, [first])


async def fill(
    database: Database,
    vault: Vault,
    now: datetime,
    progress: Progress = _silent,
    *,
    seed: int = SEED,
    persons_each: int = PERSONS_EACH,
) -> None:
    """Fill the world as of ``now`` (aware UTC) if it is not there yet.

    People and institutions are the same for the same seed and day; the senders' secrets are drawn
    anew and kept sealed.
    """
    if await is_filled(database):
        return
    numbers = await database.numbers()
    async with database.writer() as connection, connection.transaction():
        progress("目录 catalogue", 0, 1)
        await catalogue.import_catalogue(connection, now=now)
        progress("目录 catalogue", 1, 1)
        await _found(connection, vault, now)
        await _settle(connection, vault, now, numbers, progress, seed, persons_each)


async def _found(connection: "Connection[Any]", vault: Vault, now: datetime) -> None:
    """Pools, institutions, keys, clerks."""
    for place in PLACES:
        await bureau.found_pool(
            connection,
            place.pool,
            place.name,
            [
                PoolDivision(division, place.pool, Period(_FOUNDED))
                for division, _ in place.divisions
            ],
            now=now,
        )
    designated = institutions(business_date(now))
    await bureau.designate(connection, designated, now=now)
    for number, institution in enumerate(designated):
        people_there = tuple(practitioners(institution, number))
        await staff.engage(connection, vault, institution.code, people_there, now=now)
    for planned in senders():
        sender = Sender(
            id=planned.id,
            family=planned.family,
            secret=secrets.token_hex(16),
            institutions=tuple((code, Period(_FOUNDED)) for code in planned.institutions),
        )
        await bureau.give_key(connection, vault, sender, now=now)
    await clerks.enter(connection, vault, now=now)


async def _settle(
    connection: "Connection[Any]",
    vault: Vault,
    now: datetime,
    numbers: NumberSource,
    progress: Progress,
    seed: int,
    persons_each: int,
) -> None:
    """People with their cards and personal accounts."""
    settled, everybody = 0, persons_each * len(PLACES)
    arriving = population(seed, business_date(now), persons_each)
    while portion := list(islice(arriving, _PORTION)):
        persons = [settler.person for settler in portion]
        admitted = await people.admit(connection, vault, persons, now=now)
        await credentials.issue_cards(
            connection,
            vault,
            [
                (one.identity, *card_of(person.document_number))
                for one, person in zip(admitted, persons, strict=True)
            ],
            CARD_LIFE,
            now=now,
        )
        credits_of = _credits(portion)
        for pool, credits_ in credits_of.items():
            await ledger.credit(Unit(pool, connection, now, numbers), credits_)
        await _link_families(connection, portion, admitted, now)
        settled += len(portion)
        progress("参保人 insured persons", min(settled, everybody), everybody)


async def _link_families(
    connection: "Connection[Any]",
    settlers: Sequence[Settler],
    admitted: Sequence[Admitted],
    now: datetime,
) -> None:
    """Let the owner of each family pay for child and parent who follow (家庭共济)."""
    owner: Admitted | None = None
    for settler, human in zip(settlers, admitted, strict=True):
        if settler.part == "family_owner":
            owner = human
        elif settler.part in _RELATIONS:
            assert owner is not None
            [account] = owner.memberships
            await family.link(
                connection,
                NewFamilyLink(
                    relative=human.identity,
                    owner=owner.identity,
                    pool=account.pool,
                    member=account.number,
                    relation=_RELATIONS[settler.part],
                    origins=("carried", "current"),
                    period=Period(_FOUNDED),
                    consent={"how": "演示数据", "by": account.number},
                ),
                now=now,
            )


def _credits(settlers: Sequence[Settler]) -> dict[Pool, list[Credit]]:
    """What is credited to personal accounts, by pool."""
    found: dict[Pool, list[Credit]] = {}
    for settler in settlers:
        for membership, credited in zip(settler.person.memberships, settler.credits, strict=True):
            scheme = membership.enrolments[0].scheme
            found.setdefault(membership.pool, []).extend(
                Credit(membership.number or "", scheme, credit.year, credit.origin, credit.amount)
                for credit in credited
            )
    return found
