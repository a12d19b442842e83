"""SQL of visits."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, first_number_of
from yibao.kernel.periods import instant_of
from yibao.platform.appending import Appending
from yibao.platform.archive import missing
from yibao.platform.months.sql import since, within
from yibao.settlement.model import Diagnosis, VisitFacts, VisitKind, VisitState

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
        "kind": "text",
        "end_at": "timestamptz",
        "discharge_diagnoses": "jsonb",
        "chain": "text",
        "details": "jsonb",
        "prescription": "text",
        "died_on": "date",
        "identity": "bigint",
    },
)
_SELECTED = ", ".join(_VISITS.columns)
_STAYS = Appending(
    "settlement",
    "stay",
    {
        "pool": "text",
        "visit": "bigint",
        "identity": "bigint",
        "state": "text",
        "begin_at": "timestamptz",
        "end_at": "timestamptz",
    },
)
"""When humans lay in hospital, beside their visits: one table for all months."""


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
        tuple(_diagnosis(stored, row) for stored in row["diagnoses"]),
        row["maternity"],
        VisitKind(row["kind"]),
        row["end_at"],
        tuple(_diagnosis(stored, row) for stored in row["discharge_diagnoses"]),
        row["chain"],
        row["details"],
        row["prescription"],
        row["died_on"],
        row["identity"],
    )


def _diagnosis(stored: Mapping[str, Any], row: "Record") -> Diagnosis:
    told = {
        "department": row["department_code"],
        "doctor_code": row["doctor_code"],
        "doctor_name": row["doctor_name"],
        **stored,
    }
    time = datetime.fromisoformat(stored["time"]) if "time" in stored else row["begin_at"]
    return Diagnosis(**{**told, "time": time})


def _stored_diagnosis(diagnosis: Diagnosis, visit: VisitFacts) -> dict[str, Any]:
    """Without what the visit says itself, and what most diagnoses do not say."""
    told: dict[str, Any] = {
        "kind": diagnosis.kind,
        "order": diagnosis.order,
        "code": diagnosis.code,
        "name": diagnosis.name,
    }
    if diagnosis.department != visit.department_code:
        told["department"] = diagnosis.department
    if diagnosis.doctor_code != visit.doctor_code:
        told["doctor_code"] = diagnosis.doctor_code
    if diagnosis.doctor_name != visit.doctor_name:
        told["doctor_name"] = diagnosis.doctor_name
    if diagnosis.time != visit.begin:
        told["time"] = diagnosis.time.isoformat()
    if not diagnosis.valid:
        told["valid"] = False
    if diagnosis.is_main is not None:
        told["is_main"] = diagnosis.is_main
    if diagnosis.condition is not None:
        told["condition"] = diagnosis.condition
    return told


def _stored_diagnoses(diagnoses: Sequence[Diagnosis], visit: VisitFacts) -> str:
    """As text: asyncpg takes a list of lists for an array of two dimensions."""
    return msgspec.json.encode([_stored_diagnosis(one, visit) for one in diagnoses]).decode()


async def load(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int], *, lock: bool = False
) -> dict[int, VisitFacts]:
    """Visits by number, as far as the connection's role sees them; locked in number order.

    Those that were put away come back from the archive.
    """
    found = await _loaded(connection, pool, numbers, lock=lock)
    if len(found) < len(numbers) and await missing.came_back(connection, pool, numbers, found):
        found = await _loaded(connection, pool, numbers, lock=lock)
    return found


async def _loaded(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int], *, lock: bool
) -> dict[int, VisitFacts]:
    source = "settlement.visit" if lock else "settlement.visible_visit"
    rows = await connection.fetch(
        f"""SELECT {_SELECTED} FROM {source} WHERE pool = $1 AND id = ANY ($2::bigint[])
              AND {within("id", numbers)}
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


async def in_hospital(
    connection: "Connection[Any]", institution: str, until: datetime, member: str | None
) -> list[VisitFacts]:
    """An institution's stays without a discharge that began up to ``until``, in time order."""
    rows = await connection.fetch(
        f"""SELECT {_SELECTED} FROM settlement.visible_visit
            WHERE institution = $1 AND kind = 'stay' AND state = 'open' AND end_at IS NULL
              AND begin_at <= $2 AND ($3::text IS NULL OR member = $3)
            ORDER BY begin_at, id""",  # noqa: S608 - fixed words
        institution,
        until,
        member,
    )
    return [_visit(row) for row in rows]


async def insert(connection: "Connection[Any]", visits: Sequence[VisitFacts]) -> None:
    """Write new visits."""
    stays = [visit for visit in visits if visit.kind is VisitKind.STAY]
    await _STAYS.append(
        connection,
        [(*stay.key, stay.identity, stay.state.value, stay.begin, stay.end) for stay in stays],
    )
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
                [_stored_diagnosis(one, visit) for one in visit.diagnoses],
                dict(visit.maternity),
                visit.kind.value,
                visit.end,
                [_stored_diagnosis(one, visit) for one in visit.discharge_diagnoses],
                visit.chain,
                dict(visit.details),
                visit.prescription,
                visit.died_on,
                visit.identity,
            )
            for visit in visits
        ],
    )


async def describe(connection: "Connection[Any]", pool: Pool, visits: Sequence[VisitFacts]) -> None:
    """Write the description of locked visits."""
    numbers = [visit.key.number for visit in visits]
    await connection.execute(
        f"""UPDATE settlement.visit AS visit
           SET begin_at = new.begin_at, care_kind = new.care_kind, condition = new.condition,
               disease_code = new.disease_code, disease_name = new.disease_name,
               diagnoses = new.diagnoses::jsonb, maternity = new.maternity
           FROM unnest($2::bigint[], $3::timestamptz[], $4::text[], $5::text[], $6::text[],
                       $7::text[], $8::text[], $9::jsonb[])
                AS new (id, begin_at, care_kind, condition, disease_code, disease_name, diagnoses,
                        maternity)
           WHERE visit.pool = $1 AND visit.id = new.id
             AND {within("visit.id", numbers)}""",  # noqa: S608 - figures
        pool,
        numbers,
        [visit.begin for visit in visits],
        [visit.care_kind for visit in visits],
        [visit.condition for visit in visits],
        [visit.disease_code for visit in visits],
        [visit.disease_name for visit in visits],
        [_stored_diagnoses(visit.diagnoses, visit) for visit in visits],
        [dict(visit.maternity) for visit in visits],
    )


async def cancel(connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]) -> None:
    """Mark locked visits as cancelled."""
    await connection.execute(
        f"""WITH cancelled AS (
                UPDATE settlement.visit SET state = 'cancelled'
                WHERE pool = $1 AND id = ANY ($2::bigint[]) AND {within("id", numbers)})
            UPDATE settlement.stay SET state = 'cancelled'
            WHERE pool = $1 AND visit = ANY ($2::bigint[])""",  # noqa: S608 - figures
        pool,
        numbers,
    )


# ------------------------------------------------------------------------------------------ stays


async def change_stays(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[VisitFacts]
) -> None:
    """Write what admission, discharge and their corrections say of locked stays."""
    numbers = [visit.key.number for visit in visits]
    await connection.execute(
        f"""UPDATE settlement.visit AS visit
           SET begin_at = new.begin_at, end_at = new.end_at, care_kind = new.care_kind,
               outpatient_number = new.outpatient_number, doctor_code = new.doctor_code,
               doctor_name = new.doctor_name, department_code = new.department_code,
               department_name = new.department_name, condition = new.condition,
               disease_code = new.disease_code, disease_name = new.disease_name,
               diagnoses = new.diagnoses::jsonb,
               discharge_diagnoses = new.discharge_diagnoses::jsonb,
               details = new.details, died_on = new.died_on
           FROM unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[], $5::text[], $6::text[],
                       $7::text[], $8::text[], $9::text[], $10::text[], $11::text[], $12::text[],
                       $13::text[], $14::text[], $15::text[], $16::jsonb[], $17::date[])
                AS new (id, begin_at, end_at, care_kind, outpatient_number, doctor_code,
                        doctor_name, department_code, department_name, condition, disease_code,
                        disease_name, diagnoses, discharge_diagnoses, details, died_on)
           WHERE visit.pool = $1 AND visit.id = new.id
             AND {within("visit.id", numbers)}""",  # noqa: S608 - figures
        pool,
        numbers,
        [visit.begin for visit in visits],
        [visit.end for visit in visits],
        [visit.care_kind for visit in visits],
        [visit.outpatient_number for visit in visits],
        [visit.doctor_code for visit in visits],
        [visit.doctor_name for visit in visits],
        [visit.department_code for visit in visits],
        [visit.department_name for visit in visits],
        [visit.condition for visit in visits],
        [visit.disease_code for visit in visits],
        [visit.disease_name for visit in visits],
        [_stored_diagnoses(visit.diagnoses, visit) for visit in visits],
        [_stored_diagnoses(visit.discharge_diagnoses, visit) for visit in visits],
        [dict(visit.details) for visit in visits],
        [visit.died_on for visit in visits],
    )
    await connection.execute(
        """UPDATE settlement.stay SET begin_at = new.begin_at, end_at = new.end_at
           FROM unnest($2::bigint[], $3::timestamptz[], $4::timestamptz[])
                AS new (visit, begin_at, end_at)
           WHERE stay.pool = $1 AND stay.visit = new.visit""",
        pool,
        numbers,
        [visit.begin for visit in visits],
        [visit.end for visit in visits],
    )


async def set_end(
    connection: "Connection[Any]", pool: Pool, number: int, end: datetime | None
) -> None:
    """Note, or take back, a discharge that only the settlement told of."""
    await connection.execute(
        f"""WITH ended AS (
                UPDATE settlement.visit SET end_at = $3
                WHERE pool = $1 AND id = $2 AND {within("id", [number])})
            UPDATE settlement.stay SET end_at = $3 WHERE pool = $1 AND visit = $2""",  # noqa: S608
        pool,
        number,
        end,
    )


async def set_chains(
    connection: "Connection[Any]", pool: Pool, chains: Sequence[tuple[int, str]]
) -> None:
    """Note the chains that stays were found to belong to: (visit, chain)."""
    numbers = [number for number, _ in chains]
    await connection.execute(
        f"""UPDATE settlement.visit AS visit SET chain = new.chain
           FROM unnest($2::bigint[], $3::text[]) AS new (id, chain)
           WHERE visit.pool = $1 AND visit.id = new.id
             AND {within("visit.id", numbers)}""",  # noqa: S608 - figures
        pool,
        numbers,
        [chain for _, chain in chains],
    )


async def lock_people(connection: "Connection[Any]", identities: Sequence[int]) -> None:
    """Let no other transaction admit or discharge these humans until this one ends."""
    await connection.execute(
        """SELECT pg_advisory_xact_lock(hashtextextended('settlement.stay ' || identity, 0))
           FROM (SELECT identity FROM unnest($1::bigint[]) AS wanted (identity)
                 ORDER BY identity) AS ordered""",
        sorted(set(identities)),
    )


async def stays_of(
    connection: "Connection[Any]", identities: Sequence[int]
) -> dict[int, list[tuple[PoolKey, datetime, datetime | None]]]:
    """The stays of humans over all pools, by identity: (visit, admission, discharge).

    Whoever asks may learn the day of admission alone: the hospital is not the caller's.
    """
    rows = await connection.fetch(
        """SELECT identity, pool, visit, begin_at, end_at FROM settlement.stay
           WHERE identity = ANY ($1::bigint[]) AND state = 'open' ORDER BY begin_at, visit""",
        identities,
    )
    found: dict[int, list[tuple[PoolKey, datetime, datetime | None]]] = {}
    for row in rows:
        stay = (PoolKey(row["pool"], row["visit"]), row["begin_at"], row["end_at"])
        found.setdefault(row["identity"], []).append(stay)
    return found


async def care_before(
    connection: "Connection[Any]",
    pool: Pool,
    stays: Sequence[int],
    member: str,
    first: date,
    until: date,
    emergency: str,
) -> list[tuple[VisitFacts, bool]]:
    """Those of a human's stays that began up to a day, and the member's emergency care of days.

    With each: whether it is emergency care. Stays are asked by number (``stays_of``): a human may
    have had several numbers.
    """
    midnight = instant_of(datetime.combine(first, datetime.min.time()))
    earliest = min([first_number_of(midnight), *stays])
    rows = await connection.fetch(
        f"""SELECT {_SELECTED} FROM settlement.visit
            WHERE pool = $1 AND state = 'open' AND begin_at < ($4::date + 1)::timestamp
                  AT TIME ZONE 'Asia/Shanghai'
              AND (id = ANY ($2::bigint[]) AND kind = 'stay'
                   OR member = $3 AND kind = 'outpatient' AND care_kind = $5 AND begin_at >= $6)
              AND {since("id", earliest)}
            ORDER BY begin_at, id""",  # noqa: S608 - fixed words
        pool,
        stays,
        member,
        until,
        emergency,
        midnight,
    )
    return [(_visit(row), row["kind"] != "stay") for row in rows]
