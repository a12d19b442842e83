"""SQL of family links."""

from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.periods import Period
from yibao.registry.family.model import FamilyLink

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_LINK = """link, relative, owner, owner_pool, owner_member, relation, place, origins, bill_limit,
           year_limit, valid_from, valid_until"""


def _link(row: "Record") -> FamilyLink:
    return FamilyLink(
        row["link"], row["relative"], row["owner"], Pool(row["owner_pool"]), row["owner_member"],
        row["relation"], row["place"], tuple(row["origins"]), row["bill_limit"],
        row["year_limit"], Period(row["valid_from"], row["valid_until"]),
    )  # fmt: skip


async def lock_identities(connection: "Connection[Any]", humans: Sequence[int]) -> None:
    """Let no other change of these humans' links happen until the transaction ends."""
    await connection.fetch(
        """SELECT FROM registry.identity WHERE id = ANY ($1::bigint[]) AND superseded_at IS NULL
           ORDER BY id FOR UPDATE""",
        humans,
    )


async def of_relative(connection: "Connection[Any]", human: int) -> list[FamilyLink]:
    """The links that pay for a human, in their order, ended ones too."""
    rows = await connection.fetch(
        f"""SELECT {_LINK} FROM registry.family_link
            WHERE relative = $1 AND superseded_at IS NULL ORDER BY place, link""",  # noqa: S608 - columns
        human,
    )
    return [_link(row) for row in rows]


async def of_owner(connection: "Connection[Any]", human: int) -> list[FamilyLink]:
    """The links by which a human pays, ended ones too."""
    rows = await connection.fetch(
        f"""SELECT {_LINK} FROM registry.family_link
            WHERE owner = $1 AND superseded_at IS NULL ORDER BY link""",  # noqa: S608 - columns
        human,
    )
    return [_link(row) for row in rows]


async def numbered(connection: "Connection[Any]", links: Sequence[int]) -> list[FamilyLink]:
    """Links by their numbers, as they are known now."""
    rows = await connection.fetch(
        f"""SELECT {_LINK} FROM registry.family_link
            WHERE link = ANY ($1::bigint[]) AND superseded_at IS NULL""",  # noqa: S608 - columns
        links,
    )
    return [_link(row) for row in rows]


async def once_known(connection: "Connection[Any]", number: int) -> FamilyLink | None:
    """A link as it was last known, even one that ended on its first day."""
    row = await connection.fetchrow(
        f"""SELECT {_LINK} FROM registry.family_link
            WHERE link = $1 ORDER BY row_id DESC LIMIT 1""",  # noqa: S608 - columns
        number,
    )
    return None if row is None else _link(row)


async def next_number(connection: "Connection[Any]") -> int:
    """A number for a new link; links of both kinds share them."""
    number: int = await connection.fetchval("SELECT nextval('registry.link_number')")
    return number


async def insert(
    connection: "Connection[Any]", link: FamilyLink, consent: dict[str, Any], now: datetime
) -> None:
    """Record a link."""
    await connection.execute(
        """INSERT INTO registry.family_link (relative, link, owner, owner_pool, owner_member,
               relation, place, origins, bill_limit, year_limit, consent, valid_from, valid_until,
               recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        link.relative,
        link.number,
        link.owner,
        link.pool,
        link.member,
        link.relation,
        link.place,
        list(link.origins),
        link.bill_limit,
        link.year_limit,
        consent,
        link.period.start,
        link.period.end,
        now,
    )


async def supersede(
    connection: "Connection[Any]", link: FamilyLink, now: datetime
) -> dict[str, Any]:
    """Stamp a link's row as known only until ``now``; its consent."""
    consent: dict[str, Any] = await connection.fetchval(
        """UPDATE registry.family_link SET superseded_at = $3
           WHERE relative = $1 AND link = $2 AND superseded_at IS NULL RETURNING consent""",
        link.relative,
        link.number,
        now,
    )
    return consent
