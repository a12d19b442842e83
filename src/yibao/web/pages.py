"""How a page is made: language, template, and the headers that keep a hostile message harmless."""

from collections.abc import Mapping
from datetime import datetime
from functools import cache
from typing import Any
from urllib.parse import urlencode

from jinja2 import Environment, PackageLoader, StrictUndefined
from litestar import Request, Response
from litestar.datastructures import Cookie
from litestar.di import NamedDependency

from yibao.kernel.periods import local_time
from yibao.web.model import Desk
from yibao.web.words import COOKIE, Words, language_of

SAFE_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self' data:; "
        "connect-src 'self'; form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "same-origin",
    "Cache-Control": "no-store",
}

Asked = Request[Any, Any, Any]
AtDesk = NamedDependency[Desk]


@cache
def _environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("yibao.web", "templates"),
        autoescape=True,  # a message is whatever somebody sent
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters["clock"] = _clock
    environment.filters["moment"] = lambda instant: f"{local_time(instant):%Y-%m-%d %H:%M:%S}"
    environment.filters["milliseconds"] = lambda seconds: f"{seconds * 1000:.1f}"
    return environment


def _clock(instant: datetime) -> str:
    local = local_time(instant)
    return f"{local:%m-%d %H:%M:%S}.{local.microsecond // 1000:03d}"


def words_for(request: Asked) -> Words:
    """The words in the reader's language."""
    return Words(
        language_of(
            request.query_params.get("lang"),
            request.cookies.get(COOKIE),
            request.headers.get("accept-language", ""),
        )
    )


def page(
    request: Asked,
    desk: Desk,
    template: str,
    values: Mapping[str, Any] | None = None,
    *,
    status: int = 200,
) -> Response[str]:
    """A page of the console, or a fragment of one."""
    words = words_for(request)
    text = (
        _environment()
        .get_template(template)
        .render(
            t=words,
            path=request.url.path,
            language=words.language,
            other_language_link=_other_language_link(request, words.language),
            token=desk.token,
            open_door=desk.open_door,
            **(values or {}),
        )
    )
    asked = request.query_params.get("lang")
    remembered = (
        [Cookie(key=COOKIE, value=words.language, samesite="strict", path="/ui")] if asked else []
    )
    return Response(text, media_type="text/html", status_code=status, cookies=remembered)


def _other_language_link(request: Asked, language: str) -> str:
    kept = [(name, value) for name, value in request.query_params.multi_items() if name != "lang"]
    kept.append(("lang", "en" if language == "zh" else "zh"))
    path = request.url.path if request.method == "GET" else page_above(request.url.path)
    return f"{path}?{urlencode(kept)}"


def page_above(path: str) -> str:
    """The page whose form is sent to ``path``: an answer to a form has no address of its own."""
    return path.rpartition("/")[0]
