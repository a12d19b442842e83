"""Bearer tokens: fetched with client id and secret, ended with time or key."""

import base64
import json
from datetime import timedelta
from urllib.parse import urlencode

import pytest

from tests.gateway.test_authentication import NOW, Keys
from tests.settlement.builders import ALWAYS
from yibao.gateway.tokens import LIFETIME, Tokens, answer_token_request
from yibao.platform.crypto import Vault
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender, SenderKey

FAMILY = HeaderFamily.TOKEN
TOKENS = Tokens(Vault(b"t" * 32))
FORM = {"grant_type": "client_credentials", "client_id": "client", "client_secret": "s&cret"}


def keys(*ids: str) -> Keys:
    """One client with these keys, each with the same secret."""
    held = tuple(SenderKey(one, KeyKind.SECRET, "s&cret", "", NOW) for one in ids)
    sender = Sender("client", FAMILY, "s&cret", (("H1", ALWAYS),), keys=held)
    return Keys({(FAMILY, "client"): sender})


def asked(body: bytes, **headers: str) -> tuple[int, dict[str, object]]:
    return answer_token_request(headers, body, keys("k1"), TOKENS, NOW)


def test_client_credentials_fetch_a_token_that_finds_the_sender() -> None:
    basic = base64.b64encode(b"client:s%26cret").decode()
    grant = urlencode({"grant_type": "client_credentials"}).encode()
    for status, answer in (
        asked(urlencode(FORM).encode()),
        asked(json.dumps(FORM).encode()),
        asked(grant, authorization=f"Basic {basic}"),
    ):
        assert (status, answer["token_type"], answer["expires_in"]) == (200, "Bearer", 7200)
        found = TOKENS.sender(str(answer["access_token"]), keys("k1"), NOW)
        assert found is not None
        assert found.id == "client"


@pytest.mark.parametrize(
    ("changes", "status", "error"),
    [
        ({"client_secret": "other"}, 401, "invalid_client"),
        ({"client_id": "nobody"}, 401, "invalid_client"),
        ({"grant_type": "password"}, 400, "unsupported_grant_type"),
    ],
)
def test_others_get_none(changes: dict[str, str], status: int, error: str) -> None:
    assert asked(urlencode(FORM | changes).encode()) == (status, {"error": error})
    assert asked(b"\xff")[0] == 400
    assert asked(b"grant_type=client_credentials", authorization="Basic ???")[0] == 401


def test_a_token_ends_with_its_time_and_with_its_key() -> None:
    token = TOKENS.issue(keys("k1").known[FAMILY, "client"], "k1", NOW)
    late = NOW + LIFETIME
    assert TOKENS.sender(token, keys("k1", "k2"), late - timedelta(seconds=1)) is not None
    assert TOKENS.sender(token, keys("k1"), late) is None
    assert TOKENS.sender(token, keys("k2"), NOW) is None, "its key was revoked"
    assert TOKENS.sender(token, Keys(), NOW) is None


@pytest.mark.parametrize("token", ["", ".", "a.b", "eyJ.0", "é.é"])
def test_a_forged_token_finds_nobody(token: str) -> None:
    assert TOKENS.sender(token, keys("k1"), NOW) is None
    assert (
        Tokens(Vault(b"u" * 32)).sender(
            TOKENS.issue(keys("k1").known[FAMILY, "client"], "k1", NOW), keys("k1"), NOW
        )
        is None
    )
