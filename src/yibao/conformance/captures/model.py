"""One captured message, and what came of sending it again."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass(frozen=True, slots=True)
class Capture:
    """A message as it once went over the line."""

    place: str
    """File and position, for people."""
    body: str
    path: str = ""
    """"": the capture does not say."""
    headers: Mapping[str, str] = field(default_factory=dict)
    answer: Mapping[str, Any] | None = None
    """The envelope that once answered it; None when it was not captured."""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What was answered now."""

    capture: Capture
    number: str
    sent: str
    """The body as it was sent, ids replaced."""
    code: int | None
    """``infcode``; None when no envelope came back."""
    message: str
    answer: Mapping[str, Any] = field(default_factory=dict)
    seconds: float = 0.0
    differences: tuple[str, ...] = ()
    """Amounts and codes that differ from the captured answer."""

    @property
    def agrees(self) -> bool:
        """Whether an envelope came back that is a success or refusal as the captured one was."""
        if self.code is None:
            return False
        before = None if self.capture.answer is None else code_of(self.capture.answer)
        return before is None or (before == 0) == (self.code == 0)


def code_of(envelope: Mapping[str, Any]) -> int | None:
    """``infcode`` of an envelope as a number."""
    try:
        return int(str(envelope.get("infcode")))
    except ValueError:
        return None
