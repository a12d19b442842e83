"""Prescriptions, short to write."""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.prescriptions.model import Drug, Event, EventKind, Prescription

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
HOSPITAL, PHARMACY, OTHER_PHARMACY = "H11000000001", "P11000000004", "P11000000009"
KEY = PoolKey(Pool("110000"), 355_000_000_000_000_001)


def prescription(*events: Event, **changes: Any) -> Prescription:
    """Two boxes of one drug and one of another, valid for three days."""
    values: dict[str, Any] = {
        "key": KEY,
        "institution": HOSPITAL,
        "member": "1100000000000001",
        "visit": PoolKey(Pool("110000"), 1),
        "hospital_number": "CF1",
        "edition": 1,
        "addressee": None,
        "prescribed_at": NOON,
        "valid_until": NOON + timedelta(days=3),
        "drugs": drugs(("XA01", 2), ("XB01", 1)),
        "recorded_at": NOON,
        "events": events,
    }
    return Prescription(**values | changes)


def drugs(*of: tuple[str, int]) -> tuple[Drug, ...]:
    """Drugs in whole units."""
    return tuple(Drug(item, quantity * 10_000) for item, quantity in of)


def event(kind: EventKind, institution: str = HOSPITAL, of: Sequence[Drug] = ()) -> Event:
    """Something that happened at noon."""
    return Event(kind, institution, NOON, tuple(of))


VALID = (
    event(EventKind.SIGNED),
    event(EventKind.UPLOADED),
    event(EventKind.REVIEW_PASSED),
)
TAKEN = (*VALID, event(EventKind.TAKEN, PHARMACY))
