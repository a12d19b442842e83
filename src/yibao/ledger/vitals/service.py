"""The books' part of /metrics."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from yibao.ledger.heads import service as heads
from yibao.ledger.vitals import store

if TYPE_CHECKING:
    from asyncpg import Connection

VITALS: "dict[str, Callable[[Connection[Any]], Awaitable[float]]]" = {
    "yibao_ledger_unsigned_seconds": heads.unsigned_for,
    "yibao_hold_overdue_seconds": store.overdue_hold,
}
