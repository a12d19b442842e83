"""Monthly clearing applications: applied for, withdrawn, decided; what is cleared is closed.

Applications lie in the pool of the institution, whose bureau pays it. Who reviews them, and how the
money goes, is the clearing room's (``yibao.clearing``).
"""

from collections.abc import Mapping, Sequence
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry.service import ReferenceCache
from yibao.settlement.clearing import rules, store
from yibao.settlement.clearing.model import (
    Application,
    ApplicationState,
    ApplyForClearing,
    ClaimedFigures,
    WithdrawApplication,
    clearing_class,
    clearing_office,
)
from yibao.settlement.reconciliation import service as reconciliation

if TYPE_CHECKING:
    from asyncpg import Connection

__all__ = [
    "applications",
    "clearing_class",
    "clearing_office",
    "decide",
    "figures_of",
    "find",
    "handlers",
    "is_cleared",
    "keep_months",
    "locked",
    "of_month",
    "recall_application",
]

applications = store.of_institution
"""An institution's applications, of one month or all."""

find = store.find
"""An application, if the role sees it."""
of_month = store.of_month
"""Applications of a pool or all, of a month or all."""


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:  # noqa: ARG001
    """The handler of each kind of request of this room."""
    return {ApplyForClearing: _handle, WithdrawApplication: _handle}


async def _handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
    outcomes: list[Outcome] = []
    for command in commands:
        request = command.request
        try:
            if isinstance(request, ApplyForClearing):
                application = await apply(unit, request)
            else:
                application = await withdraw(unit, request)
        except Refused as refused:
            outcomes.append(refused.refusal)
        else:
            outcomes.append(Done(application, {"application": application.key.text()}))
    return outcomes


async def apply(unit: Unit, request: ApplyForClearing) -> Application:
    """Apply for a month (清算申请); refused unless every figure is ours and none stands yet."""
    rules.check_month(request, unit.day)
    await keep_months(unit, request.institution)
    standing = await store.standing(
        unit.connection, unit.pool, request.institution, request.clearing_class, request.month
    )
    if standing is not None:
        raise Refused(
            RefusalCode.CLEARING_EXISTS,
            f"清算年月{request.month}、清算类别{request.clearing_class}"
            f"已有清算申请{standing.key.text()}，如需更改请先撤销（3204）",
            "clearing_month",
        )
    meeting = await store.meeting(
        unit.connection,
        request.institution,
        request.clearing_class,
        request.first_day,
        request.last_day,
    )
    if meeting is not None:
        raise Refused(
            RefusalCode.CLEARING_EXISTS,
            f"清算期间{request.first_day}至{request.last_day}与清算申请{meeting.key.text()}的期间"
            f"{meeting.first_day}至{meeting.last_day}重叠",
            "begndate",
        )
    figures = await figures_of(
        unit.connection,
        request.institution,
        request.clearing_class,
        request.first_day,
        request.last_day,
    )
    rules.check_figures(request, figures)
    application = Application(
        key=PoolKey(unit.pool, unit.numbers.next(unit.now)),
        institution=request.institution,
        clearing_class=request.clearing_class,
        way=request.way,
        month=request.month,
        first_day=request.first_day,
        last_day=request.last_day,
        figures=figures,
        state=ApplicationState.APPLIED,
        applied_at=unit.now,
    )
    await store.insert(unit.connection, application)
    return application


async def withdraw(unit: Unit, request: WithdrawApplication) -> Application:
    """Withdraw an application that is not decided (清算申请撤销)."""
    application = await store.find(unit.connection, request.application)
    if application is None or application.institution != request.institution:
        raise Refused(
            RefusalCode.CLEARING_UNKNOWN,
            f"清算申请{request.application.text()}不存在或不属于本机构",
            "clearing_application",
        )
    if not await store.withdraw(unit.connection, application.key, unit.now):
        decided = await store.find(unit.connection, application.key)  # perhaps just now
        state = _STATES[(decided or application).state]
        raise Refused(
            RefusalCode.CLEARING_DECIDED, f"该清算申请{state}，不能撤销", "clearing_application"
        )
    withdrawn = await store.find(unit.connection, application.key)
    assert withdrawn is not None, "an application is never deleted"
    return withdrawn


_STATES = {
    ApplicationState.APPLIED: "正在办理",
    ApplicationState.WITHDRAWN: "已撤销",
    ApplicationState.APPROVED: "已审核通过",
    ApplicationState.REFUSED: "已审核不通过",
}


async def figures_of(
    connection: "Connection[Any]",
    institution: str,
    cleared_as: str,
    first_day: date,
    last_day: date,
    pool: Pool | None = None,
) -> ClaimedFigures:
    """What the settlements of a span and clearing class come to, in one pool or in all."""
    rows = [
        row
        for row in await reconciliation.booked(connection, institution, first_day, last_day, pool)
        if clearing_class(row.care_kind) == cleared_as
    ]
    return ClaimedFigures(
        visits=sum(-row.count if row.refund else row.count for row in rows),
        total=sum(row.total for row in rows),
        in_scope=sum(row.in_scope for row in rows),
        funds=sum(row.funds for row in rows),
        account=sum(row.account for row in rows),
        cash=sum(row.cash for row in rows),
        family=sum(row.family for row in rows),
    )


# ---------------------------------------------------------------------------------- being decided


async def locked(unit: Unit, key: PoolKey) -> Application:
    """An application that is to be decided, held until the unit ends; Refused when it cannot be."""
    application = await store.lock(unit.connection, key)
    if application is None:
        raise Refused(
            RefusalCode.CLEARING_UNKNOWN, f"清算申请{key.text()}不存在", "clearing_application"
        )
    if application.state is not ApplicationState.APPLIED:
        raise Refused(
            RefusalCode.CLEARING_DECIDED,
            f"该清算申请{_STATES[application.state]}，不能再审核",
            "clearing_application",
        )
    return application


async def keep_months(unit: Unit, institution: str) -> None:
    """Let nobody else apply for, grant or reverse bills of an institution's months meanwhile."""
    await store.lock_institution(unit.connection, institution)


async def decide(unit: Unit, application: Application, state: ApplicationState) -> None:
    """Close (approved) or give back (refused) a locked application."""
    await store.decide(unit.connection, application.key, state)


async def is_cleared(
    connection: "Connection[Any]", institution: str, day: date, cleared_as: str | None = None
) -> bool:
    """Whether an institution's bills of a day are cleared, and so closed to it.

    ``day`` is the day of settling (``settled_on``); ``cleared_as`` the clearing class of the bill,
    as ``clearing_class`` tells it; without it any class counts.
    """
    return await store.is_cleared(connection, institution, day, cleared_as)


async def recall_application(
    connection: "Connection[Any]", reference: Mapping[str, Any]
) -> Application:
    """The application that a repeated message answers with again."""
    key = parse_pool_key(reference["application"])
    assert key is not None, reference
    application = await store.find(connection, key)
    assert application is not None, "an application is never deleted"
    return application
