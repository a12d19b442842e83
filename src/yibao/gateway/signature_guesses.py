"""What a sender whose header signature is wrong has most likely done.

Each guess is a signature that would be right if the sender had made one well-known mistake; the
first that equals the sent one is told. For the developer's console and the log; nobody is let in
by a guess.
"""

import base64
import hashlib
import hmac
from collections.abc import Iterable, Iterator, Mapping

from yibao.platform.crypto_sm import hmac_base64, sm3

_BLANKS = (" ", "\n", "\r\n", "\t")


def guess_tif(timestamp: str, secret: str, nonce: str, sent: str) -> str:
    """Why ``x-tif-signature`` differs; "" when no known mistake explains it."""
    return _first(_tif_mistakes(timestamp, secret, nonce), sent)


def guess_csb(signed: Mapping[str, str], secret: str, sent: str) -> str:
    """Why ``_api_signature`` differs; "" when no known mistake explains it."""
    return _first(_csb_mistakes(signed, secret), sent)


def _first(mistakes: Iterator[tuple[str, str]], sent: str) -> str:
    return next((note for note, made in mistakes if made == sent or made == sent.lower()), "")


def _tif_mistakes(timestamp: str, secret: str, nonce: str) -> Iterator[tuple[str, str]]:
    text = f"{timestamp}{secret}{nonce}{timestamp}"
    digest = hashlib.sha256(text.encode())
    yield "Base64 of the digest was sent, hex is expected", _base64(digest.digest())
    for other, unit in _other_timestamps(timestamp):
        yield (
            f"signed with the timestamp in {unit}, but the header has {timestamp}",
            _sha256(f"{other}{secret}{nonce}{other}"),
        )
    for padded in _padded(secret):
        yield (
            "the secret was signed with a blank or line break around it",
            _sha256(f"{timestamp}{padded}{nonce}{timestamp}"),
        )
    for padded in _padded(nonce):
        yield (
            "the nonce was signed with a blank or line break around it",
            _sha256(f"{timestamp}{padded}{timestamp}"),
        )
    for order in (
        (timestamp, nonce, secret, timestamp),
        (secret, timestamp, nonce, timestamp),
        (nonce, timestamp, secret, timestamp),
        (timestamp, secret, nonce),
        (timestamp, nonce, secret),
        (secret, nonce, timestamp),
    ):
        yield (
            "the parts were joined in another order; it is timestamp + secret + nonce + timestamp",
            _sha256("".join(order)),
        )
    yield "signed with MD5, SHA-256 is expected", hashlib.md5(text.encode()).hexdigest()  # noqa: S324
    yield "signed with SHA-1, SHA-256 is expected", hashlib.sha1(text.encode()).hexdigest()  # noqa: S324
    yield "signed with SM3, SHA-256 is expected", sm3(text.encode()).hex()
    keyed = hmac.digest(secret.encode(), f"{timestamp}{nonce}".encode(), "sha256")
    yield "signed with HMAC-SHA256; it is the plain SHA-256 of the joined parts", keyed.hex()


def _csb_mistakes(signed: Mapping[str, str], secret: str) -> Iterator[tuple[str, str]]:
    text = _pairs(signed, sorted(signed))
    digest = hmac.digest(secret.encode(), text.encode(), "sha1")
    yield "hex of the digest was sent, Base64 is expected", digest.hex()
    for padded in _padded(secret):
        note = "the secret was used with a blank or line break around it"
        yield note, hmac_base64(padded, text, "sha1")
    for other, unit in _other_timestamps(signed["_api_timestamp"]):
        yield (
            f"signed with the timestamp in {unit}, but the header has another",
            hmac_base64(
                secret, _pairs({**signed, "_api_timestamp": other}, sorted(signed)), "sha1"
            ),
        )
    for order in (
        ("_api_name", "_api_version", "_api_access_key", "_api_timestamp"),
        ("_api_access_key", "_api_name", "_api_version", "_api_timestamp"),
        ("_api_timestamp", "_api_name", "_api_version", "_api_access_key"),
    ):
        note = "the parameters were not sorted by name"
        yield note, hmac_base64(secret, _pairs(signed, order), "sha1")
    bare = {name.lstrip("_"): value for name, value in signed.items()}
    note = "the names were signed without their leading underscore"
    yield note, hmac_base64(secret, _pairs(bare, sorted(bare)), "sha1")
    for missing in signed:
        rest = [name for name in sorted(signed) if name != missing]
        yield f"{missing} was not signed", hmac_base64(secret, _pairs(signed, rest), "sha1")
    note = "signed with HMAC-SHA256, HMAC-SHA1 is expected"
    yield note, hmac_base64(secret, text, "sha256")


def _pairs(signed: Mapping[str, str], order: Iterable[str]) -> str:
    return "&".join(f"{name}={signed[name]}" for name in order)


def _other_timestamps(timestamp: str) -> Iterator[tuple[str, str]]:
    if timestamp.isdigit():
        if len(timestamp) > 11:
            yield timestamp[:-3], "seconds"
        else:
            yield f"{timestamp}000", "milliseconds"


def _padded(text: str) -> Iterator[str]:
    for blank in _BLANKS:
        yield text + blank
        yield blank + text


def _sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def _base64(data: bytes) -> str:
    return base64.b64encode(data).decode()
