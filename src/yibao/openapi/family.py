"""Whose account pays for whom (家庭共济): the owner consents, by being the one who asks."""

from datetime import date
from typing import TYPE_CHECKING, Any

import msgspec
from litestar import get, post
from litestar.params import FromPath, JSONBody

from yibao.accounts.family.model import NewLink, PremiumFromFamily
from yibao.accounts.family.service import links_of
from yibao.accounts.family.wishes import LetPay, PayPremium, StopPaying
from yibao.kernel.money import AMOUNT_LIMIT, fen_from_yuan, yuan
from yibao.kernel.periods import Period, business_date
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.openapi.authentication import the_person
from yibao.openapi.commands import IdempotencyKey, submit
from yibao.openapi.model import Asked, AtHouse, House
from yibao.openapi.others import Named, masked_name, named
from yibao.openapi.persons import own_member
from yibao.policy.terms import Scheme
from yibao.registry.family import service as links
from yibao.registry.family.model import FamilyLink
from yibao.registry.people.service import find_by_identity

if TYPE_CHECKING:
    from asyncpg import Connection


class Link(msgspec.Struct):
    """One account pays for one relative."""

    number: int
    account: str
    """The owner's number (人员编号)."""
    relation: str
    """The relative is the owner's ``spouse``, ``parent``, ``child`` …"""
    other: str
    """The other's name, all but the first character hidden."""
    origins: list[str]
    """Parts of the account that may pay."""
    since: date
    until: date | None
    bill_limit: str | None
    year_limit: str | None


class Links(msgspec.Struct):
    """The links of a person, ended ones too."""

    pays_for: list[Link]
    paid_by: list[Link]


class NewFamilyLink(msgspec.Struct, forbid_unknown_fields=True):
    """The owner's consent: this account pays for that relative."""

    account: str
    """One of the owner's own numbers."""
    relative: Named
    relation: str
    origins: list[str] = []
    """Empty: every part that the area's law admits."""
    since: date | None = None
    until: date | None = None
    bill_limit: str | None = None
    year_limit: str | None = None


class Withdrawal(msgspec.Struct, forbid_unknown_fields=True):
    """Why it ends."""

    reason: str = ""


class Premium(msgspec.Struct, forbid_unknown_fields=True):
    """A relative's premium, paid over a link (代缴居民医保费)."""

    link: int
    scheme: str
    since: date
    until: date
    amount: str


class PaidPart(msgspec.Struct):
    """What one part of the account gave."""

    part: str
    amount: str


@get("/me/family-links", tags=["family"], summary="Whom my account pays for, and whose mine")
async def family_links(request: Asked, house: AtHouse) -> Links:
    """Both directions, ended ones too."""
    person = await the_person(request, house)
    async with house.database.reader(None) as connection:
        paying, paid = await links_of(connection, person.identity)
        return Links(
            [await _told(connection, house, one, one.relative) for one in paying],
            [await _told(connection, house, one, one.owner) for one in paid],
        )


@post("/me/family-links", tags=["family"], summary="Let my account pay for a relative")
async def let_pay(
    request: Asked, house: AtHouse, data: JSONBody[NewFamilyLink], key: IdempotencyKey
) -> Link:
    """The owner consents by asking. The patient's benefits stay as they are."""
    person = await the_person(request, house)
    owner = (await own_member(house, person, data.account)).membership
    day = business_date(house.clock.now())
    relative = next(
        (one for one in await named(house, data.relative, "relative")
         if one.membership.period.holds(day)), None
    )  # fmt: skip
    if relative is None:
        raise Refused(RefusalCode.NOT_ENROLLED, "亲属当前没有参保关系", "relative")
    wish = LetPay(
        NewLink(
            owner=owner.number,
            relative=relative.membership.number,
            relative_pool=relative.membership.pool,
            relation=data.relation,
            consent_how=f"app:{person.app}",
            origins=tuple(data.origins),
            start=data.since,
            end=data.until,
            bill_limit=_limit(data.bill_limit, "bill_limit"),
            year_limit=_limit(data.year_limit, "year_limit"),
        )
    )
    done = await submit(house, person.app, "family-link", key, owner.pool, owner.number, wish)
    return await _linked(house, int(done.reference["link"]))


@post(
    "/me/family-links/{number:int}/withdrawal",
    tags=["family"],
    summary="Let it pay no more",
    status_code=204,
)
async def stop_paying(
    request: Asked,
    house: AtHouse,
    number: FromPath[int],
    data: JSONBody[Withdrawal],
    key: IdempotencyKey,
) -> None:
    """From now on. Refunds of what was paid still go back to where it came from."""
    person = await the_person(request, house)
    link = await _own_link(house, number, person.identity)
    wish = StopPaying(number, person.identity, data.reason)
    await submit(house, person.app, "family-link-end", key, link.pool, link.member, wish)


@post("/me/premiums", tags=["family"], summary="Pay a relative's premium from my account")
async def pay_premium(
    request: Asked, house: AtHouse, data: JSONBody[Premium], key: IdempotencyKey
) -> list[PaidPart]:
    """Account, premium and the relative's entitlement change together."""
    person = await the_person(request, house)
    link = await _own_link(house, data.link, person.identity)
    async with house.database.reader(None) as connection:
        relatives = await find_by_identity(connection, house.vault, link.relative)
    number = next((m.membership.number for m in relatives if m.membership.pool == link.pool), "")
    wish = PayPremium(
        PremiumFromFamily(
            link.number,
            number,
            Scheme(data.scheme),
            _period(data),
            _limit(data.amount, "amount") or 0,
        ),
        person.identity,
    )
    done = await submit(house, person.app, "premium", key, link.pool, link.member, wish)
    return [PaidPart(part, yuan(amount)) for part, amount in done.reference["parts"]]


MOST = 2**63 - 1
"""The highest number that anything of ours has."""

HANDLERS = (family_links, let_pay, stop_paying, pay_premium)


def _period(data: Premium) -> Period:
    if data.until <= data.since:
        raise Refused(RefusalCode.FIELD_INVALID, "until（止期）须晚于 since（起期）", "until")
    return Period(data.since, data.until)


def _limit(text: str | None, field: str) -> int | None:
    if text is None:
        return None
    try:
        found = fen_from_yuan(text)
    except (ValueError, ArithmeticError):
        found = 0
    if not 0 < found <= AMOUNT_LIMIT:
        raise Refused(
            RefusalCode.FIELD_INVALID, f"{field} 应为大于零的金额（元，最多两位小数）", field
        )
    return found


async def _own_link(house: House, number: int, owner: int) -> FamilyLink:
    async with house.database.reader(None) as connection:
        found = await links.once_known(connection, number) if 0 < number <= MOST else None
    if found is None or found.owner != owner:
        raise Refused(RefusalCode.LINK_UNKNOWN, f"没有编号为 {number} 的家庭共济关系", "link")
    return found


async def _linked(house: House, number: int) -> Link:
    async with house.database.reader(None) as connection:
        found = await links.find(connection, number)
        if found is None:  # asked again after it had ended on its first day
            raise Refused(RefusalCode.LINK_ENDED, "该家庭共济关系已终止", "link")
        return await _told(connection, house, found, found.relative)


async def _told(connection: "Connection[Any]", house: House, link: FamilyLink, other: int) -> Link:
    return Link(
        link.number,
        link.member,
        link.relation,
        await masked_name(connection, house, other),
        list(link.origins),
        link.period.start,
        link.period.end,
        None if link.bill_limit is None else yuan(link.bill_limit),
        None if link.year_limit is None else yuan(link.year_limit),
    )
