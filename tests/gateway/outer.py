"""A sender of outer messages, written from the description alone: none of the gateway's code.

The three known kinds of client differ in user id, escaping and empty fields.
"""

import base64
import json
from dataclasses import dataclass
from typing import Any

import gmssl_pyx
from cryptography.hazmat.primitives.asymmetric.utils import decode_dss_signature
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import ECB

APPLICATION, SECRET = "TEST-APPLICATION-01", "test-app-secret"
DEFAULT_ID = "1234567812345678"


@dataclass(frozen=True)
class OuterClient:
    """One kind of client, with its own pair of keys."""

    private: str
    public: str
    id_name: str = "appId"
    secret_is_user_id: bool = False
    escaped: bool = False
    drops_inner_empty: bool = False
    encrypts: bool = True

    def request(self, data: Any, milliseconds: int, **more: Any) -> dict[str, Any]:
        """A signed and encrypted message."""
        message: dict[str, Any] = {
            self.id_name: APPLICATION,
            "version": "1.0.0",
            "timestamp": str(milliseconds),
            "encType": "SM4",
            "signType": "SM2",
            "data": data,
        } | more
        point = bytes.fromhex(self.public)[1:]
        der = gmssl_pyx.sm2_sign(
            bytes.fromhex(self.private), point, self.text(message).encode(), self._user_id()
        )
        r, s = decode_dss_signature(der)
        message["signData"] = base64.b64encode(r.to_bytes(32) + s.to_bytes(32)).decode()
        if self.encrypts:
            plain = json.dumps(message.pop("data"), ensure_ascii=self.escaped)
            message["encData"] = _sm4(plain.encode(), encrypt=True).hex().upper()
        return message

    def read(self, answer: dict[str, Any], platform: str) -> Any:
        """The answer's data, its signature verified with the platform's public key."""
        message = dict(answer)
        if "encData" in message:
            plain = _sm4(bytes.fromhex(message["encData"]), encrypt=False)
            assert plain.isascii() or not self.escaped
            message["data"] = json.loads(plain)
        signature = base64.b64decode(message["signData"])
        der = _der(signature)
        point = bytes.fromhex(platform)[1:]
        text = self.text(message).encode()
        assert gmssl_pyx.sm2_verify(point, text, der, self._user_id())
        return message["data"]

    def text(self, message: dict[str, Any]) -> str:
        """The text to sign."""
        kept = {
            name: value
            for name, value in message.items()
            if name not in ("signData", "encData", "extra") and value not in ("", None)
        }
        pairs = [f"{name}={self._value(kept[name])}" for name in sorted(kept)]
        return "&".join([*pairs, f"key={SECRET}"])

    def _value(self, value: Any) -> str:
        if isinstance(value, str):
            return value
        if self.drops_inner_empty and isinstance(value, dict):
            value = {name: one for name, one in value.items() if one not in ("", None)}
        return json.dumps(value, sort_keys=True, separators=(",", ":"), ensure_ascii=False)

    def _user_id(self) -> bytes:
        return (SECRET if self.secret_is_user_id else DEFAULT_ID).encode()


def _der(signature: bytes) -> bytes:
    from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature

    return encode_dss_signature(int.from_bytes(signature[:32]), int.from_bytes(signature[32:]))


def _sm4(data: bytes, *, encrypt: bool) -> bytes:
    work = _ecb(APPLICATION.encode()[:16], _padded(SECRET.encode()), encrypt=True)
    key = work.hex().upper()[:16].encode()
    if encrypt:
        return _ecb(key, _padded(data), encrypt=True)
    plain = _ecb(key, data, encrypt=False)
    return plain[: -plain[-1]]


def _ecb(key: bytes, data: bytes, *, encrypt: bool) -> bytes:
    cipher = Cipher(SM4(key), ECB())
    worker = cipher.encryptor() if encrypt else cipher.decryptor()
    return worker.update(data) + worker.finalize()


def _padded(data: bytes) -> bytes:
    length = 16 - len(data) % 16
    return data + bytes([length]) * length
