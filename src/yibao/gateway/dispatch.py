"""From a transaction number to the function that does it.

A transaction is a coroutine function with one decorator that names its number; the table of what is
offered is the set of decorated functions.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from yibao.gateway.context import Call
from yibao.gateway.reading import InputReader
from yibao.gateway.tables import tables
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.dictionaries.service import tables as code_tables

Handle = Callable[[Call], Awaitable[Any]]
"""Answers ``output``: a dict of nodes, a list, or None."""


@dataclass(frozen=True, slots=True)
class Transaction:
    """An offered transaction."""

    number: str
    title: str
    reader: InputReader
    handle: Handle


_OFFERED: dict[str, Transaction] = {}


def transaction(number: str) -> Callable[[Handle], Handle]:
    """Offer the decorated function as a transaction of the interface."""
    table = tables().transactions[number]

    def offer(handle: Handle) -> Handle:
        if number in _OFFERED:
            raise ValueError(f"transaction {number} is offered twice")
        # Bills have an amount limit; the sums of reconciliation (32xx) and reports have not.
        reader = InputReader(table.input, code_tables(), of_one_bill=number.startswith("2"))
        _OFFERED[number] = Transaction(number, table.title, reader, handle)
        return handle

    return offer


def offered() -> tuple[str, ...]:
    """The numbers offered, in order."""
    return tuple(sorted(_OFFERED))


def find_transaction(number: str) -> Transaction:
    """The transaction behind a number, its suffix letter aside; Refused when there is none."""
    found = _OFFERED.get(number) or (_OFFERED.get(number[:4]) if len(number) == 5 else None)
    if found is not None:
        return found
    table = tables().find(number) if len(number) <= 5 else None
    if table is None:
        raise Refused(RefusalCode.UNKNOWN_TRANSACTION, f"infno（交易编号）{number} 不存在", "infno")
    raise Refused(RefusalCode.NOT_OFFERED, f"本平台暂未开放交易 {number}（{table.title}）", "infno")
