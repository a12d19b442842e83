"""Opening a session for a person: by the code that the person shows, or as the app attests."""

import msgspec
from litestar import post
from litestar.exceptions import ClientException
from litestar.params import JSONBody

from yibao.bureau.clerks.service import sign_in
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.openapi.authentication import SESSION_LIFE, Sessions, the_app
from yibao.openapi.commands import IdempotencyKey, submit
from yibao.openapi.gate import origin, proved
from yibao.openapi.model import Asked, AtHouse, House, Person, Worker
from yibao.openapi.others import Named, named
from yibao.platform.clock import SystemClock
from yibao.registry.credentials.model import DecodeCode
from yibao.registry.credentials.service import recall_token


class Opening(msgspec.Struct, forbid_unknown_fields=True):
    """Whom the session is for: a code shown, or a document that the app has checked."""

    credential_code: str | None = None
    """Text of the e-credential's QR code (医保电子凭证二维码), good for a minute and once."""
    document_type: str | None = None
    """As ``psn_cert_type``: 01 resident identity card …"""
    document_number: str | None = None
    name: str | None = None


class SigningIn(msgspec.Struct, forbid_unknown_fields=True):
    """A clerk's code and personal key (`yibao bureau clerk add` tells it once)."""

    clerk: str
    key: str


class Session(msgspec.Struct):
    """An open session."""

    token: str
    """Send it as ``Authorization: Bearer``."""
    expires_in: int
    """Seconds."""


@post("/sessions", tags=["session"], summary="Open a session for a person")
async def open_session(
    request: Asked, house: AtHouse, data: JSONBody[Opening], key: IdempotencyKey
) -> Session:
    """With the app's own key. The app answers for having made sure who the person is."""
    sender, used = await the_app(request, house)
    if data.credential_code:
        identity = await _holder(house, sender.id, data.credential_code, key)
    elif data.document_type and data.document_number and data.name:
        who = Named(data.document_number, data.name, data.document_type)
        identity = (await named(house, who, "document_number"))[0].identity.id
    else:
        raise ClientException("credential_code, or document_type, document_number and name")
    return _opened(house, Person(identity, sender.id, used))


@post("/clerk-sessions", tags=["clerks"], summary="Sign a clerk in", security=[{}])
async def sign_clerk_in(request: Asked, house: AtHouse, data: JSONBody[SigningIn]) -> Session:
    """With the personal key. Too many wrong keys in a row from one address lock the clerk out
    there for a time."""
    now = SystemClock().now()  # a sandbox whose clock stands would lock out for good
    address = origin(request.scope)
    found = await sign_in(house.database, house.vault, data.clerk, data.key, address, now)
    proved(request.scope, f"clerk {found.clerk.code}")
    return _opened(house, Worker(found.clerk.code, found.mark))


def _opened(house: House, who: Person | Worker) -> Session:
    token = Sessions(house.vault).open(who, house.clock.now())
    return Session(token, int(SESSION_LIFE.total_seconds()))


async def _holder(house: House, app: str, code: str, key: str) -> int:
    wish = DecodeCode(f"app:{app}", code)
    done = await submit(house, app, "session", key, NO_PERSON_POOL, f"app:{app}", wish)
    if done.replayed:
        first = recall_token(house.vault, done.reference)
        if house.clock.now() >= first.expires_at:  # the person agreed to now, not to for ever
            raise Refused(RefusalCode.VOUCHER_INVALID, "电子凭证二维码已失效", "credential_code")
        return first.identity
    return int(done.result.identity)
