"""Commercial cryptography: the published examples, and every form that is met on the line."""

import base64

import gmssl_pyx
import pytest
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC

from yibao.platform.crypto_sm import (
    Unreadable,
    hmac_base64,
    new_key_pair,
    read_bytes,
    read_public_key,
    sm2_sign,
    sm2_verify,
    sm3,
    sm4_decrypt,
    sm4_encrypt,
)

# GM/T 0003.5-2012, appendix A: the example of a signature on the recommended curve.
PRIVATE = "3945208F7B2144B13F36E38AC6D39F95889393692860B51A42FB81EF4DF7C5B8"
PUBLIC = (
    "09F9DF311E5421A150DD7D161E4BC5C672179FAD1833FC076BB08FF356F35020"
    "CCEA490CE26775A52DC6EA718CC1AA600AED05FBF35E084A6632F6072DA9AD13"
)
SIGNATURE = bytes.fromhex(
    "F5A03B0648D2C4630EEAC513E1BB81A15944DA3827D5B74143AC7EACEEE720B3"
    "B1B6AA29DF212FD8763182BC0D421CA1BB9038FD1F7F42D4840B69C485BBC1AA"
)
MESSAGE = b"message digest"
POINT = bytes.fromhex(PUBLIC)

SM4_KEY = bytes.fromhex("0123456789ABCDEFFEDCBA9876543210")


@pytest.mark.parametrize(
    ("message", "digest"),
    [
        (b"abc", "66c7f0f462eeedd9d1f2d46bdc10e4e24167c4875cf2f7a2297da02b8f4ba8e0"),
        (b"abcd" * 16, "debe9ff92275b8a138604889c18e5a4d6fdb70e5387e5765293dcba39c0c5732"),
    ],
)
def test_sm3_gives_the_examples_of_its_standard(message: bytes, digest: str) -> None:
    assert sm3(message).hex() == digest


def test_sm4_gives_the_example_of_its_standard() -> None:
    first_block = sm4_encrypt(SM4_KEY, SM4_KEY)[:16]
    assert first_block.hex() == "681edf34d206965e86b3e94f536e4246"


def test_sm4_gives_the_example_of_a_million_rounds() -> None:
    # Each block of ciphertext is the next plaintext: a stream of zeros under CBC without padding
    # chains just so, in one call.

    encryptor = Cipher(SM4(SM4_KEY), CBC(SM4_KEY)).encryptor()
    assert encryptor.update(bytes(16 * 1_000_000))[-16:].hex() == "595298c7c6fd271f0402f804c33d3f66"


def test_sm2_accepts_the_example_of_its_standard() -> None:
    assert sm2_verify(POINT, MESSAGE, SIGNATURE)
    assert not sm2_verify(POINT, b"another message", SIGNATURE)
    assert not sm2_verify(POINT, MESSAGE, SIGNATURE, "another user id!")
    assert not sm2_verify(POINT, MESSAGE, b"no signature")


@pytest.mark.parametrize("user_id", ["1234567812345678", "app-secret-as-user-id"])
def test_sm2_accepts_what_it_signed_in_both_forms(user_id: str) -> None:
    raw = sm2_sign(PRIVATE, POINT, MESSAGE, user_id)
    der = gmssl_pyx.sm2_sign(bytes.fromhex(PRIVATE), POINT, MESSAGE, user_id.encode())
    assert len(raw) == 64
    assert sm2_verify(POINT, MESSAGE, raw, user_id)
    assert sm2_verify(POINT, MESSAGE, der, user_id)


def test_a_new_pair_belongs_together() -> None:
    private, public = new_key_pair()
    point = read_public_key(public)
    assert sm2_verify(point, MESSAGE, sm2_sign(private, point, MESSAGE))


SUBJECT_PUBLIC_KEY_INFO = (
    bytes.fromhex("3059301306072a8648ce3d020106082a811ccf5501822d03420004") + POINT
)
COMPRESSED = "03" + PUBLIC[:64]


@pytest.mark.parametrize(
    "text",
    [
        PUBLIC,
        PUBLIC.lower(),
        "04" + PUBLIC,
        COMPRESSED,
        base64.b64encode(POINT).decode(),
        base64.b64encode(SUBJECT_PUBLIC_KEY_INFO).decode(),
        "-----BEGIN PUBLIC KEY-----\n"
        + base64.encodebytes(SUBJECT_PUBLIC_KEY_INFO).decode()
        + "-----END PUBLIC KEY-----\n",
    ],
)
def test_a_public_key_is_read_in_every_form(text: str) -> None:
    assert read_public_key(text) == POINT


@pytest.mark.parametrize("text", ["", "no key at all!", "04" + "11" * 64, "00" * 64])
def test_what_is_no_public_key_is_unreadable(text: str) -> None:
    with pytest.raises(Unreadable):
        read_public_key(text)


@pytest.mark.parametrize("mode", ["ECB", "CBC", "GCM"])
def test_sm4_opens_what_it_encrypted_and_nothing_else(mode: str) -> None:
    plain = "处方内容".encode() * 5
    sealed = sm4_encrypt(SM4_KEY, plain, mode)
    assert sm4_decrypt(SM4_KEY, sealed, mode) == plain
    for damaged in (sealed[:-1], b"", b"short"):
        with pytest.raises(Unreadable):
            sm4_decrypt(SM4_KEY, damaged, mode)
    with pytest.raises(Unreadable):
        sm4_decrypt(b"too short", sealed, mode)


@pytest.mark.parametrize("text", ["00ff10", "00FF10", "AP8Q", " AP8Q\n"])
def test_bytes_are_read_from_hex_of_either_case_and_base64(text: str) -> None:
    assert read_bytes(text) == b"\x00\xff\x10"


def test_hmac_gives_the_examples_of_rfc_2202_and_4231() -> None:
    text = "what do ya want for nothing?"
    sha1 = base64.b64decode(hmac_base64("Jefe", text, "sha1")).hex()
    assert sha1 == "effcdf6ae5eb2fa2d27416d5f184df9c259a7c79"
    sha256 = base64.b64decode(hmac_base64("Jefe", text, "sha256")).hex()
    assert sha256 == "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843"
