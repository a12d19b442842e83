"""SQL that changes what is known of many people at once: by arrays and COPY, not row by row."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from yibao.kernel.areas import Division, Pool
from yibao.kernel.periods import Period
from yibao.policy.terms import EntitlementExtent, Filing, IdentityKind, PersonType, Scheme
from yibao.registry.people import store
from yibao.registry.people.model import (
    DesignatedInstitution,
    Enrolment,
    Entitlement,
    FiledCare,
    FiledDisease,
    SpecialIdentity,
)
from yibao.registry.rules import Dated

if TYPE_CHECKING:
    from asyncpg import Connection

D = TypeVar("D", bound=Dated)
Owner = str | int
"""A member's number, or an identity."""


@dataclass(frozen=True, slots=True)
class Timelines(Generic[D]):
    """A dated table: how its rows are read and written, and which of them make one timeline."""

    table: str
    selected: str
    """Its columns beside row and owner; the period last."""
    unfold: Callable[[Sequence[Any]], D]
    line: Callable[[D], object]
    """What tells the timelines of one owner apart."""
    record: Callable[[Pool, Any, D, datetime], tuple[Any, ...]]
    where: str = "TRUE"
    """Which of the rows are a clerk's."""

    @property
    def of_identity(self) -> bool:
        """Whether the owner is a human and not a member."""
        return self.table == "special_identity"


ENROLMENTS: Timelines[Enrolment] = Timelines(
    "enrolment",
    "scheme, division, person_type, employer, civil_servant, retired_on, valid_from, valid_until",
    lambda row: Enrolment(
        Scheme(row[0]), Division(row[1]), PersonType(row[2]), Period(row[6], row[7]), row[3],
        row[4], row[5],
    ),
    lambda row: row.scheme,
    store.enrolment_row,
)  # fmt: skip
ENTITLEMENTS: Timelines[Entitlement] = Timelines(
    "entitlement",
    "scheme, extent, reason, valid_from, valid_until",
    lambda row: Entitlement(
        Scheme(row[0]), EntitlementExtent(row[1]), Period(row[3], row[4]), row[2]
    ),
    lambda row: row.scheme,
    store.entitlement_row,
)
SPECIAL_IDENTITIES: Timelines[SpecialIdentity] = Timelines(
    "special_identity",
    "kind, level, note, valid_from, valid_until",
    lambda row: SpecialIdentity(IdentityKind(row[0]), row[1], Period(row[3], row[4]), row[2]),
    lambda row: row.kind,
    lambda _pool, identity, row, now: store.special_identity_row(identity, row, now),
)
FILINGS: Timelines[FiledCare] = Timelines(
    "filing",
    "kind, place, institution, valid_from, valid_until",
    lambda row: FiledCare(
        Filing(row[0]),
        Period(row[3], row[4]),
        None if row[1] is None else Division(row[1]),
        row[2],
    ),
    lambda row: (row.kind, row.place),
    store.filing_row,
    "declaration IS NULL",
)
DISEASES: Timelines[FiledDisease] = Timelines(
    "disease_filing",
    "code, name, institution, valid_from, valid_until",
    lambda row: FiledDisease(row[0], row[1], Period(row[3], row[4]), row[2]),
    lambda row: row.code,
    store.disease_row,
    "declaration IS NULL",
)
DESIGNATIONS: Timelines[DesignatedInstitution] = Timelines(
    "designation",
    "institution, business, place_order, valid_from, valid_until",
    lambda row: DesignatedInstitution(row[0], row[1], row[2], Period(row[3], row[4])),
    lambda row: (row.business, row.order),
    store.designation_row,
    "declaration IS NULL",
)

MEMBER_TABLES = (
    "membership", "enrolment", "entitlement", "trait", "filing", "disease_filing", "designation",
    "premium",
)  # fmt: skip
_NUMBER = {"membership": "number"}
"""Column with the member's number; ``member`` of the other tables."""


async def lock_members(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[str]
) -> dict[str, int]:
    """Identities of members of a pool, locked in the order of their numbers; unknown ones lack."""
    rows = await connection.fetch(
        """SELECT number, identity FROM registry.membership
           WHERE pool = $1 AND number = ANY ($2) AND superseded_at IS NULL
           ORDER BY number, valid_from FOR UPDATE""",
        pool,
        numbers,
    )
    return dict(rows)


async def lock_identities(connection: "Connection[Any]", identities: Sequence[int]) -> None:
    """Lock the current rows of humans in the order of their numbers."""
    await connection.execute(
        """SELECT FROM registry.identity WHERE id = ANY ($1) AND superseded_at IS NULL
           ORDER BY id FOR UPDATE""",
        identities,
    )


async def current(
    connection: "Connection[Any]", timelines: Timelines[D], pool: Pool, owners: Sequence[Owner]
) -> list[tuple[int, Owner, D]]:
    """(row id, owner, fact) of everything that is known now of owners."""
    owned, asked = ("identity = ANY ($1)", [owners]) if timelines.of_identity else (
        "member = ANY ($1) AND pool = $2", [owners, pool],
    )  # fmt: skip
    owner = "identity" if timelines.of_identity else "member"
    rows = await connection.fetch(
        f"""SELECT row_id, {owner}, {timelines.selected} FROM registry.{timelines.table}
            WHERE {owned} AND superseded_at IS NULL AND {timelines.where}
            ORDER BY {owner}, valid_from""",  # noqa: S608 - our own names
        *asked,
    )
    return [(row[0], row[1], timelines.unfold(row[2:])) for row in rows]


async def supersede(
    connection: "Connection[Any]",
    timelines: Timelines[D],
    pool: Pool,
    rows: Sequence[tuple[Owner, int]],
    now: datetime,
) -> None:
    """Stamp rows (owner, row id) as known only until ``now``."""
    if not rows:
        return
    owners, numbers = [row[0] for row in rows], [row[1] for row in rows]
    if timelines.of_identity:
        old, asked = "$1::bigint[]", "old.owner = new.identity"
    else:
        old, asked = "$1::text[]", "old.owner = new.member AND new.pool = $4"
    await connection.execute(
        f"""UPDATE registry.{timelines.table} AS new SET superseded_at = $3
            FROM unnest({old}, $2::bigint[]) AS old (owner, row_id)
            WHERE {asked} AND old.row_id = new.row_id
              AND new.superseded_at IS NULL""",  # noqa: S608 - our own names
        owners,
        numbers,
        now,
        *(() if timelines.of_identity else (pool,)),
    )


async def take_back(
    connection: "Connection[Any]",
    table: str,
    pool: Pool,
    members: Sequence[str],
    recorded_at: datetime,
    now: datetime,
) -> None:
    """Make what was recorded of members at an instant unknown, and what it replaced known again."""
    number = _NUMBER.get(table, "member")
    await _undo(
        connection, table, f"pool = $3 AND {number} = ANY ($4)", (recorded_at, now, pool, members)
    )


async def written_and_touched(
    connection: "Connection[Any]",
    table: str,
    pool: Pool,
    members: Sequence[str],
    recorded_at: datetime,
) -> tuple[set[str], set[str]]:
    """Members of whom a table was written at an instant, and those of whom it was after it."""
    number = _NUMBER.get(table, "member")
    rows = await connection.fetch(
        f"""SELECT {number}, bool_or(recorded_at = $1), bool_or({_TOUCHED}) FROM registry.{table}
            WHERE pool = $2 AND {number} = ANY ($3::text[]) GROUP BY {number}""",  # noqa: S608
        recorded_at,
        pool,
        members,
    )
    return {row[0] for row in rows if row[1]}, {row[0] for row in rows if row[2]}


async def humans_written_and_touched(
    connection: "Connection[Any]", table: str, identities: Sequence[int], recorded_at: datetime
) -> tuple[set[int], set[int]]:
    """The same of humans, of ``identity`` and whatever names one, in whatever pool."""
    written: set[int] = set()
    touched: set[int] = set()
    for column in HUMAN_COLUMNS[table]:
        rows = await connection.fetch(
            f"""SELECT {column}, bool_or(recorded_at = $1), bool_or({_TOUCHED})
                FROM registry.{table}
                WHERE {column} = ANY ($2::bigint[]) GROUP BY {column}""",  # noqa: S608 - our names
            recorded_at,
            identities,
        )
        written |= {row[0] for row in rows if row[1]}
        touched |= {row[0] for row in rows if row[2]}
    return written, touched


_TOUCHED = """recorded_at > $1 AND superseded_at IS NULL
              OR recorded_at = $1 AND superseded_at > $1"""
"""Recorded after an instant, or recorded at it and replaced or ended since."""

HUMAN_COLUMNS = {
    "identity": ("id",),
    "membership": ("identity",),
    "special_identity": ("identity",),
    "card": ("identity",),
    "family_link": ("relative", "owner"),
    "representation": ("represented", "representative"),
}
"""Tables whose rows name a human, and the columns that do."""


async def take_back_humans(
    connection: "Connection[Any]",
    table: str,
    identities: Sequence[int],
    recorded_at: datetime,
    now: datetime,
) -> None:
    """The same of humans: ``identity`` and ``special_identity``."""
    column = "id" if table == "identity" else "identity"
    await _undo(connection, table, f"{column} = ANY ($3)", (recorded_at, now, identities))


async def _undo(
    connection: "Connection[Any]", table: str, owned: str, asked: tuple[Any, ...]
) -> None:
    columns = ", ".join(_COLUMNS[table])
    await connection.execute(
        f"""UPDATE registry.{table} SET superseded_at = $2
            WHERE {owned} AND recorded_at = $1 AND superseded_at IS NULL""",  # noqa: S608
        *asked,
    )
    await connection.execute(
        f"""INSERT INTO registry.{table} ({columns}, recorded_at)
            SELECT {columns}, $2 FROM registry.{table}
            WHERE {owned} AND superseded_at = $1 AND recorded_at <> $1""",  # noqa: S608
        *asked,
    )


_COLUMNS = {
    **{table: names[:-1] for table, names in store.COPIED.items()},
    "premium": (
        "pool",
        "member",
        "scheme",
        "valid_from",
        "valid_until",
        "paid_on",
        "amount",
        "base",
    ),
}  # fmt: skip


async def premiums(
    connection: "Connection[Any]", pool: Pool, members: Sequence[str]
) -> "list[tuple[Any, ...]]":
    """(member, scheme, from, until, paid on, amount) of everything that members have paid."""
    rows = await connection.fetch(
        """SELECT member, scheme, valid_from, valid_until, paid_on, amount FROM registry.premium
           WHERE pool = $1 AND member = ANY ($2) AND superseded_at IS NULL
           ORDER BY member, valid_from""",
        pool,
        members,
    )
    return [tuple(row) for row in rows]


async def copy_premiums(connection: "Connection[Any]", rows: Sequence[tuple[Any, ...]]) -> None:
    """Record payments: (pool, member, scheme, from, until, paid on, amount, base, recorded
    at)."""
    await connection.copy_records_to_table(
        "premium",
        schema_name="registry",
        columns=(*_COLUMNS["premium"], "recorded_at"),
        records=rows,
    )
