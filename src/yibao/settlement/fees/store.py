"""SQL of charge batches."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import Sums
from yibao.kernel.areas import Pool
from yibao.platform.appending import Appending
from yibao.platform.months.sql import within
from yibao.policy.model import OverLimit
from yibao.policy.terms import Level
from yibao.settlement.fees.model import Basis, ChargeBatch, Slot
from yibao.settlement.model import DEFAULT_PRACTICE, Practice, UnknownItems

if TYPE_CHECKING:
    from asyncpg import Connection, Record


_BATCHES = Appending(
    "settlement",
    "charge_batch",
    {
        "pool": "text",
        "id": "bigint",
        "visit": "bigint",
        "label": "text",
        "institution": "text",
        "withdrawn": "boolean",
        "line_count": "integer",
        "next_line": "integer",
        "buckets": "jsonb",
        "basis": "jsonb",
        "living_settlement": "bigint",
    },
)


def _stored_buckets(buckets: Mapping[str, Sums]) -> dict[str, list[int]]:
    return {
        bucket: [s.total, s.own, s.over_limit, s.first_pay, s.in_scope]
        + ([s.hospital] if s.hospital else [])
        for bucket, s in buckets.items()
    }


def _stored_basis(basis: Basis) -> dict[str, Any]:
    return {
        "scheme": basis.scheme,
        "care_kind": basis.care_kind,
        "level": basis.level.value,
        "area": basis.area,
        "catalogue": basis.catalogue,
        **({} if basis.practice == DEFAULT_PRACTICE else {"practice": _stored(basis.practice)}),
    }


def _stored(practice: Practice) -> dict[str, Any]:
    return {
        "unknown_items": practice.unknown_items.value,
        "own_expense_codes": sorted(practice.own_expense_codes),
        "approvals": dict(practice.approvals),
        "over_limit": None if practice.over_limit is None else practice.over_limit.value,
    }


def _practice(stored: Mapping[str, Any]) -> Practice:
    way = stored["over_limit"]
    return Practice(
        unknown_items=UnknownItems(stored["unknown_items"]),
        own_expense_codes=frozenset(stored["own_expense_codes"]),
        approvals=stored["approvals"],
        over_limit=None if way is None else OverLimit(way),
    )


def _batch(row: "Record") -> ChargeBatch:
    basis = row["basis"]
    if "practice" in basis:
        basis = {**basis, "practice": _practice(basis["practice"])}
    return ChargeBatch(
        row["id"],
        row["visit"],
        row["label"],
        row["institution"],
        row["withdrawn"],
        row["line_count"],
        row["next_line"],
        {bucket: Sums(*sums) for bucket, sums in row["buckets"].items()},
        Basis(**{**basis, "level": Level(basis["level"])}),
        row["living_settlement"],
    )


async def batches_of(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> list[ChargeBatch]:
    """The batches of visits that are not withdrawn, in the order they were opened."""
    rows = await connection.fetch(
        f"""SELECT * FROM settlement.charge_batch
            WHERE pool = $1 AND visit = ANY ($2::bigint[]) AND {within("visit", visits)}
              AND NOT withdrawn ORDER BY id""",  # noqa: S608 - figures
        pool,
        visits,
    )
    return [_batch(row) for row in rows]


async def visible_batches(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> list[ChargeBatch]:
    """The batches of visits that are not withdrawn, as the reader may see them."""
    rows = await connection.fetch(
        f"""SELECT * FROM settlement.visible_batch
            WHERE pool = $1 AND visit = ANY ($2::bigint[]) AND {within("visit", visits)}
              AND NOT withdrawn ORDER BY id""",  # noqa: S608 - figures
        pool,
        visits,
    )
    return [_batch(row) for row in rows]


async def insert_batches(
    connection: "Connection[Any]", pool: Pool, batches: Sequence[ChargeBatch]
) -> None:
    """Open batches."""
    await _BATCHES.append(
        connection,
        [
            (
                pool,
                batch.number,
                batch.visit,
                batch.label,
                batch.institution,
                batch.withdrawn,
                batch.line_count,
                batch.next_line,
                _stored_buckets(batch.buckets),
                _stored_basis(batch.basis),
                batch.living_settlement,
            )
            for batch in batches
        ],
    )


async def update_sums(
    connection: "Connection[Any]", pool: Pool, batches: Sequence[ChargeBatch]
) -> None:
    """Write line counts, sums and basis of batches whose visit is locked."""
    visits = [batch.visit for batch in batches]
    await connection.execute(
        f"""UPDATE settlement.charge_batch AS batch
            SET line_count = new.line_count, next_line = new.next_line, buckets = new.buckets,
                basis = new.basis
            FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::int[], $6::jsonb[],
                        $7::jsonb[])
                 AS new (visit, id, line_count, next_line, buckets, basis)
            WHERE batch.pool = $1 AND batch.visit = new.visit AND batch.id = new.id
              AND {within("batch.visit", visits)}""",  # noqa: S608 - figures
        pool,
        visits,
        [batch.number for batch in batches],
        [batch.line_count for batch in batches],
        [batch.next_line for batch in batches],
        [_stored_buckets(batch.buckets) for batch in batches],
        [_stored_basis(batch.basis) for batch in batches],
    )


async def withdraw(
    connection: "Connection[Any]", pool: Pool, batches: Sequence[ChargeBatch]
) -> None:
    """Mark batches as withdrawn; their lines stay readable."""
    visits = [batch.visit for batch in batches]
    await connection.execute(
        f"""UPDATE settlement.charge_batch SET withdrawn = true
            WHERE pool = $1 AND id = ANY ($2::bigint[])
              AND {within("visit", visits)}""",  # noqa: S608 - figures
        pool,
        [batch.number for batch in batches],
    )


async def set_living_settlement(
    connection: "Connection[Any]", pool: Pool, slots: Sequence[Slot]
) -> None:
    """Fill or clear the one slot for a living settlement of batches."""
    visits = [slot.visit for slot in slots]
    await connection.execute(
        f"""UPDATE settlement.charge_batch AS batch SET living_settlement = new.settlement
            FROM unnest($2::bigint[], $3::bigint[], $4::bigint[]) AS new (visit, id, settlement)
            WHERE batch.pool = $1 AND batch.visit = new.visit AND batch.id = new.id
              AND {within("batch.visit", visits)}""",  # noqa: S608 - figures
        pool,
        visits,
        [slot.batch for slot in slots],
        [slot.settlement for slot in slots],
    )
