"""Pages of transactions: what is offered, and one with its fields, code tables and example."""

import asyncio
import inspect
from dataclasses import dataclass

import msgspec
from litestar import Response, get
from litestar.exceptions import NotFoundException
from litestar.params import FromPath, FromQuery

from yibao.gateway.cures import CURES
from yibao.gateway.dispatch import find_transaction, offered
from yibao.gateway.examples import example
from yibao.gateway.tables import TransactionTable, tables
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.journal import Search
from yibao.registry.dictionaries import service as dictionaries
from yibao.registry.dictionaries.model import CodeTable
from yibao.web.examination import rule_of
from yibao.web.messages import rows_of
from yibao.web.pages import Asked, AtDesk, page

RECENT = 10


@dataclass(frozen=True, slots=True)
class Listed:
    """A transaction in the list."""

    number: str
    table: TransactionTable
    offered: bool


@get("/ui/transactions")
async def list_transactions(
    request: Asked, desk: AtDesk, offered_only: FromQuery[bool] = False
) -> Response[str]:
    """All transactions that the interface knows, by number."""
    ours = set(offered())
    listed = [
        Listed(number, table, number in ours)
        for number, table in sorted(tables().transactions.items())
        if number in ours or not offered_only
    ]
    return page(
        request,
        desk,
        "transactions.html",
        {"listed": listed, "count": len(ours), "offered_only": offered_only},
    )


@get("/ui/transactions/{number:str}")
async def show_transaction(request: Asked, desk: AtDesk, number: FromPath[str]) -> Response[str]:
    """One transaction, as the program itself has it."""
    table = tables().find(number)
    if table is None:
        raise NotFoundException("transactions.unknown")
    recent = await asyncio.to_thread(desk.journal.newest, Search(number=number), RECENT)
    return page(
        request,
        desk,
        "transaction.html",
        {
            "number": number,
            "table": table,
            "what": _told_by_the_function(number),
            "nodes": {"input": table.input, "output": table.output},
            "rule_of": rule_of,
            "codes": _code_tables(table),
            "example": _example(number),
            "rows": rows_of(recent),
            "refusals": [(int(code), code.name, CURES.get(code)) for code in RefusalCode],
        },
    )


def _told_by_the_function(number: str) -> str | None:
    """The docstring of the function behind a number; None when it is not offered."""
    try:
        found = find_transaction(number)
    except Refused:
        return None
    return inspect.getdoc(found.handle) or ""


def _code_tables(table: TransactionTable) -> list[CodeTable]:
    names = {field.codes for node in (*table.input, *table.output) for field in node.fields}
    found = (dictionaries.table(name) for name in sorted(names - {""}))
    return [codes for codes in found if codes is not None]


def _example(number: str) -> str:
    return msgspec.json.format(msgspec.json.encode({"input": example(number)}), indent=2).decode()


HANDLERS = [list_transactions, show_transaction]
