"""Upload fee lines and withdraw batches. Visits are locked by the room before these run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.policy.terms import GENERAL_OUTPATIENT
from yibao.registry.institutions.model import InstitutionTerm
from yibao.registry.service import Reference
from yibao.settlement.fees import rules, store
from yibao.settlement.fees.model import Basis, ChargeBatch
from yibao.settlement.model import (
    ALL_BATCHES,
    FeeLine,
    LineFacts,
    UploadFees,
    VisitFacts,
    WithdrawFees,
)
from yibao.settlement.visits.rules import check_outpatient_institution, check_own_visit

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.registry.catalogue.model import Catalogue


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What an upload did: every sent line with its split, and the batches the lines are in."""

    lines: tuple[LineFacts, ...]
    batches: tuple[int, ...]


@dataclass(slots=True)
class _Writes:
    opened: list[ChargeBatch] = field(default_factory=list)
    grown: list[ChargeBatch] = field(default_factory=list)
    records: list[tuple[Any, ...]] = field(default_factory=list)


async def upload(
    unit: Unit,
    requests: Sequence[UploadFees],
    visits: Mapping[int, VisitFacts],
    reference: Reference,
) -> list[Uploaded | Refusal]:
    """Price and split fee lines (费用明细上传); a serial sent again, equal, is the same line."""
    numbers = [request.visit.number for request in requests]
    batches = await batches_by_visit(unit, numbers)
    known = (
        await store.lines_of_batches(
            unit.connection,
            unit.pool,
            [batch.number for found in batches.values() for batch in found],
            reference.catalogue,
        )
        if batches
        else {}
    )
    writes = _Writes()
    outcomes = [
        _uploaded(
            unit, request, visits, batches.get(request.visit.number, []), known, reference, writes
        )
        for request in requests
    ]
    if writes.opened:
        await store.insert_batches(unit.connection, unit.pool, writes.opened)
    if writes.grown:
        await store.update_sums(unit.connection, unit.pool, writes.grown)
    if writes.records:
        await store.insert_lines(unit.connection, writes.records)
    return outcomes


def basis_of(visit: VisitFacts, term: InstitutionTerm, reference: Reference) -> Basis:
    """What a line uploaded now is classified by; the kind of care may still be unknown."""
    return Basis(
        visit.scheme,
        visit.care_kind or GENERAL_OUTPATIENT,
        term.level,
        term.area,
        reference.catalogue.version,
    )


def _uploaded(
    unit: Unit,
    request: UploadFees,
    visits: Mapping[int, VisitFacts],
    batches: list[ChargeBatch],
    known: Mapping[int, list[LineFacts]],
    reference: Reference,
    writes: _Writes,
) -> Uploaded | Refusal:
    try:
        visit = check_own_visit(
            visits.get(request.visit.number), request.institution, request.member
        )
        term = check_outpatient_institution(
            reference.directory.institution(request.institution), unit.pool, unit.day
        )
        if not request.lines:
            raise Refused(RefusalCode.BATCH_EMPTY, "没有费用明细", "lines")
        _check_serials(request.lines)
        present = {
            facts.line.serial: (batch, facts)
            for batch in batches
            for facts in known.get(batch.number, ())
        }
        basis = basis_of(visit, term, reference)
        fresh: dict[str, list[tuple[LineFacts, str]]] = {}
        answers: dict[str, LineFacts] = {}
        touched: set[int] = set()
        for line in request.lines:
            rules.check_line(line, unit.now)
            if line.serial in present:
                batch, facts = present[line.serial]
                _check_equal(line, facts.line)
                answers[line.serial] = facts
                touched.add(batch.number)
                continue
            facts, bucket = rules.classified(line, reference.catalogue, basis)
            fresh.setdefault(line.batch, []).append((facts, bucket))
            answers[line.serial] = facts
        changes = _grow(unit, visit, basis, {batch.label: batch for batch in batches}, fresh)
    except Refused as refused:
        return refused.refusal
    for batch, is_new, lines in changes:
        (writes.opened if is_new else writes.grown).append(batch)
        first = batch.line_count - len(lines)
        writes.records += [
            store.line_record(unit.pool, batch.number, first + offset, facts, bucket)
            for offset, (facts, bucket) in enumerate(lines)
        ]
        touched.add(batch.number)
    return Uploaded(tuple(answers[line.serial] for line in request.lines), tuple(sorted(touched)))


def _check_serials(lines: Sequence[FeeLine]) -> None:
    """A serial may be sent again, but not twice at once: the caller would add its sums up twice."""
    seen: set[str] = set()
    for line in lines:
        if line.serial in seen:
            raise Refused(
                RefusalCode.LINE_DUPLICATE,
                f"同一次上传中费用明细流水号 {line.serial} 重复",
                "serial",
            )
        seen.add(line.serial)


def _check_equal(line: FeeLine, earlier: FeeLine) -> None:
    if line != earlier:
        raise Refused(
            RefusalCode.LINE_DIFFERS,
            f"费用明细流水号 {line.serial} 已上传且内容不同；更改请先用 2205 撤销",
            "serial",
        )


def _grow(
    unit: Unit,
    visit: VisitFacts,
    basis: Basis,
    batches: Mapping[str, ChargeBatch],
    fresh: Mapping[str, list[tuple[LineFacts, str]]],
) -> list[tuple[ChargeBatch, bool, list[tuple[LineFacts, str]]]]:
    """The batches that the fresh lines open or grow: (batch as it becomes, is new, its lines)."""
    changes = []
    for label, lines in fresh.items():
        sums = rules.bucket_sums(lines)
        batch = batches.get(label)
        if batch is None:
            number = unit.numbers.next(unit.now)
            opened = ChargeBatch(
                number,
                visit.key.number,
                label,
                visit.institution,
                False,
                len(lines),
                sums,
                basis,
                None,
            )
            changes.append((opened, True, lines))
            continue
        if batch.living_settlement is not None:
            raise Refused(
                RefusalCode.BATCH_SETTLED, f"收费批次 {label} 已结算，不能再追加明细", "batch"
            )
        # lines of one batch share one basis: an older one is kept, so that it still differs at the
        # settlement and the whole batch is classified again there
        grown = replace(
            batch,
            line_count=batch.line_count + len(lines),
            buckets=rules.merged(dict(batch.buckets), sums),
        )
        changes.append((grown, False, lines))
    return changes


async def withdraw(
    unit: Unit, requests: Sequence[WithdrawFees], visits: Mapping[int, VisitFacts]
) -> list[int | Refusal]:
    """Withdraw unsettled batches (费用明细撤销); answers how many lines."""
    batches = await batches_by_visit(unit, [request.visit.number for request in requests])
    withdrawn: list[int] = []
    outcomes: list[int | Refusal] = []
    for request in requests:
        try:
            check_own_visit(visits.get(request.visit.number), request.institution, request.member)
            chosen = _to_withdraw(request, batches.get(request.visit.number, []))
        except Refused as refused:
            outcomes.append(refused.refusal)
            continue
        withdrawn += [batch.number for batch in chosen]
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


async def batches_by_visit(unit: Unit, visits: Sequence[int]) -> dict[int, list[ChargeBatch]]:
    """The batches of visits that are not withdrawn."""
    found: dict[int, list[ChargeBatch]] = {}
    for batch in await store.batches_of(unit.connection, unit.pool, visits):
        found.setdefault(batch.visit, []).append(batch)
    return found


async def reclassified(
    connection: "Connection[Any]",
    pool: Pool,
    batch: ChargeBatch,
    basis: Basis,
    catalogue: "Catalogue",
) -> tuple[ChargeBatch, list[tuple[int, int, LineFacts, str]]]:
    """The batch with its lines classified by another basis, and the rows that this changes."""
    found = await store.lines_of_batches(connection, pool, [batch.number], catalogue)
    lines = [rules.classified(old.line, catalogue, basis) for old in found[batch.number]]
    changed = replace(batch, buckets=rules.bucket_sums(lines), basis=basis)
    rows = [(batch.number, i, facts, bucket) for i, (facts, bucket) in enumerate(lines)]
    return changed, rows


async def last_fee_day(connection: "Connection[Any]", pool: Pool, batch: ChargeBatch) -> date:
    """The business date of a batch's last fee."""
    instant = await store.last_charge(connection, pool, batch.number)
    assert instant is not None, "a batch without lines is not settled"
    return business_date(instant)


async def write_reclassified(
    unit: Unit, batches: Sequence[ChargeBatch], rows: Sequence[tuple[int, int, LineFacts, str]]
) -> None:
    """Store what ``reclassified`` found."""
    await store.update_sums(unit.connection, unit.pool, batches)
    await store.reclassify_lines(unit.connection, unit.pool, rows)


async def set_living_settlement(unit: Unit, slots: Sequence[tuple[int, int | None]]) -> None:
    """Fill (settled) or clear (cancelled) the slot of batches."""
    await store.set_living_settlement(unit.connection, unit.pool, slots)


async def recall_lines(
    connection: "Connection[Any]",
    pool: Pool,
    batches: Sequence[int],
    serials: Sequence[str],
    catalogue: "Catalogue",
) -> tuple[LineFacts, ...]:
    """The lines with these serials again, in that order, from the batches an upload named."""
    found = await store.lines_of_batches(connection, pool, batches, catalogue)
    by_serial = {facts.line.serial: facts for lines in found.values() for facts in lines}
    return tuple(by_serial[serial] for serial in serials)


async def lines(
    connection: "Connection[Any]",
    visit: PoolKey,
    batch: int | None,
    catalogue: "Catalogue",
) -> list[tuple[LineFacts, PoolKey | None]]:
    """A visit's lines as the reader may see them, with their batch's living settlement."""
    found = await store.lines_of_visit(connection, visit.pool, visit.number, batch, catalogue)
    return [
        (facts, None if living is None else PoolKey(visit.pool, living)) for facts, living in found
    ]
