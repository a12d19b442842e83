"""The outer message: every kind of client is understood and answered in its own way."""

import json
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from tests.gateway.outer import APPLICATION, SECRET, OuterClient
from tests.gateway.test_authentication import NOW
from tests.settlement.builders import ALWAYS
from yibao.gateway.exchange import SignatureTrace
from yibao.gateway.outer_message import application_of, open_message, plain_manner, work_key, wrap
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto_sm import new_key_pair
from yibao.registry.institutions.model import HeaderFamily, KeyKind, Sender, SenderKey

MILLISECONDS = int(NOW.timestamp() * 1000)
CLIENT = OuterClient(*new_key_pair())
OWN_PRIVATE, OWN_PUBLIC = new_key_pair()
BEFORE = NOW - timedelta(days=1)
SENDER = Sender(
    APPLICATION,
    HeaderFamily.APPLICATION,
    SECRET,
    (("H1", ALWAYS),),
    keys=(
        SenderKey("k1", KeyKind.SECRET, SECRET, "", BEFORE),
        SenderKey("k2", KeyKind.SM2, "", CLIENT.public, BEFORE),
        SenderKey("k3", KeyKind.PLATFORM, OWN_PRIVATE, OWN_PUBLIC, BEFORE),
    ),
)
DATA = {"patnName": "测试甲🏥", "memo": "", "drugs": [{"cnt": 1.50, "b": 2}, {"a": None}]}
CLIENTS = [
    CLIENT,
    replace(CLIENT, id_name="appCode"),
    replace(CLIENT, secret_is_user_id=True),
    replace(CLIENT, escaped=True),
    replace(CLIENT, secret_is_user_id=True, escaped=True),
    replace(CLIENT, encrypts=False),
]


def opened(sent: dict[str, Any], sender: Sender = SENDER) -> tuple[Any, Any, SignatureTrace]:
    traces: list[SignatureTrace] = []
    data, manner = open_message(sent, sender, NOW, traces)
    return data, manner, traces[0]


@pytest.mark.parametrize("client", CLIENTS)
def test_every_kind_of_client_is_understood_and_answered_alike(client: OuterClient) -> None:
    sent = json.loads(json.dumps(client.request(DATA, MILLISECONDS)))
    assert application_of(sent) == APPLICATION
    data, manner, trace = opened(sent)
    assert data["patnName"] == DATA["patnName"]
    assert data["drugs"][0]["cnt"] in ("1.5", 1.5)
    assert trace.verified
    assert "***" in trace.text
    assert SECRET not in trace.text
    answer = {"infcode": 0, "err_msg": "", "output": {"hiRxno": "处方1"}}
    told = json.loads(wrap(answer, manner, NOW))
    assert told[client.id_name] == APPLICATION
    assert (told["code"], told["success"]) == (0, True)
    assert ("encData" in told) is client.encrypts
    assert client.read(told, OWN_PUBLIC) == {"hiRxno": "处方1"}


def test_inner_empty_fields_may_go_unsigned() -> None:
    client = replace(CLIENT, drops_inner_empty=True)
    data, _, _ = opened(client.request({"a": "", "b": "1"}, MILLISECONDS))
    assert data == {"a": "", "b": "1"}


def test_a_refusal_is_told_in_the_outer_form_though_nothing_could_be_opened() -> None:
    answer = {"infcode": 2002, "err_msg": "签名不正确", "output": None}
    told = json.loads(wrap(answer, plain_manner({"appCode": "x"}, "x"), NOW))
    assert (told["appCode"], told["code"], told["success"]) == ("x", 2002, False)
    assert told["message"] == "签名不正确"
    assert told["data"] is None


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"signData": ""}, RefusalCode.SIGNATURE_WRONG),
        ({"signData": "AAAA"}, RefusalCode.SIGNATURE_WRONG),
        ({"signData": "?"}, RefusalCode.SIGNATURE_WRONG),
        ({"version": "2.0.0"}, RefusalCode.SIGNATURE_WRONG),
        ({"encData": "00" * 16}, RefusalCode.CONTENT_UNREADABLE),
        ({"encData": "?"}, RefusalCode.CONTENT_UNREADABLE),
    ],
)
def test_what_was_changed_on_the_way_is_refused(changes: dict[str, str], code: RefusalCode) -> None:
    with pytest.raises(Refused) as refused:
        opened(CLIENT.request(DATA, MILLISECONDS) | changes)
    assert refused.value.refusal.code is code


def test_an_application_without_public_key_is_refused() -> None:
    bare = replace(SENDER, keys=SENDER.keys[:1])
    with pytest.raises(Refused, match="公钥"):
        opened(CLIENT.request(DATA, MILLISECONDS), bare)


def test_an_id_too_short_to_derive_a_key_from_is_refused() -> None:
    with pytest.raises(Refused, match="16"):
        opened(CLIENT.request(DATA, MILLISECONDS), replace(SENDER, id="short"))


def test_the_work_key_is_sixteen_hex_digits() -> None:
    key = work_key(APPLICATION, SECRET)
    assert len(key) == 16
    assert key.decode() == key.decode().upper()


@pytest.mark.parametrize("sent", [{}, {"appId": ""}, {"appId": 7}, {"appId": "x", "input": {}}])
def test_other_messages_are_no_outer_ones(sent: dict[str, Any]) -> None:
    assert application_of(sent) is None
