"""What a clerk does with thousands of people at once, by the rules for one.

Everybody must be of one pool. Facts of one person are changed in the order given; a fact holds in
its period, whatever was said of it before. Services run inside the caller's transaction.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from yibao.kernel.areas import Pool
from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.policy.terms import EntitlementExtent, Scheme
from yibao.registry.people import rules, service, store
from yibao.registry.people.bulk import store as bulk_store
from yibao.registry.people.bulk.store import Owner, Timelines
from yibao.registry.people.model import (
    DesignatedInstitution,
    Enrolment,
    Entitlement,
    FiledCare,
    FiledDisease,
    NewPerson,
    SpecialIdentity,
)
from yibao.registry.rules import Dated, overwrite, starting

if TYPE_CHECKING:
    from asyncpg import Connection

D = TypeVar("D", bound=Dated)


@dataclass(frozen=True, slots=True)
class Change(Generic[D]):
    """What is to hold of a member: a fact in its period, instead of what was said before."""

    member: str
    fact: D
    instead_of: Period | None = None
    """When the same fact was said to hold before, wrongly."""


Filed = FiledCare | FiledDisease | DesignatedInstitution


async def objections(
    connection: "Connection[Any]", vault: Vault, people: Sequence[NewPerson]
) -> list[Refusal | None]:
    """Why people could not be admitted; None of each who could. Writes nothing."""
    known = await service.known_already(connection, vault, people)
    taken = await _taken_numbers(connection, people)
    found: list[Refusal | None] = []
    for human, person in zip(known, people, strict=True):
        try:
            rules.check_person(person)
            if human is not None:
                await service.check_known(connection, vault, *human, person)
            for membership in person.memberships:
                if (membership.pool, membership.number) in taken:
                    raise Refused(
                        RefusalCode.FIELD_INVALID,
                        f"人员编号 {membership.number} 已属于他人",
                        "number",
                    )
        except Refused as refused:
            found.append(refused.refusal)
        else:
            found.append(None)
    return found


async def _taken_numbers(
    connection: "Connection[Any]", people: Sequence[NewPerson]
) -> set[tuple[Pool, str]]:
    numbers = [m.number for person in people for m in person.memberships if m.number]
    if not numbers:
        return set()
    rows = await store.memberships_numbered(connection, numbers)
    return {(pool, number) for pool, number, _ in rows}


async def enrol(
    connection: "Connection[Any]",
    pool: Pool,
    changes: Sequence[Change[Enrolment]],
    extents: Sequence[EntitlementExtent],
    *,
    now: datetime,
) -> None:
    """Enrol members in schemes (参保), with an extent of entitlement each."""
    await bulk_store.lock_members(connection, pool, [change.member for change in changes])
    await _rewrite(connection, pool, bulk_store.ENROLMENTS, _owned(changes), now)
    entitled = [
        (
            change.member,
            Entitlement(change.fact.scheme, extent, change.fact.period, rules.ENROLLED),
            change.instead_of,
        )
        for change, extent in zip(changes, extents, strict=True)
    ]
    await _rewrite(connection, pool, bulk_store.ENTITLEMENTS, entitled, now)


async def end_enrolment(
    connection: "Connection[Any]",
    pool: Pool,
    member: str,
    scheme: Scheme,
    start: date,
    reason: str,
    *,
    now: datetime,
) -> None:
    """End a member's enrolment in a scheme (停保) from ``start`` on, and the entitlement with it.

    Refused when the member is not enrolled then.
    """
    await service.lock_member(connection, pool, member)
    timelines = bulk_store.ENROLMENTS
    rows = [
        (row_id, row)
        for row_id, _, row in await bulk_store.current(connection, timelines, pool, [member])
        if row.scheme == scheme
    ]
    ended, left = overwrite(rows, starting(start), None)
    if not ended:
        raise Refused(RefusalCode.NOT_ENROLLED, f"该人员自 {start} 起未参加险种 {scheme}", "scheme")
    await bulk_store.supersede(connection, timelines, pool, [(member, one) for one in ended], now)
    kept = [store.enrolment_row(pool, member, row, now) for row in left]
    await store.copy(connection, timelines.table, kept)
    await service.end_entitlement(connection, pool, member, scheme, start, reason, now=now)


async def replace_entitlements(
    connection: "Connection[Any]",
    pool: Pool,
    wanted: Mapping[tuple[str, Scheme], Sequence[Entitlement]],
    *,
    now: datetime,
) -> None:
    """Say anew what members may use of schemes at all times; rows that stay are left alone."""
    members = list(dict.fromkeys(member for member, _ in wanted))
    ended: list[tuple[Owner, int]] = []
    stay: set[tuple[str, Entitlement]] = set()
    timelines = bulk_store.ENTITLEMENTS
    for row_id, owner, row in await bulk_store.current(connection, timelines, pool, members):
        member = str(owner)
        if row in wanted.get((member, row.scheme), (row,)):
            stay.add((member, row))
        else:
            ended.append((member, row_id))
    await bulk_store.supersede(connection, timelines, pool, ended, now)
    new = [
        store.entitlement_row(pool, member, row, now)
        for (member, _), rows in wanted.items()
        for row in rows
        if (member, row) not in stay
    ]
    await store.copy(connection, timelines.table, new)


async def grant_special_identities(
    connection: "Connection[Any]",
    pool: Pool,
    changes: Sequence[Change[SpecialIdentity]],
    *,
    now: datetime,
) -> None:
    """Grant special identities (低保, 特困 …) to the humans behind members."""
    identities = await bulk_store.lock_members(connection, pool, [c.member for c in changes])
    await bulk_store.lock_identities(connection, sorted(set(identities.values())))
    owned = [(identities[c.member], c.fact, c.instead_of) for c in changes]
    await _rewrite(connection, pool, bulk_store.SPECIAL_IDENTITIES, owned, now)


async def file(
    connection: "Connection[Any]",
    pool: Pool,
    changes: Sequence[Change[Any]],
    *,
    now: datetime,
) -> None:
    """Put on file care away from home, diseases and chosen institutions, as a clerk does."""
    await bulk_store.lock_members(connection, pool, [change.member for change in changes])
    tables: Mapping[type, Timelines[Any]] = {
        FiledCare: bulk_store.FILINGS,
        FiledDisease: bulk_store.DISEASES,
        DesignatedInstitution: bulk_store.DESIGNATIONS,
    }
    for kind, timelines in tables.items():
        own = [change for change in changes if isinstance(change.fact, kind)]
        await _rewrite(connection, pool, timelines, _owned(own), now)


async def take_back(
    connection: "Connection[Any]",
    pool: Pool,
    members: Sequence[str],
    recorded_at: datetime,
    *,
    now: datetime,
) -> list[str]:
    """Make what was recorded of members at an instant as if it had never been said.

    What it had replaced holds again. The rows stay readable by their recorded times. Members of
    whom somebody changed the same thing since, or anything if they became known then, are left as
    they are and answered.
    """
    identities = await bulk_store.lock_members(connection, pool, members)
    left = await _changed_since(connection, pool, identities, recorded_at)
    members = [member for member in members if member not in left]
    humans = sorted({human for member, human in identities.items() if member not in left})
    await bulk_store.lock_identities(connection, humans)
    for table in bulk_store.MEMBER_TABLES:
        await bulk_store.take_back(connection, table, pool, members, recorded_at, now)
    for table in ("identity", "special_identity"):
        await bulk_store.take_back_humans(connection, table, humans, recorded_at, now)
    return sorted(left)


async def _changed_since(
    connection: "Connection[Any]",
    pool: Pool,
    identities: Mapping[str, int],
    recorded_at: datetime,
) -> set[str]:
    """Members of whom a table was written at an instant and again later.

    All else stands upon a person and the number: who became known then is changed by anything.
    """
    changed: set[str] = set()
    came: set[str] = set()
    touched_at_all: set[str] = set()
    for table in bulk_store.MEMBER_TABLES:
        written, touched = await bulk_store.written_and_touched(
            connection, table, pool, list(identities), recorded_at
        )
        changed |= written & touched
        touched_at_all |= touched
        if table == "membership":
            came |= written
    humans = sorted(set(identities.values()))
    for table in bulk_store.HUMAN_COLUMNS:
        written_, touched_ = await bulk_store.humans_written_and_touched(
            connection, table, humans, recorded_at
        )
        touched_at_all |= {one for one, human in identities.items() if human in touched_}
        if table in ("identity", "special_identity"):
            both = written_ & touched_
            changed |= {one for one, human in identities.items() if human in both}
    return changed | (came & touched_at_all)


def _owned(changes: Sequence[Change[D]]) -> list[tuple[Owner, D, Period | None]]:
    return [(change.member, change.fact, change.instead_of) for change in changes]


async def _rewrite(
    connection: "Connection[Any]",
    pool: Pool,
    timelines: Timelines[D],
    changes: Sequence[tuple[Owner, D, Period | None]],
    now: datetime,
) -> None:
    """Write facts into the timelines of their owners, in order; every row is touched once."""
    if not changes:
        return
    owners = list(dict.fromkeys(owner for owner, _, _ in changes))
    lines: defaultdict[tuple[Owner, object], list[tuple[int, D]]] = defaultdict(list)
    for row_id, owner, row in await bulk_store.current(connection, timelines, pool, owners):
        lines[owner, timelines.line(row)].append((row_id, row))
    ended: list[tuple[Owner, int]] = []
    fresh = 0  # rows that are not in the table yet have numbers below zero
    for owner, fact, instead_of in changes:
        line = lines[owner, timelines.line(fact)]
        for period, told in ((instead_of, None), (fact.period, fact)):
            if period is None:
                continue
            gone, added = overwrite(line, period, told)
            ended += [(owner, row_id) for row_id in gone if row_id > 0]
            line[:] = [row for row in line if row[0] not in gone]
            for row in added:
                fresh -= 1
                line.append((fresh, row))
    await bulk_store.supersede(connection, timelines, pool, ended, now)
    new = [
        timelines.record(pool, owner, row, now)
        for (owner, _), line in lines.items()
        for row_id, row in line
        if row_id < 0
    ]
    await store.copy(connection, timelines.table, new)
