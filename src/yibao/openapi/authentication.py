"""Who calls: an app by its bearer key, a person or a clerk by an open session.

An app's key is made with ``yibao keys create NAME --family rest``; it is sent as
``Authorization: Bearer NAME.SECRET``. A session is a sealed statement, so that every server process
can check it and none has to keep it; it ends after half an hour, with the app's or the clerk's key,
and with the vault's key that sealed it.
"""

import base64
import binascii
import dataclasses
import hmac
from datetime import datetime, timedelta

import msgspec
from litestar.exceptions import NotAuthorizedException, TooManyRequestsException

from yibao.bureau.clerks.model import Clerk
from yibao.bureau.clerks.service import at_work
from yibao.openapi.gate import TOLD, proved
from yibao.openapi.model import Asked, House, Person, Worker
from yibao.platform.access.model import ViewerKind
from yibao.platform.access.sight import known_as
from yibao.platform.admission.service import Reason
from yibao.platform.crypto import Unsealable, Vault
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender

SESSION_LIFE = timedelta(minutes=30)
_PURPOSE = "rest session"
_PREFIX = "s2."
_LONGEST = 1000
NO_SESSION = "the session is unknown or has ended: open a new one"


class Sessions:
    """Opens sessions and tells whose one is."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def open(self, who: Person | Worker, now: datetime) -> str:
        """A session for a person or a clerk, sealed: the app learns nothing from it."""
        end = int((now + SESSION_LIFE).timestamp())
        content = msgspec.json.encode([type(who).__name__, end, *dataclasses.astuple(who)])
        sealed = self._vault.seal(content.decode(), _PURPOSE)
        return _PREFIX + base64.urlsafe_b64encode(sealed).decode().rstrip("=")

    def read(self, token: str, now: datetime) -> Person | Worker | None:
        """Whose session it is; None when it is not ours or has ended.

        A session ends with the vault key that sealed it: whoever had stolen a key that was retired
        since makes none.
        """
        head, _, text = token.partition(".")
        if f"{head}." != _PREFIX or len(text) > _LONGEST:
            return None
        try:
            sealed = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
            kind, end, *rest = msgspec.json.decode(self._vault.open(sealed, _PURPOSE))
        except (Unsealable, binascii.Error, ValueError):
            return None
        return None if now.timestamp() >= end else _KINDS[kind](*rest)


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
            known_as(ViewerKind.APP, sender.id)
            _spend(request, f"app {sender.id}")
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
    _spend(request, f"app {found.app}")
    return found


async def the_clerk(request: Asked, house: House) -> Clerk:
    """The clerk whose session it is; one who was suspended since has none."""
    found = _session(request, house)
    if isinstance(found, Worker):
        clerk = await at_work(house.database, house.vault, found.code, found.mark)
        if clerk is not None:
            known_as(ViewerKind.CLERK, clerk.code)
            _spend(request, f"clerk {clerk.code}")
            return clerk
    raise NotAuthorizedException(NO_SESSION)


def _spend(request: Asked, sender: str) -> None:
    """Who is proved pays for the call; 429 when nothing is left to pay with."""
    if not proved(request.scope, sender):
        raise TooManyRequestsException(TOLD[Reason.SENDER_BUDGET], headers={"Retry-After": "1"})


def _session(request: Asked, house: House) -> Person | Worker | None:
    return Sessions(house.vault).read(_bearer(request), house.clock.now())


async def _sender(house: House, app: str) -> Sender | None:
    async with house.database.reader(None) as connection:
        reference = await house.references.current(connection)
    return reference.directory.sender(HeaderFamily.REST, app)


def _bearer(request: Asked) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthorizedException("send Authorization: Bearer …")
    return token.strip()
