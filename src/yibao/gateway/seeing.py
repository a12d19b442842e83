"""Which calls are told in the access record, and what of a call is told.

Reads are recorded: whoever they showed, and whom they asked for in vain. Calls that write bills are
not told a second time, because message and bill already say who did what to whom.
"""

from collections.abc import Iterator, Mapping
from typing import Any

from yibao.gateway.envelope import Envelope
from yibao.kernel.areas import NO_PERSON_POOL, Pool, is_pool
from yibao.platform.access.model import Seen, Viewer, ViewerKind
from yibao.platform.access.sight import Sight

_WRITE_BILLS = ("21", "22", "23", "24", "26")
_ASK_FOR_A_PERSON = ("1101", "1162", "2001", "5")
"""Reads about one person, who is told of even when nothing was opened or found."""


def is_recorded(number: str) -> bool:
    """Whether a transaction's calls are told in the access record."""
    return not number.startswith(_WRITE_BILLS)


def viewer_of(envelope: Envelope, number: str) -> Viewer:
    """Who looked."""
    return Viewer(ViewerKind.INSTITUTION, envelope.institution, number, envelope.operator)


def seen_in(number: str, read: Mapping[str, Any], sight: Sight, *, done: bool) -> list[Seen]:
    """Whom a call saw, or asked for."""
    seen = sight.people
    if not number.startswith(_ASK_FOR_A_PERSON):
        return seen
    known = {one.member for one in seen}
    seen += [
        Seen(None, member, _pool(member), found=done)
        for member in sorted(set(_members(read)) - known)
    ]
    return seen or [Seen(found=False)]


def _members(read: Any) -> Iterator[str]:
    """Every ``psn_no`` of an input, however deep."""
    if isinstance(read, Mapping):
        for name, value in read.items():
            if name == "psn_no" and isinstance(value, str):
                yield value
            else:
                yield from _members(value)
    elif isinstance(read, list | tuple):
        for one in read:
            yield from _members(one)


def _pool(member: str) -> Pool:
    return Pool(member[:6]) if is_pool(member[:6]) else NO_PERSON_POOL
