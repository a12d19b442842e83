"""SQL of charge batches."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import msgspec

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


def _stored_basis(basis: Basis) -> list[Any]:
    """[scheme, kind of care, level, area, catalogue's version(, practice)]."""
    five = [
        basis.scheme,
        basis.care_kind,
        basis.level.value,
        basis.area,
        basis.catalogue,
    ]
    return five if basis.practice == DEFAULT_PRACTICE else [*five, _stored(basis.practice)]


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


_BASIS = ("scheme", "care_kind", "level", "area", "catalogue", "practice")


def _basis(stored: Sequence[Any] | Mapping[str, Any]) -> Basis:
    """Batches of before 0027 name what they say."""
    named = stored if isinstance(stored, Mapping) else dict(zip(_BASIS, stored, strict=False))
    told = {**named, "level": Level(named["level"])}
    if "practice" in told:
        told["practice"] = _practice(told["practice"])
    return Basis(**told)


def _batch(row: "Record") -> ChargeBatch:
    return ChargeBatch(
        row["id"],
        row["visit"],
        row["label"],
        row["institution"],
        row["withdrawn"],
        row["line_count"],
        row["next_line"],
        {bucket: Sums(*sums) for bucket, sums in row["buckets"].items()},
        _basis(row["basis"]),
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
                basis = new.basis::jsonb
            FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::int[], $6::jsonb[],
                        $7::text[])
                 AS new (visit, id, line_count, next_line, buckets, basis)
            WHERE batch.pool = $1 AND batch.visit = new.visit AND batch.id = new.id
              AND {within("batch.visit", visits)}""",  # noqa: S608 - figures
        pool,
        visits,
        [batch.number for batch in batches],
        [batch.line_count for batch in batches],
        [batch.next_line for batch in batches],
        [_stored_buckets(batch.buckets) for batch in batches],
        # as text: asyncpg takes a list of lists for an array of two dimensions
        [msgspec.json.encode(_stored_basis(batch.basis)).decode() for batch in batches],
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
