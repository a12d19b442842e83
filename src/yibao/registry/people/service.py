"""What a clerk does with people: find, admit, move, change, grant, end. Nothing is overwritten.

Writing services run inside the caller's transaction and take its instant as ``now`` (aware UTC).
"""

from collections.abc import Sequence
from datetime import date, datetime, timedelta
from typing import TYPE_CHECKING, Any, TypeVar

import msgspec

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.policy.terms import EntitlementExtent, IdentityKind, PersonType, Scheme
from yibao.registry.people import rules, store, unfolding
from yibao.registry.people.model import (
    RETIRED,
    Admitted,
    Enrolment,
    Entitlement,
    Insured,
    Membership,
    NewMembership,
    NewPerson,
    SpecialIdentity,
)
from yibao.registry.rules import Dated, overwrite, starting

if TYPE_CHECKING:
    from asyncpg import Connection, Record

D = TypeVar("D", bound=Dated)


# -------------------------------------------------------------------------------------------- find


async def load_members(
    connection: "Connection[Any]", vault: Vault, pool: Pool, numbers: Sequence[str]
) -> dict[str, Insured]:
    """What is known now of members of one pool, by number, in one round trip; unknown ones lack."""
    rows = await store.members(connection, pool, numbers)
    return _by_number(vault, rows)


async def load_members_as_recorded(
    connection: "Connection[Any]",
    vault: Vault,
    pool: Pool,
    numbers: Sequence[str],
    instant: datetime,
) -> dict[str, Insured]:
    """What was recorded of members at ``instant``: later corrections are not seen."""
    rows = await store.members_as_recorded(connection, pool, numbers, instant)
    return _by_number(vault, rows)


async def find_by_document(
    connection: "Connection[Any]", vault: Vault, document_type: str, document_number: str
) -> list[Insured]:
    """All memberships, over all pools, of the human with a document; empty when unknown."""
    keys = _document_keys(vault, document_type, document_number)
    rows = await store.members_of_document(connection, keys)
    return [unfolding.insured(vault, row) for row in rows]


async def find_by_identity(
    connection: "Connection[Any]", vault: Vault, identity: int
) -> list[Insured]:
    """All memberships, over all pools, of a human; empty when unknown."""
    rows = await store.members_of_identity(connection, identity)
    return [unfolding.insured(vault, row) for row in rows]


async def find_by_numbers(
    connection: "Connection[Any]", numbers: Sequence[str]
) -> dict[str, tuple[Pool, int]]:
    """Pool and identity behind person numbers whose pool is not known; unknown ones lack."""
    found = await store.memberships_numbered(connection, numbers)
    return {number: (pool, identity) for pool, number, identity in found}


member_numbers = store.member_numbers
"""The next numbers of a pool's members after one, in their order."""


# ------------------------------------------------------------------------------------------- admit


async def admit(
    connection: "Connection[Any]", vault: Vault, people: Sequence[NewPerson], *, now: datetime
) -> list[Admitted]:
    """Admit people with their memberships (参保登记), in bulk; one ``Admitted`` each, in order.

    A human who is known by the document already gets the new memberships. Refused when the name
    differs, when a document comes twice, or when a pool would have the human twice on a day.
    """
    for person in people:
        rules.check_person(person)
    keys = [_document_key(vault, p.document_type, p.document_number) for p in people]
    if len(set(keys)) < len(keys):
        raise Refused(RefusalCode.FIELD_INVALID, "同一证件号码重复", "document_number")
    known = await _known(connection, vault, people, keys)
    fresh = iter(await store.take_numbers(connection, "identity_number", len(keys) - len(known)))
    identities: list[int] = []
    identity_rows: list[tuple[Any, ...]] = []
    special_rows: list[tuple[Any, ...]] = []
    for key, person in zip(keys, people, strict=True):
        if key in known:
            number, sealed = known[key]
            await check_known(connection, vault, number, sealed, person)
            for special in person.special_identities:
                await grant_special_identity(connection, number, special, now=now)
        else:
            number = next(fresh)
            identity_rows.append(
                store.identity_row(
                    number,
                    person.document_type,
                    key,
                    _seal(vault, person.document_number, person.name),
                    person.gender,
                    person.birth_date,
                    person.ethnicity,
                    None,
                    now,
                )
            )
            special_rows += [
                store.special_identity_row(number, special, now)
                for special in person.special_identities
            ]
        identities.append(number)
    await store.copy(connection, "identity", identity_rows)
    await store.copy(connection, "special_identity", special_rows)
    admitted = await _add_memberships(
        connection,
        [
            (identity, membership)
            for identity, person in zip(identities, people, strict=True)
            for membership in person.memberships
        ],
        now,
    )
    remaining = iter(admitted)
    return [
        Admitted(identity, tuple(next(remaining) for _ in person.memberships))
        for identity, person in zip(identities, people, strict=True)
    ]


async def _known(
    connection: "Connection[Any]", vault: Vault, people: Sequence[NewPerson], keys: Sequence[bytes]
) -> dict[bytes, tuple[int, bytes]]:
    """(id, sealed) of who is known already, by the key that the document has today."""
    today = {
        candidate: key
        for person, key in zip(people, keys, strict=True)
        for candidate in _document_keys(vault, person.document_type, person.document_number)
    }
    return {
        today[row["document_key"]]: (row["id"], row["sealed"])
        for row in await store.identities_of_documents(connection, list(today))
    }


async def known_already(
    connection: "Connection[Any]", vault: Vault, people: Sequence[NewPerson]
) -> list[tuple[int, bytes] | None]:
    """(id, sealed name and number) of each who is known by the document, in order; else None."""
    keys = [_document_key(vault, p.document_type, p.document_number) for p in people]
    found = await _known(connection, vault, people, keys)
    return [found.get(key) for key in keys]


async def check_known(
    connection: "Connection[Any]", vault: Vault, identity: int, sealed: bytes, person: NewPerson
) -> None:
    """Refuse to admit a human who is known by another name, or has a number there already."""
    name = unfolding.opened(vault, sealed)[1]
    if name != person.name:
        raise Refused(RefusalCode.PERSON_DIFFERS, "证件号码已登记为其他姓名", "name")
    for pool, number in await store.memberships_of(connection, identity):
        for _, row in await store.lock_membership(connection, pool, number):
            for wanted in person.memberships:
                if wanted.pool == pool and wanted.period.meets(row.period):
                    raise Refused(
                        RefusalCode.FIELD_INVALID,
                        f"该人员在统筹区 {pool} 的同一期间已有人员编号 {number}",
                        "memberships",
                    )


async def _add_memberships(
    connection: "Connection[Any]", wanted: Sequence[tuple[int, NewMembership]], now: datetime
) -> list[Membership]:
    numbers = iter(
        await store.take_numbers(
            connection, "member_number", sum(new.number is None for _, new in wanted)
        )
    )
    memberships = [
        Membership(new.pool, new.number or f"{new.pool}{next(numbers):014d}", identity, new.period)
        for identity, new in wanted
    ]
    pairs = [(row, new) for row, (_, new) in zip(memberships, wanted, strict=True)]
    await store.copy(
        connection, "membership", [store.membership_row(row, now) for row in memberships]
    )
    await store.copy(
        connection,
        "enrolment",
        [
            store.enrolment_row(row.pool, row.number, enrolment, now)
            for row, new in pairs
            for enrolment in new.enrolments
        ],
    )
    await store.copy(
        connection,
        "entitlement",
        [
            store.entitlement_row(row.pool, row.number, entitlement, now)
            for row, new in pairs
            for entitlement in (
                rules.entitlements_of(new.enrolments)
                if new.entitlements is None
                else new.entitlements
            )
        ],
    )
    await store.copy(
        connection,
        "trait",
        [
            store.trait_row(row.pool, row.number, trait, now)
            for row, new in pairs
            for trait in new.traits
        ],
    )
    return memberships


# --------------------------------------------------------------------------------- change a member


async def lock_member(connection: "Connection[Any]", pool: Pool, number: str) -> None:
    """Let no other change of a member happen until the transaction ends; refused when unknown."""
    await _locked(connection, pool, number)


async def move_to_pool(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    destination: NewMembership,
    *,
    now: datetime,
) -> Membership:
    """Move a member to another pool (转移接续) from the first day of ``destination`` on.

    Membership, enrolments and entitlements in the old pool end on that day; visits and bills stay
    where they were.
    """
    if destination.pool == pool:
        raise Refused(RefusalCode.FIELD_INVALID, "转入统筹区与转出统筹区相同", "pool")
    rows = await _locked(connection, pool, number)
    leaving = starting(destination.period.start)
    owner = (pool, number)
    ended, left = overwrite(rows, leaving, None)
    if not ended:
        raise Refused(
            RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 在转移日期已无参保关系", "number"
        )
    await store.supersede(connection, "membership", owner, ended, now)
    await store.copy(connection, "membership", [store.membership_row(row, now) for row in left])
    await _rewrite_enrolments(
        connection, pool, number, await store.enrolments(connection, pool, number), leaving, now
    )
    await _rewrite_entitlements(
        connection, pool, number, await store.entitlements(connection, pool, number), leaving, now
    )
    (arrived,) = await _add_memberships(connection, [(rows[0][1].identity, destination)], now)
    return arrived


async def enrol(
    connection: "Connection[Any]", pool: Pool, number: str, enrolment: Enrolment, *, now: datetime
) -> None:
    """Enrol a member in a scheme for a period (参保), with full entitlement."""
    await _locked(connection, pool, number)
    same = [
        (row_id, row)
        for row_id, row in await store.enrolments(connection, pool, number)
        if row.scheme == enrolment.scheme
    ]
    ended, added = overwrite(same, enrolment.period, enrolment)
    await _record_enrolments(connection, pool, number, ended, added, now)
    (entitlement,) = rules.entitlements_of([enrolment])
    await _set_entitlement(connection, pool, number, entitlement, now)


async def change_person_type(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    scheme: Scheme,
    person_type: PersonType,
    start: date,
    *,
    retired_on: date | None = None,
    now: datetime,
) -> None:
    """Change the person type (人员类别) from ``start`` on, as at retirement.

    ``retired_on`` is the day of retirement where that is another one than ``start``.
    """
    await _locked(connection, pool, number)
    retired = (retired_on or start) if person_type.startswith(RETIRED) else None
    ended: list[int] = []
    added: list[Enrolment] = []
    for row_id, row in await store.enrolments(connection, pool, number):
        if row.scheme != scheme or not row.period.meets(starting(start)):
            continue
        changed = replace(row, person_type=person_type, retired_on=retired)
        period = Period(max(row.period.start, start), row.period.end)
        superseded, rest = overwrite([(row_id, row)], period, changed)
        ended += superseded
        added += rest
    if not ended:
        raise _not_enrolled(scheme, start)
    await _record_enrolments(connection, pool, number, ended, added, now)


async def set_entitlement(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    entitlement: Entitlement,
    *,
    now: datetime,
) -> None:
    """Say what a member may use of a scheme in a period (待遇), whatever was said before."""
    await _locked(connection, pool, number)
    await _set_entitlement(connection, pool, number, entitlement, now)


async def replace_entitlements(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    scheme: Scheme,
    entitlements: Sequence[Entitlement],
    *,
    now: datetime,
) -> None:
    """Say anew what a member may use of a scheme at all times; rows that stay are left alone."""
    await _locked(connection, pool, number)
    current = [
        (row_id, row)
        for row_id, row in await store.entitlements(connection, pool, number)
        if row.scheme == scheme
    ]
    known = [row for _, row in current]
    ended = [row_id for row_id, row in current if row not in entitlements]
    await store.supersede(connection, "entitlement", (pool, number), ended, now)
    new = [row for row in entitlements if row not in known]
    rows = [store.entitlement_row(pool, number, row, now) for row in new]
    await store.copy(connection, "entitlement", rows)


async def end_entitlement(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    scheme: Scheme,
    start: date,
    reason: str,
    *,
    now: datetime,
) -> None:
    """End the entitlement of a scheme from ``start`` on, with the reason (欠费, 停保 …)."""
    await set_entitlement(
        connection,
        pool,
        number,
        Entitlement(scheme, EntitlementExtent.NONE, starting(start), reason),
        now=now,
    )


# ---------------------------------------------------------------------------------- change a human


async def grant_special_identity(
    connection: "Connection[Any]", identity: int, special: SpecialIdentity, *, now: datetime
) -> None:
    """Grant a special identity (低保, 特困 …) for its period."""
    await _locked_identity(connection, identity)
    await _rewrite_special(connection, identity, special.kind, special.period, special, now)


async def end_special_identity(
    connection: "Connection[Any]",
    identity: int,
    kind: IdentityKind,
    start: date,
    *,
    now: datetime,
) -> None:
    """End a special identity from ``start`` on."""
    await _locked_identity(connection, identity)
    await _rewrite_special(connection, identity, kind, starting(start), None, now)


async def record_death(
    connection: "Connection[Any]", identity: int, died_on: date, *, now: datetime
) -> None:
    """Record a death: every entitlement ends with the day of death."""
    await _rewrite_identity(connection, identity, now, died_on=died_on)
    after = died_on + timedelta(days=1)
    for pool, number in await store.memberships_of(connection, identity):
        await _locked(connection, pool, number)
        current = await store.entitlements(connection, pool, number)
        for scheme in sorted({row.scheme for _, row in current}):
            ended = Entitlement(scheme, EntitlementExtent.NONE, starting(after), rules.DIED)
            await _set_entitlement(connection, pool, number, ended, now)


async def correct_document(
    connection: "Connection[Any]",
    vault: Vault,
    identity: int,
    *,
    document_type: str,
    document_number: str,
    name: str,
    gender: str,
    birth_date: date,
    now: datetime,
) -> None:
    """Correct who a human is said to be (更正证件信息); the document must be nobody else's."""
    await _rewrite_identity(
        connection,
        identity,
        now,
        document_type=document_type,
        document_key=_document_key(vault, document_type, document_number),
        sealed=_seal(vault, document_number, name),
        gender=gender,
        birth_date=birth_date,
    )


# ----------------------------------------------------------------------------------------- private


async def _rewrite_identity(
    connection: "Connection[Any]", identity: int, now: datetime, **changed: Any
) -> None:
    """A new row of a human with some columns changed; the old one is superseded."""
    row = dict(await _locked_identity(connection, identity)) | changed
    await store.supersede(connection, "identity", (identity,), [row["row_id"]], now)
    await store.copy(
        connection,
        "identity",
        [
            store.identity_row(
                identity,
                row["document_type"],
                row["document_key"],
                row["sealed"],
                row["gender"],
                row["birth_date"],
                row["ethnicity"],
                row["died_on"],
                now,
            )
        ],
    )


async def _locked(
    connection: "Connection[Any]", pool: Pool, number: str
) -> list[tuple[int, Membership]]:
    rows = await store.lock_membership(connection, pool, number)
    if not rows:
        raise Refused(RefusalCode.PERSON_UNKNOWN, f"人员编号 {number} 不存在", "number")
    return rows


async def _locked_identity(connection: "Connection[Any]", identity: int) -> "Record":
    row = await store.lock_identity(connection, identity)
    if row is None:
        raise Refused(RefusalCode.PERSON_UNKNOWN, "人员不存在", "identity")
    return row


def _not_enrolled(scheme: Scheme, day: date) -> Refused:
    return Refused(RefusalCode.NOT_ENROLLED, f"该人员自 {day} 起未参加险种 {scheme}", "scheme")


async def _record_enrolments(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    ended: Sequence[int],
    added: Sequence[Enrolment],
    now: datetime,
) -> None:
    await store.supersede(connection, "enrolment", (pool, number), ended, now)
    rows = [store.enrolment_row(pool, number, row, now) for row in added]
    await store.copy(connection, "enrolment", rows)


async def _rewrite_enrolments(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    rows: Sequence[tuple[int, Enrolment]],
    period: Period,
    now: datetime,
) -> None:
    ended, added = overwrite(rows, period, None)
    await _record_enrolments(connection, pool, number, ended, added, now)


async def _rewrite_entitlements(
    connection: "Connection[Any]",
    pool: Pool,
    number: str,
    rows: Sequence[tuple[int, Entitlement]],
    period: Period,
    now: datetime,
    fact: Entitlement | None = None,
) -> None:
    ended, added = overwrite(rows, period, fact)
    await store.supersede(connection, "entitlement", (pool, number), ended, now)
    new = [store.entitlement_row(pool, number, row, now) for row in added]
    await store.copy(connection, "entitlement", new)


async def _set_entitlement(
    connection: "Connection[Any]", pool: Pool, number: str, fact: Entitlement, now: datetime
) -> None:
    same = [
        (row_id, row)
        for row_id, row in await store.entitlements(connection, pool, number)
        if row.scheme == fact.scheme
    ]
    await _rewrite_entitlements(connection, pool, number, same, fact.period, now, fact)


async def _rewrite_special(
    connection: "Connection[Any]",
    identity: int,
    kind: IdentityKind,
    period: Period,
    fact: SpecialIdentity | None,
    now: datetime,
) -> None:
    same = [
        (row_id, row)
        for row_id, row in await store.special_identities(connection, identity)
        if row.kind == kind
    ]
    ended, added = overwrite(same, period, fact)
    await store.supersede(connection, "special_identity", (identity,), ended, now)
    rows = [store.special_identity_row(identity, row, now) for row in added]
    await store.copy(connection, "special_identity", rows)


def _document_key(vault: Vault, document_type: str, document_number: str) -> bytes:
    return vault.look_up_key(document_type, document_number.strip().upper())


def _document_keys(vault: Vault, document_type: str, document_number: str) -> list[bytes]:
    return vault.look_up_keys(document_type, document_number.strip().upper())


def _seal(vault: Vault, document_number: str, name: str) -> bytes:
    return vault.seal(msgspec.json.encode((document_number, name)).decode())


def _by_number(vault: Vault, rows: "Sequence[Record]") -> dict[str, Insured]:
    """By number; of a number with several memberships (left and came back) the latest stands."""
    return {row[1]: unfolding.insured(vault, row) for row in rows}
