"""The envelope's own signature."""

import base64
from dataclasses import replace
from typing import Any

import gmssl_pyx
import pytest

from tests.gateway.test_authentication import NOW
from yibao.gateway.dialects.model import EnvelopeSigning, Security
from yibao.gateway.envelope_signature import check_envelope, sign_envelope, signed_text
from yibao.gateway.exchange import SignatureTrace
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto_sm import new_key_pair, read_public_key, sm2_sign
from yibao.registry.institutions.model import KeyKind, SenderKey

PRIVATE, PUBLIC = new_key_pair()
POINT = read_public_key(PUBLIC)
KEYS = (SenderKey("k1", KeyKind.SM2, "", PUBLIC, NOW),)
SECURITY = Security()
FIELDS = {"msgid": "1", "infno": "2207", "sign_no": None, "opter_name": "收费员", "input": {"a": 1}}
TEXT = "infno=2207&msgid=1&opter_name=收费员&sign_no="


def test_the_text_is_sorted_and_leaves_input_and_signature_out() -> None:
    assert signed_text(FIELDS | {"cainfo": "x"}, SECURITY.unsigned_fields) == TEXT


def checked(cainfo: str, security: Security = SECURITY, keys: Any = KEYS) -> SignatureTrace | None:
    """The trace of a check; None where none was made."""
    traces: list[SignatureTrace] = []
    check_envelope(FIELDS | {"cainfo": cainfo}, "s", keys, security, traces)
    return traces[0] if traces else None


def signature(text: str = TEXT, user_id: str = SECURITY.user_id) -> bytes:
    return sm2_sign(PRIVATE, POINT, text.encode(), user_id)


DER = gmssl_pyx.sm2_sign(bytes.fromhex(PRIVATE), POINT, TEXT.encode())


@pytest.mark.parametrize(
    "cainfo",
    [
        signature().hex().upper(),
        signature().hex(),
        base64.b64encode(signature()).decode(),
        base64.b64encode(DER).decode(),
        DER.hex(),
    ],
    ids=["hex in capitals", "hex", "Base64", "DER in Base64", "DER in hex"],
)
def test_every_form_of_a_right_signature_is_right(cainfo: str) -> None:
    trace = checked(cainfo)
    assert trace is not None
    assert (trace.verified, trace.text) == (True, TEXT)


def test_another_user_id_may_be_agreed() -> None:
    agreed = replace(SECURITY, user_id="another")
    trace = checked(signature(user_id="another").hex(), agreed)
    assert trace is not None
    assert trace.verified


@pytest.mark.parametrize(
    ("cainfo", "told"),
    [
        (signature("infno=2207&msgid=1&opter_name=收费员").hex(), "empty fields"),
        (signature("22071收费员").hex(), "values alone"),
        ("00" * 10, "64 bytes"),
        ("?!", "neither hex nor Base64"),
        (signature("x").hex(), "another private key"),
    ],
)
def test_a_wrong_signature_is_refused_and_explained(cainfo: str, told: str) -> None:
    traces: list[SignatureTrace] = []
    with pytest.raises(Refused) as refused:
        check_envelope(FIELDS | {"cainfo": cainfo}, "s", KEYS, SECURITY, traces)
    assert refused.value.refusal.code is RefusalCode.SIGNATURE_WRONG
    assert told in traces[0].note


def test_without_a_key_a_signature_is_passed_over_unless_required() -> None:
    trace = checked(signature().hex(), keys=())
    assert trace is not None
    assert trace.verified is None
    required = replace(SECURITY, envelope_signing=EnvelopeSigning.REQUIRED)
    for cainfo, keys in ((signature().hex(), ()), ("", KEYS)):
        with pytest.raises(Refused):
            checked(cainfo, required, keys)
    assert checked("") is None
    assert checked("x", replace(SECURITY, envelope_signing=EnvelopeSigning.NEVER)) is None


def test_what_we_sign_can_be_verified() -> None:
    answer: dict[str, Any] = {"infcode": 0, "err_msg": "", "output": {"a": 1}, "cainfo": None}
    own = SenderKey("k2", KeyKind.PLATFORM, PRIVATE, PUBLIC, NOW)
    sign_envelope(answer, own, SECURITY)
    assert answer["signtype"] == "SM2"
    assert len(answer["cainfo"]) == 128
    assert check_envelope(answer, "platform", KEYS, SECURITY, [])
