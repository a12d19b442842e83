"""SQL of people: identities and memberships, and the dated tables that say what holds of them.

Rows travel as tuples in the order of their table's columns; ``service`` makes objects of them.
"""

from collections.abc import Iterable, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.policy.terms import EntitlementExtent, Filing, IdentityKind, PersonType, Scheme
from yibao.registry.people.model import (
    DesignatedInstitution,
    Enrolment,
    Entitlement,
    FiledCare,
    FiledDisease,
    Membership,
    SpecialIdentity,
    Trait,
)

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_KNOWN_NOW = "{0}.superseded_at IS NULL"
_KNOWN_THEN = "{0}.recorded_at <= $3 AND ({0}.superseded_at IS NULL OR {0}.superseded_at > $3)"

# Everything known of members, each dated table folded into one JSON array: one round trip.
_INSURED = """
SELECT membership.pool, membership.number, membership.valid_from, membership.valid_until,
       identity.id, identity.document_type, identity.sealed, identity.gender,
       identity.birth_date, identity.ethnicity, identity.died_on,
       (SELECT json_agg(json_build_array(scheme, division, person_type, employer, civil_servant,
                                         retired_on, valid_from, valid_until)
                        ORDER BY valid_from, scheme)
        FROM registry.enrolment
        WHERE enrolment.pool = membership.pool AND enrolment.member = membership.number
          AND {enrolment})::text,
       (SELECT json_agg(json_build_array(scheme, extent, reason, valid_from, valid_until)
                        ORDER BY valid_from, scheme)
        FROM registry.entitlement
        WHERE entitlement.pool = membership.pool AND entitlement.member = membership.number
          AND {entitlement})::text,
       (SELECT json_agg(json_build_array(kind, level, note, valid_from, valid_until)
                        ORDER BY valid_from, kind)
        FROM registry.special_identity
        WHERE special_identity.identity = membership.identity AND {special_identity})::text,
       (SELECT json_agg(json_build_array(word, valid_from, valid_until) ORDER BY valid_from, word)
        FROM registry.trait
        WHERE trait.pool = membership.pool AND trait.member = membership.number
          AND {trait})::text,
       (SELECT json_agg(json_build_array(kind, place, institution, valid_from, valid_until)
                        ORDER BY valid_from, kind)
        FROM registry.filing
        WHERE filing.pool = membership.pool AND filing.member = membership.number
          AND {filing})::text,
       (SELECT json_agg(json_build_array(code, name, institution, valid_from, valid_until)
                        ORDER BY valid_from, code)
        FROM registry.disease_filing
        WHERE disease_filing.pool = membership.pool AND disease_filing.member = membership.number
          AND {disease_filing})::text,
       (SELECT json_agg(json_build_array(institution, business, place_order, valid_from,
                                         valid_until)
                        ORDER BY valid_from, business, place_order)
        FROM registry.designation
        WHERE designation.pool = membership.pool AND designation.member = membership.number
          AND {designation})::text,
       (SELECT json_agg(json_build_array(link, owner, owner_pool, owner_member, relation, place,
                                         origins, bill_limit, year_limit, valid_from, valid_until)
                        ORDER BY place, link)
        FROM registry.family_link
        WHERE family_link.relative = membership.identity AND {family_link})::text
FROM registry.membership
JOIN registry.identity ON identity.id = membership.identity AND {identity}
WHERE {wanted} AND {membership}
ORDER BY membership.pool, membership.number, membership.valid_from
"""
_TABLES = (
    "membership", "identity", "enrolment", "entitlement", "special_identity", "trait", "filing",
    "disease_filing", "designation", "family_link",
)  # fmt: skip


def _statement(wanted: str, known: str) -> str:
    return _INSURED.format(wanted=wanted, **{table: known.format(table) for table in _TABLES})


_BY_NUMBER = _statement("membership.pool = $1 AND membership.number = ANY($2)", _KNOWN_NOW)
_BY_NUMBER_THEN = _statement("membership.pool = $1 AND membership.number = ANY($2)", _KNOWN_THEN)
_HAS_DOCUMENT = """
    SELECT document_key, id FROM registry.identity
    WHERE document_key = ANY($1) AND superseded_at IS NULL
    UNION
    SELECT held.document_key, former.identity
    FROM registry.identity AS held
    JOIN registry.former_document AS former
      ON former.document_identity = held.id AND former.document_row = held.row_id
     AND former.superseded_at IS NULL
    WHERE held.document_key = ANY($1) AND held.superseded_at IS NOT NULL"""
"""Humans by a document they have or had: one that was exchanged still finds them."""

_BY_DOCUMENT = _statement(
    f"identity.id IN (SELECT id FROM ({_HAS_DOCUMENT}) AS known)",  # noqa: S608 - a fixed text
    _KNOWN_NOW,
)
_BY_IDENTITY = _statement("identity.id = $1", _KNOWN_NOW)


async def members(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[str]
) -> "list[Record]":
    """Everything known now of members of a pool, in one round trip."""
    return await connection.fetch(_BY_NUMBER, pool, numbers)


async def members_as_recorded(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[str], instant: datetime
) -> "list[Record]":
    """Everything that was recorded of members at ``instant``."""
    return await connection.fetch(_BY_NUMBER_THEN, pool, numbers, instant)


async def members_of_document(
    connection: "Connection[Any]", document_keys: Sequence[bytes]
) -> "list[Record]":
    """All memberships, over all pools, of the human with a document, by its possible keys."""
    return await connection.fetch(_BY_DOCUMENT, document_keys)


async def members_of_identity(connection: "Connection[Any]", identity: int) -> "list[Record]":
    """All memberships, over all pools, of a human."""
    return await connection.fetch(_BY_IDENTITY, identity)


async def member_numbers(
    connection: "Connection[Any]", pool: Pool, after: str, limit: int
) -> list[str]:
    """The next numbers of a pool's members after one, in their order."""
    rows = await connection.fetch(
        """SELECT DISTINCT number FROM registry.membership
           WHERE pool = $1 AND number > $2 AND superseded_at IS NULL ORDER BY number LIMIT $3""",
        pool,
        after,
        limit,
    )
    return [row[0] for row in rows]


# ---------------------------------------------------------------------------------------- admission


async def memberships_numbered(
    connection: "Connection[Any]", numbers: Sequence[str]
) -> list[tuple[Pool, str, int]]:
    """(pool, number, identity) of everybody with one of these numbers, in whatever pool."""
    rows = await connection.fetch(
        """SELECT DISTINCT pool, number, identity FROM registry.membership
           WHERE number = ANY($1) AND superseded_at IS NULL ORDER BY number, pool""",
        numbers,
    )
    return [(Pool(pool), number, identity) for pool, number, identity in rows]


async def identities_of_documents(
    connection: "Connection[Any]", document_keys: Sequence[bytes]
) -> "list[Record]":
    """(document_key, id, sealed) of the humans that are known already."""
    return await connection.fetch(
        f"""SELECT known.document_key, known.id, identity.sealed
            FROM ({_HAS_DOCUMENT}) AS known
            JOIN registry.identity ON identity.id = known.id AND superseded_at IS NULL""",  # noqa: S608
        document_keys,
    )


async def take_numbers(connection: "Connection[Any]", sequence: str, count: int) -> list[int]:
    """``count`` fresh numbers of one of the registry's sequences."""
    rows = await connection.fetch(
        "SELECT nextval($1::text::regclass) FROM generate_series(1, $2)",
        f"registry.{sequence}",
        count,
    )
    return [row[0] for row in rows]


COPIED = {
    "identity": (
        "id", "document_type", "document_key", "sealed", "gender", "birth_date", "ethnicity",
        "died_on", "recorded_at",
    ),
    "membership": ("pool", "number", "identity", "valid_from", "valid_until", "recorded_at"),
    "enrolment": (
        "pool", "member", "scheme", "division", "person_type", "employer", "civil_servant",
        "retired_on", "valid_from", "valid_until", "recorded_at",
    ),
    "entitlement": (
        "pool", "member", "scheme", "extent", "reason", "valid_from", "valid_until", "recorded_at",
    ),
    "special_identity": (
        "identity", "kind", "level", "note", "valid_from", "valid_until", "recorded_at",
    ),
    "trait": ("pool", "member", "word", "valid_from", "valid_until", "recorded_at"),
    "filing": (
        "pool", "member", "kind", "place", "institution", "declaration", "valid_from",
        "valid_until", "recorded_at",
    ),
    "disease_filing": (
        "pool", "member", "code", "name", "institution", "declaration", "valid_from",
        "valid_until", "recorded_at",
    ),
    "designation": (
        "pool", "member", "institution", "business", "place_order", "declaration", "valid_from",
        "valid_until", "recorded_at",
    ),
}  # fmt: skip


async def copy(connection: "Connection[Any]", table: str, rows: Iterable[Sequence[Any]]) -> None:
    """Record new rows of one table by COPY."""
    records = list(rows)
    if records:
        await connection.copy_records_to_table(
            table, schema_name="registry", columns=COPIED[table], records=records
        )


def identity_row(
    number: int,
    document_type: str,
    document_key: bytes,
    sealed: bytes,
    gender: str,
    birth_date: date,
    ethnicity: str,
    died_on: date | None,
    now: datetime,
) -> tuple[Any, ...]:
    """A row of ``identity``."""
    return (
        number, document_type, document_key, sealed, gender, birth_date, ethnicity, died_on, now,
    )  # fmt: skip


def membership_row(membership: Membership, now: datetime) -> tuple[Any, ...]:
    """A row of ``membership``."""
    period = membership.period
    return (
        membership.pool, membership.number, membership.identity, period.start, period.end, now,
    )  # fmt: skip


def enrolment_row(pool: Pool, member: str, row: Enrolment, now: datetime) -> tuple[Any, ...]:
    """A row of ``enrolment``."""
    return (
        pool, member, row.scheme, row.division, row.person_type, row.employer, row.civil_servant,
        row.retired_on, row.period.start, row.period.end, now,
    )  # fmt: skip


def entitlement_row(pool: Pool, member: str, row: Entitlement, now: datetime) -> tuple[Any, ...]:
    """A row of ``entitlement``."""
    return (
        pool, member, row.scheme, row.extent.value, row.reason, row.period.start, row.period.end,
        now,
    )  # fmt: skip


def special_identity_row(identity: int, row: SpecialIdentity, now: datetime) -> tuple[Any, ...]:
    """A row of ``special_identity``."""
    return (identity, row.kind, row.level, row.note, row.period.start, row.period.end, now)


def trait_row(pool: Pool, member: str, row: Trait, now: datetime) -> tuple[Any, ...]:
    """A row of ``trait``."""
    return (pool, member, row.word, row.period.start, row.period.end, now)


def filing_row(
    pool: Pool, member: str, row: FiledCare, now: datetime, declaration: int | None = None
) -> tuple[Any, ...]:
    """A row of ``filing``; without a declaration it was filed by a clerk."""
    return (
        pool, member, row.kind.value, row.place, row.institution, declaration, row.period.start,
        row.period.end, now,
    )  # fmt: skip


def disease_row(
    pool: Pool, member: str, row: FiledDisease, now: datetime, declaration: int | None = None
) -> tuple[Any, ...]:
    """A row of ``disease_filing``; without a declaration it was filed by a clerk."""
    return (
        pool, member, row.code, row.name, row.institution, declaration, row.period.start,
        row.period.end, now,
    )  # fmt: skip


def designation_row(
    pool: Pool,
    member: str,
    row: DesignatedInstitution,
    now: datetime,
    declaration: int | None = None,
) -> tuple[Any, ...]:
    """A row of ``designation``; without a declaration it was filed by a clerk."""
    return (
        pool, member, row.institution, row.business, row.order, declaration, row.period.start,
        row.period.end, now,
    )  # fmt: skip


# ------------------------------------------------------------------------------------------ changes
# The current rows of one timeline with their ids. The membership (or identity) is locked first, so
# that two changes of one human happen one after the other.


async def lock_membership(
    connection: "Connection[Any]", pool: Pool, number: str
) -> list[tuple[int, Membership]]:
    """Lock and give the current rows of a member's number."""
    rows = await connection.fetch(
        """SELECT row_id, identity, valid_from, valid_until FROM registry.membership
           WHERE pool = $1 AND number = $2 AND superseded_at IS NULL
           ORDER BY valid_from FOR UPDATE""",
        pool,
        number,
    )
    return [
        (row_id, Membership(pool, number, identity, Period(start, end)))
        for row_id, identity, start, end in rows
    ]


async def lock_identity(connection: "Connection[Any]", identity: int) -> "Record | None":
    """Lock and give the current row of a human."""
    return await connection.fetchrow(
        """SELECT row_id, document_type, document_key, sealed, gender, birth_date, ethnicity,
                  died_on
           FROM registry.identity WHERE id = $1 AND superseded_at IS NULL FOR UPDATE""",
        identity,
    )


async def memberships_of(connection: "Connection[Any]", identity: int) -> list[tuple[Pool, str]]:
    """All numbers of a human, over all pools."""
    rows = await connection.fetch(
        """SELECT DISTINCT pool, number FROM registry.membership
           WHERE identity = $1 AND superseded_at IS NULL ORDER BY pool, number""",
        identity,
    )
    return [(row[0], row[1]) for row in rows]


async def enrolments(
    connection: "Connection[Any]", pool: Pool, member: str
) -> list[tuple[int, Enrolment]]:
    """Current enrolments of a member with their row ids."""
    rows = await connection.fetch(
        """SELECT row_id, scheme, division, person_type, employer, civil_servant, retired_on,
                  valid_from, valid_until
           FROM registry.enrolment
           WHERE pool = $1 AND member = $2 AND superseded_at IS NULL ORDER BY valid_from""",
        pool,
        member,
    )
    return [
        (
            row[0],
            Enrolment(
                scheme=Scheme(row[1]),
                division=Division(row[2]),
                person_type=PersonType(row[3]),
                employer=row[4],
                civil_servant=row[5],
                retired_on=row[6],
                period=Period(row[7], row[8]),
            ),
        )
        for row in rows
    ]


async def entitlements(
    connection: "Connection[Any]", pool: Pool, member: str
) -> list[tuple[int, Entitlement]]:
    """Current entitlements of a member with their row ids."""
    rows = await connection.fetch(
        """SELECT row_id, scheme, extent, reason, valid_from, valid_until FROM registry.entitlement
           WHERE pool = $1 AND member = $2 AND superseded_at IS NULL ORDER BY valid_from""",
        pool,
        member,
    )
    return [
        (
            row[0],
            Entitlement(Scheme(row[1]), EntitlementExtent(row[2]), Period(row[4], row[5]), row[3]),
        )
        for row in rows
    ]


async def special_identities(
    connection: "Connection[Any]", identity: int
) -> list[tuple[int, SpecialIdentity]]:
    """Current special identities of a human with their row ids."""
    rows = await connection.fetch(
        """SELECT row_id, kind, level, note, valid_from, valid_until FROM registry.special_identity
           WHERE identity = $1 AND superseded_at IS NULL ORDER BY valid_from""",
        identity,
    )
    return [
        (row[0], SpecialIdentity(IdentityKind(row[1]), row[2], Period(row[4], row[5]), row[3]))
        for row in rows
    ]


async def traits(connection: "Connection[Any]", pool: Pool, member: str) -> list[tuple[int, Trait]]:
    """Current traits of a member with their row ids."""
    rows = await connection.fetch(
        """SELECT row_id, word, valid_from, valid_until FROM registry.trait
           WHERE pool = $1 AND member = $2 AND superseded_at IS NULL ORDER BY valid_from""",
        pool,
        member,
    )
    return [(row[0], Trait(row[1], Period(row[2], row[3]))) for row in rows]


async def filings(
    connection: "Connection[Any]", pool: Pool, member: str
) -> list[tuple[int, FiledCare]]:
    """What clerks have on file of a member now, with row ids."""
    rows = await connection.fetch(
        """SELECT row_id, kind, place, valid_from, valid_until FROM registry.filing
           WHERE pool = $1 AND member = $2 AND declaration IS NULL AND superseded_at IS NULL
           ORDER BY valid_from""",
        pool,
        member,
    )
    return [(row[0], FiledCare(Filing(row[1]), Period(row[3], row[4]), row[2])) for row in rows]


async def declared(
    connection: "Connection[Any]", table: str, pool: Pool, member: str, declaration: int
) -> list[int]:
    """Ids of the current rows of a table that follow from a declaration."""
    rows = await connection.fetch(
        f"SELECT row_id FROM registry.{table}"  # noqa: S608 - fixed names
        " WHERE pool = $1 AND member = $2 AND declaration = $3 AND superseded_at IS NULL",
        pool,
        member,
        declaration,
    )
    return [row[0] for row in rows]


_OWNER = {
    "identity": "id = $1",
    "special_identity": "identity = $1",
    "membership": "pool = $1 AND number = $2",
    "enrolment": "pool = $1 AND member = $2",
    "entitlement": "pool = $1 AND member = $2",
    "trait": "pool = $1 AND member = $2",
    "filing": "pool = $1 AND member = $2",
    "disease_filing": "pool = $1 AND member = $2",
    "designation": "pool = $1 AND member = $2",
}


async def supersede(
    connection: "Connection[Any]",
    table: str,
    owner: tuple[Pool, str] | tuple[int],
    row_ids: Sequence[int],
    now: datetime,
) -> None:
    """Stamp rows of a member or a human as known only until ``now``."""
    if not row_ids:
        return
    count = len(owner)
    statement = (
        f"UPDATE registry.{table} SET superseded_at = ${count + 1}"  # noqa: S608 - fixed names
        f" WHERE {_OWNER[table]} AND row_id = ANY(${count + 2}) AND superseded_at IS NULL"
    )
    await connection.execute(statement, *owner, now, row_ids)
