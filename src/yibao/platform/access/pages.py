"""Pages and REST answers that show people: recorded before the first byte is sent."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any

from yibao.platform.access.model import Viewer, ViewerKind
from yibao.platform.access.record import AccessRecord
from yibao.platform.access.sight import watching

Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Page = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

_LONGEST = 200


def watched(page: Page, record: AccessRecord, kind: ViewerKind) -> Page:
    """The same ASGI application; whom it opens is written down as seen by its caller.

    The caller is who has signed in meanwhile (``sight.known_as``), else the address it called from.
    """

    async def answer(scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        with watching() as sight:
            sight.kind = kind

            async def send_once_written(message: Message) -> None:
                if message["type"] == "http.response.start" and sight.humans:
                    who = sight.who or str((scope.get("client") or ("",))[0])
                    purpose = f"{scope['method']} {scope['path']}"[:_LONGEST]
                    await record.note(Viewer(sight.kind, who, purpose), sight.people)
                await send(message)

            await page(scope, receive, send_once_written)

    return answer
