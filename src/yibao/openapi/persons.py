"""Who the person of the session is, and what the person is insured by."""

from datetime import date

import msgspec
from litestar import get

from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.openapi.authentication import the_person
from yibao.openapi.model import Asked, AtHouse, House, Person
from yibao.registry.people.model import Enrolment, Insured
from yibao.registry.people.service import find_by_identity


class Insurance(msgspec.Struct):
    """A scheme that the person is enrolled in (参保)."""

    scheme: str
    """``insutype``: 310 employees, 390 residents …"""
    division: str
    """Insured division (参保地)."""
    person_type: str
    extent: str
    """What may be used of it today: full, account_only, none."""
    since: date
    until: date | None


class Membership(msgspec.Struct):
    """A number of the person in a pooling area (人员编号)."""

    pool: str
    number: str
    insurances: list[Insurance]


class Me(msgspec.Struct):
    """The person of the session."""

    name: str
    gender: str
    birth_date: date
    memberships: list[Membership]


@get("/me", tags=["person"], summary="The person and the insurances")
async def me(request: Asked, house: AtHouse) -> Me:
    """All memberships over all pools, with the enrolments that hold today."""
    person = await the_person(request, house)
    day = business_date(house.clock.now())
    members = await members_of(house, person)
    identity = members[0].identity
    return Me(
        identity.name,
        identity.gender,
        identity.birth_date,
        [_membership(member, day) for member in members],
    )


async def members_of(house: House, person: Person) -> list[Insured]:
    """The person's memberships; Refused when the registry has none (any more)."""
    async with house.database.reader(None) as connection:
        members = await find_by_identity(connection, house.vault, person.identity)
    if not members:
        raise Refused(RefusalCode.PERSON_UNKNOWN, "该人员没有参保记录")
    return members


async def own_member(house: House, person: Person, number: str) -> Insured:
    """The person's membership of a number; another's number is as unknown as none."""
    for member in await members_of(house, person):
        if member.membership.number == number:
            return member
    raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 不属于本人", "number")


def _membership(member: Insured, day: date) -> Membership:
    return Membership(
        member.membership.pool,
        member.membership.number,
        [_insurance(member, one, day) for one in member.enrolments if one.period.holds(day)],
    )


def _insurance(member: Insured, enrolment: Enrolment, day: date) -> Insurance:
    return Insurance(
        enrolment.scheme,
        enrolment.division,
        enrolment.person_type,
        member.entitlement_on(enrolment.scheme, day).value,
        enrolment.period.start,
        enrolment.period.end,
    )
