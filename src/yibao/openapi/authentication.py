"""Who calls: an app by its bearer key, a person by the session that an app opened.

An app's key is made with ``yibao keys create NAME --family rest``; it is sent as
``Authorization: Bearer NAME.SECRET``. A session is a signed statement, so that every server process
can check it and none has to keep it; it ends after half an hour, or with the app's key.
"""

import base64
import binascii
import hmac
from datetime import datetime, timedelta
from typing import Any

import msgspec
from litestar import Request
from litestar.exceptions import NotAuthorizedException

from yibao.openapi.model import House, Person
from yibao.platform.crypto import Vault
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender

SESSION_LIFE = timedelta(minutes=30)
_PURPOSE = "rest session"
_PREFIX = "s1."


class Sessions:
    """Opens sessions and tells whose one is."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def open(self, app: str, key: str, identity: int, now: datetime) -> str:
        """A session for a person, opened by an app with the key of an id."""
        end = int((now + SESSION_LIFE).timestamp())
        content = msgspec.json.encode([app, key, identity, end])
        statement = base64.urlsafe_b64encode(content).decode().rstrip("=")
        return f"{_PREFIX}{statement}.{self._seal(statement)}"

    def read(self, token: str, now: datetime) -> tuple[str, str, int] | None:
        """(app, key, identity) of a session that is ours and has not ended; else None."""
        statement, _, seal = token.removeprefix(_PREFIX).partition(".")
        if not hmac.compare_digest(self._seal(statement).encode(), seal.encode()):
            return None
        padded = statement + "=" * (-len(statement) % 4)
        app, key, identity, end = msgspec.json.decode(base64.urlsafe_b64decode(padded))
        return None if now.timestamp() >= end else (app, key, identity)

    def _seal(self, statement: str) -> str:
        return self._vault.fingerprint(_PURPOSE, statement).hex()


async def the_app(request: Request[Any, Any, Any], house: House) -> tuple[Sender, str]:
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


async def the_person(request: Request[Any, Any, Any], house: House) -> Person:
    """The person whose session it is."""
    now = house.clock.now()
    token = _bearer(request)
    try:
        found = Sessions(house.vault).read(token, now) if token.startswith(_PREFIX) else None
    except (msgspec.MsgspecError, binascii.Error, ValueError):
        found = None
    if found is None:
        raise NotAuthorizedException("the session is unknown or has ended: open a new one")
    app, key, identity = found
    sender = await _sender(house, app)
    if sender is None or all(one.id != key for one in sender.keys_of(KeyKind.SECRET, now)):
        raise NotAuthorizedException("the app's key counts no more, so its sessions have ended")
    return Person(identity, app)


async def _sender(house: House, app: str) -> Sender | None:
    async with house.database.reader(None) as connection:
        reference = await house.references.current(connection)
    return reference.directory.sender(HeaderFamily.REST, app)


def _bearer(request: Request[Any, Any, Any]) -> str:
    scheme, _, token = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not token.strip():
        raise NotAuthorizedException("send Authorization: Bearer …")
    return token.strip()
