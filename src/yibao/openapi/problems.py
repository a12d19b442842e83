"""Refusals and failures as problem documents (RFC 9457)."""

import secrets
from http import HTTPStatus
from typing import Any

import msgspec
import structlog
from litestar import Request, Response
from litestar.exceptions import HTTPException

from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.openapi.gate import MEDIA_TYPE
from yibao.platform.commands.service import OutcomeUnknown

log = structlog.get_logger()

_FIELD = {
    RefusalCode.MALFORMED,
    RefusalCode.FIELD_MISSING,
    RefusalCode.FIELD_TOO_LONG,
    RefusalCode.FIELD_INVALID,
    RefusalCode.FIELD_CONTRADICTS,
    RefusalCode.AMOUNT_OUT_OF_RANGE,
    RefusalCode.CONTENT_UNREADABLE,
}
_CLERKS = {
    RefusalCode.CLERK_UNKNOWN,
    RefusalCode.CLERK_LOCKED,
    RefusalCode.CLERK_NOT_ALLOWED,
}
_BUSY = {RefusalCode.BUSY, RefusalCode.FAILED}


def status_of(code: RefusalCode) -> HTTPStatus:
    """The HTTP status of a refusal: what is unknown 404, a field 422, busy 503, else 409."""
    if code in _FIELD:
        return HTTPStatus.UNPROCESSABLE_ENTITY
    if code in _BUSY:
        return HTTPStatus.SERVICE_UNAVAILABLE
    if 2000 <= code < 3000 or code in _CLERKS:
        return HTTPStatus.FORBIDDEN
    if code.name.endswith("_UNKNOWN"):
        return HTTPStatus.NOT_FOUND
    return HTTPStatus.CONFLICT


def problem_of(request: Request[Any, Any, Any], failure: Exception) -> Response[bytes]:
    """Whatever went wrong, told to the caller; of a fault of ours only its number."""
    if isinstance(failure, Refused):
        return _refused(failure.refusal)
    if isinstance(failure, HTTPException):
        extra = {"errors": failure.extra} if failure.extra else {}
        headers = {"WWW-Authenticate": "Bearer"} if failure.status_code == 401 else {}
        return _problem(failure.status_code, str(failure.detail), headers, **extra)
    if isinstance(failure, RecursionError):
        return _problem(400, "the body is nested too deeply", {})
    reference = secrets.token_hex(4)
    log.error("rest_failed", path=request.url.path, reference=reference, exc_info=failure)
    if isinstance(failure, OutcomeUnknown):
        detail = "the outcome is not known: send the same request with the same Idempotency-Key"
        return _problem(503, detail, {"Retry-After": "1"}, reference=reference, outcome="unknown")
    return _problem(500, "a fault of the platform", {}, reference=reference)


def _refused(refusal: Refusal) -> Response[bytes]:
    status = status_of(refusal.code)
    members: dict[str, Any] = {"code": int(refusal.code), "rule": refusal.code.name}
    if refusal.field:
        members["field"] = refusal.field
    if refusal.facts:
        members["facts"] = refusal.facts
    headers = {"Retry-After": "1"} if status is HTTPStatus.SERVICE_UNAVAILABLE else {}
    return _problem(status, refusal.message, headers, **members)


def _problem(status: int, detail: str, headers: dict[str, str], **members: Any) -> Response[bytes]:
    told = {"title": HTTPStatus(status).phrase, "status": int(status), "detail": detail} | members
    return Response(
        msgspec.json.encode(told), status_code=status, media_type=MEDIA_TYPE, headers=headers
    )
