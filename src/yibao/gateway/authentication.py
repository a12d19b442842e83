"""Who sends: both families of header authentication, and the institution the sender speaks for.

In both families the signature covers headers only, never the body. A timestamp may be in seconds or
milliseconds. Nonces are remembered best effort: in memory, by process, bounded.
"""

import base64
import hashlib
import hmac
from collections import OrderedDict
from collections.abc import Mapping
from datetime import timedelta
from typing import Protocol

from yibao.gateway.exchange import SignatureTrace
from yibao.kernel.periods import local_time
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.clock import Clock
from yibao.registry.institutions.model import HeaderFamily, Sender

CLOCK_TOLERANCE = timedelta(minutes=15)
NONCES_KEPT = 65_536
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
    return base64.b64encode(hmac.digest(secret.encode(), text.encode(), "sha1")).decode()


class SignedDoor:
    """Admits senders whose header signature, timestamp and nonce are right."""

    def __init__(self, clock: Clock, tolerance: timedelta = CLOCK_TOLERANCE) -> None:
        self._clock = clock
        self._tolerance = tolerance
        self._nonces: OrderedDict[tuple[str, str, str], int] = OrderedDict()

    def admit(
        self, headers: Headers, senders: Senders, body: bytes, traces: list[SignatureTrace]
    ) -> Sender:
        """The sender whose key signed the headers, or Refused (2001–2004).

        The signature does not cover the body, so headers that were used once must not carry
        another one. The same request again is no attack but a lost reply: a message is done once.
        """
        if "x-tif-paasid" in headers:
            return self._admit_tif(headers, senders, body)
        if "_api_access_key" in headers:
            return self._admit_csb(headers, senders)
        raise Refused(
            RefusalCode.NOT_AUTHENTICATED,
            "请求头缺少发送方身份：应带 x-tif-paasid 等 x-tif-* 请求头，"
            "或 _api_access_key 等 _api_* 请求头",
            "headers",
        )

    def _admit_tif(self, headers: Headers, senders: Senders, body: bytes) -> Sender:
        account, timestamp, nonce, signature = _needed(headers, TIF_HEADERS)
        sender = _known(senders, HeaderFamily.TIF, account, "x-tif-paasid")
        _compare(tif_signature(timestamp, sender.secret, nonce), signature.lower())
        self._check_time(timestamp, "x-tif-timestamp")
        self._check_nonce((sender.id, timestamp, nonce), hash(body))
        return sender

    def _admit_csb(self, headers: Headers, senders: Senders) -> Sender:
        name, version, key, timestamp, signature = _needed(headers, CSB_HEADERS)
        sender = _known(senders, HeaderFamily.CSB, key, "_api_access_key")
        signed = {
            "_api_access_key": key,
            "_api_name": name,
            "_api_timestamp": timestamp,
            "_api_version": version,
        }
        _compare(csb_signature(signed, sender.secret), signature)
        self._check_time(timestamp, "_api_timestamp")
        return sender

    def _check_time(self, timestamp: str, header: str) -> None:
        now = self._clock.now()
        if not (timestamp.isascii() and timestamp.isdigit() and len(timestamp) <= 16):
            raise Refused(
                RefusalCode.TIMESTAMP_OFF, f"请求头 {header} 应为Unix时间戳（秒或毫秒）", header
            )
        value = int(timestamp)
        seconds = value / 1000 if value >= _MILLISECONDS_FROM else value
        if abs(seconds - now.timestamp()) > self._tolerance.total_seconds():
            minutes = int(self._tolerance.total_seconds() // 60)
            shown = f"{local_time(now):%Y-%m-%d %H:%M:%S}"
            raise Refused(
                RefusalCode.TIMESTAMP_OFF,
                f"请求头 {header} 与服务器时间相差超过{minutes}分钟，"
                f"服务器时间为 {shown}（时间戳 {int(now.timestamp())}）",
                header,
                server_time=shown,
            )

    def _check_nonce(self, seen: tuple[str, str, str], body: int) -> None:
        if self._nonces.get(seen, body) != body:
            raise Refused(
                RefusalCode.REPLAYED,
                "请求头 x-tif-nonce 已用于另一报文：发送新报文时请重新生成随机数和签名",
                "x-tif-nonce",
            )
        self._nonces[seen] = body
        if len(self._nonces) > NONCES_KEPT:
            self._nonces.popitem(last=False)


def _needed(headers: Headers, names: tuple[str, ...]) -> tuple[str, ...]:
    values = tuple(headers.get(name, "").strip() for name in names)
    for name, value in zip(names, values, strict=True):
        if not value:
            raise Refused(RefusalCode.NOT_AUTHENTICATED, f"缺少请求头 {name}", name)
    return values


def _known(senders: Senders, family: HeaderFamily, key: str, header: str) -> Sender:
    sender = senders.sender(family, key)
    if sender is None:
        raise Refused(RefusalCode.NOT_AUTHENTICATED, f"请求头 {header} 的账号不存在", header)
    return sender


def _compare(right: str, sent: str) -> None:
    if not hmac.compare_digest(right.encode(), sent.encode()):
        raise Refused(RefusalCode.SIGNATURE_WRONG, "请求头签名不正确", "headers")
