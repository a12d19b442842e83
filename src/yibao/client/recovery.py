"""What to do when nobody knows whether a message took effect; the steps, without sending them.

A lost reply is no refusal: the platform may have settled the bill. Careful software then asks
(5204 and 5203 tell whether the visit's lines are settled), and if the platform does not say yes it
undoes whatever may have happened by a reversal (冲正, 2601), which may be sent for a message that
never came. Only then may the bill be sent anew. Both clients follow the steps of ``made_sure``.
"""

from collections.abc import Generator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from yibao.client.model import Answer, CallOutcome, NotDone

REVERSIBLE = frozenset({"2102", "2103", "2207", "2208", "2304", "2305", "2401"})
"""Transactions that 2601 can undo."""

REVERSAL = "2601"
_ASKABLE = frozenset({"2207", "2304"})
"""Settlements that 5204 and 5203 find again by the visit."""


@dataclass(frozen=True, slots=True)
class Care:
    """How to deal with an unknown outcome."""

    repeat: bool = False
    """Send the same message again. Only right where the platform promises to answer a repeated
    ``msgid`` with its first answer, as this project's does; no document says so of others."""
    query: bool = True
    """Ask 5204 and 5203 whether a settlement exists."""
    reverse: bool = True
    """Undo by 2601 what neither the repetition nor the query could find, and what a repetition
    found refused while an earlier copy may still be on its way."""
    attempts: int = 4
    """How often each of these is tried."""
    pause: float = 0.5
    """Seconds before the first try; doubled before each further one."""


CAREFUL = Care()
REPEATING = Care(repeat=True)


class Ending(StrEnum):
    """How a message ended after all that could be done."""

    DONE = "done"
    """It took effect."""
    REFUSED = "refused"
    """It did not, and nothing changed. Of what 2601 can undo, no copy will be done later either."""
    REVERSED = "reversed"
    """Whatever it did was undone: the business may be sent anew under a new ``msgid``."""
    UNKNOWN = "unknown"
    """Still nobody knows. Keep the message id; ask or reverse later, do not send anew."""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The end of a message and the answers on the way to it."""

    ending: Ending
    answer: Answer
    """The answer that decided: the message's own, 5203's, or the reversal's."""
    original: Answer
    """The last answer to the message itself."""

    def done(self) -> Mapping[str, Any]:
        """The output of a message that must have been done.

        Raises:
            NotDone: it was refused, undone by a reversal, or nobody knows. A reversal that was
                done is no output of the message.
        """
        if self.ending is not Ending.DONE:
            raise NotDone(self.original, self.ending)
        return self.answer.output


@dataclass(frozen=True, slots=True)
class Send:
    """Send a message; the answer comes back into the steps."""

    infno: str
    content: Mapping[str, Any]
    message_id: str | None = None
    """None: a new one."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


Steps = Generator[Send | Pause, Answer | None, Resolution]
_Asked = Generator[Send | Pause, Answer | None, Answer]


def made_sure(message: Send, care: Care) -> Steps:
    """The steps that end ``message`` for certain, if anything can."""
    first = yield from _until_accepted(message, care)
    if first.outcome is not CallOutcome.UNKNOWN:
        return _known(first, first)
    message = Send(message.infno, message.content, first.message_id)
    last = first
    for seconds in _pauses(care):
        if not (care.repeat or (care.query and message.infno[:4] in _ASKABLE)):
            break
        yield Pause(seconds)
        if care.repeat:
            last = yield from _until_accepted(message, care)
            if last.outcome is CallOutcome.DONE:
                return _known(last, last)
            # a copy that was not accepted says nothing of those before it
            if last.outcome is CallOutcome.REFUSED and not last.nothing_done:
                return (yield from _refused_for_good(message, last, care))
        else:
            found = yield from _settlement_of(message)
            if found is not None:
                return Resolution(Ending.DONE, found, last)
    if care.reverse and message.infno[:4] in REVERSIBLE:
        return (yield from _reversed(message, last, care))
    return Resolution(Ending.UNKNOWN, last, last)


def _until_accepted(message: Send, care: Care) -> _Asked:
    """Send; again while the platform says that it did not accept the message."""
    answer = yield from _asked(message)
    for seconds in _pauses(care):
        if not answer.nothing_done:
            break
        yield Pause(seconds)
        answer = yield from _asked(Send(message.infno, message.content, answer.message_id))
    return answer


def _settlement_of(message: Send) -> Generator[Send | Pause, Answer | None, Answer | None]:
    """The settlement that the message made, as 5203 shows it; None when none is found."""
    data = _node(message.content)
    member, visit = data.get("psn_no"), data.get("mdtrt_id")
    lines = yield from _asked(
        Send("5204", {"data": {"psn_no": member, "setl_id": "", "mdtrt_id": visit}})
    )
    for settlement in _settlements(lines, data.get("chrg_bchno")):
        shown = yield from _asked(
            Send("5203", {"data": {"psn_no": member, "setl_id": settlement, "mdtrt_id": visit}})
        )
        info = shown.output.get("setlinfo")
        if isinstance(info, Mapping) and info.get("medins_setl_id") == message.message_id:
            return shown
    return None


def _settlements(lines: Answer, batch: Any) -> list[str]:
    """Settlements of the visit's lines; of one charge batch where message and lines name it.

    The bill of a stay names none, whatever the platform calls the batches of its lines.
    """
    return list(
        dict.fromkeys(
            str(row["setl_id"])
            for row in lines.rows
            if row.get("setl_id") and (batch is None or row.get("chrg_bchno") in (batch, None))
        )
    )


def _reversed(message: Send, last: Answer, care: Care) -> Steps:
    """Undo the message; the reversal itself is repeated under one id, which is always safe."""
    content = {
        "data": {
            "psn_no": _node(message.content).get("psn_no", ""),
            "omsgid": message.message_id,
            "oinfno": message.infno,
        }
    }
    reversal = yield from _asked(Send(REVERSAL, content))
    for seconds in _pauses(care):
        if reversal.outcome is not CallOutcome.UNKNOWN and not reversal.nothing_done:
            break
        yield Pause(seconds)
        reversal = yield from _asked(Send(REVERSAL, content, reversal.message_id))
    done = reversal.outcome is CallOutcome.DONE
    return Resolution(Ending.REVERSED if done else Ending.UNKNOWN, reversal, last)


def _refused_for_good(message: Send, refusal: Answer, care: Care) -> Steps:
    """A repetition was refused, but nobody knows where the copies before it are: undo them.

    What is refused now may be done when a copy comes later and its reason is gone; and a refusal
    of the sender, by whom it is not let in any more, says nothing of what was done before.
    """
    if not care.reverse or message.infno[:4] not in REVERSIBLE:
        return _known(refusal, refusal)
    end = yield from _reversed(message, refusal, care)
    return _known(refusal, refusal) if end.ending is Ending.REVERSED else end


def _known(answer: Answer, original: Answer) -> Resolution:
    done = answer.outcome is CallOutcome.DONE
    return Resolution(Ending.DONE if done else Ending.REFUSED, answer, original)


def _asked(message: Send) -> _Asked:
    answer = yield message
    assert answer is not None, "the answer to a message is sent into the steps"
    return answer


def _pauses(care: Care) -> list[float]:
    return [care.pause * 2**attempt for attempt in range(care.attempts)]


def _node(content: Mapping[str, Any]) -> Mapping[str, Any]:
    """The node that names the person."""
    for node in content.values():
        if isinstance(node, Mapping) and "psn_no" in node:
            return node
    return {}
