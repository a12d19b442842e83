"""Who sends: both families of header authentication, and the institution the sender speaks for.

In both families the signature covers headers only, never the body. A timestamp may be in seconds or
milliseconds. A sender may have several valid keys; each is tried.
"""

import hashlib
import hmac
import math
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import Protocol

from yibao.gateway.exchange import SignatureTrace
from yibao.gateway.nonces import Nonces
from yibao.gateway.signature_guesses import guess_csb, guess_tif
from yibao.gateway.tokens import Tokens
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.clock import Clock
from yibao.platform.crypto_sm import hmac_base64
from yibao.registry.institutions.model import HeaderFamily, Sender

CLOCK_TOLERANCE = timedelta(minutes=15)
_MILLISECONDS_FROM = 10**11
"""Unix seconds stay below it until the year 5138; milliseconds are above it since 1973."""

TIF_HEADERS = ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature")
CSB_HEADERS = (
    "_api_name",
    "_api_version",
    "_api_access_key",
    "_api_timestamp",
    "_api_signature",
)

Headers = Mapping[str, str]
"""Request headers by lower-case name."""


class Senders(Protocol):
    """Where senders are found (the registry's directory)."""

    def sender(self, family: HeaderFamily, id: str) -> Sender | None:  # noqa: A002
        """The sender with this account or access key."""


class Door(Protocol):
    """Decides whether a request's sender is who its headers say."""

    def admit(
        self, headers: Headers, senders: Senders, body: bytes, traces: list[SignatureTrace]
    ) -> Sender:
        """The sender, or Refused; what was signed is appended to ``traces`` either way."""


def tif_signature(timestamp: str, secret: str, nonce: str) -> str:
    """``x-tif-signature``: lower-case hex SHA-256 of timestamp + secret + nonce + timestamp."""
    return hashlib.sha256(f"{timestamp}{secret}{nonce}{timestamp}".encode()).hexdigest()


def csb_signature(signed: Mapping[str, str], secret: str) -> str:
    """``_api_signature``: Base64 HMAC-SHA1 of the headers as sorted ``name=value`` joined by &."""
    text = "&".join(f"{name}={signed[name]}" for name in sorted(signed))
    return hmac_base64(secret, text, "sha1")


class SignedDoor:
    """Admits senders whose header signature, timestamp and nonce are right."""

    def __init__(
        self,
        clock: Clock,
        tolerance: timedelta = CLOCK_TOLERANCE,
        nonces: Nonces | None = None,
        tokens: Tokens | None = None,
    ) -> None:
        """Without ``nonces`` this process remembers alone; without ``tokens`` none is accepted."""
        self._clock = clock
        self._tolerance = tolerance
        self._nonces = nonces or Nonces()
        self._tokens = tokens

    def admit(
        self, headers: Headers, senders: Senders, body: bytes, traces: list[SignatureTrace]
    ) -> Sender:
        """The sender whose key signed the headers, or Refused (2001–2004).

        The signature does not cover the body, so headers that were used once must not carry
        another one. The same request again is no attack but a lost reply: a message is done once.
        """
        if "x-tif-paasid" not in headers and "_api_access_key" not in headers:
            headers = _canonical_names(headers)
        if "x-tif-paasid" in headers:
            return self._admit_tif(headers, senders, body, traces)
        if "_api_access_key" in headers:
            return self._admit_csb(headers, senders, traces)
        if _bearer(headers):
            return self._admit_token(headers, senders, traces)
        traces.append(SignatureTrace(kind="none", note="no header says who sends"))
        raise Refused(
            RefusalCode.NOT_AUTHENTICATED,
            "请求头缺少发送方身份：应带 x-tif-paasid 等 x-tif-* 请求头，"
            "或 _api_access_key 等 _api_* 请求头",
            "headers",
        )

    def _admit_tif(
        self, headers: Headers, senders: Senders, body: bytes, traces: list[SignatureTrace]
    ) -> Sender:
        account, timestamp, nonce, signature = _needed(headers, TIF_HEADERS)
        now = self._clock.now()
        trace = SignatureTrace(
            kind="x-tif",
            sender=account,
            text=f"{timestamp}***{nonce}{timestamp}",
            sent=signature,
        )
        traces.append(trace)
        sender = _known(senders, HeaderFamily.TIF, account, "x-tif-paasid", trace)
        secrets = _secrets(sender, now, trace)
        expected = [tif_signature(timestamp, secret, nonce) for secret in secrets]
        if not _matches(expected, signature.lower(), trace):
            guesses = (guess_tif(timestamp, secret, nonce, signature) for secret in secrets)
            raise _wrong(trace, guesses)
        self._check_time(timestamp, "x-tif-timestamp", now, trace)
        if not self._nonces.first_use(f"{account} {timestamp} {nonce}", body, int(now.timestamp())):
            trace.note = "the signature is right, but its nonce was used for another message"
            raise Refused(
                RefusalCode.REPLAYED,
                "请求头 x-tif-nonce 已用于另一报文：发送新报文时请重新生成随机数和签名",
                "x-tif-nonce",
            )
        return sender

    def _admit_csb(
        self, headers: Headers, senders: Senders, traces: list[SignatureTrace]
    ) -> Sender:
        name, version, key, timestamp, signature = _needed(headers, CSB_HEADERS)
        signed = {
            "_api_access_key": key,
            "_api_name": name,
            "_api_timestamp": timestamp,
            "_api_version": version,
        }
        text = "&".join(f"{one}={signed[one]}" for one in sorted(signed))
        now = self._clock.now()
        trace = SignatureTrace(kind="csb", sender=key, text=text, sent=signature)
        traces.append(trace)
        sender = _known(senders, HeaderFamily.CSB, key, "_api_access_key", trace)
        secrets = _secrets(sender, now, trace)
        expected = [csb_signature(signed, secret) for secret in secrets]
        if not _matches(expected, signature, trace):
            guesses = (guess_csb(signed, secret, signature) for secret in secrets)
            raise _wrong(trace, guesses)
        self._check_time(timestamp, "_api_timestamp", now, trace)
        return sender

    def _admit_token(
        self, headers: Headers, senders: Senders, traces: list[SignatureTrace]
    ) -> Sender:
        trace = SignatureTrace(kind="token", sent="***")
        traces.append(trace)
        sender = None
        if self._tokens is not None:
            sender = self._tokens.sender(_bearer(headers), senders, self._clock.now())
        trace.verified = sender is not None
        if sender is None:
            trace.note = "not ours, ended, or its key was revoked: fetch a new one"
            raise Refused(
                RefusalCode.NOT_AUTHENTICATED,
                "请求头 Authorization 的令牌无效或已过期，请重新获取",
                "authorization",
            )
        trace.sender = sender.id
        return sender

    def _check_time(
        self, timestamp: str, header: str, now: datetime, trace: SignatureTrace
    ) -> None:
        try:
            check_time(timestamp, header, now, self._tolerance)
        except Refused:
            trace.note = f"the signature is right, but {header} is off: {int(now.timestamp())} here"
            raise


def locked_out(seconds: float) -> Refused:
    """Wrong signatures came too often under this account from this address."""
    return Refused(
        RefusalCode.BUSY,
        f"来源地址以该账号签名错误次数过多，本次请求未受理，请核对密钥，{math.ceil(seconds)}秒后再试",
        "headers",
    )


def carries_identity(headers: Headers) -> bool:
    """Whether headers say who sends, in any family and spelling."""
    if "x-tif-paasid" in headers or "_api_access_key" in headers or _bearer(headers):
        return True
    canonical = _canonical_names(headers)
    return "x-tif-paasid" in canonical or "_api_access_key" in canonical


def check_time(timestamp: str, name: str, now: datetime, tolerance: timedelta) -> None:
    """Refused unless Unix time in seconds or milliseconds is within ``tolerance`` of ``now``."""
    if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
        raise Refused(RefusalCode.TIMESTAMP_OFF, f"{name} 应为Unix时间戳（秒或毫秒）", name)
    value = int(timestamp)
    seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
    if abs(seconds - now.timestamp()) > tolerance.total_seconds():
        minutes = int(tolerance.total_seconds() // 60)
        shown = f"{local_time(now):%Y-%m-%d %H:%M:%S}"
        raise Refused(
            RefusalCode.TIMESTAMP_OFF,
            f"{name} 与服务器时间相差超过{minutes}分钟，"
            f"服务器时间为 {shown}（时间戳 {int(now.timestamp())}）",
            name,
            server_time=shown,
        )


# ----------------------------------------------------------------------------------------- private


def _canonical_names(headers: Headers) -> Headers:
    """Gateways on the way change names: ``-api-name``, ``api_name``, ``X_TIF_PAASID``."""
    found = dict(headers)
    for name, value in headers.items():
        plain = name.strip("_-").replace("-", "_")
        if plain.startswith("api_"):
            found.setdefault(f"_{plain}", value)
        elif plain.startswith("x_tif_"):
            found.setdefault(plain.replace("_", "-"), value)
    return found


def _bearer(headers: Headers) -> str:
    scheme, _, token = headers.get("authorization", "").partition(" ")
    return token.strip() if scheme.lower() == "bearer" else ""


def _needed(headers: Headers, names: tuple[str, ...]) -> tuple[str, ...]:
    values = tuple([headers.get(name, "").strip() for name in names])
    if not all(values):
        name = names[values.index("")]
        raise Refused(RefusalCode.NOT_AUTHENTICATED, f"缺少请求头 {name}", name)
    return values


def _known(
    senders: Senders, family: HeaderFamily, key: str, header: str, trace: SignatureTrace
) -> Sender:
    sender = senders.sender(family, key)
    if sender is None:
        trace.note = f"no sender of this family has this {header}"
        raise Refused(RefusalCode.NOT_AUTHENTICATED, f"请求头 {header} 的账号不存在", header)
    return sender


def _secrets(sender: Sender, now: datetime, trace: SignatureTrace) -> tuple[str, ...]:
    secrets = sender.secrets(now)
    if not secrets:
        trace.note = "this sender has no valid secret: yibao keys list"
        raise Refused(RefusalCode.NOT_AUTHENTICATED, f"发送方 {sender.id} 没有有效密钥", "headers")
    return secrets


def _matches(expected: list[str], sent: str, trace: SignatureTrace) -> bool:
    """Whether the sent signature is one of those that the sender's keys make."""
    trace.expected = expected[0]
    trace.verified = False
    for one in expected:
        if hmac.compare_digest(one.encode(), sent.encode()):
            trace.expected, trace.verified = one, True
    return trace.verified


def _wrong(trace: SignatureTrace, guesses: Iterable[str]) -> Refused:
    found = next((guess for guess in guesses if guess), "")
    trace.note = found or "another secret, or other text: compare it with yours"
    return Refused(RefusalCode.SIGNATURE_WRONG, "请求头签名不正确", "headers")
