"""Who may act for whom (亲情账户): show a code, inquire, file; never with the other's money."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.periods import Period, business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.openapi.authentication import the_person
from yibao.openapi.commands import IdempotencyKey, submit
from yibao.openapi.family import MOST, Withdrawal
from yibao.openapi.model import Asked, AtHouse, House, Person
from yibao.openapi.others import Named, masked_name, named, spoken_for
from yibao.platform.commands.model import Done
from yibao.registry.credentials.service import CODE_LIFE, show_code
from yibao.registry.representatives import service
from yibao.registry.representatives.model import (
    Act,
    NewRepresentation,
    Representation,
    RepresentativeKind,
)
from yibao.registry.representatives.wishes import EndRepresentation, NameRepresentative

if TYPE_CHECKING:
    from asyncpg import Connection


class Representative(msgspec.Struct):
    """Somebody acts for somebody."""

    number: int
    other: str
    """The other's name, all but the first character hidden."""
    kind: str
    acts: list[str]
    since: date
    until: date | None


class Representatives(msgspec.Struct):
    """Both directions, ended ones too."""

    act_for_me: list[Representative]
    i_act_for: list[Representative]


class NewRepresentative(msgspec.Struct, forbid_unknown_fields=True):
    """The person's consent that somebody acts for the person."""

    representative: Named
    acts: list[Act]
    kind: RepresentativeKind = RepresentativeKind.RELATIVE
    until: date | None = None


class Code(msgspec.Struct):
    """A fresh code of an electronic credential (医保电子凭证二维码)."""

    code: str
    expires_at: datetime


@get("/me/representatives", tags=["representatives"], summary="Who acts for whom")
async def representatives(request: Asked, house: AtHouse) -> Representatives:
    """Both directions, ended ones too."""
    person = await the_person(request, house)
    async with house.database.reader(None) as connection:
        mine = await service.of_represented(connection, person.identity)
        others = await service.of_representative(connection, person.identity)
        return Representatives(
            [await _told(connection, house, one, one.representative) for one in mine],
            [await _told(connection, house, one, one.represented) for one in others],
        )


@post("/me/representatives", tags=["representatives"], summary="Let somebody act for me")
async def name(
    request: Asked, house: AtHouse, data: JSONBody[NewRepresentative], key: IdempotencyKey
) -> Representative:
    """The represented person consents by asking. A guardian is entered by a clerk, by documents."""
    person = await the_person(request, house)
    if data.kind is RepresentativeKind.GUARDIAN:
        raise Refused(RefusalCode.CONSENT_MISSING, "监护人须凭证明材料由经办人员登记", "kind")
    if not data.acts:
        raise Refused(RefusalCode.FIELD_MISSING, "acts（代办事项）不能为空", "acts")
    day = business_date(house.clock.now())
    if data.until is not None and data.until <= day:
        raise Refused(RefusalCode.FIELD_INVALID, "until（止期）须晚于今日", "until")
    found = await named(house, data.representative, "representative")
    wish = NameRepresentative(
        NewRepresentation(
            person.identity,
            found[0].identity.id,
            data.kind,
            tuple(dict.fromkeys(data.acts)),
            Period(day, data.until),
            person.identity,
            {"how": f"app:{person.app}"},
        )
    )
    done = await _submit(house, person, "representative", key, wish)
    async with house.database.reader(None) as connection:
        made = await service.numbered(connection, int(done.reference["representation"]))
        if made is None:  # asked again after it had ended on its first day
            raise Refused(RefusalCode.LINK_ENDED, "该代理关系已终止", "representative")
        return await _told(connection, house, made, made.representative)


@post(
    "/me/representatives/{number:int}/withdrawal",
    tags=["representatives"],
    summary="Let it end",
    status_code=204,
)
async def end(
    request: Asked,
    house: AtHouse,
    number: FromPath[int],
    data: JSONBody[Withdrawal],
    key: IdempotencyKey,
) -> None:
    """By either side, from now on."""
    person = await the_person(request, house)
    if not 0 < number <= MOST:
        raise Refused(RefusalCode.LINK_UNKNOWN, f"没有编号为 {number} 的代理关系", "number")
    wish = EndRepresentation(number, person.identity, data.reason)
    await _submit(house, person, "representative-end", key, wish)


@post("/me/codes/{number:str}", tags=["representatives"], summary="Show a code")
async def code(request: Asked, house: AtHouse, number: FromPath[str]) -> Code:
    """Of one's own credential, or of somebody for whom one may show it; good for a minute."""
    person = await the_person(request, house)
    member = await spoken_for(house, person, number, Act.SHOW_CODE)
    now = house.clock.now()
    async with house.database.writer() as connection, connection.transaction():
        text = await show_code(connection, house.vault, member.identity.id, now=now)
    return Code(text, now + CODE_LIFE)


HANDLERS = (representatives, name, end, code)


async def _submit(
    house: House,
    person: Person,
    operation: str,
    key: str,
    wish: NameRepresentative | EndRepresentation,
) -> Done:
    subject = f"identity {person.identity}"
    return await submit(house, person.app, operation, key, NO_PERSON_POOL, subject, wish)


async def _told(
    connection: "Connection[Any]", house: House, one: Representation, other: int
) -> Representative:
    return Representative(
        one.number,
        await masked_name(connection, house, other),
        one.kind.value,
        [act.value for act in one.acts],
        one.period.start,
        one.period.end,
    )
