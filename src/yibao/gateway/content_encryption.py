"""Encrypted ``input`` and ``output``: ``enc_type`` SM4, with a key agreed with the sender."""

import base64
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from yibao.gateway.dialects.model import CipherMode
from yibao.gateway.reading import decode_json
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto_sm import Unreadable, read_bytes, sm4_decrypt, sm4_encrypt
from yibao.registry.institutions.model import SenderKey

SM4 = "SM4"


@dataclass(frozen=True, slots=True)
class ContentCipher:
    """How a message's content is encrypted; its answer's content is, too, and alike."""

    key: bytes
    mode: CipherMode
    as_hex: bool
    """Upper-case hex; else Base64."""

    def encrypt(self, plain: bytes) -> str:
        """Content of an answer."""
        sealed = sm4_encrypt(self.key, plain, self.mode.value)
        return sealed.hex().upper() if self.as_hex else base64.b64encode(sealed).decode()


def decrypt_input(
    kind: str, sent: Any, keys: Sequence[SenderKey], mode: CipherMode
) -> tuple[Any, ContentCipher]:
    """The ``input`` of a message with ``enc_type``, and how to encrypt the answer.

    Each valid key is tried, so that a change of keys needs no common moment.
    """
    if kind.upper() != SM4:
        raise Refused(
            RefusalCode.FIELD_INVALID, f"enc_type（加密方式）“{kind}”无效，应为空或SM4", "enc_type"
        )
    if not keys:
        raise Refused(
            RefusalCode.CONTENT_UNREADABLE,
            "enc_type（加密方式）为SM4，但平台未登记该发送方的SM4密钥",
            "enc_type",
        )
    if type(sent) is not str:
        raise _unreadable("enc_type为SM4时，input应为密文文本（十六进制或Base64）")
    try:
        sealed = read_bytes(sent)
    except Unreadable:
        raise _unreadable("input 密文应为十六进制或Base64编码") from None
    as_hex = len(sent.strip()) == 2 * len(sealed)
    for key in keys:
        cipher = ContentCipher(bytes.fromhex(key.secret), mode, as_hex)
        try:
            return decode_json(sm4_decrypt(cipher.key, sealed, mode.value)), cipher
        except (Unreadable, ValueError):
            continue
    raise _unreadable(f"input 用已登记的SM4密钥（{mode.value}模式，PKCS7填充）解密失败")


def _unreadable(text: str) -> Refused:
    return Refused(RefusalCode.CONTENT_UNREADABLE, text, "input")
