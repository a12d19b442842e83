"""Withdraw unsettled batches and lines. Visits are locked by the room before these run."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from yibao.kernel.frozen import replace
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.settlement.fees import rules, store
from yibao.settlement.fees.lines import store as line_store
from yibao.settlement.fees.model import Booked, ChargeBatch
from yibao.settlement.fees.service import batches_by_visit
from yibao.settlement.model import (
    ALL_BATCHES,
    VisitFacts,
    VisitKind,
    WithdrawFees,
    WithdrawLines,
)
from yibao.settlement.visits.rules import check_own_visit

if TYPE_CHECKING:
    from yibao.registry.catalogue.model import Catalogue


async def withdraw(
    unit: Unit, requests: Sequence[WithdrawFees], visits: Mapping[int, VisitFacts]
) -> list[int | Refusal]:
    """Withdraw unsettled batches (费用明细撤销); answers how many lines."""
    batches = await batches_by_visit(unit, [request.visit.number for request in requests])
    withdrawn: list[ChargeBatch] = []
    outcomes: list[int | Refusal] = []
    for request in requests:
        try:
            check_own_visit(visits.get(request.visit.number), request.institution, request.member)
            chosen = _to_withdraw(request, batches.get(request.visit.number, []))
        except Refused as refused:
            outcomes.append(refused.refusal)
            continue
        withdrawn += chosen
        outcomes.append(sum(batch.line_count for batch in chosen))
    if withdrawn:
        await store.withdraw(unit.connection, unit.pool, withdrawn)
    return outcomes


def _to_withdraw(request: WithdrawFees, batches: list[ChargeBatch]) -> list[ChargeBatch]:
    if request.batch == ALL_BATCHES:
        return [batch for batch in batches if batch.living_settlement is None]
    chosen = [batch for batch in batches if batch.label == request.batch]
    if not chosen:
        raise Refused(
            RefusalCode.BATCH_UNKNOWN, f"收费批次 {request.batch} 没有可撤销的明细", "batch"
        )
    if chosen[0].living_settlement is not None:
        raise Refused(
            RefusalCode.BATCH_SETTLED,
            f"收费批次 {request.batch} 已结算，请先用 2208 撤销结算",
            "batch",
        )
    return chosen


async def withdraw_lines(
    unit: Unit,
    requests: Sequence[WithdrawLines],
    visits: Mapping[int, VisitFacts],
    catalogue: "Catalogue",
) -> list[int | Refusal]:
    """Withdraw unsettled lines of stays (住院费用明细撤销); answers how many.

    A line goes only together with its returns, and a return with those after it.
    """
    batches = await batches_by_visit(unit, [request.visit.number for request in requests])
    outcomes: list[int | Refusal] = []
    gone: list[Booked] = []
    shrunk: list[ChargeBatch] = []
    for request in requests:
        own = batches.get(request.visit.number, [])
        try:
            visit = visits.get(request.visit.number)
            check_own_visit(visit, request.institution, request.member, VisitKind.STAY)
            lines = await _lines_to_withdraw(unit, request, own, catalogue)
        except Refused as refused:
            outcomes.append(refused.refusal)
            continue
        gone += lines
        shrunk += _shrunk(own, lines)
        outcomes.append(len(lines))
    if gone:
        await line_store.withdraw_lines(unit.connection, unit.pool, gone, unit.now)
        await store.update_sums(unit.connection, unit.pool, shrunk)
    return outcomes


async def _lines_to_withdraw(
    unit: Unit, request: WithdrawLines, batches: Sequence[ChargeBatch], catalogue: "Catalogue"
) -> list[Booked]:
    open_ = [batch for batch in batches if batch.living_settlement is None]
    if request.serials == (ALL_BATCHES,):
        found = await line_store.lines_of_batches(unit.connection, unit.pool, open_, catalogue)
        return [line for lines in found.values() for line in lines]
    wanted = set(request.serials)

    async def named(serials: set[str]) -> list[Booked]:
        return await line_store.named_lines(unit.connection, unit.pool, batches, serials, catalogue)

    booked = await named(wanted)
    rules.check_withdrawal(wanted, booked, {batch.number for batch in open_})
    chosen = [one for one in booked if one.line.facts.line.serial in wanted]
    given_back = (one.line.facts.line.returns for one in chosen)
    if originals := {serial for serial in given_back if serial is not None}:
        rules.check_later_returns(wanted, await named(originals))
    return chosen


def _shrunk(batches: Sequence[ChargeBatch], gone: Sequence[Booked]) -> list[ChargeBatch]:
    shrunk = []
    for batch in batches:
        lines = [booked.line for booked in gone if booked.batch == batch.number]
        if lines:
            left = rules.without(batch.buckets, rules.bucket_sums(lines))
            shrunk.append(replace(batch, line_count=batch.line_count - len(lines), buckets=left))
    return shrunk
