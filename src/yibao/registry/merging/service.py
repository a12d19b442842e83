"""Make two files of one human one (档案合并), and exchange a document (证件变更).

Nothing is lost: every row goes over by superseding, the closed file points to the kept one, and
each document that the human had still finds him. Both humans are locked, in the order of their ids.
"""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.registry.family import service as family
from yibao.registry.merging import store
from yibao.registry.merging.model import Merged
from yibao.registry.people import service as people
from yibao.registry.people import store as people_store
from yibao.registry.people.model import Insured, Membership
from yibao.registry.rules import overwrite, starting

if TYPE_CHECKING:
    from asyncpg import Connection


async def merge(
    connection: "Connection[Any]",
    kept: Insured,
    gone: Insured,
    *,
    reason: str,
    today: date,
    now: datetime,
) -> Merged:
    """Close the file of ``gone``: what hangs on it hangs on ``kept`` from now on.

    A number of a pool in which the kept file has one at the same time ends today. Refused when they
    are one already, or when name, sex, birth or death of the two differ.
    """
    check_same_human(kept, gone)
    one, other = kept.identity.id, gone.identity.id
    rows = {id_: await _locked(connection, id_) for id_ in sorted((one, other))}
    for special in gone.special_identities:
        await people.grant_special_identity(connection, one, special, now=now)
    for row_id, _ in await people_store.special_identities(connection, other):
        await people_store.supersede(connection, "special_identity", (other,), [row_id], now)
    own = await _memberships(connection, one)
    moved, ended = [], []
    for pool, number in await people_store.memberships_of(connection, other):
        moved.append((pool, number))
        held = [row.period for row in own if row.pool == pool]
        if await _hand_over(connection, pool, number, one, held, today, now):
            ended.append((pool, number))
    await store.hand_over(connection, other, one, now)
    await family.end_doubles(connection, one, today, now)
    await store.close_file(connection, other, rows[other], one, reason, now)
    return Merged(one, other, tuple(moved), tuple(ended))


async def exchange_document(
    connection: "Connection[Any]",
    vault: Vault,
    insured: Insured,
    *,
    document_type: str,
    document_number: str,
    name: str | None,
    now: datetime,
) -> None:
    """Give a human a new document (and name); the old one still finds him.

    Refused when the document is another's: then the two files are merged.
    """
    identity = insured.identity
    for holder in await people.find_by_document(connection, vault, document_type, document_number):
        if holder.identity.id != identity.id:
            raise Refused(
                RefusalCode.FILES_DIFFER,
                "该证件号码已属于另一份个人档案；如为同一人，请合并两份档案",
                "document_number",
            )
    row = await _locked(connection, identity.id)
    await people.correct_document(
        connection,
        vault,
        identity.id,
        document_type=document_type,
        document_number=document_number,
        name=name or identity.name,
        gender=identity.gender,
        birth_date=identity.birth_date,
        now=now,
    )
    await store.keep_document(connection, identity.id, identity.id, row, now)


numbers_of = people_store.memberships_of
"""All numbers of a human, over all pools."""

hold_members = store.hold_members
"""Let no number of these end by a merger until the transaction ends; everybody may read them."""


async def kept_file(connection: "Connection[Any]", identity: int) -> int:
    """The human that an id stands for today, after whatever mergers."""
    while (kept := await store.merged_into(connection, identity)) is not None:
        identity = kept
    return identity


def check_same_human(kept: Insured, gone: Insured) -> None:
    """Two files are of one human only when they say the same of him."""
    a, b = kept.identity, gone.identity
    if a.id == b.id:
        raise Refused(RefusalCode.FILES_DIFFER, "两个人员编号已属于同一份个人档案", "gone")
    differing = [
        title
        for title, mine, theirs in (
            ("姓名", a.name, b.name),
            ("性别", a.gender, b.gender),
            ("出生日期", a.birth_date, b.birth_date),
            ("死亡日期", a.died_on, b.died_on),
        )
        if mine != theirs
    ]
    if differing:
        raise Refused(
            RefusalCode.FILES_DIFFER,
            f"两份档案的{'、'.join(differing)}不一致，请先更正后再合并",
            "gone",
        )


# ----------------------------------------------------------------------------------------- private


async def _locked(connection: "Connection[Any]", identity: int) -> int:
    """The current row of a human, locked."""
    row = await people_store.lock_identity(connection, identity)
    if row is None:
        raise Refused(RefusalCode.PERSON_UNKNOWN, "人员不存在或档案已合并", "identity")
    found: int = row["row_id"]
    return found


async def _memberships(connection: "Connection[Any]", identity: int) -> list[Membership]:
    rows: list[Membership] = []
    for pool, number in await people_store.memberships_of(connection, identity):
        rows += [row for _, row in await people_store.lock_membership(connection, pool, number)]
    return rows


async def _hand_over(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    kept: int,
    held: Sequence[Period],
    today: date,
    now: datetime,
) -> bool:
    """Let a number hang on the kept human; whether it ends, since another one holds there."""
    rows = await people_store.lock_membership(connection, pool, number)
    owner = (pool, number)
    ends = any(row.period.meets(other) for _, row in rows for other in held)
    stay = [replace(row, identity=kept) for _, row in rows]
    if ends:
        _, stay = overwrite(list(enumerate(stay)), starting(today), None)
        stay += [row for row in (replace(r, identity=kept) for _, r in rows) if _over(row, today)]
    await people_store.supersede(connection, "membership", owner, [r for r, _ in rows], now)
    await people_store.copy(
        connection, "membership", [people_store.membership_row(row, now) for row in stay]
    )
    if ends:
        await _end(connection, pool, number, today, now)
    return ends


def _over(row: Membership, today: date) -> bool:
    return row.period.end is not None and row.period.end <= today


async def _end(
    connection: "Connection[Any]", pool: Pool, number: str, today: date, now: datetime
) -> None:
    """Enrolments and entitlements of a number end today."""
    leaving, owner = starting(today), (pool, number)
    ended, enrolled = overwrite(
        await people_store.enrolments(connection, pool, number), leaving, None
    )
    await people_store.supersede(connection, "enrolment", owner, ended, now)
    await people_store.copy(
        connection,
        "enrolment",
        [people_store.enrolment_row(pool, number, row, now) for row in enrolled],
    )
    ended, entitled = overwrite(
        await people_store.entitlements(connection, pool, number), leaving, None
    )
    await people_store.supersede(connection, "entitlement", owner, ended, now)
    await people_store.copy(
        connection,
        "entitlement",
        [people_store.entitlement_row(pool, number, row, now) for row in entitled],
    )
