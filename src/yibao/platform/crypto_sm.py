"""China's commercial cryptography (国密) in the forms that are met on the line.

SM2 signatures with SM3 (GM/T 0003.2, GM/T 0009), SM3 digests (GM/T 0004), SM4 (GM/T 0002) in ECB,
CBC and GCM. Signatures come as ``r‖s`` or as DER, as bytes written in hex of either case or in
Base64; public keys as 64 or 65 bytes, compressed, or as a SubjectPublicKeyInfo. All are read, so
that a hospital need not guess; what is written is named by the caller.
"""

import base64
import binascii
import hmac
import os
import re

import gmssl_pyx
from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.asymmetric.utils import (
    decode_dss_signature,
    encode_dss_signature,
)
from cryptography.hazmat.primitives.ciphers import Cipher
from cryptography.hazmat.primitives.ciphers.algorithms import SM4
from cryptography.hazmat.primitives.ciphers.modes import CBC, ECB, GCM
from cryptography.hazmat.primitives.padding import PKCS7

DEFAULT_USER_ID = "1234567812345678"
"""The user id (用户标识) that is signed along when nothing else was agreed."""

BLOCK_BYTES = 16
_COORDINATE_BYTES = 32
_GCM_NONCE_BYTES, _GCM_TAG_BYTES = 12, 16
_SM2_CURVE_OID = bytes.fromhex("06082a811ccf5501822d")
_PEM = re.compile(r"-----BEGIN [A-Z ]+-----(.*?)-----END [A-Z ]+-----", re.DOTALL)
_HEX = re.compile(r"(?:[0-9A-Fa-f]{2})+", re.ASCII)


class Unreadable(Exception):  # noqa: N818 - reads as a fact
    """A key, signature or ciphertext is not in any form that we read; the text says which."""


# ---------------------------------------------------------------------------------------- encoding


def read_bytes(text: str) -> bytes:
    """Bytes from hex of either case, else from Base64 (also its URL form); raises Unreadable."""
    plain = "".join(text.split())
    if _HEX.fullmatch(plain):
        return bytes.fromhex(plain)
    try:
        standard = plain.translate(str.maketrans("-_", "+/"))
        return base64.b64decode(standard + "=" * (-len(standard) % 4), validate=True)
    except (binascii.Error, ValueError):
        raise Unreadable("neither hex nor Base64") from None


# --------------------------------------------------------------------------------------------- SM2


def new_key_pair() -> tuple[str, str]:
    """A private key (64 hex digits) and its public key (130 hex digits, from ``04``)."""
    public, private = gmssl_pyx.sm2_key_generate()
    return private.hex(), f"04{public.hex()}"


def read_public_key(text: str) -> bytes:
    """The point (64 bytes) of a public key in hex, Base64 or PEM; raises Unreadable."""
    pem = _PEM.search(text)
    data = read_bytes(pem[1] if pem else text)
    if data[:1] == b"\x30":  # a SubjectPublicKeyInfo; its point comes last
        if _SM2_CURVE_OID not in data:
            raise Unreadable("the public key is not one of the SM2 curve")
        data = data[-(2 * _COORDINATE_BYTES + 1) :]
    try:
        point: bytes = gmssl_pyx.normalize_sm2_public_key(data)
    except gmssl_pyx.InvalidValueError:
        raise Unreadable("the public key is not a point of the SM2 curve") from None
    return point


def sm2_sign(private: str, public: bytes, message: bytes, user_id: str = DEFAULT_USER_ID) -> bytes:
    """The signature ``r‖s`` (64 bytes) of a message with a private key in hex."""
    der = gmssl_pyx.sm2_sign(bytes.fromhex(private), public, message, user_id.encode())
    r, s = decode_dss_signature(der)
    return r.to_bytes(_COORDINATE_BYTES) + s.to_bytes(_COORDINATE_BYTES)


def sm2_verify(
    public: bytes, message: bytes, signature: bytes, user_id: str = DEFAULT_USER_ID
) -> bool:
    """Whether a signature, ``r‖s`` or DER, is the key holder's."""
    if len(signature) == 2 * _COORDINATE_BYTES:
        r, s = signature[:_COORDINATE_BYTES], signature[_COORDINATE_BYTES:]
        signature = encode_dss_signature(int.from_bytes(r), int.from_bytes(s))
    try:
        return bool(gmssl_pyx.sm2_verify(public, message, signature, user_id.encode()))
    except gmssl_pyx.GmsslInnerError:  # no signature at all
        return False


# --------------------------------------------------------------------------------------------- SM3


def sm3(message: bytes) -> bytes:
    """The SM3 digest (32 bytes)."""
    digest: bytes = gmssl_pyx.sm3_hash(message)
    return digest


# --------------------------------------------------------------------------------------------- SM4


def sm4_encrypt(key: bytes, plain: bytes, mode: str = "ECB") -> bytes:
    """Encrypt with a key of 16 bytes: ECB and CBC with PKCS7; CBC and GCM carry their IV in front.

    GCM carries its tag behind the ciphertext.
    """
    if mode == "GCM":
        nonce = os.urandom(_GCM_NONCE_BYTES)
        sealing = Cipher(_sm4(key), GCM(nonce)).encryptor()
        sealed = sealing.update(plain) + sealing.finalize()
        return nonce + sealed + sealing.tag
    start = os.urandom(BLOCK_BYTES) if mode == "CBC" else b""
    padder = PKCS7(BLOCK_BYTES * 8).padder()
    padded = padder.update(plain) + padder.finalize()
    encryptor = Cipher(_sm4(key), _block_mode(mode, start)).encryptor()
    return start + encryptor.update(padded) + encryptor.finalize()


def sm4_decrypt(key: bytes, data: bytes, mode: str = "ECB") -> bytes:
    """What ``sm4_encrypt`` encrypted; raises Unreadable for another key or damaged data."""
    try:
        if mode == "GCM":
            nonce, tag = data[:_GCM_NONCE_BYTES], data[-_GCM_TAG_BYTES:]
            opening = Cipher(_sm4(key), GCM(nonce, tag)).decryptor()
            sealed = data[_GCM_NONCE_BYTES:-_GCM_TAG_BYTES]
            return opening.update(sealed) + opening.finalize()
        start, rest = (data[:BLOCK_BYTES], data[BLOCK_BYTES:]) if mode == "CBC" else (b"", data)
        decryptor = Cipher(_sm4(key), _block_mode(mode, start)).decryptor()
        padded = decryptor.update(rest) + decryptor.finalize()
        unpadder = PKCS7(BLOCK_BYTES * 8).unpadder()
        return unpadder.update(padded) + unpadder.finalize()
    except (InvalidTag, ValueError):
        raise Unreadable("the ciphertext does not open with this key") from None


def _sm4(key: bytes) -> SM4:
    if len(key) != BLOCK_BYTES:
        raise Unreadable(f"an SM4 key has {BLOCK_BYTES} bytes, this one {len(key)}")
    return SM4(key)


def _block_mode(mode: str, start: bytes) -> CBC | ECB:
    return CBC(start) if mode == "CBC" else ECB()  # noqa: S305 - the interface prescribes ECB


# -------------------------------------------------------------------------------------------- HMAC


def hmac_base64(secret: str, text: str, algorithm: str) -> str:
    """Base64 of HMAC over text with ``sha1`` or ``sha256``."""
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), algorithm)).decode()
