"""The developer's console (开发者控制台): its pages put together as one ASGI application.

The application mounts it under ``/ui``, in a sandbox alone.
"""

from functools import cache
from importlib.resources import files
from typing import Any

import msgspec
import structlog
from litestar import Litestar, Request, Response, get
from litestar.di import Provide
from litestar.exceptions import HTTPException, MethodNotAllowedException, NotFoundException
from litestar.params import FromPath
from litestar.response import Redirect

from yibao.clearing.statements.as_html import style
from yibao.web import messages, statements, tools, transactions, visits
from yibao.web.model import Desk
from yibao.web.pages import SAFE_HEADERS, page, page_above

log = structlog.get_logger()

_KINDS = {"css": "text/css", "js": "text/javascript", "svg": "image/svg+xml"}


@get(["/ui", "/ui/"])
async def front() -> Redirect:
    """Where everybody begins."""
    return Redirect("/ui/messages")


@get("/ui/static/{name:str}")
async def static(name: FromPath[str]) -> Response[bytes]:
    """Style, script and icon; there is nothing else to load, from nowhere else."""
    content = _static(name)
    if content is None:
        raise NotFoundException("fault.not_found")
    kind = _KINDS[name.rpartition(".")[2]]
    return Response(
        content,
        media_type=f"{kind}; charset=utf-8",
        headers={"Cache-Control": "no-cache"},
    )


@cache
def _static(name: str) -> bytes | None:
    if name.rpartition(".")[2] not in _KINDS or "/" in name or name.startswith("."):
        return None
    if name == "statement.css":  # the room's own, for its pages outside of the console too
        return style().encode()
    file = files("yibao.web") / "static" / name
    return file.read_bytes() if file.is_file() else None


def console(desk: Desk) -> Litestar:
    """The console's application over what ``desk`` holds."""

    def the_desk() -> Desk:
        return desk

    def tell(request: Request[Any, Any, Any], failure: Exception) -> Response[Any]:
        return _told(request, desk, failure)

    handlers: list[Any] = [front, static]
    for part in (messages, transactions, visits, statements, tools):
        handlers += part.HANDLERS
    return Litestar(
        handlers,
        dependencies={"desk": Provide(the_desk, sync_to_thread=False)},
        signature_types=[Desk],
        exception_handlers={Exception: tell},
        after_request=_safe,
        openapi_config=None,
        logging_config=None,
    )


def _safe(response: Response[Any]) -> Response[Any]:
    for name, value in SAFE_HEADERS.items():
        response.headers.setdefault(name, value)
    return response


def _told(request: Request[Any, Any, Any], desk: Desk, failure: Exception) -> Response[Any]:
    """A failure as a page, or as JSON for programs."""
    status, detail = 500, "fault.failed"
    if isinstance(failure, MethodNotAllowedException) and request.method == "GET":
        return Redirect(page_above(request.url.path))
    if isinstance(failure, HTTPException):
        status, detail = failure.status_code, failure.detail
    else:
        log.error("console_failed", path=request.url.path, exc_info=failure)
    if request.url.path.startswith("/ui/api/"):
        body = msgspec.json.encode({"status": status, "detail": detail})
        answer: Response[Any] = Response(
            body, status_code=status, media_type="application/problem+json"
        )
    else:
        known = detail if "." in detail and " " not in detail else "fault.not_found"
        answer = page(request, desk, "fault.html", {"why": known, "status": status}, status=status)
    return _safe(answer)
