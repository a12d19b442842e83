"""What happened, line by line, as the institutions and the one who breaks things saw it."""

import json
import time
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, NamedTuple

from yibao.client import Answer, CallOutcome


@dataclass(frozen=True, slots=True)
class Event:
    """One line of the history."""

    at: float
    """Seconds since the start."""
    who: str
    """An institution's code, or ``world``."""
    what: str
    """``send``, ``answer``, ``concluded``, ``breaks`` …"""
    person: str = ""
    bill: int = 0
    infno: str = ""
    message: str = ""
    told: str = ""


class Span(NamedTuple):
    """When a message was first sent, and when it was first known to be done."""

    sent: float
    acknowledged: float | None


class Chronicle:
    """Writes events to a file as they come, and keeps them."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.events: list[Event] = []
        self.spans: dict[str, Span] = {}
        """By message id."""
        self.faults: list[str] = []
        """What should never have been answered."""
        self._began = time.monotonic()
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file: IO[str] = path.open("w")

    def close(self) -> None:
        """No more comes."""
        self._file.close()

    @property
    def now(self) -> float:
        """Seconds since the start."""
        return round(time.monotonic() - self._began, 4)

    def note(self, event: Event) -> None:
        """Write an event."""
        self.events.append(event)
        self._file.write(json.dumps(asdict(event), ensure_ascii=False) + "\n")
        self._file.flush()

    def broke(self, what: str, told: str = "") -> None:
        """Something was broken on purpose, or mended."""
        self.note(Event(self.now, "world", what, told=told))

    def fault(self, who: str, told: str, *, person: str = "", bill: int = 0) -> None:
        """Something that should not be."""
        self.faults.append(f"{who}: bill {bill} of {person}: {told}")
        self.note(Event(self.now, who, "FAULT", person, bill, told=told))

    def sent(self, who: str, person: str, bill: int, infno: str, message: str) -> None:
        """A message leaves."""
        now = self.now
        self.spans.setdefault(message, Span(now, None))
        self.note(Event(now, who, "send", person, bill, infno, message))

    def answered(self, who: str, person: str, bill: int, answer: Answer) -> None:
        """Its answer came, or nothing readable did."""
        now, span = self.now, self.spans[answer.message_id]
        if answer.outcome is CallOutcome.DONE and span.acknowledged is None:
            self.spans[answer.message_id] = Span(span.sent, now)
        told = _told(answer)
        event = Event(now, who, "answer", person, bill, answer.infno, answer.message_id, told)
        self.note(event)

    def story(self, person: str) -> Iterator[str]:
        """A person's whole history, with what broke meanwhile."""
        return told_as_story(self.events, person)


def told_as_story(events: Iterable[Event], person: str) -> Iterator[str]:
    """The events of one person and of the world as readable lines."""
    for event in events:
        if event.who == "world":
            yield f"{event.at:9.3f}  ---- {event.what} {event.told}"
        elif event.person == person:
            words = f"{event.what:9} {event.infno:5}{event.message:31}{event.told}"
            yield f"{event.at:9.3f}  {event.who} bill {event.bill:<5}{words}"


def _told(answer: Answer) -> str:
    if answer.outcome is CallOutcome.UNKNOWN:
        return f"UNKNOWN {answer.message[:80]}"
    if answer.outcome is CallOutcome.REFUSED:
        return f"refused {answer.code} {answer.message[:80]}"
    info = answer.output.get("setlinfo")
    if not isinstance(info, dict):
        return "done"
    amounts = (info.get(name) for name in ("medfee_sumamt", "fund_pay_sumamt", "acct_pay"))
    return f"done setl_id {info.get('setl_id')} total/funds/account {'/'.join(map(str, amounts))}"
