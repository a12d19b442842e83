"""Pages that show people: noted before the first byte is sent, or nothing is sent."""

from typing import Any

import pytest

from tests.platform.access.test_record import PERSON, opened
from yibao.platform.access import service
from yibao.platform.access.model import ViewerKind
from yibao.platform.access.pages import watched
from yibao.platform.access.sight import known_as, saw, saw_number
from yibao.platform.database import Database

SCOPE = {"type": "http", "method": "GET", "path": "/ui/visits/7", "client": ("10.0.0.77", 1)}


async def showing(_: Any, __: Any, send: Any) -> None:
    """A page with a person on it."""
    saw(7, PERSON.pool, PERSON.member or "")
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b"a name"})


async def nothing() -> Any:
    """A request without a body."""


async def test_a_page_is_noted_with_where_it_was_looked_at_from(database: Database) -> None:
    sent: list[Any] = []

    async def send(message: Any) -> None:
        async with database.reader(None) as connection:
            assert await service.by_viewer(connection, "10.0.0.77", 9), "shown before it was noted"
        sent.append(message)

    await watched(showing, await opened(database), ViewerKind.CONSOLE)(dict(SCOPE), nothing, send)
    assert len(sent) == 2
    async with database.reader(None) as connection:
        (one,) = await service.of_person(connection, 7, [], 9)
    assert (one.viewer.kind, one.viewer.purpose) == (ViewerKind.CONSOLE, "GET /ui/visits/7")


async def test_who_has_signed_in_is_noted_by_name_and_a_bare_number_as_well(
    database: Database,
) -> None:
    async def page(_: Any, __: Any, send: Any) -> None:
        known_as(ViewerKind.CLERK, "first")
        saw_number(PERSON.pool, PERSON.member or "")
        await send({"type": "http.response.start", "status": 200, "headers": []})

    async def send(_: Any) -> None:
        pass

    await watched(page, await opened(database), ViewerKind.PERSON)(dict(SCOPE), nothing, send)
    async with database.reader(None) as connection:
        (one,) = await service.of_person(connection, None, [PERSON.member or ""], 9)
    assert (one.viewer.kind, one.viewer.who, one.identity) == (ViewerKind.CLERK, "first", None)


async def test_what_cannot_be_noted_is_not_sent(database: Database) -> None:
    record = await opened(database)
    sent: list[Any] = []

    async def send(message: Any) -> None:
        sent.append(message)

    async def failing(*_: Any) -> None:
        raise OSError("the disk is full")

    record.note = failing  # type: ignore[method-assign]
    with pytest.raises(OSError, match="full"):
        await watched(showing, record, ViewerKind.CONSOLE)(dict(SCOPE), nothing, send)
    assert sent == []
