"""SQL of charge batches and fee lines."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import ItemTerms, Sums
from yibao.kernel.areas import Pool
from yibao.kernel.money import Rate
from yibao.platform.appending import Appending
from yibao.platform.months.sql import within
from yibao.policy.model import OverLimit
from yibao.policy.terms import ItemClass, Level
from yibao.settlement.fees.model import (
    OTHER_CHARGES,
    Basis,
    Booked,
    ChargeBatch,
    Classified,
    Slot,
)
from yibao.settlement.model import (
    DEFAULT_PRACTICE,
    FeeLine,
    LineFacts,
    Practice,
    UnknownItems,
)

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
        "next_line": "integer",
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
        "returns": "text",
        "approved": "boolean",
        "first_pay_of": "integer",
        "over_limit_way": "text",
        "hospital": "bigint",
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


def line_record(pool: Pool, batch: int, number: int, line: Classified) -> tuple[Any, ...]:
    """One row of ``settlement.fee_line`` for COPY."""
    facts, terms, approved = line
    sent = facts.line
    return (
        pool,
        batch,
        number,
        sent.serial,
        sent.item,
        sent.institution_item,
        sent.amount,
        sent.price,
        sent.quantity,
        sent.time,
        sent.approval,
        terms.item_class.value,
        terms.first_pay.numerator,
        terms.ceiling,
        terms.restricted,
        terms.bucket,
        facts.own,
        facts.over_limit,
        facts.first_pay,
        facts.in_scope,
        dict(sent.details),
        sent.returns,
        approved,
        terms.first_pay.denominator,
        terms.over_limit.value,
        facts.hospital,
    )


async def insert_lines(connection: "Connection[Any]", records: Sequence[tuple[Any, ...]]) -> None:
    """Write new lines."""
    await _LINES.append(connection, records)


async def reclassify_lines(
    connection: "Connection[Any]", pool: Pool, lines: Sequence[Booked]
) -> None:
    """Write the new split of unsettled lines."""
    classified = [booked.line for booked in lines]
    await connection.execute(
        """UPDATE settlement.fee_line AS line
           SET item_class = new.item_class, first_pay_rate = new.first_pay_rate,
               first_pay_of = new.first_pay_of, ceiling = new.ceiling,
               restricted = new.restricted, bucket = new.bucket,
               over_limit_way = new.over_limit_way, approved = new.approved, own = new.own,
               over_limit = new.over_limit, first_pay = new.first_pay, in_scope = new.in_scope,
               hospital = new.hospital
           FROM unnest($2::bigint[], $3::int[], $4::text[], $5::int[], $6::int[], $7::bigint[],
                       $8::bool[], $9::text[], $10::text[], $11::bool[], $12::bigint[],
                       $13::bigint[], $14::bigint[], $15::bigint[], $16::bigint[])
                AS new (batch, line, item_class, first_pay_rate, first_pay_of, ceiling,
                        restricted, bucket, over_limit_way, approved, own, over_limit, first_pay,
                        in_scope, hospital)
           WHERE line.pool = $1 AND line.batch = new.batch AND line.line = new.line""",
        pool,
        [booked.batch for booked in lines],
        [booked.number for booked in lines],
        [line.terms.item_class.value for line in classified],
        [line.terms.first_pay.numerator for line in classified],
        [line.terms.first_pay.denominator for line in classified],
        [line.terms.ceiling for line in classified],
        [line.terms.restricted for line in classified],
        [line.terms.bucket for line in classified],
        [line.terms.over_limit.value for line in classified],
        [line.approved for line in classified],
        [line.facts.own for line in classified],
        [line.facts.over_limit for line in classified],
        [line.facts.first_pay for line in classified],
        [line.facts.in_scope for line in classified],
        [line.facts.hospital for line in classified],
    )


async def named_lines(
    connection: "Connection[Any]",
    pool: Pool,
    batches: Sequence[ChargeBatch],
    serials: Sequence[str],
    catalogue: "Catalogue",
) -> list[Booked]:
    """The lines of batches with these serials, and those that give one of them back, in order.

    For a writer alone: the readers' view would build every line of a stay before it looks at its
    serial, and a stay has thousands.
    """
    # hashed sub-selects: an array would be compared element by element with every line of a stay
    rows = await connection.fetch(
        f"""SELECT line.*, batch.label
            FROM settlement.fee_line AS line
            JOIN settlement.charge_batch AS batch
              ON batch.pool = line.pool AND batch.id = line.batch
             AND {within("batch.visit", [batch.visit for batch in batches])}
            WHERE line.pool = $1 AND line.batch = ANY ($2::bigint[]) AND line.withdrawn_at IS NULL
              AND (line.serial IN (SELECT unnest($3::text[]))
                   OR line.returns IN (SELECT unnest($3::text[])))
            ORDER BY line.batch, line.line""",  # noqa: S608 - figures
        pool,
        [batch.number for batch in batches],
        serials,
    )
    return [_booked(row, catalogue) for row in rows]


async def earlier_lines(
    connection: "Connection[Any]",
    pool: Pool,
    visit: int,
    before: int,
    serials: Sequence[str],
    catalogue: "Catalogue",
) -> list[Booked]:
    """As ``named_lines``, from all batches of a visit that were opened before one."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_line
           WHERE pool = $1 AND visit = $2 AND batch < $3 AND NOT withdrawn
             AND withdrawn_at IS NULL
             AND (serial IN (SELECT unnest($4::text[]))
                  OR returns IN (SELECT unnest($4::text[])))
           ORDER BY batch, line""",
        pool,
        visit,
        before,
        serials,
    )
    return [_booked(row, catalogue) for row in rows]


async def withdraw_lines(
    connection: "Connection[Any]", pool: Pool, lines: Sequence[Booked], now: datetime
) -> None:
    """Mark lines as withdrawn; they stay readable to an auditor."""
    await connection.execute(
        """UPDATE settlement.fee_line AS line SET withdrawn_at = $4
           FROM unnest($2::bigint[], $3::int[]) AS gone (batch, line)
           WHERE line.pool = $1 AND line.batch = gone.batch AND line.line = gone.line""",
        pool,
        [booked.batch for booked in lines],
        [booked.number for booked in lines],
        now,
    )


async def fee_days(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> dict[int, tuple[date, date]]:
    """The first and last day of the fees of visits, returns apart."""
    rows = await connection.fetch(
        """SELECT visit, (min(charged_at) AT TIME ZONE 'Asia/Shanghai')::date AS first,
                  (max(charged_at) AT TIME ZONE 'Asia/Shanghai')::date AS last
           FROM settlement.visible_line
           WHERE pool = $1 AND visit = ANY ($2::bigint[]) AND NOT withdrawn
             AND withdrawn_at IS NULL AND returns IS NULL
           GROUP BY visit""",
        pool,
        visits,
    )
    return {row["visit"]: (row["first"], row["last"]) for row in rows}


async def lines_of_batches(
    connection: "Connection[Any]", pool: Pool, batches: Sequence[int], catalogue: "Catalogue"
) -> dict[int, list[Booked]]:
    """Lines of batches by batch number, in line order, withdrawn batches included."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_line
           WHERE pool = $1 AND batch = ANY ($2::bigint[]) AND withdrawn_at IS NULL
           ORDER BY batch, line""",
        pool,
        batches,
    )
    found: dict[int, list[Booked]] = {}
    for row in rows:
        found.setdefault(row["batch"], []).append(_booked(row, catalogue))
    return found


async def lines_with_serials(
    connection: "Connection[Any]",
    pool: Pool,
    batches: Sequence[int],
    serials: Sequence[str],
    catalogue: "Catalogue",
) -> list[LineFacts]:
    """The lines of batches with these serials, withdrawn ones too; the latest of a serial last."""
    rows = await connection.fetch(
        """SELECT * FROM settlement.visible_line
           WHERE pool = $1 AND batch = ANY ($2::bigint[])
             AND serial IN (SELECT unnest($3::text[]))
           ORDER BY batch, line""",
        pool,
        batches,
        serials,
    )
    return [_booked(row, catalogue).line.facts for row in rows]


async def charged_between(
    connection: "Connection[Any]", pool: Pool, batches: Sequence[int]
) -> tuple[datetime, datetime] | None:
    """When the first and the last line of batches was charged, returns apart.

    For writers: the table itself, since the readers' view joins each line of a stay to its batch.
    """
    row = await connection.fetchrow(
        """SELECT min(charged_at), max(charged_at) FROM settlement.fee_line
           WHERE pool = $1 AND batch = ANY ($2::bigint[]) AND withdrawn_at IS NULL
             AND returns IS NULL""",
        pool,
        batches,
    )
    return None if row is None or row[0] is None else (row[0], row[1])


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
             AND ($3 IS NOT NULL OR NOT withdrawn) AND withdrawn_at IS NULL
           ORDER BY batch, line""",
        pool,
        visit,
        batch,
    )
    return [(_booked(row, catalogue).line.facts, row["living_settlement"]) for row in rows]


def _booked(row: "Record", catalogue: "Catalogue") -> Booked:
    item = catalogue.items.get(row["item"])
    terms = ItemTerms(
        ItemClass(row["item_class"]),
        Rate(row["first_pay_rate"], row["first_pay_of"]),
        row["ceiling"],
        row["restricted"],
        row["bucket"],
        OverLimit(row["over_limit_way"]),
    )
    facts = LineFacts(
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
            row["returns"],
        ),
        item.name if item else row["item"],
        item.charge_type if item else OTHER_CHARGES,
        terms.item_class,
        terms.first_pay,
        terms.ceiling,
        terms.restricted,
        row["own"],
        row["over_limit"],
        row["first_pay"],
        row["in_scope"],
        row["hospital"],
    )
    return Booked(Classified(facts, terms, row["approved"]), row["batch"], row["line"])
