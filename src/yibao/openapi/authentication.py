"""Who calls: an app by its bearer key, a person or a clerk by an open session.

An app's key is made with ``yibao keys create NAME --family rest``; it is sent as
``Authorization: Bearer NAME.SECRET``. A session is a signed statement, so that every server process
can check it and none has to keep it; it ends after half an hour, or with the app's key.
"""

import base64
import binascii
import dataclasses
import hmac
from datetime import datetime, timedelta

import msgspec
from litestar.exceptions import NotAuthorizedException

from yibao.bureau.clerks.model import Clerk
from yibao.bureau.clerks.service import listed
from yibao.openapi.model import Asked, House, Person, Worker
from yibao.platform.access.model import ViewerKind
from yibao.platform.access.sight import known_as
from yibao.platform.crypto import Vault
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender

SESSION_LIFE = timedelta(minutes=30)
_PURPOSE = "rest session"
_PREFIX = "s1."
NO_SESSION = "the session is unknown or has ended: open a new one"


class Sessions:
    """Opens sessions and tells whose one is."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def open(self, who: Person | Worker, now: datetime) -> str:
        """A session for a person or a clerk."""
        end = int((now + SESSION_LIFE).timestamp())
        content = msgspec.json.encode([type(who).__name__, end, *dataclasses.astuple(who)])
        statement = base64.urlsafe_b64encode(content).decode().rstrip("=")
        return f"{_PREFIX}{statement}.{self._seal(statement)}"

    def read(self, token: str, now: datetime) -> Person | Worker | None:
        """Whose session it is; None when it is not ours or has ended."""
        statement, _, seal = token.removeprefix(_PREFIX).partition(".")
        if not hmac.compare_digest(self._seal(statement).encode(), seal.encode()):
            return None
        padded = statement + "=" * (-len(statement) % 4)
        kind, end, *rest = msgspec.json.decode(base64.urlsafe_b64decode(padded))
        return None if now.timestamp() >= end else _KINDS[kind](*rest)

    def _seal(self, statement: str) -> str:
        return self._vault.fingerprint(_PURPOSE, statement).hex()


_KINDS: dict[str, type[Person] | type[Worker]] = {"Person": Person, "Worker": Worker}


async def the_app(request: Asked, house: House) -> tuple[Sender, str]:
    """The app that calls, and the id of the key it used."""
    app, _, secret = _bearer(request).rpartition(".")
    sender = await _sender(house, app)
    now = house.clock.now()
    keys = () if sender is None else sender.keys_of(KeyKind.SECRET, now)
    for key in keys:
        if hmac.compare_digest(key.secret.encode(), secret.encode()):
            assert sender is not None
            return sender, key.id
    raise NotAuthorizedException("the app's key is unknown or counts no more")


async def the_person(request: Asked, house: House) -> Person:
    """The person whose session it is."""
    found = _session(request, house)
    if not isinstance(found, Person):
        raise NotAuthorizedException(NO_SESSION)
    sender = await _sender(house, found.app)
    now = house.clock.now()
    if sender is None or all(key.id != found.key for key in sender.keys_of(KeyKind.SECRET, now)):
        raise NotAuthorizedException("the app's key counts no more, so its sessions have ended")
    known_as(ViewerKind.PERSON, str(found.identity))
    return found


async def the_clerk(request: Asked, house: House) -> Clerk:
    """The clerk whose session it is; one who was suspended since has none."""
    found = _session(request, house)
    if isinstance(found, Worker):
        async with house.database.reader(None) as connection:
            for clerk in await listed(connection, house.vault):
                if clerk.code == found.code and not clerk.suspended:
                    known_as(ViewerKind.CLERK, clerk.code)
                    return clerk
    raise NotAuthorizedException(NO_SESSION)


def _session(request: Asked, house: House) -> Person | Worker | None:
    token = _bearer(request)
    try:
        return Sessions(house.vault).read(token, house.clock.now())
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        return None


async def _sender(house: House, app: str) -> Sender | None:
    async with house.database.reader(None) as connection:
        reference = await house.references.current(connection)
    return reference.directory.sender(HeaderFamily.REST, app)


def _bearer(request: Asked) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthorizedException("send Authorization: Bearer …")
    return token.strip()
