"""Signatures laid side by side, so that a developer sees which character is another one."""

from dataclasses import dataclass
from itertools import groupby

from yibao.gateway.exchange import SignatureTrace


@dataclass(frozen=True, slots=True)
class Run:
    """Neighbouring characters that all agree, or all differ."""

    text: str
    same: bool


@dataclass(frozen=True, slots=True)
class Compared:
    """A trace with the marks on both sides."""

    trace: SignatureTrace
    expected: tuple[Run, ...]
    sent: tuple[Run, ...]


def compare(trace: SignatureTrace) -> Compared:
    """Mark where what was sent differs from what the server computed, place by place."""
    if not trace.expected:
        return Compared(trace, (), tuple(_runs(trace.sent, trace.sent)))
    return Compared(
        trace,
        tuple(_runs(trace.expected, trace.sent)),
        tuple(_runs(trace.sent, trace.expected)),
    )


def _runs(text: str, other: str) -> list[Run]:
    marked = (
        (character, place < len(other) and other[place] == character)
        for place, character in enumerate(text)
    )
    return [
        Run("".join(character for character, _ in run), same)
        for same, run in groupby(marked, key=lambda pair: pair[1])
    ]
