"""SQL of audits, their findings and the answers to them."""

from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.platform.appending import Appending
from yibao.supervision.model import Finding

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_FINDINGS = Appending(
    "supervision",
    "finding",
    {
        "pool": "text",
        "id": "bigint",
        "audit": "bigint",
        "institution": "text",
        "rule": "text",
        "certainty": "text",
        "stage": "text",
        "action": "text",
        "amount": "bigint",
        "quantity": "bigint",
        "rules_version": "text",
        "content": "bytea",
        "expires_on": "date",
    },
)
_ANSWERS = Appending(
    "supervision",
    "answer",
    {
        "pool": "text",
        "finding": "bigint",
        "id": "bigint",
        "institution": "text",
        "operator": "text",
        "message_id": "text",
        "way": "text",
        "reason": "bytea",
        "answered_at": "timestamptz",
    },
)


async def insert_audit(connection: "Connection[Any]", row: Sequence[Any]) -> None:
    """Insert one audit, its values in the order of the table's columns."""
    await connection.execute(
        """INSERT INTO supervision.audit (pool, id, institution, stage, scene, task, visit_count,
                                          line_count, rules_version, audited_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)""",
        *row,
    )


def finding_row(
    pool: Pool,
    number: int,
    audit: int,
    institution: str,
    finding: Finding,
    content: bytes,
    expires_on: date,
) -> tuple[Any, ...]:
    """A finding as a row of its table."""
    return (
        pool,
        number,
        audit,
        institution,
        finding.rule.value,
        finding.certainty.value,
        finding.stage.value,
        finding.action.value,
        finding.amount,
        finding.quantity,
        finding.version,
        content,
        expires_on,
    )


async def insert_findings(connection: "Connection[Any]", rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert findings."""
    await _FINDINGS.append(connection, rows)


async def insert_answers(connection: "Connection[Any]", rows: Sequence[tuple[Any, ...]]) -> None:
    """Insert answers to findings."""
    await _ANSWERS.append(connection, rows)


async def audit(connection: "Connection[Any]", pool: Pool, number: int) -> "Record | None":
    """One audit as the reader may see it."""
    return await connection.fetchrow(
        """SELECT institution, task, audited_at FROM supervision.visible_audit
           WHERE pool = $1 AND id = $2""",
        pool,
        number,
    )


async def findings_of(connection: "Connection[Any]", pool: Pool, audit: int) -> "list[Record]":
    """An audit's findings in the order they were made."""
    return await connection.fetch(
        """SELECT id, rule, certainty, stage, action, rules_version, content
           FROM supervision.visible_finding WHERE pool = $1 AND audit = $2 ORDER BY id""",
        pool,
        audit,
    )


async def owners(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]
) -> dict[int, str]:
    """The institution of each finding that there is."""
    rows = await connection.fetch(
        """SELECT id, institution FROM supervision.visible_finding
           WHERE pool = $1 AND id = ANY($2)""",
        pool,
        list(numbers),
    )
    return {row["id"]: row["institution"] for row in rows}


async def answers_to(
    connection: "Connection[Any]", pool: Pool, finding: int
) -> list[tuple[datetime, str, bytes]]:
    """What was answered to a finding, oldest first: when, way, sealed reason."""
    rows = await connection.fetch(
        """SELECT answered_at, way, reason FROM supervision.visible_answer
           WHERE pool = $1 AND finding = $2 ORDER BY id""",
        pool,
        finding,
    )
    return [(row["answered_at"], row["way"], row["reason"]) for row in rows]
