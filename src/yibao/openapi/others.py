"""Other humans whom the person of a session names, or for whom the person may act."""

from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.periods import business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.openapi.model import House, Person
from yibao.registry.people.model import Insured
from yibao.registry.people.service import find_by_document, find_by_identity, find_by_numbers
from yibao.registry.representatives.model import Act
from yibao.registry.representatives.service import may_act_for

if TYPE_CHECKING:
    from asyncpg import Connection


class Named(msgspec.Struct, forbid_unknown_fields=True):
    """A human by document and name; both must be right."""

    document_number: str
    name: str
    document_type: str = "01"


async def named(house: House, who: Named, field: str) -> list[Insured]:
    """The memberships of a named human. Refused unless number and name belong together."""
    async with house.database.reader(None) as connection:
        found = await find_by_document(
            connection, house.vault, who.document_type, who.document_number
        )
    if (
        not found or found[0].identity.name != who.name
    ):  # not told apart: nobody learns who is known
        raise Refused(RefusalCode.PERSON_UNKNOWN, "没有证件与姓名均相符的参保人", field)
    return found


async def spoken_for(house: House, person: Person, number: str, act: Act) -> Insured:
    """The membership of a number that is the person's own, or of whom the person may act for.

    Anybody else's number is as unknown as none.
    """
    day = business_date(house.clock.now())
    async with house.database.reader(None) as connection:
        found = await find_by_numbers(connection, [number])
        if number in found:
            pool, identity = found[number]
            if await may_act_for(connection, person.identity, identity, act, day):
                for member in await find_by_identity(connection, house.vault, identity):
                    if member.membership.number == number and member.membership.pool == pool:
                        return member
    raise Refused(
        RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 不属于本人或您可代办的人", "number"
    )


async def masked_name(connection: "Connection[Any]", house: House, identity: int) -> str:
    """A human's name, all but the first character hidden."""
    found = await find_by_identity(connection, house.vault, identity)
    name = found[0].identity.name if found else ""
    return name[:1] + "*" * len(name[1:])
