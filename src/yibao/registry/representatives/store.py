"""SQL of representations."""

from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.periods import Period
from yibao.registry.representatives.model import Act, Representation, RepresentativeKind

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_REPRESENTATION = """representation, represented, representative, kind, acts, valid_from,
                     valid_until"""


def _representation(row: "Record") -> Representation:
    return Representation(
        row["representation"],
        row["represented"],
        row["representative"],
        RepresentativeKind(row["kind"]),
        tuple(Act(act) for act in row["acts"]),
        Period(row["valid_from"], row["valid_until"]),
    )


async def lock_represented(connection: "Connection[Any]", human: int) -> None:
    """Let no other change of a human's representatives happen until the transaction ends."""
    await connection.fetch(
        "SELECT FROM registry.identity WHERE id = $1 AND superseded_at IS NULL FOR UPDATE", human
    )


async def of_represented(connection: "Connection[Any]", human: int) -> list[Representation]:
    """Who may act for a human, ended ones too."""
    rows = await connection.fetch(
        f"""SELECT {_REPRESENTATION} FROM registry.representation
            WHERE represented = $1 AND superseded_at IS NULL ORDER BY representation""",  # noqa: S608 - columns
        human,
    )
    return [_representation(row) for row in rows]


async def of_representative(connection: "Connection[Any]", human: int) -> list[Representation]:
    """For whom a human may act, ended ones too."""
    rows = await connection.fetch(
        f"""SELECT {_REPRESENTATION} FROM registry.representation
            WHERE representative = $1 AND superseded_at IS NULL ORDER BY representation""",  # noqa: S608 - columns
        human,
    )
    return [_representation(row) for row in rows]


async def numbered(connection: "Connection[Any]", number: int) -> Representation | None:
    """A representation by its number."""
    row = await connection.fetchrow(
        f"""SELECT {_REPRESENTATION} FROM registry.representation
            WHERE representation = $1 AND superseded_at IS NULL""",  # noqa: S608 - columns
        number,
    )
    return None if row is None else _representation(row)


async def next_number(connection: "Connection[Any]") -> int:
    """A number for a new representation; links of both kinds share them."""
    number: int = await connection.fetchval("SELECT nextval('registry.link_number')")
    return number


async def insert(
    connection: "Connection[Any]", made: Representation, consent: dict[str, Any], now: datetime
) -> None:
    """Record a representation."""
    await connection.execute(
        """INSERT INTO registry.representation (represented, representation, representative, kind,
               acts, consent, valid_from, valid_until, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)""",
        made.represented,
        made.number,
        made.representative,
        made.kind.value,
        [act.value for act in made.acts],
        consent,
        made.period.start,
        made.period.end,
        now,
    )


async def supersede(
    connection: "Connection[Any]", known: Representation, now: datetime
) -> dict[str, Any]:
    """Stamp a representation's row as known only until ``now``; its consent."""
    consent: dict[str, Any] = await connection.fetchval(
        """UPDATE registry.representation SET superseded_at = $3
           WHERE represented = $1 AND representation = $2 AND superseded_at IS NULL
           RETURNING consent""",
        known.represented,
        known.number,
        now,
    )
    return consent
