"""The personal account (个人账户): what its parts hold, and what moved them."""

from datetime import date

import msgspec
from litestar import get
from litestar.params import FromPath, FromQuery

from yibao.kernel.money import yuan
from yibao.ledger import service as ledger
from yibao.ledger.model import AccountState
from yibao.ledger.statements import service as statements
from yibao.openapi.authentication import the_person
from yibao.openapi.model import Asked, AtHouse
from yibao.openapi.others import spoken_for
from yibao.registry.representatives.model import Act


class AccountPart(msgspec.Struct):
    """One part (year and origin)."""

    name: str
    origin: str
    """``current`` (当年), ``carried`` (历年)."""
    amount: str
    held: str
    """Set aside for payments that are under way."""


class Account(msgspec.Struct):
    """A personal account."""

    number: str
    state: str
    balance: str
    """All that it holds."""
    available: str
    """What can be spent: nothing of what is frozen or set aside."""
    parts: list[AccountPart]


class Movement(msgspec.Struct):
    """What moved a part."""

    part: str
    day: date
    amount: str
    balance: str
    """Of the part, afterwards."""
    what: str
    institution: str | None
    reason: str


class Movements(msgspec.Struct):
    """What moved an account in a span of days, part by part."""

    opening: str
    closing: str
    movements: list[Movement]


@get("/me/accounts/{number:str}", tags=["account"], summary="The personal account")
async def account(request: Asked, house: AtHouse, number: FromPath[str]) -> Account:
    """Of one's own number, or of somebody for whom one may inquire."""
    person = await the_person(request, house)
    member = (await spoken_for(house, person, number, Act.INQUIRE)).membership
    async with house.database.reader(None) as connection:
        found = await ledger.balances(connection, member.pool, [member.number])
    parts = found.get(member.number, [])
    states = [part.state for part in parts if part.state is not AccountState.OPEN]
    return Account(
        member.number,
        (states[0] if states else AccountState.OPEN).value,
        yuan(sum(part.amount for part in parts)),
        yuan(sum(part.available for part in parts)),
        [AccountPart(one.name, one.origin, yuan(one.amount), yuan(one.held)) for one in parts],
    )


@get("/me/accounts/{number:str}/movements", tags=["account"], summary="What moved the account")
async def movements(
    request: Asked,
    house: AtHouse,
    number: FromPath[str],
    start: FromQuery[date],
    end: FromQuery[date],
) -> Movements:
    """From ``start`` on and before ``end``; the oldest first in each part."""
    person = await the_person(request, house)
    member = (await spoken_for(house, person, number, Act.INQUIRE)).membership
    async with house.database.reader(None) as connection:
        found = await statements.person(connection, member.pool, member.number, start, end)
    return Movements(
        yuan(sum(part.opening for part in found)),
        yuan(sum(part.closing for part in found)),
        [
            Movement(
                part.part,
                one.day,
                yuan(one.amount),
                yuan(one.balance),
                one.what,
                one.institution,
                one.reason,
            )
            for part in found
            for one in part.movements
        ],
    )
