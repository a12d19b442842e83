"""Departments of institutions: uploaded, changed, closed, read. Dated, never overwritten."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry.departments import rules, store
from yibao.registry.departments.model import (
    ChangeDepartment,
    Department,
    StopDepartment,
    UploadDepartments,
)
from yibao.registry.store import lock_records

if TYPE_CHECKING:
    from asyncpg import Connection

Request = UploadDepartments | ChangeDepartment | StopDepartment


def handlers(vault: Vault) -> Mapping[type, Handler]:  # noqa: ARG001 - departments hold no secrets
    """Who runs each kind of request of this room."""
    return dict.fromkeys((UploadDepartments, ChangeDepartment, StopDepartment), _handle)


async def departments_of(
    connection: "Connection[Any]", institution: str, code: str | None = None
) -> list[Department]:
    """An institution's departments (or one) with all periods known now, by code and time."""
    return [row for _, row in await store.departments(connection, institution, code)]


async def _handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
    await lock_records(unit.connection, (command.request.institution for command in commands))
    outcomes: list[Outcome] = []
    for command in commands:
        try:
            ended, added = await _decide(unit, command.request)
        except Refused as refused:
            outcomes.append(refused.refusal)
            continue
        institution = command.request.institution
        await store.supersede(unit.connection, institution, ended, unit.now)
        await store.record(unit.connection, institution, added, unit.now)
        outcomes.append(Done(None, {}))
    return outcomes


async def _decide(unit: Unit, request: Request) -> rules.Change:
    if isinstance(request, UploadDepartments):
        return await _found(unit, request)
    code = request.code if isinstance(request, StopDepartment) else request.department.code
    rows = await store.departments(unit.connection, request.institution, code)
    if isinstance(request, StopDepartment):
        return rules.stopped(rows, request, unit.day)
    return rules.changed(rows, request.department, unit.day)


async def _found(unit: Unit, request: UploadDepartments) -> rules.Change:
    rows: dict[str, list[rules.Row]] = {}
    for row in await store.departments(unit.connection, request.institution):
        rows.setdefault(row[1].code, []).append(row)
    ended: list[int] = []
    added: dict[str, Department] = {}
    for place, department in enumerate(request.departments, 1):
        numbered = f"[{place}]" if len(request.departments) > 1 else ""
        field = f"departments{numbered}.department"
        if added.get(department.code, department) != department:
            raise Refused(
                RefusalCode.RECORD_EXISTS, f"科室 {department.code} 在本次上传中重复", field
            )
        gone, new = rules.founded(rows.get(department.code, ()), department, unit.day, field)
        ended += gone
        added |= {one.code: one for one in new}
    return ended, list(added.values())
