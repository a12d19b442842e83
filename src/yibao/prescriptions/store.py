"""SQL of prescriptions."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.prescriptions.model import Drug, Event, EventKind, Prescription

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_COLUMNS = """pool, id, institution, member, visit, hospital_number, edition, addressee,
    prescribed_at, valid_until, drugs, recorded_at"""
_VISIBLE = f"SELECT {_COLUMNS} FROM prescriptions.visible_prescription "  # noqa: S608
_PRESENTABLE = f"SELECT {_COLUMNS} FROM prescriptions.presentable_prescription "  # noqa: S608


async def prescription(connection: "Connection[Any]", key: PoolKey) -> Prescription | None:
    """A prescription that the connection's institution wrote, or that something was done with."""
    return await _one(connection, _VISIBLE + "WHERE pool = $1 AND id = $2", *key)


async def of_scan(connection: "Connection[Any]", scan_key: bytes) -> Prescription | None:
    """The prescription behind a QR text that was shown."""
    return await _one(connection, _PRESENTABLE + "WHERE scan_key = $1", scan_key)


async def of_members(connection: "Connection[Any]", members: Sequence[str]) -> list[Prescription]:
    """Prescriptions that people may present, newest first."""
    rows = await connection.fetch(
        _PRESENTABLE + "WHERE member = ANY ($1::text[]) ORDER BY prescribed_at DESC, id DESC",
        list(members),
    )
    return [await _with_events(connection, row) for row in rows]


async def latest_of_number(
    connection: "Connection[Any]", pool: Pool, institution: str, hospital_number: str
) -> Prescription | None:
    """The newest prescription under a hospital's number."""
    return await _one(
        connection,
        _VISIBLE
        + """WHERE pool = $1 AND institution = $2 AND hospital_number = $3
             ORDER BY edition DESC LIMIT 1""",
        pool,
        institution,
        hospital_number,
    )


async def contents(
    connection: "Connection[Any]", key: PoolKey
) -> list[tuple[EventKind | None, bytes]]:
    """The sealed content of a prescription (None) and of its events, in order."""
    rows = await connection.fetch(
        """SELECT NULL AS kind, content AS sealed, -1 AS turn
           FROM prescriptions.presentable_prescription WHERE pool = $1 AND id = $2
           UNION ALL
           SELECT kind, sealed, turn FROM prescriptions.visible_event
           WHERE pool = $1 AND prescription = $2 AND sealed IS NOT NULL
           ORDER BY turn""",
        *key,
    )
    return [(row["kind"] and EventKind(row["kind"]), row["sealed"]) for row in rows]


async def insert(
    connection: "Connection[Any]", written: Prescription, scan_key: bytes, content: bytes
) -> None:
    """Write a new prescription; a taken edition is a unique violation."""
    await connection.execute(
        """INSERT INTO prescriptions.prescription (pool, id, institution, member, visit,
               hospital_number, edition, addressee, prescribed_at, valid_until, scan_key, drugs,
               content, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)""",
        *written.key,
        written.institution,
        written.member,
        written.visit.number,
        written.hospital_number,
        written.edition,
        written.addressee,
        written.prescribed_at,
        written.valid_until,
        scan_key,
        [list(drug) for drug in written.drugs],
        content,
        written.recorded_at,
    )


async def insert_event(
    connection: "Connection[Any]", key: PoolKey, turn: int, event: Event, sealed: bytes | None
) -> None:
    """Write what happened; a taken turn is a unique violation: somebody was faster."""
    stored = dict(event.details)
    if event.drugs:
        stored["drugs"] = [list(drug) for drug in event.drugs]
    await connection.execute(
        """INSERT INTO prescriptions.event (pool, prescription, turn, kind, institution, details,
               sealed, recorded_at)
           VALUES ($1, $2, $3, $4, $5, $6, $7, $8)""",
        *key,
        turn,
        event.kind.value,
        event.institution,
        stored,
        sealed,
        event.recorded_at,
    )


async def _one(connection: "Connection[Any]", query: str, *values: Any) -> Prescription | None:
    row = await connection.fetchrow(query, *values)
    return None if row is None else await _with_events(connection, row)


async def _with_events(connection: "Connection[Any]", row: "Record") -> Prescription:
    events = await connection.fetch(
        """SELECT kind, institution, details, recorded_at FROM prescriptions.visible_event
           WHERE pool = $1 AND prescription = $2 ORDER BY turn""",
        row["pool"],
        row["id"],
    )
    pool = row["pool"]
    return Prescription(
        key=PoolKey(pool, row["id"]),
        institution=row["institution"],
        member=row["member"],
        visit=PoolKey(pool, row["visit"]),
        hospital_number=row["hospital_number"],
        edition=row["edition"],
        addressee=row["addressee"],
        prescribed_at=row["prescribed_at"],
        valid_until=row["valid_until"],
        drugs=_drugs(row["drugs"]),
        recorded_at=row["recorded_at"],
        events=tuple(_event(event) for event in events),
    )


def _event(row: "Record") -> Event:
    details: Mapping[str, Any] = row["details"]
    return Event(
        EventKind(row["kind"]),
        row["institution"],
        row["recorded_at"],
        _drugs(details.get("drugs", ())),
        {name: value for name, value in details.items() if name != "drugs"},
    )


def _drugs(stored: Sequence[Any]) -> tuple[Drug, ...]:
    return tuple(Drug(item, quantity) for item, quantity in stored)
