"""Clearing's part of /metrics."""

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any

from yibao.clearing.vitals import store

if TYPE_CHECKING:
    from asyncpg import Connection

VITALS: "dict[str, Callable[[Connection[Any]], Awaitable[float]]]" = {
    "yibao_payment_unconfirmed_seconds": store.oldest_unconfirmed,
}
