"""Name somebody who may act for another, end it, and ask whether somebody may."""

from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.representatives import store
from yibao.registry.representatives.model import (
    Act,
    NewRepresentation,
    Representation,
    RepresentativeKind,
)

if TYPE_CHECKING:
    from asyncpg import Connection

of_represented = store.of_represented
of_representative = store.of_representative
numbered = store.numbered


async def name(
    connection: "Connection[Any]", new: NewRepresentation, *, now: datetime
) -> Representation:
    """Let somebody act for another.

    Refused: CONSENT_MISSING unless the represented person agreed, or a guardian of the person does
    (a guardian is named by nobody's consent but the documents: ``consented_by`` is the guardian);
    LINK_EXISTS when the two are linked already in the period.
    """
    if new.representative == new.represented:
        raise Refused(RefusalCode.FIELD_INVALID, "代理人不能是本人", "representative")
    await store.lock_represented(connection, new.represented)
    known = await store.of_represented(connection, new.represented)
    if not _agreed(new, known):
        raise Refused(RefusalCode.CONSENT_MISSING, "须由被代理人本人或其监护人同意", "consented_by")
    for other in known:
        if other.representative == new.representative and other.period.meets(new.period):
            raise Refused(
                RefusalCode.LINK_EXISTS,
                f"两人之间已有代理关系（编号 {other.number}），不能重复建立",
                "representative",
                link=str(other.number),
            )
    made = Representation(
        await store.next_number(connection),
        new.represented,
        new.representative,
        new.kind,
        new.acts,
        new.period,
    )
    consent = {**new.consent, "by": new.consented_by}
    await store.insert(connection, made, consent, now)
    return made


def _agreed(new: NewRepresentation, known: list[Representation]) -> bool:
    if new.kind is RepresentativeKind.GUARDIAN and new.consented_by == new.representative:
        return True
    guardians = {
        one.representative
        for one in known
        if one.kind is RepresentativeKind.GUARDIAN and one.period.holds(new.period.start)
    }
    return new.consented_by == new.represented or new.consented_by in guardians


async def end(
    connection: "Connection[Any]", number: int, day: date, withdrawal: dict[str, Any], now: datetime
) -> Representation:
    """Let a representation end on ``day``. Refused when there is none, or it has ended."""
    known = await store.numbered(connection, number)
    if known is None:
        raise Refused(RefusalCode.LINK_UNKNOWN, f"没有编号为 {number} 的代理关系", "link")
    if known.period.end is not None and known.period.end <= day:
        raise Refused(
            RefusalCode.LINK_ENDED, f"编号 {number} 的代理关系已于 {known.period.end} 终止", "link"
        )
    await store.lock_represented(connection, known.represented)
    consent = await store.supersede(connection, known, now)
    ended = replace(known, period=Period(known.period.start, day))
    if day > known.period.start:
        await store.insert(connection, ended, {**consent, "withdrawal": withdrawal}, now)
    return ended


async def may_act_for(
    connection: "Connection[Any]", representative: int, represented: int, act: Act, day: date
) -> bool:
    """Whether a human may do something for another on a day; for oneself always."""
    if representative == represented:
        return True
    return any(
        one.representative == representative and act in one.acts and one.period.holds(day)
        for one in await store.of_represented(connection, represented)
    )
