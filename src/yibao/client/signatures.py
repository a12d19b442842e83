"""The two families of header authentication. They prove the sender; neither covers the body."""

import base64
import hashlib
import hmac

CSB_VERSION = "1.0.0"


def tif_signature(timestamp: str, secret: str, nonce: str) -> str:
    """``x-tif-signature``: lower-case hex of SHA-256 over timestamp, secret, nonce, timestamp."""
    return hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def tif_headers(key_id: str, secret: str, *, seconds: int, nonce: str) -> dict[str, str]:
    """Headers of a TIF/RIO gateway; ``seconds`` is Unix time."""
    timestamp = str(seconds)
    return {
        "x-tif-paasid": key_id,
        "x-tif-timestamp": timestamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": tif_signature(timestamp, secret, nonce),
    }


def csb_signature(signed: dict[str, str], secret: str) -> str:
    """``_api_signature``: Base64 of HMAC-SHA1 over the sorted ``name=value`` joined by ``&``."""
    text = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


def csb_headers(key_id: str, secret: str, *, api: str, milliseconds: int) -> dict[str, str]:
    """Headers of a CSB gateway; ``milliseconds`` is Unix time."""
    signed = {
        "_api_access_key": key_id,
        "_api_name": api,
        "_api_timestamp": str(milliseconds),
        "_api_version": CSB_VERSION,
    }
    return {**signed, "_api_signature": csb_signature(signed, secret)}
