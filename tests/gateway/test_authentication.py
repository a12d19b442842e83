"""Who may come through the door."""

import base64
import hashlib
import hmac
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

import pytest

from tests.settlement.builders import ALWAYS
from yibao.client.signatures import csb_headers, tif_headers
from yibao.gateway.authentication import (
    SignedDoor,
    carries_identity,
    csb_signature,
    tif_signature,
)
from yibao.gateway.exchange import SignatureTrace
from yibao.gateway.tokens import Tokens
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.clock import SettableClock
from yibao.platform.crypto import Vault
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender, SenderKey

NOW = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
SECONDS = int(NOW.timestamp())


@dataclass
class Keys:
    """Senders with one secret."""

    known: dict[tuple[HeaderFamily, str], Sender] = field(default_factory=dict)

    def sender(self, family: HeaderFamily, identifier: str) -> Sender | None:
        return self.known.get((family, identifier))


KEYS = Keys(
    {(family, "key"): Sender("key", family, "secret", (("H1", ALWAYS),)) for family in HeaderFamily}
)


BODY = b"{}"


@pytest.fixture
def door() -> SignedDoor:
    """A door whose clock stands at noon."""
    return SignedDoor(SettableClock(NOW))


def refusal(door: SignedDoor, headers: dict[str, str]) -> RefusalCode:
    """Why headers are refused."""
    with pytest.raises(Refused) as refused:
        door.admit(headers, KEYS, BODY, [])
    return refused.value.refusal.code


def test_the_tif_signature_is_sha256_of_the_concatenation() -> None:
    # printf '1784088000secretabc1784088000' | sha256sum
    assert tif_signature("1784088000", "secret", "abc") == (
        "9613040613cf3b3da88eaf4e1eb35242ded91974b65092de9310de9448606d14"
    )


def test_the_csb_signature_is_base64_hmac_sha1_of_the_sorted_headers() -> None:
    # checked with: openssl dgst -sha1 -hmac secret -binary
    signed = {
        "_api_name": "2207",
        "_api_version": "1.0.0",
        "_api_access_key": "key",
        "_api_timestamp": "1784088000000",
    }
    assert csb_signature(signed, "secret") == "iE4rCNv8AS+cRakIhAUTikZx+rE="


@pytest.mark.parametrize("seconds", [SECONDS, SECONDS + 899, SECONDS - 899, SECONDS * 1000])
def test_a_signed_tif_sender_comes_in(door: SignedDoor, seconds: int) -> None:
    headers = tif_headers("key", "secret", seconds=seconds, nonce="n")
    assert door.admit(headers, KEYS, BODY, []).family is HeaderFamily.TIF


@pytest.mark.parametrize("timestamp", [SECONDS, SECONDS * 1000])
def test_a_signed_csb_sender_comes_in_with_seconds_or_milliseconds(
    door: SignedDoor, timestamp: int
) -> None:
    headers = csb_headers("key", "secret", api="2207", milliseconds=timestamp)
    assert door.admit(headers, KEYS, BODY, []).family is HeaderFamily.CSB


def test_an_upper_case_signature_is_the_same(door: SignedDoor) -> None:
    headers = tif_headers("key", "secret", seconds=SECONDS, nonce="n")
    headers["x-tif-signature"] = headers["x-tif-signature"].upper()
    assert door.admit(headers, KEYS, BODY, [])


def test_a_wrong_signature_is_refused(door: SignedDoor) -> None:
    wrong = tif_headers("key", "other", seconds=SECONDS, nonce="n")
    assert refusal(door, wrong) == RefusalCode.SIGNATURE_WRONG
    wrong = csb_headers("key", "other", api="2207", milliseconds=SECONDS)
    assert refusal(door, wrong) == RefusalCode.SIGNATURE_WRONG
    wrong["_api_signature"] = "é"
    assert refusal(door, wrong) == RefusalCode.SIGNATURE_WRONG


def test_an_unknown_account_or_none_is_not_authenticated(door: SignedDoor) -> None:
    unknown = tif_headers("nobody", "secret", seconds=SECONDS, nonce="n")
    assert refusal(door, unknown) == RefusalCode.NOT_AUTHENTICATED
    assert refusal(door, {}) == RefusalCode.NOT_AUTHENTICATED


@pytest.mark.parametrize("name", ["x-tif-timestamp", "x-tif-nonce", "x-tif-signature"])
def test_a_missing_header_is_named(door: SignedDoor, name: str) -> None:
    headers = tif_headers("key", "secret", seconds=SECONDS, nonce="n")
    del headers[name]
    with pytest.raises(Refused, match=name):
        door.admit(headers, KEYS, BODY, [])


@pytest.mark.parametrize(
    "off", [timedelta(seconds=901), timedelta(seconds=-901), timedelta(days=9)]
)
def test_an_old_or_early_timestamp_is_refused_with_the_servers_clock(
    door: SignedDoor, off: timedelta
) -> None:
    seconds = int((NOW + off).timestamp())
    with pytest.raises(Refused) as refused:
        door.admit(tif_headers("key", "secret", seconds=seconds, nonce="n"), KEYS, BODY, [])
    assert refused.value.refusal.code == RefusalCode.TIMESTAMP_OFF
    assert "2026-07-15 12:00:00" in refused.value.refusal.message


def test_a_timestamp_that_is_no_number_is_refused(door: SignedDoor) -> None:
    headers = tif_headers("key", "secret", seconds=SECONDS, nonce="n")
    headers["x-tif-timestamp"] = "now"
    headers["x-tif-signature"] = tif_signature("now", "secret", "n")
    assert refusal(door, headers) == RefusalCode.TIMESTAMP_OFF


def test_a_nonce_is_used_for_one_body_only(door: SignedDoor) -> None:
    headers = tif_headers("key", "secret", seconds=SECONDS, nonce="n")
    door.admit(headers, KEYS, BODY, [])
    with pytest.raises(Refused) as refused:
        door.admit(headers, KEYS, b"another message", [])
    assert refused.value.refusal.code == RefusalCode.REPLAYED


def test_the_same_request_again_after_a_lost_reply_comes_in(door: SignedDoor) -> None:
    headers = tif_headers("key", "secret", seconds=SECONDS, nonce="n")
    door.admit(headers, KEYS, BODY, [])
    assert door.admit(headers, KEYS, BODY, [])


# ------------------------------------------------------------------------- spellings and many keys


@pytest.mark.parametrize(
    "respelled",
    [
        lambda name: name.lstrip("_"),
        lambda name: name.replace("_", "-"),
        lambda name: name.lstrip("_").replace("_", "-"),
    ],
)
def test_csb_headers_may_lose_their_underscores_on_the_way(
    door: SignedDoor, respelled: Callable[[str], str]
) -> None:
    headers = csb_headers("key", "secret", api="2207", milliseconds=SECONDS * 1000)
    sent = {respelled(name): value for name, value in headers.items()}
    assert carries_identity(sent)
    assert door.admit(sent, KEYS, BODY, []).family is HeaderFamily.CSB


def test_tif_headers_may_have_underscores(door: SignedDoor) -> None:
    headers = tif_headers("key", "secret", seconds=SECONDS, nonce="n")
    sent = {name.replace("-", "_"): value for name, value in headers.items()}
    assert door.admit(sent, KEYS, BODY, []).family is HeaderFamily.TIF


def rotated(now: datetime) -> Keys:
    """A sender in the middle of a change of keys, as seen from ``now``."""
    old = SenderKey("k1", KeyKind.SECRET, "old", "", NOW - timedelta(days=9), NOW)
    new = SenderKey("k2", KeyKind.SECRET, "new", "", now - timedelta(days=1))
    sender = Sender("key", HeaderFamily.TIF, "new", (("H1", ALWAYS),), keys=(new, old))
    return Keys({(HeaderFamily.TIF, "key"): sender})


@pytest.mark.parametrize("secret", ["old", "new"])
def test_during_a_change_of_keys_both_open_the_door(secret: str) -> None:
    before = NOW - timedelta(seconds=1)
    door = SignedDoor(SettableClock(before))
    headers = tif_headers("key", secret, seconds=SECONDS, nonce="n")
    assert door.admit(headers, rotated(NOW), BODY, [])


def test_afterwards_the_old_one_does_not(door: SignedDoor) -> None:
    headers = tif_headers("key", "old", seconds=SECONDS, nonce="n")
    with pytest.raises(Refused):
        door.admit(headers, rotated(NOW), BODY, [])


def test_a_bearer_token_opens_the_door() -> None:
    tokens = Tokens(Vault(b"t" * 32))
    key = SenderKey("k1", KeyKind.SECRET, "secret", "", NOW)
    sender = Sender("client", HeaderFamily.TOKEN, "secret", (("H1", ALWAYS),), keys=(key,))
    known = Keys({(HeaderFamily.TOKEN, "client"): sender})
    door = SignedDoor(SettableClock(NOW), tokens=tokens)
    token = tokens.issue(sender, "k1", NOW)
    assert door.admit({"authorization": f"Bearer {token}"}, known, BODY, []) is sender
    for wrong in (f"Bearer {token}x", "Bearer x"):
        with pytest.raises(Refused, match="令牌"):
            door.admit({"authorization": wrong}, known, BODY, [])


# ---------------------------------------------------------------------------------------- traces


def trace_of(door: SignedDoor, headers: dict[str, str]) -> SignatureTrace:
    """What is noted of a check, whichever way it goes."""
    traces: list[SignatureTrace] = []
    with suppress(Refused):
        door.admit(headers, KEYS, BODY, traces)
    (trace,) = traces
    return trace


def test_a_trace_shows_the_text_without_the_secret(door: SignedDoor) -> None:
    trace = trace_of(door, tif_headers("key", "secret", seconds=SECONDS, nonce="n"))
    assert (trace.kind, trace.sender, trace.verified) == ("x-tif", "key", True)
    assert trace.text == f"{SECONDS}***n{SECONDS}"
    assert trace.expected == trace.sent
    trace = trace_of(door, csb_headers("key", "secret", api="2207", milliseconds=SECONDS))
    assert trace.text.startswith("_api_access_key=key&_api_name=2207&")
    assert trace_of(door, {}).kind == "none"


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    ("signature", "told"),
    [
        (base64.b64encode(bytes.fromhex(sha256(f"{SECONDS}secretn{SECONDS}"))).decode(), "Base64"),
        (sha256(f"{SECONDS}000secretn{SECONDS}000"), "milliseconds"),
        (sha256(f"{SECONDS}secret n{SECONDS}"), "blank"),
        (sha256(f"{SECONDS}nsecret{SECONDS}"), "order"),
        (hashlib.md5(f"{SECONDS}secretn{SECONDS}".encode()).hexdigest(), "MD5"),
        ("ff" * 32, "another secret"),
    ],
)
def test_a_wrong_tif_signature_is_explained(door: SignedDoor, signature: str, told: str) -> None:
    headers = tif_headers("key", "secret", seconds=SECONDS, nonce="n")
    trace = trace_of(door, headers | {"x-tif-signature": signature})
    assert trace.verified is False
    assert told in trace.note


def hmac_sha1(text: str) -> str:
    return base64.b64encode(hmac.digest(b"secret", text.encode(), "sha1")).decode()


TIME = f"_api_timestamp={SECONDS}"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        (f"_api_name=2207&_api_version=1.0.0&_api_access_key=key&{TIME}", "sorted"),
        (f"api_access_key=key&api_name=2207&{TIME[1:]}&api_version=1.0.0", "underscore"),
        (f"_api_access_key=key&_api_name=2207&{TIME}", "_api_version was not signed"),
        (f"_api_access_key=key&_api_name=2207&{TIME}000&_api_version=1.0.0", "milliseconds"),
    ],
)
def test_a_wrong_csb_signature_is_explained(door: SignedDoor, text: str, told: str) -> None:
    headers = csb_headers("key", "secret", api="2207", milliseconds=SECONDS)
    trace = trace_of(door, headers | {"_api_signature": hmac_sha1(text)})
    assert told in trace.note


def test_a_right_signature_that_comes_too_late_is_told_so(door: SignedDoor) -> None:
    trace = trace_of(door, tif_headers("key", "secret", seconds=SECONDS - 901, nonce="n"))
    assert trace.verified
    assert "timestamp" in trace.note
