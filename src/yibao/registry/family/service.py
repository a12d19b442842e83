"""Make, end and move links by which accounts pay for relatives; nothing is overwritten.

What the law asks of a link, and what is done with the money, is decided in the accounts room.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.family import store
from yibao.registry.family.model import FamilyLink, NewFamilyLink

if TYPE_CHECKING:
    from asyncpg import Connection

of_relative = store.of_relative
of_owner = store.of_owner
once_known = store.once_known


async def link(connection: "Connection[Any]", new: NewFamilyLink, *, now: datetime) -> FamilyLink:
    """Make a link. Refused: LINK_EXISTS when the two are linked already in the period."""
    await store.lock_identities(connection, [new.owner, new.relative])
    known = await store.of_relative(connection, new.relative)
    for other in known:
        if other.owner == new.owner and other.period.meets(new.period):
            raise Refused(
                RefusalCode.LINK_EXISTS,
                f"两人之间已有家庭共济关系（编号 {other.number}），不能重复建立",
                "relative",
                link=str(other.number),
            )
    made = FamilyLink(
        number=await store.next_number(connection),
        relative=new.relative,
        owner=new.owner,
        pool=new.pool,
        member=new.member,
        relation=new.relation,
        place=new.place or max((one.place for one in known), default=0) + 1,
        origins=new.origins,
        bill_limit=new.bill_limit,
        year_limit=new.year_limit,
        period=new.period,
    )
    await store.insert(connection, made, dict(new.consent), now)
    return made


async def end(
    connection: "Connection[Any]", number: int, day: date, withdrawal: dict[str, Any], now: datetime
) -> FamilyLink:
    """Let a link pay no more from ``day`` on. Refused when there is none, or it has ended."""
    found = await find(connection, number)
    if found is None:
        raise Refused(RefusalCode.LINK_UNKNOWN, f"没有编号为 {number} 的家庭共济关系", "link")
    await store.lock_identities(connection, [found.owner, found.relative])
    if found.period.end is not None and found.period.end <= day:
        raise Refused(
            RefusalCode.LINK_ENDED,
            f"编号 {number} 的家庭共济关系已于 {found.period.end} 终止",
            "link",
        )
    consent = await store.supersede(connection, found, now)
    ended = replace(found, period=Period(found.period.start, day))
    if day <= found.period.start:  # it never came into use, or is known by its recorded time
        return ended
    await store.insert(connection, ended, {**consent, "withdrawal": withdrawal}, now)
    return ended


async def move_owner(
    connection: "Connection[Any]", owner: int, pool: Pool, member: str, day: date, now: datetime
) -> None:
    """Let an owner's links name the account that the owner has from now on."""
    await store.lock_identities(connection, [owner])
    for known in await store.of_owner(connection, owner):
        if known.period.end is None or known.period.end > day:
            consent = await store.supersede(connection, known, now)
            moved = replace(known, pool=pool, member=member)
            await store.insert(connection, moved, consent, now)


async def rename_owner(
    connection: "Connection[Any]", owner: int, pool: Pool, gone: str, kept: str, now: datetime
) -> None:
    """Let an owner's links that name one number of a pool name another of the same human."""
    for known in await store.of_owner(connection, owner):
        if (known.pool, known.member) == (pool, gone):
            consent = await store.supersede(connection, known, now)
            await store.insert(connection, replace(known, member=kept), consent, now)


async def end_doubles(connection: "Connection[Any]", human: int, day: date, now: datetime) -> None:
    """End the links of a human beside which an older one links the same two; the older pays on."""
    kept: dict[tuple[int, int], list[FamilyLink]] = {}
    links = await store.of_owner(connection, human) + await store.of_relative(connection, human)
    for one in sorted(links, key=lambda link: link.number):
        others = kept.setdefault((one.owner, one.relative), [])
        over = one.period.end is not None and one.period.end <= day
        if not over and any(one.period.meets(other.period) for other in others):
            await end(connection, one.number, day, {"reason": "档案合并"}, now)
        else:
            others.append(one)


async def find(connection: "Connection[Any]", number: int) -> FamilyLink | None:
    """A link by its number."""
    return next(iter(await store.numbered(connection, [number])), None)


async def standing(
    connection: "Connection[Any]", numbers: Sequence[int], day: date
) -> dict[int, FamilyLink]:
    """Of links those that hold on a day, as committed now."""
    found = await store.numbered(connection, numbers)
    return {one.number: one for one in found if one.period.holds(day)}
