"""Whatever comes to the edge is read or refused; it is never a fault of ours."""

from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tests.gateway.outer import APPLICATION, OuterClient
from tests.gateway.test_authentication import NOW, SECONDS, Keys
from tests.gateway.test_outer_message import CLIENT, SENDER
from tests.properties import examples
from tests.settlement.builders import ALWAYS
from yibao.client.signatures import tif_headers
from yibao.gateway.authentication import CLOCK_TOLERANCE, SignedDoor
from yibao.gateway.context import Progress
from yibao.gateway.exchange import Exchange
from yibao.gateway.reception import read_request
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.clock import SettableClock
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender, SenderKey

SM4_KEY = "0123456789abcdeffedcba9876543210"
TIF = Sender(
    "key",
    HeaderFamily.TIF,
    "secret",
    (("H1", ALWAYS),),
    keys=(
        SenderKey("k1", KeyKind.SECRET, "secret", "", NOW),
        SenderKey("k2", KeyKind.SM4, SM4_KEY, "", NOW),
        SenderKey("k3", KeyKind.SM2, "", CLIENT.public, NOW),
    ),
)
KNOWN = Keys({(one.family, one.id): one for one in (TIF, SENDER)})


@dataclass
class Line:
    """What reading needs of a context."""

    door: SignedDoor = field(default_factory=lambda: SignedDoor(SettableClock(NOW)))
    body_limit: int = 1024
    clock_tolerance: Any = CLOCK_TOLERANCE

    def line_now(self) -> Any:
        return NOW


def read(
    body: bytes | None, path: str = "/", method: str = "POST", query: str = "", **more: Any
) -> Any:
    headers = more.get("headers", tif_headers("key", "secret", seconds=SECONDS, nonce="n"))
    exchange = Exchange(NOW, method, path, headers, body, query)
    return read_request(exchange, Line(), KNOWN, Progress())  # type: ignore[arg-type]


JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.text(max_size=8)
    | st.just("SM4")
    | st.just("1101"),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner, max_size=3)
    ),
    max_leaves=6,
)
NAMES = ("infno", "msgid", "fixmedins_code", "enc_type", "cainfo", "input", "appId", "data",
         "encData", "signData", "timestamp", "version", "mdtrtarea_admvs")  # fmt: skip


@settings(max_examples=examples(300), deadline=None)
@given(st.dictionaries(st.sampled_from(NAMES), JSON), st.booleans(), st.booleans())
def test_any_object_is_read_or_refused(sent: dict[str, Any], signed: bool, known: bool) -> None:
    if known:
        sent["appId"] = APPLICATION
    more: dict[str, Any] = {} if signed else {"headers": {}}
    with suppress(Refused):  # and nothing else
        read(msgspec.json.encode(sent), **more)


@settings(max_examples=examples(100), deadline=None)
@given(JSON)
def test_any_content_of_a_proved_outer_message_is_read_or_refused(content: Any) -> None:
    client: OuterClient = CLIENT
    body = msgspec.json.encode(client.request(content, SECONDS * 1000))
    code = None
    try:
        read(body, "/hsa/1101", headers={})
    except Refused as refused:
        code = refused.refusal.code
    assert code is not RefusalCode.SIGNATURE_WRONG


@pytest.mark.parametrize(
    ("made", "code"),
    [
        (lambda: read(None), RefusalCode.TOO_LARGE),
        (lambda: read(b"x", method="PUT"), RefusalCode.MALFORMED),
        (lambda: read(None, method="GET"), RefusalCode.MALFORMED),
        (lambda: read(None, method="GET", query="infno=9102"), RefusalCode.MALFORMED),
        (lambda: read(b"{", headers={}), RefusalCode.NOT_AUTHENTICATED),
        (lambda: read(b"{"), RefusalCode.MALFORMED),
    ],
)
def test_first_it_is_asked_who_sends_then_what(made: Any, code: RefusalCode) -> None:
    with pytest.raises(Refused) as refused:
        made()
    assert refused.value.refusal.code is code


def test_an_outer_message_without_institution_means_the_senders_only_one() -> None:
    body = msgspec.json.encode(CLIENT.request({"a": "1"}, SECONDS * 1000))
    _, envelope = read(body, "/epc/api/fixmedins/rxUndo", headers={})
    assert (envelope.number, envelope.institution, len(envelope.message_id)) == ("D004", "H1", 30)
    assert envelope.input == {"data": {"a": "1"}}
    named = CLIENT.request({"fixmedinsCode": "H2"}, SECONDS * 1000)
    _, envelope = read(msgspec.json.encode(named), "/epc/api/fixmedins/rxUndo", headers={})
    assert envelope.institution == "H2"


def test_the_same_bytes_are_the_same_message() -> None:
    one = msgspec.json.encode(CLIENT.request({"a": "1"}, SECONDS * 1000))
    later = msgspec.json.encode(CLIENT.request({"a": "1"}, SECONDS * 1000 + 1))
    ids = [read(body, "/D004", headers={})[1].message_id for body in (one, one, later)]
    assert ids[0] == ids[1] != ids[2]
