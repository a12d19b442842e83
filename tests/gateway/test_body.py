"""What a body may look like, and what it may not."""

import json
from urllib.parse import quote, urlencode

import pytest

from yibao.gateway.body import read_body
from yibao.kernel.refusals import RefusalCode, Refused

SENT = {"opter_name": "收费员", "input": {"data": {"psn_name": "测试甲"}}}
TEXT = json.dumps(SENT, ensure_ascii=False)
FORM = "application/x-www-form-urlencoded"


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (TEXT.encode(), "application/json; charset=utf-8"),
        (TEXT.encode(), "text/plain"),
        (TEXT.encode(), ""),
        (TEXT.encode(), FORM),
        (b"\xef\xbb\xbf" + TEXT.encode(), ""),
        (b"\r\n " + TEXT.encode() + b"\n", ""),
        (TEXT.encode("gbk"), "application/json;charset=GBK"),
        (TEXT.encode("gb18030"), 'application/json; charset="gb18030"; q=1'),
        (json.dumps(TEXT).encode(), ""),
        (urlencode({"data": TEXT}).encode(), FORM),
        (quote(TEXT).encode(), FORM),
    ],
)
def test_the_object_is_found(body: bytes, content_type: str) -> None:
    assert read_body(body, content_type) == SENT


def refusal(body: bytes, content_type: str = "") -> tuple[RefusalCode, str]:
    """Why a body is refused, and the field."""
    with pytest.raises(Refused) as refused:
        read_body(body, content_type)
    return refused.value.refusal.code, refused.value.refusal.field or ""


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"", ""),
        (b"null", ""),
        (b"[]", ""),
        (b"12", ""),
        (b'"text"', ""),
        (b"{", ""),
        (b"[" * 100_000, ""),
        (b'{"a":' * 5_000, ""),
        (TEXT.encode("gbk"), ""),
        (b"\xff\xff", "application/json; charset=gbk"),
        (urlencode({"a": TEXT, "b": TEXT}).encode(), FORM),
        (b"%7B%ff", FORM),
    ],
)
def test_what_holds_no_object_is_malformed(body: bytes, content_type: str) -> None:
    assert refusal(body, content_type) == (RefusalCode.MALFORMED, "body")


@pytest.mark.parametrize(
    "body",
    [
        b'{"input":{"data":{"acct_pay":1.00,"acct_pay":2.00}}}',
        b'{"input":{"data":{"acct_pay" :1.00,"acct_pay": 2.00}}}',
        b'{"input":{"data":[{"a":1},{"acct_pay":1,"b":{"c":"\\":"},"acct_pay":"1"}]}}',
        b'{"input":{"data":{"memo":"\\u003a","acct_pay":1,"acct_pay":2}}}',
        b'{"input":{"data":{"acct_pay":1,"acct_p\\u0061y":2}}}',
    ],
)
def test_one_field_with_two_values_is_refused_by_name(body: bytes) -> None:
    assert refusal(body) == (RefusalCode.FIELD_CONTRADICTS, "acct_pay")


@pytest.mark.parametrize(
    "body", [b'{"a":1.50,"a":1.50}', b'{"a":"\\"b\\":1,\\"b\\":2"}', b'{"a" : 1}']
)
def test_what_only_looks_so_is_no_contradiction(body: bytes) -> None:
    assert read_body(body)
