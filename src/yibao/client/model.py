"""Where the client speaks to, as whom, and what comes back."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from yibao.kernel.refusals import OUTCOME_UNKNOWN, RefusalCode

_NOTHING_DONE = frozenset({int(RefusalCode.BUSY), int(RefusalCode.FAILED)})


class Family(StrEnum):
    """Header authentication families; a gateway speaks one of them."""

    TIF = "x-tif"
    """TIF/RIO gateways (Guangdong, Hebei): ``x-tif-*`` headers, SHA-256."""
    CSB = "csb"
    """CSB gateways (Hunan, Jiangsu, Jiangxi): ``_api_*`` headers, HMAC-SHA1."""


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One institution's way into a platform: the address, its key, and who it says it is."""

    base_url: str
    """Scheme, host and port, without a final slash."""
    institution: str
    """National code of the institution (``fixmedins_code``)."""
    name: str
    """``fixmedins_name``."""
    division: str
    """Where care is given (``mdtrtarea_admvs``)."""
    family: Family
    key_id: str
    """``x-tif-paasid`` or ``_api_access_key``."""
    secret: str
    url_path: str | None = None
    """Path of every transaction, ``{infno}`` standing for its number; None: by the family."""

    def path(self, infno: str) -> str:
        """The path of a transaction in the style that goes with the header family."""
        if self.url_path is not None:
            return self.url_path.replace("{infno}", infno)
        if self.family is Family.TIF:
            return f"/hsa/hgs/{infno}"
        return "/fsi/api/rsfComIfsService/callService"


class CallOutcome(StrEnum):
    """What a caller knows after a call."""

    DONE = "done"
    """``infcode`` 0: it took effect (now, or when the same message first came)."""
    REFUSED = "refused"
    """A readable answer with another code: nothing was changed."""
    UNKNOWN = "unknown"
    """Time-out, cut connection, unreadable answer or ``infcode`` −1: it may have happened."""


@dataclass(frozen=True, slots=True)
class Answer:
    """How one call ended."""

    outcome: CallOutcome
    infno: str
    message_id: str
    """The ``msgid`` that was sent: the handle for repeating or reversing it."""
    code: int | None
    """``infcode``; None when no answer could be read."""
    message: str
    """``err_msg`` of a refusal, or what went wrong on the way."""
    output: Mapping[str, Any]
    """``output``; empty when the transaction answers nothing. Amounts are ``Decimal`` or text."""
    warning: str = ""
    """``warn_msg``."""
    rows: tuple[Mapping[str, Any], ...] = ()
    """``output`` of the transactions that answer a list directly (5204)."""
    envelope: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)
    """The whole answer as it came."""
    file: bytes | None = field(default=None, repr=False)
    """The file of a download (9102)."""

    @property
    def nothing_done(self) -> bool:
        """The platform did not accept the message: send the same ``msgid`` again later."""
        return self.code in _NOTHING_DONE

    def done(self) -> Mapping[str, Any]:
        """The output of a call that must have been done.

        Raises:
            NotDone: the outcome is refused or unknown.
        """
        if self.outcome is not CallOutcome.DONE:
            raise NotDone(self)
        return self.output


class NotDone(Exception):  # noqa: N818 - a fact about the call, carried with its answer
    """A call whose output was needed was refused, or nobody knows."""

    def __init__(self, answer: Answer, ending: str = "") -> None:
        """``ending``: how the message ended after all that was done about it, where that is more
        than its answer says."""
        self.answer = answer
        super().__init__(
            f"{answer.infno} {ending or answer.outcome} (infcode {answer.code},"
            f" msgid {answer.message_id}): {answer.message}"
        )


def outcome_of_code(code: int) -> CallOutcome:
    """The outcome that an ``infcode`` stands for."""
    if code == 0:
        return CallOutcome.DONE
    return CallOutcome.UNKNOWN if code == OUTCOME_UNKNOWN else CallOutcome.REFUSED
