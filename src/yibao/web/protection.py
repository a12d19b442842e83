"""Who may change something through the console: its own pages, and programs; never other sites.

Nobody signs in to a sandbox, so there is no cookie to steal; what has to be kept out is a foreign
page that sends a form to this machine. A form carries a token that only our pages show. A program's
call is JSON, which a browser sends to another origin only after asking, and nobody answers that.
"""

import hmac
from urllib.parse import urlsplit

from litestar.exceptions import PermissionDeniedException

from yibao.web.pages import Asked

JSON = "application/json"


def check_form(request: Asked, token: str, shown: str) -> None:
    """Raises PermissionDeniedException unless the form came from a page of ours."""
    _check_origin(request)
    if not hmac.compare_digest(token.encode(), shown.encode()):
        raise PermissionDeniedException("fault.origin")


def check_program(request: Asked) -> None:
    """Raises PermissionDeniedException unless a program, or a page of ours, sent JSON."""
    _check_origin(request)
    if request.headers.get("content-type", "").split(";")[0].strip().lower() != JSON:
        raise PermissionDeniedException("fault.origin")


def _check_origin(request: Asked) -> None:
    origin = request.headers.get("origin")
    if origin is not None and urlsplit(origin).netloc != request.headers.get("host"):
        raise PermissionDeniedException("fault.origin")
    if request.headers.get("sec-fetch-site", "same-origin") not in {"same-origin", "none"}:
        raise PermissionDeniedException("fault.origin")
