"""What becomes of a person's counters when scheme, person type or area changes (转移接续).

A counter that both laws have is carried, if they share it (schemes) or it moves along (areas); all
others start anew. Within one law a change of person type needs nothing: a counter that is ``by``
the person's class has an instance for each, one that is not goes on.
"""

from collections.abc import Mapping
from typing import NamedTuple

from yibao.adjudication.applicable import Frame, frame_for
from yibao.adjudication.instances import instances_of
from yibao.adjudication.model import Bill, CounterKey, History
from yibao.policy.model import Counter, Law, Scope

STANDING = frozenset({Scope.MONTH, Scope.QUARTER, Scope.YEAR, Scope.LIFE})
"""Scopes whose counters outlast a visit, and so a move."""


class BroughtIn(NamedTuple):
    """A counter after the move: what it begins with, and where that comes from."""

    key: CounterKey
    value: int
    """To be entered; 0 for a counter that starts anew."""
    source: CounterKey | None
    """The counter it was carried from; None: it starts anew."""
    reason: str
    """``shared`` by the schemes, ``moves`` along, or why not: ``restarts``, ``stays_behind``."""


def brought_in(
    history: History, before: tuple[Law, Bill], after: tuple[Law, Bill]
) -> tuple[BroughtIn, ...]:
    """What the counters of the new law begin with, for counters that the old law has too.

    Each law comes with a bill of the day of the change that has the person's facts under it: the
    instances are those that these bills meet. Refused: as ``needed_counters``.
    """
    old_law, old_bill = before
    new_law, new_bill = after
    old, new = _standing(old_law, old_bill), _standing(new_law, new_bill)
    moved = []
    for name, (counter, key) in new.items():
        if name not in old:
            continue
        was, source = old[name]
        reason = _reason(was, counter, old_law, new_law)
        carried = reason in ("shared", "moves")
        value = history.get(source, 0) if carried else 0
        moved.append(BroughtIn(key, value, source if carried else None, reason))
    return tuple(moved)


def _reason(was: Counter, counter: Counter, old: Law, new: Law) -> str:
    alike = (was.scope, was.counts) == (counter.scope, counter.counts)
    if old.scheme != new.scheme:
        shared = old.scheme in counter.schemes and new.scheme in was.schemes
        if not (alike and shared):
            return "restarts"
        if old.area == new.area:
            return "shared"
    if not alike:
        return "restarts"
    if old.area != new.area and not (was.moves and counter.moves):
        return "stays_behind"
    return "moves"


def _standing(law: Law, bill: Bill) -> Mapping[str, tuple[Counter, CounterKey]]:
    """The standing counters that a bill meets, each with its instance."""
    frame: Frame = frame_for(bill, law)
    keys = instances_of(frame.slots, bill, law).keys
    return {
        slot.counter.name: (slot.counter, keys[slot.counter.name][0])
        for slot in frame.slots.every
        if slot.counter.scope in STANDING
    }
