"""SQL of fee lines: one row an upload (decision 0023)."""

from collections.abc import Callable, Collection, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.periods import business_date
from yibao.platform.appending import Appending
from yibao.platform.months.sql import within
from yibao.settlement.fees import packing
from yibao.settlement.fees.model import Booked, ChargeBatch, Classified
from yibao.settlement.model import LineFacts

if TYPE_CHECKING:
    from asyncpg import Connection, Record

    from yibao.registry.catalogue.model import Catalogue

_UPLOADS = Appending(
    "settlement",
    "fee_upload",
    {
        "pool": "text",
        "visit": "bigint",
        "batch": "bigint",
        "first": "integer",
        "count": "integer",
        "lowest": "text",
        "highest": "text",
        "returns": "boolean",
        "sent": "json",
        "split": "json",
    },
)


def upload_record(
    pool: Pool, visit: int, batch: int, first: int, lines: Sequence[Classified]
) -> tuple[Any, ...]:
    """One row of ``settlement.fee_upload``: lines of one batch that came together.

    ``first`` is the place of the first of them in the batch.
    """
    serials = [line.facts.line.serial for line in lines]
    return (
        pool,
        visit,
        batch,
        first,
        len(lines),
        min(serials),
        max(serials),
        any(line.facts.line.returns is not None for line in lines),
        packing.packed_sent(lines),
        packing.packed_split(lines),
    )


async def insert_uploads(connection: "Connection[Any]", records: Sequence[tuple[Any, ...]]) -> None:
    """Write new lines."""
    await _UPLOADS.append(connection, records)


async def reclassify_lines(
    connection: "Connection[Any]", pool: Pool, lines: Sequence[Booked]
) -> None:
    """Write the new split of unsettled lines."""
    new = {(booked.batch, booked.number): booked.line for booked in lines}

    def classify(columns: packing.Columns, batch: int, first: int, count: int) -> None:
        for place in range(count):
            if line := new.get((batch, first + place)):
                packing.put_split(columns, place, line)

    await _change_splits(connection, pool, lines, classify)


async def withdraw_lines(
    connection: "Connection[Any]", pool: Pool, lines: Sequence[Booked], now: datetime
) -> None:
    """Mark lines as withdrawn; they stay readable to an auditor."""
    gone = {(booked.batch, booked.number) for booked in lines}

    def withdraw(columns: packing.Columns, batch: int, first: int, count: int) -> None:
        for place in range(count):
            if (batch, first + place) in gone:
                columns[packing.WITHDRAWN_AT][place] = now.isoformat()

    await _change_splits(connection, pool, lines, withdraw)


async def _change_splits(
    connection: "Connection[Any]",
    pool: Pool,
    lines: Sequence[Booked],
    change: Callable[[packing.Columns, int, int, int], None],
) -> None:
    """Change what classification made of lines, in the uploads of their batches.

    Nobody changes them meanwhile: the visits are locked.
    """
    own = sorted({(booked.visit, booked.batch) for booked in lines})
    months = within("upload.visit", [visit for visit, _ in own])
    rows = await connection.fetch(
        f"""SELECT upload.visit, upload.batch, first, count, split
           FROM unnest($2::bigint[], $3::bigint[]) AS own (visit, batch)
           JOIN settlement.fee_upload AS upload ON upload.pool = $1
                AND upload.visit = own.visit AND upload.batch = own.batch
           WHERE {months}""",  # noqa: S608 - figures
        pool,
        *zip(*own, strict=True),
    )
    changed: list[tuple[int, int, int, str]] = []
    for row in rows:
        columns = packing.split_columns(row["split"], row["count"])
        change(columns, row["batch"], row["first"], row["count"])
        split = packing.repacked_split(columns)
        if split != row["split"]:
            changed.append((row["visit"], row["batch"], row["first"], split))
    await connection.execute(
        f"""UPDATE settlement.fee_upload AS upload SET split = new.split
           FROM unnest($2::bigint[], $3::bigint[], $4::int[], $5::json[])
                AS new (visit, batch, first, split)
           WHERE upload.pool = $1 AND upload.visit = new.visit AND upload.batch = new.batch
             AND upload.first = new.first AND {months}""",  # noqa: S608 - figures
        pool,
        *(zip(*changed, strict=True) if changed else ([], [], [], [])),
    )


async def named_lines(
    connection: "Connection[Any]",
    pool: Pool,
    batches: Sequence[ChargeBatch],
    serials: Collection[str],
    catalogue: "Catalogue",
) -> list[Booked]:
    """The lines of batches with these serials, and those that give one of them back, in order.

    For a writer. A stay has thousands of lines: uploads whose serials lie elsewhere are not opened.
    """
    visits = [batch.visit for batch in batches]
    rows = await connection.fetch(
        f"""SELECT {_UPLOAD}
            FROM unnest($2::bigint[], $3::bigint[]) AS own (visit, batch)
            JOIN settlement.fee_upload AS upload ON upload.pool = $1
                 AND upload.visit = own.visit AND upload.batch = own.batch
            WHERE {_MAY_NAME} AND {within("upload.visit", visits)}
            ORDER BY upload.batch, upload.first""",  # noqa: S608 - our own names
        pool,
        visits,
        [batch.number for batch in batches],
        list(serials),
    )
    labels = {batch.number: batch.label for batch in batches}
    return [
        booked for row in rows for booked in _named(row, labels[row["batch"]], serials, catalogue)
    ]


_UPLOAD = """upload.visit, upload.batch, upload.first, upload.count, upload.sent, upload.split"""
_MAY_NAME = """(upload.returns OR EXISTS (
    SELECT FROM unnest($4::text[]) AS serial
    WHERE serial BETWEEN upload.lowest AND upload.highest))"""


def _in_months(visits: Sequence[int]) -> str:
    """The uploads of visits lie in their months, and so do the batches that the view joins."""
    months = within("upload.visit", visits), within("upload.batch_visit", visits)
    return " AND ".join(months)


async def earlier_lines(
    connection: "Connection[Any]",
    pool: Pool,
    visit: int,
    before: int,
    serials: Collection[str],
    catalogue: "Catalogue",
) -> list[Booked]:
    """As ``named_lines``, from all batches of a visit that were opened before one."""
    rows = await connection.fetch(
        f"""SELECT {_UPLOAD}, upload.label FROM settlement.visible_upload AS upload
            WHERE upload.pool = $1 AND upload.visit = $2 AND upload.batch < $3
              AND {_in_months([visit])} AND NOT upload.withdrawn AND {_MAY_NAME}
            ORDER BY upload.batch, upload.first""",  # noqa: S608 - our own names
        pool,
        visit,
        before,
        list(serials),
    )
    return [booked for row in rows for booked in _named(row, row["label"], serials, catalogue)]


async def fee_days(
    connection: "Connection[Any]", pool: Pool, visits: Sequence[int]
) -> dict[int, tuple[date, date]]:
    """The first and last day of the fees of visits, returns apart."""
    rows = await connection.fetch(
        f"""SELECT upload.visit, count, sent, split
            FROM unnest($2::bigint[]) AS own (visit)
            JOIN settlement.visible_upload AS upload
              ON upload.pool = $1 AND upload.visit = own.visit AND NOT upload.withdrawn
            WHERE {_in_months(visits)}""",  # noqa: S608 - figures
        pool,
        visits,
    )
    times: dict[int, list[datetime]] = {}
    for row in rows:
        times.setdefault(row["visit"], []).extend(_charged(row))
    return {
        visit: (business_date(min(found)), business_date(max(found)))
        for visit, found in times.items()
        if found
    }


async def charged_between(
    connection: "Connection[Any]", pool: Pool, batches: Sequence[ChargeBatch]
) -> tuple[datetime, datetime] | None:
    """When the first and the last line of batches was charged, returns apart. For writers."""
    visits = [batch.visit for batch in batches]
    rows = await connection.fetch(
        f"""SELECT count, sent, split
            FROM unnest($2::bigint[], $3::bigint[]) AS own (visit, batch)
            JOIN settlement.fee_upload AS upload ON upload.pool = $1
                 AND upload.visit = own.visit AND upload.batch = own.batch
            WHERE {within("upload.visit", visits)}""",  # noqa: S608 - figures
        pool,
        visits,
        [batch.number for batch in batches],
    )
    times = [time for row in rows for time in _charged(row)]
    return (min(times), max(times)) if times else None


async def lines_of_batches(
    connection: "Connection[Any]",
    pool: Pool,
    batches: Sequence[ChargeBatch],
    catalogue: "Catalogue",
) -> dict[int, list[Booked]]:
    """Lines of batches by batch number, in line order, withdrawn batches included."""
    visits = [batch.visit for batch in batches]
    rows = await connection.fetch(
        f"""SELECT {_UPLOAD}, upload.label
            FROM unnest($2::bigint[], $3::bigint[]) AS own (visit, batch)
            JOIN settlement.visible_upload AS upload ON upload.pool = $1
                 AND upload.visit = own.visit AND upload.batch = own.batch
            WHERE {_in_months(visits)}
            ORDER BY upload.batch, upload.first""",  # noqa: S608 - our own names
        pool,
        visits,
        [batch.number for batch in batches],
    )
    found: dict[int, list[Booked]] = {}
    for row in rows:
        found.setdefault(row["batch"], []).extend(_standing(row, catalogue))
    return found


async def lines_with_serials(
    connection: "Connection[Any]",
    pool: Pool,
    visit: int,
    batches: Sequence[int],
    serials: Collection[str],
    catalogue: "Catalogue",
) -> list[LineFacts]:
    """The lines of batches with these serials, withdrawn ones too; the latest of a serial last."""
    rows = await connection.fetch(
        f"""SELECT {_UPLOAD}, upload.label FROM settlement.visible_upload AS upload
            WHERE upload.pool = $1 AND upload.visit = $2 AND upload.batch = ANY ($3::bigint[])
              AND {_in_months([visit])} AND {_MAY_NAME}
            ORDER BY upload.batch, upload.first""",  # noqa: S608 - our own names
        pool,
        visit,
        batches,
        list(serials),
    )
    booked = [one for row in rows for one in _booked(row, row["label"], catalogue)]
    return [one.line.facts for one in booked if one.line.facts.line.serial in serials]


async def lines_of_visit(
    connection: "Connection[Any]",
    pool: Pool,
    visit: int,
    batch: int | None,
    catalogue: "Catalogue",
) -> list[tuple[LineFacts, int | None]]:
    """A visit's lines (of one batch where given) with the living settlement of their batch."""
    rows = await connection.fetch(
        f"""SELECT {_UPLOAD}, upload.label, upload.living_settlement
            FROM settlement.visible_upload AS upload
            WHERE upload.pool = $1 AND upload.visit = $2 AND {_in_months([visit])}
              AND ($3::bigint IS NULL OR upload.batch = $3)
              AND ($3 IS NOT NULL OR NOT upload.withdrawn)
            ORDER BY upload.batch, upload.first""",  # noqa: S608 - our own names
        pool,
        visit,
        batch,
    )
    return [
        (booked.line.facts, row["living_settlement"])
        for row in rows
        for booked in _standing(row, catalogue)
    ]


def _booked(
    row: "Record", label: str, catalogue: "Catalogue", places: Sequence[int] | None = None
) -> list[Booked]:
    """Lines of an upload in their places; without ``places`` all of them."""
    if places is None:
        places = range(row["count"])
    lines = packing.classified_lines(
        label, row["sent"], row["split"], row["count"], places, catalogue
    )
    return [
        Booked(line, row["visit"], row["batch"], row["first"] + place)
        for place, line in zip(places, lines, strict=True)
    ]


def _standing(row: "Record", catalogue: "Catalogue") -> list[Booked]:
    """The lines of an upload that are not withdrawn."""
    return _booked(row, row["label"], catalogue, _not_withdrawn(row))


def _named(
    row: "Record", label: str, serials: Collection[str], catalogue: "Catalogue"
) -> list[Booked]:
    columns = packing.sent_columns(row["sent"], row["count"])
    places = [
        place
        for place in _not_withdrawn(row)
        if columns["serial"][place] in serials or columns["returns"][place] in serials
    ]
    return _booked(row, label, catalogue, places) if places else []


def _charged(row: "Record") -> list[datetime]:
    """When the lines of an upload were charged, returns and withdrawn ones apart."""
    columns = packing.sent_columns(row["sent"], row["count"])
    return [
        packing.charged_at(columns, place)
        for place in _not_withdrawn(row)
        if columns["returns"][place] is None
    ]


def _not_withdrawn(row: "Record") -> list[int]:
    withdrawn = packing.split_columns(row["split"], row["count"])[packing.WITHDRAWN_AT]
    return [place for place in range(row["count"]) if withdrawn[place] is None]
