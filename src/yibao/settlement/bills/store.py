"""SQL of settlements and flags."""

from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any, NamedTuple

from yibao.adjudication.model import Sums
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import business_date
from yibao.platform.appending import Appending
from yibao.platform.archive import missing
from yibao.platform.months.sql import since, within
from yibao.policy.model import ReportedAs
from yibao.settlement.model import (
    Origin,
    Payee,
    PaymentFacts,
    SettlementFacts,
    SettlementKind,
)

if TYPE_CHECKING:
    from asyncpg import Connection, Record

_SETTLEMENTS = Appending(
    "settlement",
    "settlement",
    {
        "pool": "text",
        "id": "bigint",
        "kind": "text",
        "mirrors": "bigint",
        "visit": "bigint",
        "batch": "bigint",
        "institution": "text",
        "member": "text",
        "origin": "text",
        "payee": "text",
        "scheme": "text",
        "care_kind": "text",
        "person_type": "text",
        "civil_servant": "boolean",
        "level": "text",
        "insured_division": "text",
        "care_division": "text",
        "voucher_type": "text",
        "day": "date",
        "settled_at": "timestamptz",
        "settled_on": "date",
        "message_id": "text",
        "invoice": "text",
        "total": "bigint",
        "own": "bigint",
        "over_limit": "bigint",
        "first_pay": "bigint",
        "in_scope": "bigint",
        "deductible": "bigint",
        "funds": "bigint",
        "personal": "bigint",
        "account": "bigint",
        "family": "bigint",
        "cash": "bigint",
        "hospital_part": "bigint",
        "balance": "bigint",
        "payments": "jsonb",
        "law": "bytea",
        "snapshot": "jsonb",
        "interim": "boolean",
    },
)
_FLAGS = Appending(
    "settlement",
    "resettlement_flag",
    {"pool": "text", "settlement": "bigint", "cause": "bigint", "flagged_at": "timestamptz"},
)


def _settlement_record(facts: SettlementFacts, batch: int) -> tuple[Any, ...]:
    assert facts.key is not None
    return (
        *facts.key,
        facts.kind.value,
        None if facts.mirrors is None else facts.mirrors.number,
        facts.visit.number,
        batch,
        facts.institution,
        facts.member,
        facts.origin.value,
        facts.payee.value,
        facts.scheme,
        facts.care_kind,
        facts.person_type,
        facts.civil_servant,
        facts.level,
        facts.insured_division,
        facts.care_division,
        facts.voucher_type,
        facts.day,
        facts.settled_at,
        business_date(facts.settled_at),
        facts.message_id,
        facts.invoice,
        facts.sums.total,
        facts.sums.own,
        facts.sums.over_limit,
        facts.sums.first_pay,
        facts.sums.in_scope,
        facts.deductible,
        facts.funds,
        facts.personal,
        facts.account,
        facts.family,
        facts.cash,
        facts.hospital_part,
        facts.balance,
        [
            [p.fund, p.amount_field, p.base, p.amount, p.available, p.rate, p.payer]
            for p in facts.payments
        ],
        bytes.fromhex(facts.law),
        facts.snapshot,
        facts.interim,
    )


async def insert(
    connection: "Connection[Any]", settlements: Sequence[tuple[SettlementFacts, int]]
) -> None:
    """Write settlements, each with its batch number."""
    await _SETTLEMENTS.append(
        connection, [_settlement_record(facts, batch) for facts, batch in settlements]
    )


def _settlement(row: "Record | Mapping[str, Any]") -> SettlementFacts:
    pool = row["pool"]

    def key(number: int | None) -> PoolKey | None:
        return None if number is None else PoolKey(pool, number)

    return SettlementFacts(
        key=PoolKey(pool, row["id"]),
        kind=SettlementKind(row["kind"]),
        mirrors=key(row["mirrors"]),
        visit=PoolKey(pool, row["visit"]),
        batch=row["batch_label"],
        institution=row["institution"],
        member=row["member"],
        origin=Origin(row["origin"]),
        payee=Payee(row["payee"]),
        scheme=row["scheme"],
        care_kind=row["care_kind"],
        person_type=row["person_type"],
        civil_servant=row["civil_servant"],
        level=row["level"],
        insured_division=row["insured_division"],
        care_division=row["care_division"],
        voucher_type=row["voucher_type"],
        day=row["day"],
        settled_at=row["settled_at"],
        message_id=row["message_id"],
        invoice=row["invoice"],
        sums=Sums(row["total"], row["own"], row["over_limit"], row["first_pay"], row["in_scope"]),
        deductible=row["deductible"],
        payments=tuple(PaymentFacts(*payment) for payment in row["payments"]),
        personal=row["personal"],
        account=row["account"],
        family=row["family"],
        cash=row["cash"],
        hospital_part=row["hospital_part"],
        balance=row["balance"],
        law=row["law"].hex(),
        snapshot=row["snapshot"],
        needs_resettlement=row["flagged"],
        cancelled_by=key(row["cancelled_by"]),
        interim=row["interim"],
        supplements=tuple(row["supplements"] or ()),
    )


async def load(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]
) -> dict[int, tuple[SettlementFacts, int]]:
    """Settlements by number, each with its batch number, as far as the role sees them.

    Those that were put away come back from the archive.
    """
    found = await _loaded(connection, pool, numbers)
    if len(found) < len(numbers) and await missing.came_back(connection, pool, numbers, found):
        found = await _loaded(connection, pool, numbers)
    return found


async def _loaded(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]
) -> dict[int, tuple[SettlementFacts, int]]:
    """As ``load``; each bill's batch is looked for in one month.

    Most visits began in the month of their bill. Of the others, such as long stays, the visit is
    asked first; a bill whose batch is gone is found without it.
    """
    found = await _of_batches_in(connection, pool, numbers, within("batch_visit", numbers))
    left = [number for number in numbers if number not in found]
    if left and (visits := await _visits_of(connection, pool, left)):
        months = within("batch_visit", list(visits.values()))
        found |= await _of_batches_in(connection, pool, list(visits), months)
        if lost := [number for number in visits if number not in found]:
            found |= await _of_batches_in(connection, pool, lost, "TRUE")
    return found


_TOLD = ", ".join([*_SETTLEMENTS.columns, "batch_label", "flagged", "living_settlement"])
"""Without what undid a bill, or supplemented it: the view looks for that in every month."""


async def _of_batches_in(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int], months: str
) -> dict[int, tuple[SettlementFacts, int]]:
    """``months``: a condition that leaves bills of batches out."""
    rows = await connection.fetch(
        f"""SELECT {_TOLD} FROM settlement.visible_settlement
            WHERE pool = $1 AND id = ANY ($2::bigint[])
              AND {within("id", numbers)} AND {months}""",  # noqa: S608 - figures
        pool,
        numbers,
    )
    kind = SettlementKind.SETTLEMENT.value
    later = await _done_to(connection, pool, [row["id"] for row in rows if row["kind"] == kind])
    return {row["id"]: (_settlement({**row, **_later(row, later)}), row["batch"]) for row in rows}


class _Later(NamedTuple):
    """What was done to a settlement."""

    cancelled_by: int | None
    """The last cancellation, be it reversed since."""
    supplements: Sequence[int]
    """Those that stand."""


def _later(row: "Record", later: Mapping[int, _Later]) -> dict[str, Any]:
    """``cancelled_by`` and ``supplements`` of a bill, as the view has them."""
    cancelled_by, supplements = later.get(row["id"], _Later(None, ()))
    stands = row["living_settlement"] == row["id"]
    return {"cancelled_by": None if stands else cancelled_by, "supplements": supplements}


async def _done_to(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]
) -> dict[int, _Later]:
    """What was done to settlements, in their months and later ones; most lack.

    Whether a supplement stands is left to the view: few bills have any.
    """
    if not numbers:
        return {}
    mirrors = await connection.fetch(
        f"""SELECT original, max(id) FILTER (WHERE kind = 'cancellation') AS cancelled_by,
                   bool_or(kind = 'supplement') AS supplemented
            FROM settlement.visible_mirror
            WHERE pool = $1 AND original = ANY ($2::bigint[])
              AND {within("original", numbers)} AND {since("id", min(numbers))}
            GROUP BY original""",  # noqa: S608 - figures
        pool,
        numbers,
    )
    supplements: dict[int, Sequence[int]] = {}
    if some := [row["original"] for row in mirrors if row["supplemented"]]:
        rows = await connection.fetch(
            f"""SELECT id, supplements FROM settlement.visible_settlement
                WHERE pool = $1 AND id = ANY ($2::bigint[])
                  AND {within("id", some)}""",  # noqa: S608 - figures
            pool,
            some,
        )
        supplements = {row["id"]: row["supplements"] for row in rows}
    return {
        row["original"]: _Later(row["cancelled_by"], supplements.get(row["original"], ()))
        for row in mirrors
    }


async def _visits_of(
    connection: "Connection[Any]", pool: Pool, numbers: Sequence[int]
) -> dict[int, int]:
    """The visits of settlements, without a look at their batches."""
    rows = await connection.fetch(
        f"""SELECT id, visit FROM settlement.visible_settlement
            WHERE pool = $1 AND id = ANY ($2::bigint[])
              AND {within("id", numbers)}""",  # noqa: S608 - figures
        pool,
        numbers,
    )
    return {row["id"]: row["visit"] for row in rows}


async def of_visit(
    connection: "Connection[Any]", pool: Pool, member: str, visit: int
) -> list[SettlementFacts]:
    """A visit's settlements and mirrors, oldest first."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_settlement
           WHERE pool = $1 AND member = $2 AND visit = $3 ORDER BY id""",
        pool,
        member,
        visit,
    )
    return [_settlement(row) for row in rows]


async def of_member(
    connection: "Connection[Any]", pool: Pool, member: str, before: int, limit: int
) -> list[SettlementFacts]:
    """A member's settlements and mirrors older than a number, newest first."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_settlement
           WHERE pool = $1 AND member = $2 AND id < $3 ORDER BY id DESC LIMIT $4""",
        pool,
        member,
        before,
        limit,
    )
    return [_settlement(row) for row in rows]


async def of_institution(
    connection: "Connection[Any]", institution: str, start: date, end: date
) -> list[SettlementFacts]:
    """An institution's settlements over all pools, settled ``start`` ≤ day < ``end``."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_settlement
           WHERE institution = $1 AND settled_on >= $2 AND settled_on < $3 ORDER BY id""",
        institution,
        start,
        end,
    )
    return [_settlement(row) for row in rows]


async def final_settlements(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> dict[int, int]:
    """The living settlements of visits that were not interim ones, by visit."""
    rows = await connection.fetch(
        f"""SELECT batch.visit,
                  (array_agg(settlement.id ORDER BY settlement.turn DESC))[1] AS settlement
           FROM settlement.charge_batch AS batch
           JOIN settlement.settlement AS settlement
             ON settlement.pool = batch.pool AND settlement.id = batch.living_settlement
           WHERE batch.pool = $1 AND batch.visit = ANY ($2::bigint[]) AND NOT batch.withdrawn
             AND NOT settlement.interim AND {within("batch.visit", visits)}
             AND {since("settlement.id", min(visits))}
           GROUP BY batch.visit""",  # noqa: S608 - figures
        pool,
        visits,
    )
    return {row["visit"]: row["settlement"] for row in rows}


async def decided_after(
    connection: "Connection[Any]", pool: Pool, settlement: int, others: Sequence[int]
) -> int | None:
    """Of other settlements the one decided last, if it was decided after a settlement.

    Numbers do not tell: whoever began first may have waited for a lock.
    """
    number: int | None = await connection.fetchval(
        f"""SELECT id FROM settlement.settlement
            WHERE pool = $1 AND id = ANY ($3::bigint[]) AND {within("id", others)}
              AND turn > (SELECT turn FROM settlement.settlement
                          WHERE pool = $1 AND id = $2 AND {within("id", [settlement])})
            ORDER BY turn DESC LIMIT 1""",  # noqa: S608 - figures
        pool,
        settlement,
        others,
    )
    return number


async def later_living(
    connection: "Connection[Any]", pool: Pool, member: str, after: int
) -> list[tuple[int, dict[str, int]]]:
    """The member's settlements that stand and were decided later: (number, counters they read).

    Few have any; the batches are asked for in the months of their visits, which are known then.
    """
    later = await connection.fetch(
        f"""SELECT id, visit, batch, snapshot -> 'counters' AS counters
           FROM settlement.settlement
           WHERE pool = $1 AND member = $2 AND {since("id", after)}
             AND turn > (SELECT turn FROM settlement.settlement
                         WHERE pool = $1 AND id = $3
                           AND {within("id", [after])})""",  # noqa: S608 - figures
        pool,
        member,
        after,
    )
    if not later:
        return []
    visits = [row["visit"] for row in later]
    standing = await connection.fetch(
        f"""SELECT batch.living_settlement
            FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS later (id, visit, batch)
            JOIN settlement.charge_batch AS batch
              ON batch.pool = $1 AND batch.visit = later.visit AND batch.id = later.batch
             AND batch.living_settlement = later.id
            WHERE {within("batch.visit", visits)}""",  # noqa: S608 - figures
        pool,
        [row["id"] for row in later],
        visits,
        [row["batch"] for row in later],
    )
    stand = {row[0] for row in standing}
    return [(row["id"], row["counters"]) for row in later if row["id"] in stand]


async def insert_flags(connection: "Connection[Any]", records: Sequence[tuple[Any, ...]]) -> None:
    """Flag settlements: (pool, settlement, cause, time)."""
    await _FLAGS.append(connection, records)


async def had_supplements(connection: "Connection[Any]", pool: Pool, number: int) -> bool:
    """Whether a settlement was ever supplemented, be the supplement undone since."""
    found: bool = await connection.fetchval(
        f"""SELECT EXISTS (SELECT FROM settlement.settlement
                           WHERE pool = $1 AND mirrors = $2 AND kind = 'supplement'
                             AND {since("id", number)})""",  # noqa: S608 - figures
        pool,
        number,
    )
    return found


async def is_closed(connection: "Connection[Any]", pool: Pool, scheme: str, day: date) -> bool:
    """Whether a bureau has closed the benefit year of a day."""
    found: bool = await connection.fetchval(
        """SELECT EXISTS (SELECT FROM settlement.closed_year
                          WHERE pool = $1 AND scheme = $2 AND until >= $3)""",
        pool,
        scheme,
        day,
    )
    return found


async def last_claim(
    connection: "Connection[Any]",
    pool: Pool,
    member: str,
    paid_as: Collection[ReportedAs],
    before: date,
) -> date | None:
    """The day of the member's last living bill before a day that one of these funds paid of."""
    kinds = sorted((one.fund, one.amount_field) for one in paid_as)
    day: date | None = await connection.fetchval(
        """SELECT max(settlement.day)
           FROM settlement.settlement AS settlement
           JOIN settlement.charge_batch AS batch
             ON batch.pool = settlement.pool AND batch.visit = settlement.visit
            AND batch.id = settlement.batch
            AND batch.living_settlement = settlement.id
           WHERE settlement.pool = $1 AND settlement.member = $2 AND settlement.day < $5
             AND EXISTS (SELECT FROM jsonb_array_elements(settlement.payments) AS payment
                         JOIN unnest($3::text[], $4::text[]) AS paid (fund, amount_field)
                           ON payment ->> 0 = paid.fund AND payment ->> 1 = paid.amount_field)""",
        pool,
        member,
        [fund for fund, _ in kinds],
        [amount_field for _, amount_field in kinds],
        before,
    )
    return day
