"""SQL of charge batches and fee lines."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import Sums
from yibao.kernel.areas import Pool
from yibao.kernel.money import Rate
from yibao.platform.appending import Appending
from yibao.policy.terms import ItemClass, Level
from yibao.settlement.fees.model import Basis, ChargeBatch
from yibao.settlement.model import FeeLine, LineFacts

if TYPE_CHECKING:
    from asyncpg import Connection, Record

    from yibao.registry.catalogue.model import Catalogue

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
        "buckets": "jsonb",
        "basis": "jsonb",
        "living_settlement": "bigint",
    },
)
_LINES = Appending(
    "settlement",
    "fee_line",
    {
        "pool": "text",
        "batch": "bigint",
        "line": "integer",
        "serial": "text",
        "item": "text",
        "institution_item": "text",
        "amount": "bigint",
        "price": "bigint",
        "quantity": "bigint",
        "charged_at": "timestamptz",
        "approval": "text",
        "item_class": "text",
        "first_pay_rate": "integer",
        "ceiling": "bigint",
        "restricted": "boolean",
        "bucket": "text",
        "own": "bigint",
        "over_limit": "bigint",
        "first_pay": "bigint",
        "in_scope": "bigint",
        "details": "jsonb",
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
    }


def _batch(row: "Record") -> ChargeBatch:
    basis = row["basis"]
    return ChargeBatch(
        row["id"],
        row["visit"],
        row["label"],
        row["institution"],
        row["withdrawn"],
        row["line_count"],
        {bucket: Sums(*sums) for bucket, sums in row["buckets"].items()},
        Basis(**{**basis, "level": Level(basis["level"])}),
        row["living_settlement"],
    )


async def batches_of(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> list[ChargeBatch]:
    """The batches of visits that are not withdrawn, in the order they were opened."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.charge_batch
           WHERE pool = $1 AND visit = ANY ($2::bigint[]) AND NOT withdrawn ORDER BY id""",
        pool,
        visits,
    )
    return [_batch(row) for row in rows]


async def visible_batches(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> list[ChargeBatch]:
    """The batches of visits that are not withdrawn, as the reader may see them."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_batch
           WHERE pool = $1 AND visit = ANY ($2::bigint[]) AND NOT withdrawn ORDER BY id""",
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
    await connection.execute(
        """UPDATE settlement.charge_batch AS batch
           SET line_count = new.line_count, buckets = new.buckets, basis = new.basis
           FROM unnest($2::bigint[], $3::int[], $4::jsonb[], $5::jsonb[])
                AS new (id, line_count, buckets, basis)
           WHERE batch.pool = $1 AND batch.id = new.id""",
        pool,
        [batch.number for batch in batches],
        [batch.line_count for batch in batches],
        [_stored_buckets(batch.buckets) for batch in batches],
        [_stored_basis(batch.basis) for batch in batches],
    )


async def withdraw(connection: "Connection[Any]", pool: Pool, batches: Sequence[int]) -> None:
    """Mark batches as withdrawn; their lines stay readable."""
    await connection.execute(
        """UPDATE settlement.charge_batch SET withdrawn = true
           WHERE pool = $1 AND id = ANY ($2::bigint[])""",
        pool,
        batches,
    )


async def set_living_settlement(
    connection: "Connection[Any]", pool: Pool, slots: Sequence[tuple[int, int | None]]
) -> None:
    """Fill or clear the one slot for a living settlement of (batch, settlement)."""
    await connection.execute(
        """UPDATE settlement.charge_batch AS batch SET living_settlement = new.settlement
           FROM unnest($2::bigint[], $3::bigint[]) AS new (id, settlement)
           WHERE batch.pool = $1 AND batch.id = new.id""",
        pool,
        [slot[0] for slot in slots],
        [slot[1] for slot in slots],
    )


def line_record(
    pool: Pool, batch: int, line: int, facts: LineFacts, bucket: str
) -> tuple[Any, ...]:
    """One row of ``settlement.fee_line`` for COPY."""
    sent = facts.line
    return (
        pool,
        batch,
        line,
        sent.serial,
        sent.item,
        sent.institution_item,
        sent.amount,
        sent.price,
        sent.quantity,
        sent.time,
        sent.approval,
        facts.item_class.value,
        facts.first_pay_rate.numerator,
        facts.ceiling,
        facts.restricted,
        bucket,
        facts.own,
        facts.over_limit,
        facts.first_pay,
        facts.in_scope,
        dict(sent.details),
    )


async def insert_lines(connection: "Connection[Any]", records: Sequence[tuple[Any, ...]]) -> None:
    """Write new lines."""
    await _LINES.append(connection, records)


async def reclassify_lines(
    connection: "Connection[Any]",
    pool: Pool,
    lines: Sequence[tuple[int, int, LineFacts, str]],
) -> None:
    """Write the new split of (batch, line, facts, bucket) of unsettled lines."""
    await connection.execute(
        """UPDATE settlement.fee_line AS line
           SET item_class = new.item_class, first_pay_rate = new.first_pay_rate,
               ceiling = new.ceiling, restricted = new.restricted, bucket = new.bucket,
               own = new.own, over_limit = new.over_limit, first_pay = new.first_pay,
               in_scope = new.in_scope
           FROM unnest($2::bigint[], $3::int[], $4::text[], $5::int[], $6::bigint[], $7::bool[],
                       $8::text[], $9::bigint[], $10::bigint[], $11::bigint[], $12::bigint[])
                AS new (batch, line, item_class, first_pay_rate, ceiling, restricted, bucket,
                        own, over_limit, first_pay, in_scope)
           WHERE line.pool = $1 AND line.batch = new.batch AND line.line = new.line""",
        pool,
        [batch for batch, _, _, _ in lines],
        [line for _, line, _, _ in lines],
        [facts.item_class.value for _, _, facts, _ in lines],
        [facts.first_pay_rate.numerator for _, _, facts, _ in lines],
        [facts.ceiling for _, _, facts, _ in lines],
        [facts.restricted for _, _, facts, _ in lines],
        [bucket for _, _, _, bucket in lines],
        [facts.own for _, _, facts, _ in lines],
        [facts.over_limit for _, _, facts, _ in lines],
        [facts.first_pay for _, _, facts, _ in lines],
        [facts.in_scope for _, _, facts, _ in lines],
    )


async def lines_of_batches(
    connection: "Connection[Any]", pool: Pool, batches: Sequence[int], catalogue: "Catalogue"
) -> dict[int, list[LineFacts]]:
    """Lines of batches by batch number, in line order, withdrawn batches included."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_line
           WHERE pool = $1 AND batch = ANY ($2::bigint[]) ORDER BY batch, line""",
        pool,
        batches,
    )
    found: dict[int, list[LineFacts]] = {}
    for row in rows:
        found.setdefault(row["batch"], []).append(_line(row, catalogue))
    return found


async def last_charge(connection: "Connection[Any]", pool: Pool, batch: int) -> datetime | None:
    """When the last line of a batch was charged."""
    instant: datetime | None = await connection.fetchval(
        "SELECT max(charged_at) FROM settlement.visible_line WHERE pool = $1 AND batch = $2",
        pool,
        batch,
    )
    return instant


async def lines_of_visit(
    connection: "Connection[Any]",
    pool: Pool,
    visit: int,
    batch: int | None,
    catalogue: "Catalogue",
) -> list[tuple[LineFacts, int | None]]:
    """A visit's lines (of one batch where given) with the living settlement of their batch."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_line
           WHERE pool = $1 AND visit = $2 AND ($3::bigint IS NULL OR batch = $3)
             AND ($3 IS NOT NULL OR NOT withdrawn)
           ORDER BY batch, line""",
        pool,
        visit,
        batch,
    )
    return [(_line(row, catalogue), row["living_settlement"]) for row in rows]


def _line(row: "Record", catalogue: "Catalogue") -> LineFacts:
    item = catalogue.items.get(row["item"])
    return LineFacts(
        FeeLine(
            row["serial"],
            row["label"],
            row["item"],
            row["institution_item"],
            row["amount"],
            row["price"],
            row["quantity"],
            row["charged_at"],
            row["approval"],
            row["details"],
        ),
        item.name if item else row["item"],
        item.charge_type if item else "14",
        ItemClass(row["item_class"]),
        Rate(row["first_pay_rate"]),
        row["ceiling"],
        row["restricted"],
        row["own"],
        row["over_limit"],
        row["first_pay"],
        row["in_scope"],
    )
