"""Pages of messages: the live list, one message in full, sending it again."""

import asyncio
from dataclasses import dataclass
from typing import Annotated, Any
from urllib.parse import urlencode

import msgspec
from litestar import Response, get, post
from litestar.enums import RequestEncodingType
from litestar.exceptions import NotFoundException
from litestar.params import Body, FromPath, FromQuery

from yibao.gateway.cures import CURES, Cure
from yibao.gateway.exchange import Exchange
from yibao.gateway.tables import tables
from yibao.kernel.refusals import RefusalCode
from yibao.platform.journal import GREATEST_ID, Kept, Search
from yibao.web.examination import examine
from yibao.web.model import Desk
from yibao.web.pages import Asked, AtDesk, page
from yibao.web.protection import check_form
from yibao.web.recording import exchange_of
from yibao.web.requests import answer_text, curl, pretty
from yibao.web.signing import compare

PAGE_LENGTH = 50

Form = Annotated[dict[str, str], Body(media_type=RequestEncodingType.URL_ENCODED)]


@dataclass(frozen=True, slots=True)
class Row:
    """A message in the list."""

    kept: Kept
    title: str
    """Of its transaction."""


def rows_of(found: list[Kept]) -> list[Row]:
    """Rows of the list."""
    return [Row(kept, transaction_title(kept.note.number)) for kept in found]


def transaction_title(number: str) -> str:
    """The Chinese title of a transaction; "" when its number is unknown."""
    table = tables().find(number) if number else None
    return "" if table is None else table.title


@get("/ui/messages")
async def list_messages(
    request: Asked,
    desk: AtDesk,
    institution: FromQuery[str] = "",
    number: FromQuery[str] = "",
    outcome: FromQuery[str] = "",
    q: FromQuery[str] = "",
    before: FromQuery[int | None] = None,
) -> Response[str]:
    """The newest messages that fit, live unless older ones are looked at."""
    search = Search(institution.strip(), number.strip(), outcome, q.strip())
    edge = None if before is None else min(before, GREATEST_ID)
    last = await asyncio.to_thread(desk.journal.last)
    found, dropped, institutions = await asyncio.gather(
        asyncio.to_thread(desk.journal.newest, search, PAGE_LENGTH + 1, before=edge),
        asyncio.to_thread(desk.journal.dropped),
        asyncio.to_thread(desk.journal.seen, "institution"),
    )
    asked = {"institution": institution, "number": number, "outcome": outcome, "q": q}
    shown = found[:PAGE_LENGTH]
    return page(
        request,
        desk,
        "messages.html",
        {
            "rows": rows_of(shown),
            "search": asked,
            "searching": any(asked.values()),
            "institutions": institutions,
            "query": urlencode(asked),
            "older": shown[-1].id if len(found) > PAGE_LENGTH else None,
            "live": before is None,
            "last": _last_shown(last, found),
            "dropped": dropped,
            "address": str(request.base_url).rstrip("/"),
        },
    )


@get("/ui/messages/rows")
async def new_rows(
    request: Asked,
    desk: AtDesk,
    after: FromQuery[int],
    institution: FromQuery[str] = "",
    number: FromQuery[str] = "",
    outcome: FromQuery[str] = "",
    q: FromQuery[str] = "",
) -> Response[str]:
    """The rows that came after the ones that a page has, as a fragment."""
    search = Search(institution.strip(), number.strip(), outcome, q.strip())
    last = await asyncio.to_thread(desk.journal.last)
    found = (
        await asyncio.to_thread(desk.journal.after, search, after, PAGE_LENGTH)
        if last > after
        else []
    )
    answer = page(request, desk, "message_rows.html", {"rows": rows_of(found)})
    answer.headers["X-Last-Message"] = str(_last_shown(last, found))
    return answer


def _last_shown(last: int, found: list[Kept]) -> int:
    """Where the next look begins: messages that came after ``last`` was read are shown once."""
    return max(last, found[0].id) if found else last


@get("/ui/messages/{id:int}")
async def show_message(request: Asked, desk: AtDesk, id: FromPath[int]) -> Response[str]:  # noqa: A002
    """One message in full."""
    kept, exchange = await _recorded(desk, id)
    return page(request, desk, "message.html", _details(request, kept, exchange))


@post("/ui/messages/{id:int}/replay", status_code=200)
async def replay(
    request: Asked,
    desk: AtDesk,
    id: FromPath[int],  # noqa: A002
    data: Form,
) -> Response[str]:
    """Send the recorded bytes again, through the same door, and show the new answer."""
    check_form(request, desk.token, data.get("token", ""))
    kept, exchange = await _recorded(desk, id)
    again = Exchange(
        desk.context.clock.now(), exchange.method, exchange.path, exchange.headers, exchange.body
    )
    answer = await desk.answer(again)
    values = _details(request, kept, exchange) | {
        "again": again,
        "again_answer": answer_text(again),
        "same": _content(answer) == _content(exchange.answer),
    }
    return page(request, desk, "message.html", values)


async def _recorded(desk: Desk, id: int) -> tuple[Kept, Exchange]:  # noqa: A002
    if id > GREATEST_ID:
        raise NotFoundException("message.gone")
    found = await asyncio.to_thread(desk.journal.document, id)
    if found is None:
        raise NotFoundException("message.gone")
    return found[0], exchange_of(found[1])


def _details(request: Asked, kept: Kept, exchange: Exchange) -> dict[str, Any]:
    cure: Cure | None = None
    if exchange.rule in RefusalCode.__members__:
        cure = CURES.get(RefusalCode[exchange.rule])
    base_url = str(request.base_url).rstrip("/")
    return {
        "kept": kept,
        "exchange": exchange,
        "title": transaction_title(exchange.number),
        "cure": cure,
        "examination": examine(exchange.number, exchange.body, exchange.refused_field),
        "signatures": [compare(trace) for trace in exchange.signatures],
        "request_text": pretty(exchange.body),
        "answer_text": answer_text(exchange),
        "curl": curl(exchange, base_url),
        "again": None,
    }


_PASSING = ("inf_refmsgid", "refmsg_time", "respond_time")


def _content(answer: bytes) -> Any:
    """An answer without what is new each time."""
    try:
        whole = msgspec.json.decode(answer)
    except msgspec.MsgspecError:
        return answer
    if not isinstance(whole, dict):
        return whole
    return {name: value for name, value in whole.items() if name not in _PASSING}


HANDLERS = [list_messages, new_rows, show_message, replay]
