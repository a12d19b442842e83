"""Before a call is read: who seems to send it, how urgent it is, and whether it is let in now.

``platform/admission`` decides; here its questions are answered from the request line and headers,
at a price far below that of a call. Only when it is crowded is a body looked at, for the number of
the transaction and the message id, without parsing it.
"""

import re
from collections.abc import Callable, MutableMapping
from typing import Any

from yibao.gateway.routing import number_of_api_name, numbers_of_path
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.admission.origin import Proxies
from yibao.platform.admission.service import Admission, Caller, Reason, Standing

Scope = MutableMapping[str, Any]

_FINISHING = frozenset({"2601", "5203", "5204", "6301"})
"""Reversal, and the queries of what was settled or paid."""
_BEGINNING = frozenset({"2101", "2201", "2401"})
_CONTINUING = ("21", "22", "23", "24", "62", "64", "72", "90")
"""Families that go on with what has begun, and the sign-in without which nothing can."""

_UNPROVED = frozenset(
    {RefusalCode.NOT_AUTHENTICATED, RefusalCode.SIGNATURE_WRONG, RefusalCode.TOO_LARGE}
)
_ACCOUNTS = frozenset({b"x-tif-paasid", b"_api_access_key", b"authorization"})
_NUMBER_IN_BODY = re.compile(rb'"infno"\s*:\s*"(\d{4})')
_MESSAGE_IN_BODY = re.compile(rb'"msgid"\s*:\s*"([^"\\]{1,40})"')
_MESSAGES_KEPT = 50_000

TURNED_AWAY = {
    Reason.SENDER_BUDGET: "请求过于频繁，本次请求未受理，请降低频率，用原报文编号稍后重发",
    Reason.ADDRESS_BUDGET: (
        "来源地址身份验证失败次数过多，本次请求未受理，请核对密钥与签名，用原报文编号稍后重发"
    ),
    Reason.CROWDED: "系统繁忙，本次请求未受理，请用原报文编号稍后重发",
    Reason.CLOSING: "系统正在停机，本次请求未受理，请用原报文编号稍后重发",
}
"""What the caller is told."""


class Turnstile:
    """The gate of one process, as the interface sees it."""

    def __init__(
        self,
        admission: Admission,
        proxies: str = "",
        observe: Callable[[str], None] = lambda reason: None,  # noqa: ARG005
    ) -> None:
        """``proxies``: addresses or networks, joined by commas, whose X-Forwarded-For is believed.

        ``observe`` is told why a call was turned away.
        """
        self.admission = admission
        self.proxies = Proxies(proxies)
        self._observe = observe
        self._recent: set[int] = set()
        self._before: set[int] = set()

    def caller(self, scope: Scope) -> Caller:
        """Who seems to call. Nothing of it is proved."""
        client = scope.get("client") or ("", 0)
        address, account, forwarded = str(client[0]), "", ""
        for name, value in scope["headers"]:
            if name in _ACCOUNTS and not account:
                account = value.decode("latin-1").strip()
            elif name == b"x-forwarded-for":
                forwarded = value.decode("latin-1")
        return Caller(self.proxies.origin(address, forwarded), account)

    def refusal(self, caller: Caller, scope: Scope) -> Reason | None:
        """Why the call is turned away, as far as its head tells; None: it is let in."""
        reason = self.admission.budget_refusal(caller)
        if reason is None and not self.admission.has_room(caller, _standing_of_head(scope)):
            return Reason.CROWDED
        return reason

    def is_let_in_all_the_same(self, caller: Caller, body: bytes) -> bool:
        """Whether a call that was turned away for want of room ends an uncertainty."""
        number = _NUMBER_IN_BODY.search(body)
        known = number is not None and number[1].decode() in _FINISHING
        if not known:
            message = _MESSAGE_IN_BODY.search(body)
            known = message is not None and self._has_come(caller, message[1].decode("latin-1"))
        return known and self.admission.has_room(caller, Standing.FINISHING)

    def enter(self, caller: Caller) -> None:
        """The call is let in; ``leave`` must follow."""
        self.admission.enter(caller)

    def leave(self, caller: Caller) -> None:
        """The call has been answered."""
        self.admission.leave(caller)

    def turned_away(self, reason: Reason) -> str:
        """Count it; the text for the caller."""
        self._observe(reason)
        return TURNED_AWAY[reason]

    def proved(self, caller: Caller, sender: str, message: str) -> None:
        """The sender was proved. Refused when it has had its calls for now."""
        if not self.admission.proved(caller, sender):
            raise Refused(RefusalCode.BUSY, self.turned_away(Reason.SENDER_BUDGET))
        if len(self._recent) >= _MESSAGES_KEPT:
            self._recent, self._before = set(), self._recent
        self._recent.add(hash((caller.account, message)))

    def failed(self, caller: Caller, refused: Refused) -> bool:
        """A request was refused before it was read. Whether its sender failed to prove itself."""
        if refused.refusal.code not in _UNPROVED:
            return False
        self.admission.not_proved(caller)
        return refused.refusal.code is RefusalCode.SIGNATURE_WRONG

    def _has_come(self, caller: Caller, message: str) -> bool:
        key = hash((caller.account, message))
        return key in self._recent or key in self._before


def _standing_of_head(scope: Scope) -> Standing:
    """What path or API name tell; a call whose number stands in its body goes on with something."""
    numbers = numbers_of_path(scope["path"])
    if not numbers:
        for name, value in scope["headers"]:
            if name == b"_api_name":
                named = number_of_api_name(value.decode("latin-1"))
                numbers = frozenset({named}) if named else numbers
    return max(map(standing, numbers), default=Standing.CONTINUING)


def standing(number: str) -> Standing:
    """What calls of a transaction are to the work under way."""
    base = number[:4]
    if base in _FINISHING:
        return Standing.FINISHING
    if base in _BEGINNING or not base.startswith(_CONTINUING):
        return Standing.OPENING
    return Standing.CONTINUING
