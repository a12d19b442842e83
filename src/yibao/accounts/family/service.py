"""Let an account pay for relatives, stop it, and count what it paid; relatives' premiums.

Writing services take the unit of the owner's pool first.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.accounts.family import store
from yibao.accounts.family.model import ORIGINS, NewLink, PaidPremium, PremiumFromFamily
from yibao.accounts.laws import EMPLOYEES, Laws
from yibao.kernel.areas import Pool
from yibao.kernel.money import Fen, yuan
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import (
    AccountState,
    Entry,
    Occasion,
    OccasionKind,
    Part,
    Posting,
    contributions_account,
)
from yibao.platform.commands.model import Unit
from yibao.platform.crypto import Vault
from yibao.policy.model import Law
from yibao.policy.purses import FamilyRules
from yibao.registry.family import service as links
from yibao.registry.family.model import FamilyLink, NewFamilyLink
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.registry.premiums import service as premiums
from yibao.registry.premiums.model import Premium

if TYPE_CHECKING:
    from asyncpg import Connection

standing = links.standing
"""Of links those that hold on a day, as committed now."""
used = store.used
"""What was paid over links in a year."""


async def count(unit: Unit, uses: Mapping[tuple[int, int], Fen]) -> None:
    """Count what bills paid (or gave back) over links with a yearly limit, by link and year.

    The owners' account parts must have been locked in this unit.
    """
    await store.use(unit.connection, unit.pool, uses)


# ------------------------------------------------------------------------------------------- links


async def let_pay(unit: Unit, vault: Vault, laws: Laws, new: NewLink) -> FamilyLink:
    """Let an owner's personal account pay for a relative, by the owner's consent (家庭共济).

    Refused: PERSON_UNKNOWN, NOT_ENROLLED for an owner without a scheme of accounts,
    RELATION_NOT_ALLOWED when the owner's law does not list the relation, CONSENT_MISSING,
    ACCOUNT_STATE for an owner whose account is frozen or closed, LINK_EXISTS, FIELD_INVALID.
    """
    if not new.consent_by_owner:
        raise Refused(RefusalCode.CONSENT_MISSING, "须由个人账户所有人本人同意", "consent")
    owner = await _member(unit, vault, unit.pool, new.owner, "owner")
    relative = await _member(unit, vault, new.relative_pool, new.relative, "relative")
    if owner.identity.id == relative.identity.id:
        raise Refused(RefusalCode.FIELD_INVALID, "共济对象不能是本人", "relative")
    for human, field in ((owner, "owner"), (relative, "relative")):
        if human.identity.died_on is not None:
            raise Refused(RefusalCode.PERSON_UNKNOWN, "该人员已死亡", field)
    rules = _family_rules(_law(laws, owner, unit.day), new.relation, unit.day)
    origins = new.origins or ORIGINS
    if not set(origins) <= set(ORIGINS):
        raise Refused(RefusalCode.FIELD_INVALID, "账户部分只能是 carried 或 current", "origins")
    allowed = [one for one in origins if one in rules.parts.find(unit.day, {}).value]
    if not allowed:
        raise Refused(
            RefusalCode.RELATION_NOT_ALLOWED, "统筹区规则不允许用个人账户的这一部分共济", "origins"
        )
    await check_open(unit, new.owner)
    start = max(unit.day, new.start or unit.day)
    if new.end is not None and new.end <= start:
        raise Refused(RefusalCode.FIELD_INVALID, "终止日期须晚于生效日期", "until")
    return await links.link(
        unit.connection,
        NewFamilyLink(
            relative=relative.identity.id,
            owner=owner.identity.id,
            pool=unit.pool,
            member=new.owner,
            relation=new.relation,
            # where bills follow another law than the account, what the account's admits counts
            origins=tuple(origins if new.relative_pool == unit.pool else allowed),
            period=Period(start, new.end),
            consent={"how": new.consent_how, "at": unit.now.isoformat(), "by": new.owner},
            place=new.place,
            bill_limit=new.bill_limit,
            year_limit=new.year_limit,
        ),
        now=unit.now,
    )


async def withdraw(unit: Unit, link: int, reason: str) -> FamilyLink:
    """Let a link pay no more, from now on (撤销共济).

    Locks the owner's account: a bill that is being settled is done before, or does not find the
    link any more. What was paid stays; its refunds go back to where it came from.
    """
    found = await links.find(unit.connection, link)
    if found is None or found.pool != unit.pool:
        raise Refused(RefusalCode.LINK_UNKNOWN, f"没有编号为 {link} 的家庭共济关系", "link")
    await ledger.lock_parts(unit, [found.member])
    told = {"reason": reason, "at": unit.now.isoformat()}
    return await links.end(unit.connection, link, unit.day, told, unit.now)


async def check_open(unit: Unit, member: str) -> list[Part]:
    """The locked parts of an account. Refused: ACCOUNT_STATE unless it is open."""
    parts = (await ledger.lock_parts(unit, [member])).get(member, [])
    if any(part.state is not AccountState.OPEN for part in parts):
        raise Refused(RefusalCode.ACCOUNT_STATE, "个人账户已冻结或已注销", "owner")
    return parts


async def _member(unit: Unit, vault: Vault, pool: Pool, number: str, field: str) -> Insured:
    found = await people.load_members(unit.connection, vault, pool, [number])
    if number not in found:
        raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 不存在", field)
    return found[number]


async def _check_insured_here(unit: Unit, number: str) -> None:
    """Premium and account change in one transaction, so both are of one pool."""
    known = (await people.find_by_numbers(unit.connection, [number])).get(number)
    if known is not None and known[0] != unit.pool:
        raise Refused(
            RefusalCode.AREA_DIFFERS,
            f"人员编号 {number} 在统筹区 {known[0]} 参保，个人账户暂不能跨统筹区缴费，"
            "请在其参保地缴纳",
            "relative",
        )


def _law(laws: Laws, owner: Insured, day: date) -> Law:
    """The law of the scheme that the owner's account belongs to."""
    for enrolment in owner.enrolments:
        if enrolment.scheme == EMPLOYEES and enrolment.period.holds(day):
            return laws.law_on(enrolment.division, enrolment.scheme, day)
    raise Refused(RefusalCode.NOT_ENROLLED, "账户所有人未参加职工基本医疗保险", "owner")


def _family_rules(law: Law, relation: str, day: date) -> FamilyRules:
    rules = law.family
    if rules is None or relation not in rules.relations.find(day, {}).value:
        raise Refused(
            RefusalCode.RELATION_NOT_ALLOWED,
            f"统筹区规则不允许为该亲属（{relation}）共济",
            "relation",
        )
    return rules


# ---------------------------------------------------------------------------------------- premiums


@dataclass(frozen=True, slots=True)
class _Taken:
    """What each part pays of a premium."""

    parts: Sequence[tuple[Part, Fen]]

    @property
    def total(self) -> Fen:
        """What they pay together."""
        return sum(amount for _, amount in self.parts)


async def pay_premium(
    unit: Unit, vault: Vault, laws: Laws, wanted: PremiumFromFamily
) -> PaidPremium:
    """Pay a relative's premium out of the owner's account and book it (代缴居民医保费).

    Account, premium and the relative's entitlement change together; the relative is insured in the
    owner's pool. Refused: LINK_UNKNOWN or LINK_ENDED without a link that holds today,
    AREA_DIFFERS for a relative who is insured in another pool, RELATION_NOT_ALLOWED when the
    owner's law does not let accounts pay premiums of the scheme, BALANCE_SHORT when the account, or
    the link's limit, does not hold the whole premium.
    """
    link = await links.find(unit.connection, wanted.link)
    if link is None or link.pool != unit.pool:
        raise Refused(RefusalCode.LINK_UNKNOWN, f"没有编号为 {wanted.link} 的家庭共济关系", "link")
    if wanted.amount <= 0:
        raise Refused(RefusalCode.AMOUNT_OUT_OF_RANGE, "缴费金额须为正数", "amount")
    owner = await _member(unit, vault, unit.pool, link.member, "link")
    await _check_insured_here(unit, wanted.relative)
    relative = await _member(unit, vault, unit.pool, wanted.relative, "relative")
    if relative.identity.id != link.relative:
        raise Refused(RefusalCode.LINK_UNKNOWN, "该关系不是为此人建立的", "relative")
    rules = _family_rules(_law(laws, owner, unit.day), link.relation, unit.day)
    schemes = () if rules.premiums is None else rules.premiums.find(unit.day, {}).value
    if wanted.scheme not in schemes:
        raise Refused(
            RefusalCode.RELATION_NOT_ALLOWED,
            f"统筹区规则不允许用个人账户缴纳险种 {wanted.scheme} 的保费",
            "scheme",
        )
    # the order of all who do both: the human, then the account
    await people.lock_member(unit.connection, unit.pool, wanted.relative)
    parts = await check_open(unit, link.member)
    if not await links.standing(unit.connection, [link.number], unit.day):
        raise Refused(RefusalCode.LINK_ENDED, f"编号 {link.number} 的家庭共济关系今日无效", "link")
    taken = _taken(parts, rules.parts.find(unit.day, {}).value, link, wanted.amount)
    await _check_limit(unit, link, taken.total, wanted.amount)
    number = unit.numbers.next(unit.now)
    await ledger.post(
        unit,
        [
            Posting(
                number,
                unit.day,
                (
                    *(Entry(part.account, -amount) for part, amount in taken.parts),
                    Entry(contributions_account(wanted.scheme), wanted.amount),
                ),
                Occasion(OccasionKind.PREMIUM, {"link": link.number, "member": wanted.relative}),
            )
        ],
    )
    if link.year_limit is not None:
        await count(unit, {(link.number, unit.day.year): wanted.amount})
    assert wanted.period.end is not None
    await store.insert_premium(
        unit.connection,
        unit.pool,
        number,
        link.number,
        (link.member, wanted.relative),
        wanted.scheme,
        (wanted.period.start, wanted.period.end),
        wanted.amount,
        unit.now,
    )
    await _book(unit, vault, laws, relative, wanted)
    return PaidPremium(number, tuple((part.name, amount) for part, amount in taken.parts))


def _taken(parts: Sequence[Part], order: Sequence[str], link: FamilyLink, wanted: Fen) -> _Taken:
    rest = wanted
    taken = []
    for origin in order:
        for part in parts:
            if part.origin == origin and origin in link.origins and rest and part.available:
                amount = min(rest, part.available)
                taken.append((part, amount))
                rest -= amount
    return _Taken(taken)


async def _check_limit(unit: Unit, link: FamilyLink, found: Fen, wanted: Fen) -> None:
    most = found
    if link.year_limit is not None:
        before = await store.used(unit.connection, unit.pool, [link.number], unit.day.year)
        most = min(most, link.year_limit - before.get(link.number, 0))
    if link.bill_limit is not None:
        most = min(most, link.bill_limit)
    if most < wanted:
        raise Refused(
            RefusalCode.BALANCE_SHORT,
            f"可用余额（或限额）{yuan(max(0, most))} 元，不足以缴纳 {yuan(wanted)} 元",
            "amount",
            available=yuan(max(0, most)),
        )


async def _book(
    unit: Unit, vault: Vault, laws: Laws, relative: Insured, wanted: PremiumFromFamily
) -> None:
    start = wanted.period.start
    enrolment = relative.enrolment_on(wanted.scheme, start)
    if enrolment is None:
        raise Refused(
            RefusalCode.NOT_ENROLLED, f"该人员在 {start} 未参加险种 {wanted.scheme}", "relative"
        )
    law = laws.law_on(enrolment.division, wanted.scheme, start)
    premium = Premium(wanted.scheme, wanted.period, unit.day, wanted.amount)
    await premiums.book(
        unit.connection, vault, unit.pool, wanted.relative, [premium], law, now=unit.now
    )


async def links_of(
    connection: "Connection[Any]", human: int
) -> tuple[list[FamilyLink], list[FamilyLink]]:
    """The links by which a human pays, and those that pay for the human."""
    return await links.of_owner(connection, human), await links.of_relative(connection, human)
