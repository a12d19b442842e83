"""Records of goods, short to write."""

from datetime import UTC, datetime
from typing import Any

from yibao.inventory.model import CodeStep, Movement, MovementKind
from yibao.kernel.periods import business_date

NOON = datetime(2026, 7, 15, 4, 0, tzinfo=UTC)
BOX = "81234567890123456789"
ITEM = "YP-1"


def movement(kind: MovementKind, quantity: int, **changes: Any) -> Movement:
    """A record of ``quantity`` whole units."""
    values: dict[str, Any] = {
        "kind": kind,
        "serial": "S1",
        "item": "XA01",
        "institution_item": ITEM,
        "quantity": quantity * 10_000,
        "moved_at": NOON,
        "codes": (BOX,),
    } | changes
    return Movement(day=business_date(values["moved_at"]), **values)


def sale(**changes: Any) -> Movement:
    """One box sold."""
    return movement(MovementKind.SALE, -1, **changes)


def sale_return(**changes: Any) -> Movement:
    """One box brought back."""
    return movement(MovementKind.SALE_RETURN, 1, **changes)


def step(number: int, institution: str, **changes: Any) -> CodeStep:
    """A sale as the life of a code sees it."""
    values: dict[str, Any] = {"kind": MovementKind.SALE, "serial": "S1", "split": False} | changes
    return CodeStep(number=number, institution=institution, **values)
