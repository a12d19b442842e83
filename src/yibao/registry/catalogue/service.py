"""The catalogue: import what the package brings, load one version of it into memory."""

from collections import defaultdict
from collections.abc import Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import ItemTerms
from yibao.kernel.areas import Division
from yibao.kernel.money import NO_CEILING, ZERO_RATE, Rate
from yibao.kernel.periods import Period
from yibao.policy.terms import CareKind, ItemClass, Level, Scheme
from yibao.registry import store as versions
from yibao.registry.catalogue import packaged, store
from yibao.registry.catalogue.model import Catalogue, Imported, Item, TermsRow
from yibao.registry.institutions.service import keep_divisions

if TYPE_CHECKING:
    from asyncpg import Connection, Record


changes = store.changes
last_change = store.last_change
listed = store.listed
query_terms = store.query_terms


async def import_catalogue(connection: "Connection[Any]", *, now: datetime) -> Imported:
    """Take over the packaged catalogue and divisions, inside the caller's transaction.

    Only what differs from the current rows is superseded and recorded, and only then is the
    version bumped; importing twice changes nothing.
    """
    superseded = recorded = 0
    for table, rows in (
        ("item", packaged.items()),
        ("item_terms", packaged.item_terms()),
        ("diagnosis", packaged.diagnoses()),
        ("list_entry", packaged.list_entries()),
    ):
        counts = await store.replace(connection, table, rows, now)
        superseded, recorded = superseded + counts[0], recorded + counts[1]
    if superseded or recorded:
        await versions.bump(connection, versions.CATALOGUE)
    await keep_divisions(connection, packaged.divisions())
    return Imported(superseded, recorded)


async def load_catalogue(connection: "Connection[Any]") -> Catalogue:
    """One version of the whole catalogue. Equal terms are one object."""

    async def read(version: int) -> Catalogue:
        return Catalogue(
            version=version,
            items={row[0]: Item(*row) for row in await store.items(connection)},
            terms=_terms_by_item(await store.item_terms(connection)),
            diagnoses={row[0]: row[1] for row in await store.diagnoses(connection)},
        )

    return await versions.read_whole(connection, versions.CATALOGUE, read)


def _terms_by_item(rows: "Sequence[Record]") -> dict[str, tuple[TermsRow, ...]]:
    by_item: defaultdict[str, list[TermsRow]] = defaultdict(list)
    for *values, codes in rows:
        terms = _terms_row(*values)
        for code in codes:
            by_item[code].append(terms)
    return {code: tuple(found) for code, found in by_item.items()}


def _terms_row(
    start: date,
    end: date | None,
    area: Division | None,
    level: str | None,
    scheme: Scheme | None,
    care_kind: CareKind | None,
    item_class: str,
    first_pay: int,
    ceiling: int | None,
    restricted: bool,
    bucket: str,
) -> TermsRow:
    return TermsRow(
        period=Period(start, end),
        terms=ItemTerms(
            item_class=ItemClass(item_class),
            first_pay=Rate(first_pay) if first_pay else ZERO_RATE,
            ceiling=NO_CEILING if ceiling is None else ceiling,
            restricted=restricted,
            bucket=bucket,
        ),
        area=area,
        level=None if level is None else Level(level),
        scheme=scheme,
        care_kind=care_kind,
    )
