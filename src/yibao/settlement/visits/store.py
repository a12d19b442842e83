"""SQL of visits."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.platform.appending import Appending
from yibao.settlement.model import Diagnosis, VisitFacts, VisitState

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_VISITS = Appending(
    "settlement",
    "visit",
    {
        "pool": "text",
        "id": "bigint",
        "institution": "text",
        "member": "text",
        "scheme": "text",
        "state": "text",
        "begin_at": "timestamptz",
        "voucher_type": "text",
        "outpatient_number": "text",
        "doctor_code": "text",
        "doctor_name": "text",
        "department_code": "text",
        "department_name": "text",
        "speciality": "text",
        "care_kind": "text",
        "condition": "text",
        "disease_code": "text",
        "disease_name": "text",
        "diagnoses": "jsonb",
        "maternity": "jsonb",
    },
)
_SELECTED = ", ".join(_VISITS.columns)


def _visit(row: "Record") -> VisitFacts:
    return VisitFacts(
        PoolKey(row["pool"], row["id"]),
        row["institution"],
        row["member"],
        row["scheme"],
        VisitState(row["state"]),
        row["begin_at"],
        row["voucher_type"],
        row["outpatient_number"],
        row["doctor_code"],
        row["doctor_name"],
        row["department_code"],
        row["department_name"],
        row["speciality"],
        row["care_kind"],
        row["condition"],
        row["disease_code"],
        row["disease_name"],
        tuple(_diagnosis(stored) for stored in row["diagnoses"]),
        row["maternity"],
    )


def _diagnosis(stored: Mapping[str, Any]) -> Diagnosis:
    return Diagnosis(**{**stored, "time": datetime.fromisoformat(stored["time"])})


def _stored_diagnosis(diagnosis: Diagnosis) -> dict[str, Any]:
    return {
        "kind": diagnosis.kind,
        "order": diagnosis.order,
        "code": diagnosis.code,
        "name": diagnosis.name,
        "department": diagnosis.department,
        "doctor_code": diagnosis.doctor_code,
        "doctor_name": diagnosis.doctor_name,
        "time": diagnosis.time.isoformat(),
        "valid": diagnosis.valid,
    }


async def load(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int], *, lock: bool = False
) -> dict[int, VisitFacts]:
    """Visits by number, as far as the connection's role sees them; locked in number order."""
    source = "settlement.visit" if lock else "settlement.visible_visit"
    rows = await connection.fetch(
        f"""SELECT {_SELECTED} FROM {source} WHERE pool = $1 AND id = ANY ($2::bigint[])
            ORDER BY id {"FOR UPDATE" if lock else ""}""",  # noqa: S608 - fixed words
        pool,
        numbers,
    )
    return {row["id"]: _visit(row) for row in rows}


async def of_member(
    connection: "Connection[Any]", pool: Pool, member: str, begin: datetime, end: datetime
) -> list[VisitFacts]:
    """A member's visits that began in ``begin`` ≤ time ≤ ``end``, in time order."""
    rows = await connection.fetch(
        f"""SELECT {_SELECTED} FROM settlement.visible_visit
            WHERE pool = $1 AND member = $2 AND begin_at BETWEEN $3 AND $4
            ORDER BY begin_at, id""",  # noqa: S608 - fixed words
        pool,
        member,
        begin,
        end,
    )
    return [_visit(row) for row in rows]


async def insert(connection: "Connection[Any]", visits: Sequence[VisitFacts]) -> None:
    """Write new visits."""
    await _VISITS.append(
        connection,
        [
            (
                *visit.key,
                visit.institution,
                visit.member,
                visit.scheme,
                visit.state.value,
                visit.begin,
                visit.voucher_type,
                visit.outpatient_number,
                visit.doctor_code,
                visit.doctor_name,
                visit.department_code,
                visit.department_name,
                visit.speciality,
                visit.care_kind,
                visit.condition,
                visit.disease_code,
                visit.disease_name,
                [_stored_diagnosis(diagnosis) for diagnosis in visit.diagnoses],
                dict(visit.maternity),
            )
            for visit in visits
        ],
    )


async def describe(connection: "Connection[Any]", pool: Pool, visits: Sequence[VisitFacts]) -> None:
    """Write the description of locked visits."""
    await connection.execute(
        """UPDATE settlement.visit AS visit
           SET begin_at = new.begin_at, care_kind = new.care_kind, condition = new.condition,
               disease_code = new.disease_code, disease_name = new.disease_name,
               diagnoses = new.diagnoses::jsonb, maternity = new.maternity
           FROM unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
                       $7::text[], $8::text[], $9::jsonb[])
                AS new (id, begin_at, care_kind, condition, disease_code, disease_name, diagnoses,
                        maternity)
           WHERE visit.pool = $1 AND visit.id = new.id""",
        pool,
        [visit.key.number for visit in visits],
        [visit.begin for visit in visits],
        [visit.care_kind for visit in visits],
        [visit.condition for visit in visits],
        [visit.disease_code for visit in visits],
        [visit.disease_name for visit in visits],
        # as text: asyncpg takes a list of lists for an array of two dimensions
        [
            msgspec.json.encode([_stored_diagnosis(d) for d in visit.diagnoses]).decode()
            for visit in visits
        ],
        [dict(visit.maternity) for visit in visits],
    )


async def cancel(connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]) -> None:
    """Mark locked visits as cancelled."""
    await connection.execute(
        """UPDATE settlement.visit SET state = 'cancelled'
           WHERE pool = $1 AND id = ANY ($2::bigint[])""",
        pool,
        numbers,
    )
