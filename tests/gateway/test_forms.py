"""Every form a message may come in reaches the same transaction; each is answered in its own."""

import base64
import json
from dataclasses import replace
from typing import Any
from urllib.parse import urlencode

from tests.gateway.builders import Counter
from tests.gateway.outer import APPLICATION, SECRET, OuterClient
from tests.gateway.test_mobile_payment import ordered
from tests.gateway.wire import give, request, speak
from yibao.client.signatures import csb_headers
from yibao.gateway.asgi import Gateway
from yibao.gateway.envelope_signature import signed_text
from yibao.gateway.tokens import Tokens
from yibao.kernel.refusals import RefusalCode
from yibao.platform.crypto_sm import (
    new_key_pair,
    read_public_key,
    sm2_sign,
    sm2_verify,
    sm4_decrypt,
    sm4_encrypt,
)
from yibao.registry.institutions.model import HeaderFamily, KeyKind

UNSIGNED = frozenset({"cainfo", "input", "output"})


def asking(counter: Counter, member: str) -> dict[str, Any]:
    """A 1101 about a person."""
    document = counter.town.documents[member]
    return counter.envelope(
        "1101",
        {"data": {"mdtrt_cert_type": "02", "mdtrt_cert_no": document, "psn_cert_type": "01"}},
    )


def person_of(answer: Any) -> str:
    """The person that an answer is about."""
    assert answer["infcode"] in (0, "0"), answer
    output = answer["output"]
    told = json.loads(output) if isinstance(output, str) else output
    number: str = told["baseinfo"]["psn_no"]
    return number


async def test_headers_paths_and_bodies_may_look_otherwise(counter: Counter) -> None:
    member = await counter.town.insure()
    sent = asking(counter, member)
    text = json.dumps(sent, ensure_ascii=False)
    for body, path, kind in (
        (text.encode(), "/fsi/api/fsiPsnInfoService/queryPsnInfo", "text/plain"),
        (text.encode(), "/hsa/hgs/1101", "application/json"),
        (text.encode("gbk"), "/ebus/rio_fsi", "application/json; charset=gbk"),
        (urlencode({"data": text}).encode(), "/", "application/x-www-form-urlencoded"),
        (json.dumps(sent | {"infno": ""}).encode(), "/bus-hsa-hgs-1101", ""),
        (json.dumps(sent | {"input": json.dumps(sent["input"])}).encode(), "/", ""),
        (json.dumps(sent | {"input": {"data": [sent["input"]["data"]]}}).encode(), "/", ""),
    ):
        answer = await request(counter, body, path=path, content_type=kind)
        assert person_of(answer.json) == member
    for wrong in (
        text.replace("1101", "2207", 1),
        text.replace('"infno"', '"infno":"1101","infno"'),
    ):
        body = wrong.replace('"infno": "1101"', '"infno": "2206"').encode()
        answer = await request(counter, body, path="/hsa/hgs/1101")
        assert answer.json["infcode"] in (
            RefusalCode.TRANSACTION_MISMATCH,
            RefusalCode.FIELD_CONTRADICTS,
        )


async def test_a_csb_gateway_may_name_the_transaction_in_its_header_or_path(
    counter: Counter,
) -> None:
    member = await counter.town.insure()
    key = await give(counter, KeyKind.SECRET, family=HeaderFamily.CSB, sender="ak-1")
    now = int(counter.town.clock.now().timestamp() * 1000)
    headers = csb_headers("ak-1", key.secret or "", api="1101", milliseconds=now)
    sent = asking(counter, member) | {"infno": ""}
    lost = {name.lstrip("_").replace("_", "-"): value for name, value in headers.items()}
    bare = {name: value for name, value in headers.items() if name != "_api_name"}
    for some, path in ((headers, "/"), (lost, "/csb"), (bare, "/csb/1101")):
        answer = await request(counter, sent, path=path, headers=some)
        assert person_of(answer.json) == member


async def test_a_bearer_token_is_fetched_and_used_until_its_key_is_revoked(
    counter: Counter,
) -> None:
    counter = replace(
        counter,
        gateway=Gateway(replace(counter.gateway.context, tokens=Tokens(counter.town.vault))),
    )
    context = counter.gateway.context
    context.door._tokens = context.tokens  # type: ignore[attr-defined]
    member = await counter.town.insure()
    key = await give(counter, KeyKind.SECRET, family=HeaderFamily.TOKEN, sender="client-1")
    form = {
        "grant_type": "client_credentials",
        "client_id": "client-1",
        "client_secret": key.secret or "",
    }
    refused = await request(
        counter,
        urlencode(form | {"client_secret": "x"}).encode(),
        path="/oauth2/token",
        headers={},
    )
    assert (refused.status, refused.json) == (401, {"error": "invalid_client"})
    fetched = await request(counter, urlencode(form).encode(), path="/oauth2/token", headers={})
    bearer = {"authorization": f"Bearer {fetched.json['access_token']}"}
    answer = await request(counter, asking(counter, member), headers=bearer)
    assert person_of(answer.json) == member
    from yibao.registry.keys import service as keys

    async with counter.town.database.writer() as connection, connection.transaction():
        await keys.revoke(connection, key.id, counter.town.clock.now())
    answer = await request(counter, asking(counter, member), headers=bearer)
    assert answer.json["infcode"] == RefusalCode.NOT_AUTHENTICATED


async def test_hubei_signs_and_sends_text_and_is_answered_so(counter: Counter) -> None:
    member = await counter.town.insure()
    private, public = new_key_pair()
    institution = counter.institution
    family = HeaderFamily.ENVELOPE
    await give(counter, KeyKind.SM2, public, family=family, sender=institution, dialect="hubei")
    own = await give(counter, KeyKind.PLATFORM, family=family, sender=institution)

    def signed(**changes: Any) -> dict[str, Any]:
        sent = asking(counter, member) | changes
        sent["input"] = json.dumps(sent["input"])
        text = signed_text(sent, UNSIGNED).encode()
        point = read_public_key(public)
        return sent | {"cainfo": sm2_sign(private, point, text).hex().upper()}

    sent = signed()
    answer = (await request(counter, sent, headers={})).json
    assert person_of(answer) == member
    assert isinstance(answer["output"], str)
    assert answer["inf_refmsgid"] == sent["msgid"]
    text = signed_text(answer, UNSIGNED).encode()
    platform = read_public_key(own.public_key or "")
    assert sm2_verify(platform, text, bytes.fromhex(answer["cainfo"]))
    forged = (await request(counter, sent | {"opter": "another"}, headers={})).json
    assert (forged["infcode"], forged["output"]) == (1, None)
    assert "cainfo" in forged["err_msg"]
    unknown = (await request(counter, signed(fixmedins_code="H42000000009"), headers={})).json
    assert unknown["infcode"] == RefusalCode.NOT_AUTHENTICATED


async def test_encrypted_content_is_opened_and_answered_encrypted(counter: Counter) -> None:
    member = await counter.town.insure()
    made = await give(counter, KeyKind.SM4)
    key = bytes.fromhex(made.secret or "")
    sent = asking(counter, member)
    plain = json.dumps(sent["input"]).encode()
    for write, read in (
        (lambda data: data.hex().upper(), bytes.fromhex),
        (lambda data: base64.b64encode(data).decode(), base64.b64decode),
    ):
        sealed = sent | {"enc_type": "SM4", "input": write(sm4_encrypt(key, plain))}
        answer = (await request(counter, sealed)).json
        assert answer["enctype"] == "SM4"
        opened = json.loads(sm4_decrypt(key, read(answer["output"])))
        assert opened["baseinfo"]["psn_no"] == member
    for wrong, code in (
        ({"input": "00" * 16}, RefusalCode.CONTENT_UNREADABLE),
        ({"input": "?"}, RefusalCode.CONTENT_UNREADABLE),
        ({"input": {"data": {}}}, RefusalCode.CONTENT_UNREADABLE),
        ({"enc_type": "AES"}, RefusalCode.FIELD_INVALID),
    ):
        answer = (await request(counter, sent | {"enc_type": "SM4"} | wrong)).json
        assert answer["infcode"] == code


async def test_an_outer_message_reaches_its_transaction_and_is_answered_in_its_form(
    counter: Counter,
) -> None:
    member = await counter.town.insure()
    client = OuterClient(*new_key_pair())
    family = HeaderFamily.APPLICATION
    await give(counter, KeyKind.SECRET, SECRET, family=family, sender=APPLICATION)
    await give(counter, KeyKind.SM2, client.public, family=family, sender=APPLICATION)
    own = await give(counter, KeyKind.PLATFORM, family=family, sender=APPLICATION)
    now = int(counter.town.clock.now().timestamp() * 1000)
    data = {"mdtrt_cert_type": "02", "mdtrt_cert_no": counter.town.documents[member]}
    for content, path in (
        (data, "/fsi/api/fsiPsnInfoService/queryPsnInfo"),
        (asking(counter, member), "/outer"),
    ):
        sent = client.request(content, now)
        answer = (await request(counter, sent, path=path, headers={})).json
        assert (answer["appId"], answer["code"]) == (APPLICATION, 0), answer
        output = client.read(answer, own.public_key or "")
        assert output["baseinfo"]["psn_no"] == member
    for wrong, code in (
        (client.request(data, now - 901_000), RefusalCode.TIMESTAMP_OFF),
        (client.request(data, now) | {"signData": "AAAA"}, RefusalCode.SIGNATURE_WRONG),
        (client.request(data, now) | {"appId": "nobody"}, RefusalCode.NOT_AUTHENTICATED),
    ):
        answer = (await request(counter, wrong, path="/hsa/1101", headers={})).json
        assert (answer["code"], answer["success"]) == (code, False)


async def test_outer_data_without_a_nodes_name_are_answered_without_one(counter: Counter) -> None:
    member = await counter.town.insure()
    client, family = OuterClient(*new_key_pair()), HeaderFamily.APPLICATION
    await give(counter, KeyKind.SECRET, SECRET, family=family, sender=APPLICATION)
    await give(counter, KeyKind.SM2, client.public, family=family, sender=APPLICATION)
    own = await give(counter, KeyKind.PLATFORM, family=family, sender=APPLICATION)
    now = int(counter.town.clock.now().timestamp() * 1000)
    named = ordered(counter, member)

    async def told(content: Any) -> Any:
        sent, path = client.request(content, now), "/org/local/api/hos/uldFeeInfo"
        return client.read(
            (await request(counter, sent, path=path, headers={})).json, own.public_key or ""
        )

    bare = await told(named["data"])
    assert bare.keys() >= {"payOrdId", "payToken"}
    assert (await told(named))["data"] == bare, "the same order"


async def test_a_dialect_spells_the_settlement_and_its_figures_stay_the_same(
    counter: Counter,
) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "10"))
    content = counter.settlement(member, visit, priced)

    async def tried() -> Any:
        told = (await counter.done("2206", content))["setlinfo"]
        del told["medins_setl_id"]  # each trial's own message
        return told

    plain = await tried()
    await speak(counter, "jiangsu")
    told = await tried()
    assert told.pop("psn_pay") == told["psn_part_amt"]
    assert told.pop("cash_payamt") == told["psn_cash_pay"]
    assert told == plain
    await speak(counter, "guangdong")
    told = await tried()
    assert told["fund_pay_sumamt"] == plain["fund_pay_sumamt"] + plain["acct_pay"]
    assert told | {"fund_pay_sumamt": 0} == plain | {"fund_pay_sumamt": 0}
    renamed = content["data"] | {"prese_ifpay_amt": content["data"]["preselfpay_amt"]}
    del renamed["preselfpay_amt"]
    assert await counter.done("2207", {"data": renamed})
    contrary = content["data"] | {"prese_ifpay_amt": "9.99"}
    code, text = await counter.refused("2207", {"data": contrary})
    assert code == RefusalCode.FIELD_CONTRADICTS
    assert "prese_ifpay_amt" in text


async def test_a_question_by_get_is_answered_where_the_dialect_has_it(counter: Counter) -> None:
    query = f"file_qury_no=nothing&fixmedins_code={counter.institution}"

    async def asked() -> Any:
        path = "/fsi/api/fileupload/download"
        return (await request(counter, method="GET", path=path, query=query)).json

    assert (await asked())["infcode"] == RefusalCode.MALFORMED
    await speak(counter, "hubei")
    answer = await asked()
    assert answer["infcode"] == 1, "there is no such file, but the question was read"
    assert "POST" not in answer["err_msg"]
    assert "文件" in answer["err_msg"]
