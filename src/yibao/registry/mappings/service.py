"""Mappings of institutions' items: uploaded, taken back, read. Dated, never overwritten."""

from collections.abc import Mapping, Sequence
from datetime import date, datetime
from typing import TYPE_CHECKING, Any

from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry.mappings import rules, store
from yibao.registry.mappings.model import (
    ItemMapping,
    OwnItem,
    Page,
    UploadMappings,
    WithdrawMappings,
)
from yibao.registry.store import lock_records

if TYPE_CHECKING:
    from asyncpg import Connection

Change = tuple[list[int], list[ItemMapping]]
"""Ids of the rows that are superseded, and the rows to record."""


def handlers(vault: Vault) -> Mapping[type, Handler]:  # noqa: ARG001 - mappings hold no secrets
    """Who runs each kind of request of this room."""
    return dict.fromkeys((UploadMappings, WithdrawMappings), _handle)


async def mappings(
    connection: "Connection[Any]",
    institution: str,
    *,
    updated_after: datetime | None,
    page: int,
    size: int,
    own_code: str | None = None,
    list_type: str | None = None,
    item: str | None = None,
    day: date | None = None,
) -> Page[ItemMapping]:
    """Page ``page`` (from 1) of an institution's mappings, in the order they were recorded.

    ``updated_after`` (aware) leaves out what was recorded before; ``day`` what does not hold then.
    """
    rows, total = await store.page(
        connection, institution, updated_after, own_code, list_type, item, day,
        skip=(page - 1) * size, most=size,
    )  # fmt: skip
    return Page(rows, total)


async def _handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
    await lock_records(unit.connection, (command.request.institution for command in commands))
    outcomes: list[Outcome] = []
    for command in commands:
        request = command.request
        try:
            if isinstance(request, UploadMappings):
                ended, added = await _upload(unit, request)
            else:
                ended, added = await _withdraw(unit, request), []
        except Refused as refused:
            outcomes.append(refused.refusal)
            continue
        await store.supersede(unit.connection, request.institution, ended, unit.now)
        await store.record(unit.connection, added, unit.now)
        outcomes.append(Done(None, {}))
    return outcomes


async def _upload(unit: Unit, request: UploadMappings) -> Change:
    connection = unit.connection
    codes = sorted({row.code for row in request.rows})
    list_types = await store.list_types(connection, sorted({row.item for row in request.rows}))
    current: dict[tuple[str, str], list[ItemMapping]] = {}
    for known in await store.current(connection, request.institution, codes):
        current.setdefault((known.list_type, known.own_code), []).append(known)
    ended: list[int] = []
    added: list[ItemMapping] = []
    seen: dict[tuple[str, str], OwnItem] = {}
    faults: list[tuple[int, Refusal]] = []
    for place, row in enumerate(request.rows, 1):
        name = (row.list_type, row.code)
        try:
            if seen.setdefault(name, row) != row:
                raise Refused(
                    RefusalCode.RECORD_EXISTS, f"{row.code} 在本次上传中重复且内容不同", "own_item"
                )
            if seen[name] is not row:
                continue
            rules.check_item(row, list_types)
            replaced, period = rules.placed(current.get(name, ()), row, unit.day)
        except Refused as refused:
            faults.append((place, refused.refusal))
            continue
        if replaced is not None and period is not None:
            ended.append(replaced.number)
            added.append(rules.shortened(replaced, period.start))
        if period is not None:
            added.append(
                ItemMapping(
                    0, request.institution, row.list_type, row.code, row.name, row.item, period,
                    row.details, unit.now,
                )
            )  # fmt: skip
    if faults:
        raise rules.first_of(faults)
    return ended, added


async def _withdraw(unit: Unit, request: WithdrawMappings) -> list[int]:
    codes = sorted({row.code for row in request.rows})
    current = await store.current(unit.connection, request.institution, codes)
    ended: set[int] = set()
    faults: list[tuple[int, Refusal]] = []
    for place, row in enumerate(request.rows, 1):
        try:
            ended |= {known.number for known in rules.named(current, row, unit.day)}
        except Refused as refused:
            faults.append((place, refused.refusal))
    if faults:
        raise rules.first_of(faults)
    return sorted(ended)
