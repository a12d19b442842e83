"""Pages of visits: what came of their messages, down to the ledger."""

import asyncio
from dataclasses import dataclass
from typing import Any

from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery
from litestar.response import Redirect

from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.money import yuan
from yibao.ledger.model import Entry
from yibao.ledger.service import entries_of
from yibao.platform.journal import Search
from yibao.settlement import service as settlements
from yibao.settlement.model import SettlementFacts
from yibao.web.messages import rows_of
from yibao.web.pages import Asked, AtDesk, page

MESSAGES = 200
_LISTED = 500


@dataclass(frozen=True, slots=True)
class Settled:
    """A settlement with the entries that its posting wrote."""

    facts: SettlementFacts
    entries: tuple[Entry, ...]


@get("/ui/visits")
async def list_visits(
    request: Asked, desk: AtDesk, mdtrt_id: FromQuery[str] = ""
) -> Response[str] | Redirect:
    """Visits that recent messages named; a given one is opened."""
    if mdtrt_id.strip():
        return Redirect(f"/ui/visits/{mdtrt_id.strip()}")
    found = await asyncio.to_thread(desk.journal.newest, Search(), _LISTED)
    last: dict[str, Any] = {}
    for row in rows_of(found):
        if row.kept.note.visit:
            last.setdefault(row.kept.note.visit, row)
    return page(request, desk, "visits.html", {"visits": last})


@get("/ui/visits/{visit:str}")
async def show_visit(request: Asked, desk: AtDesk, visit: FromPath[str]) -> Response[str]:
    """One visit: facts, lines, settlements with their entries, messages."""
    key = parse_pool_key(visit)
    if key is None:
        raise NotFoundException("visits.unknown")
    async with desk.context.database.reader(None) as connection:
        facts = await settlements.visit(connection, key)
        if facts is None:
            raise NotFoundException("visits.unknown")
        reference = await desk.context.references.current(connection)
        lines = await settlements.lines(connection, key, None, reference.catalogue)
        bills = await settlements.settlements_of_visit(connection, facts.member, key)
        numbers = [bill.key.number for bill in bills if bill.key is not None]
        entries = await entries_of(connection, key.pool, numbers)
    messages = await asyncio.to_thread(desk.journal.newest, Search(visit=visit), MESSAGES)
    return page(
        request,
        desk,
        "visit.html",
        {
            "visit": facts,
            "lines": lines,
            "settled": [
                Settled(bill, entries.get(bill.key.number, ()) if bill.key else ())
                for bill in bills
            ],
            "rows": rows_of(messages),
            "yuan": yuan,
        },
    )


HANDLERS = [list_visits, show_visit]
