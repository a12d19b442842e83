"""Bearer tokens of OAuth 2.0 client credentials (RFC 6749, section 4.4).

A token is a signed statement, so every server process can check it and none has to keep it. It
ends after two hours, or with the key it was fetched with: a revoked key takes its tokens along.
"""

import base64
import binascii
import hmac
from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any, Protocol
from urllib.parse import parse_qs, unquote

import msgspec

from yibao.platform.crypto import Vault
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender

LIFETIME = timedelta(hours=2)
PATHS = ("/oauth2/token", "/oauth/token")
_PURPOSE = "bearer token"


class Senders(Protocol):
    """Where senders are found (the registry's directory)."""

    def sender(self, family: HeaderFamily, id: str) -> Sender | None:  # noqa: A002
        """The sender with this client id."""


class Tokens:
    """Issues tokens and finds the sender that one was issued to."""

    def __init__(self, vault: Vault) -> None:
        self._vault = vault

    def issue(self, sender: Sender, key: str, now: datetime) -> str:
        """A token for a sender, fetched with the key of an id."""
        content = msgspec.json.encode([sender.id, key, int((now + LIFETIME).timestamp())])
        statement = base64.urlsafe_b64encode(content).decode().rstrip("=")
        return f"{statement}.{self._seal(statement)}"

    def sender(self, token: str, senders: Senders, now: datetime) -> Sender | None:
        """The sender of a token that is ours, not ended, its key still valid; else None."""
        statement, _, seal = token.partition(".")
        if not hmac.compare_digest(self._seal(statement).encode(), seal.encode()):
            return None
        padded = statement + "=" * (-len(statement) % 4)
        client, key, end = msgspec.json.decode(base64.urlsafe_b64decode(padded))
        sender = senders.sender(HeaderFamily.TOKEN, client)
        if sender is None or now.timestamp() >= end:
            return None
        counting = sender.keys_of(KeyKind.SECRET, now)
        return sender if any(one.id == key for one in counting) else None

    def _seal(self, statement: str) -> str:
        return self._vault.fingerprint(_PURPOSE, statement).hex()


def answer_token_request(
    headers: Mapping[str, str], body: bytes, senders: Senders, tokens: Tokens, now: datetime
) -> tuple[int, dict[str, Any]]:
    """Status and JSON of the token endpoint, as its standard has them."""
    form = {name: values[0] for name, values in _form(body).items()}
    if form.get("grant_type") != "client_credentials":
        return 400, {"error": "unsupported_grant_type"}
    client, secret = _credentials(headers, form)
    sender = senders.sender(HeaderFamily.TOKEN, client)
    keys = () if sender is None else sender.keys_of(KeyKind.SECRET, now)
    for key in keys:
        if hmac.compare_digest(key.secret.encode(), secret.encode()):
            assert sender is not None
            return 200, {
                "access_token": tokens.issue(sender, key.id, now),
                "token_type": "Bearer",
                "expires_in": int(LIFETIME.total_seconds()),
            }
    return 401, {"error": "invalid_client"}


def _form(body: bytes) -> dict[str, list[str]]:
    """The form's fields; some clients send them as JSON."""
    try:
        if body.lstrip()[:1] == b"{":
            sent = msgspec.json.decode(body)
            return {name: [value] for name, value in sent.items() if type(value) is str}
        return parse_qs(body.decode())
    except (msgspec.MsgspecError, UnicodeDecodeError, ValueError):
        return {}


def _credentials(headers: Mapping[str, str], form: Mapping[str, str]) -> tuple[str, str]:
    scheme, _, encoded = headers.get("authorization", "").partition(" ")
    if scheme.lower() == "basic":
        try:
            client, _, secret = base64.b64decode(encoded).decode().partition(":")
        except (binascii.Error, UnicodeDecodeError):
            return "", ""
        return unquote(client), unquote(secret)
    return form.get("client_id", ""), form.get("client_secret", "")
