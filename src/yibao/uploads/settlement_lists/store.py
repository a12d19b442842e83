"""SQL of the settlement lists."""

from collections.abc import Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.uploads.settlement_lists.model import ListFacts, ListState, QualityFinding, Severity

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_COLUMNS = (
    "pool, settlement, version, id, institution, member, settled_on, care_kind, state, document,"
    " findings, changed_at"
)


async def insert(connection: "Connection[Any]", facts: ListFacts) -> None:
    """Insert one version; a unique violation when another came first."""
    await connection.execute(
        f"""INSERT INTO uploads.settlement_list ({_COLUMNS})
            VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12)""",  # noqa: S608 - our own names
        facts.settlement.pool,
        facts.settlement.number,
        facts.version,
        facts.key.number,
        facts.institution,
        facts.member,
        facts.settled_on,
        facts.care_kind,
        facts.state.value,
        facts.document.number,
        [[f.code, f.severity.value, f.field, f.text] for f in facts.findings],
        facts.changed_at,
    )


async def latest(
    connection: "Connection[Any]", pool: Pool, settlements: Sequence[int]
) -> dict[int, ListFacts]:
    """What stands of the lists of settlements, as the reader may see it."""
    rows = await connection.fetch(
        f"""SELECT DISTINCT ON (settlement) {_COLUMNS} FROM uploads.visible_settlement_list
            WHERE pool = $1 AND settlement = ANY($2) ORDER BY settlement, version DESC""",  # noqa: S608 - our own names
        pool,
        list(settlements),
    )
    return {row["settlement"]: _facts(row) for row in rows}


async def version(
    connection: "Connection[Any]", settlement: PoolKey, number: int
) -> ListFacts | None:
    """One version of a list."""
    row = await connection.fetchrow(
        f"""SELECT {_COLUMNS} FROM uploads.visible_settlement_list
            WHERE pool = $1 AND settlement = $2 AND version = $3""",  # noqa: S608 - our own names
        settlement.pool,
        settlement.number,
        number,
    )
    return None if row is None else _facts(row)


async def of_institution(
    connection: "Connection[Any]", institution: str, start: date, end: date
) -> list[ListFacts]:
    """What stands of an institution's lists, settled ``start`` ≤ day < ``end``, in that order."""
    rows = await connection.fetch(
        f"""SELECT * FROM (
                SELECT DISTINCT ON (pool, settlement) {_COLUMNS}
                FROM uploads.visible_settlement_list
                WHERE institution = $1 AND settled_on >= $2 AND settled_on < $3
                ORDER BY pool, settlement, version DESC
            ) AS standing ORDER BY settled_on, pool, settlement""",  # noqa: S608 - our own names
        institution,
        start,
        end,
    )
    return [_facts(row) for row in rows]


def _facts(row: "Record") -> ListFacts:
    pool = Pool(row["pool"])
    return ListFacts(
        key=PoolKey(pool, row["id"]),
        settlement=PoolKey(pool, row["settlement"]),
        version=row["version"],
        institution=row["institution"],
        member=row["member"],
        settled_on=row["settled_on"],
        care_kind=row["care_kind"],
        state=ListState(row["state"]),
        document=PoolKey(pool, row["document"]),
        findings=tuple(
            QualityFinding(code, Severity(severity), field, text)
            for code, severity, field, text in row["findings"]
        ),
        changed_at=row["changed_at"],
    )
