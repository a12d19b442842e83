"""The numbers and codes by which a prescription is named outside.

Its own number (``hi_rxno``) and the shorter trace code name it; codes that grant something (the QR
text, a pharmacy's token, authorisation and download code) carry or are a keyed hash, so that nobody
can make one up.
"""

import base64
import hmac

from yibao.kernel.areas import Pool, is_pool
from yibao.kernel.identifiers import PoolKey
from yibao.platform.crypto import Vault

_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
_POOL, _NUMBER = 6, 13
_AUTHORISATION, _TOKEN = 11, 40
"""Characters of the keyed hash in a number of 30, and in a token of at most 64."""
_SCAN_PREFIX, _SCAN_LENGTH = "RX", 27


def trace_code(key: PoolKey) -> str:
    """The trace code (处方追溯码, ``rxTraceCode``, at most 20 characters)."""
    number, digits = key.number, ""
    for _ in range(_NUMBER):
        number, digit = divmod(number, len(_DIGITS))
        digits = _DIGITS[digit] + digits
    return key.pool + digits


def read_trace_code(text: str) -> PoolKey | None:
    """The prescription of a trace code; None when it is none."""
    pool, digits = text[:_POOL], text[_POOL:].upper()
    if not is_pool(pool) or len(digits) != _NUMBER or set(digits) - set(_DIGITS):
        return None
    number = int(digits, len(_DIGITS))
    return PoolKey(Pool(pool), number) if number < 2**63 else None


def scan_text(vault: Vault, key: PoolKey) -> str:
    """The QR text (``epc_qrcd``) that a patient shows at a pharmacy."""
    length = _SCAN_LENGTH - len(_SCAN_PREFIX)
    return _SCAN_PREFIX + _mac(vault, "prescription scan", key)[:length]


def scan_key(vault: Vault, text: str) -> bytes:
    """What a QR text is found by."""
    return vault.fingerprint("prescription scan text", text.upper())


def authorisation(vault: Vault, key: PoolKey, institution: str) -> str:
    """An institution's authorisation number (``auth_rxno``) for a prescription."""
    return trace_code(key) + _mac(vault, "prescription query", key, institution)[:_AUTHORISATION]


def token(vault: Vault, key: PoolKey, institution: str) -> str:
    """An institution's token (``epc_token``) for a prescription that was shown to it."""
    return trace_code(key) + _mac(vault, "prescription token", key, institution)[:_TOKEN]


def granted(vault: Vault, text: str, institution: str) -> PoolKey | None:
    """The prescription that a token or authorisation number lets an institution take, or None."""
    key = read_trace_code(text[: _POOL + _NUMBER])
    if key is None:
        return None
    given = (authorisation(vault, key, institution), token(vault, key, institution))
    shown = text.upper().encode()
    return key if any(hmac.compare_digest(shown, one.encode()) for one in given) else None


def download_code(vault: Vault, key: PoolKey, institution: str) -> str:
    """The code that a download answers and its dispensing names (``download_ide_code``)."""
    return _mac(vault, "prescription download", key, institution)[:32]


def _mac(vault: Vault, purpose: str, key: PoolKey, institution: str = "") -> str:
    return (
        base64.b32encode(vault.fingerprint(purpose, key.text(), institution)).decode().rstrip("=")
    )
