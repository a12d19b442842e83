"""Upload fee lines. Visits are locked by the room before these run.

An upload looks up the lines it names and no others: a stay may have thousands.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TYPE_CHECKING, Any

from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import business_date
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands.model import Unit
from yibao.policy.terms import GENERAL_OUTPATIENT
from yibao.registry.institutions.model import InstitutionTerm
from yibao.registry.service import Reference
from yibao.settlement.bills import store as bill_store
from yibao.settlement.fees import rules, store
from yibao.settlement.fees.lines import store as line_store
from yibao.settlement.fees.model import (
    Basis,
    Booked,
    ChargeBatch,
    Classified,
    Slot,
    classifying,
)
from yibao.settlement.model import (
    FeeLine,
    LineFacts,
    Practice,
    SerialScope,
    UploadFees,
    VisitFacts,
    VisitKind,
)
from yibao.settlement.visits.rules import KIND_NAMES, check_own_visit, check_provider

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


# ------------------------------------------------------------------------------------------ upload


async def upload(
    unit: Unit,
    requests: Sequence[UploadFees],
    visits: Mapping[int, VisitFacts],
    reference: Reference,
) -> list[Uploaded | Refusal]:
    """Price and split fee lines (费用明细上传); a serial sent again, equal, is the same line.

    A line of a stay that gives another one back is split by what remains of that one.
    """
    batches = await batches_by_visit(unit, [request.visit.number for request in requests])
    known = await _known_lines(unit, requests, batches, reference.catalogue)
    finals = await _finals(unit, visits, batches)
    writes = _Writes()
    outcomes: list[Uploaded | Refusal] = []
    for request in requests:
        number = request.visit.number
        try:
            visit = _chargeable(request, visits.get(number), finals)
            term = check_provider(
                reference.directory.institution(request.institution),
                unit.pool,
                unit.day,
                visit.kind,
            )
            basis = basis_of(visit, term, reference, request.practice)
            outcomes.append(
                _uploaded(
                    unit,
                    request,
                    visit,
                    batches.get(number, []),
                    rules.Known(known.get(number, ()), _scope(visit, request.practice)),
                    basis,
                    reference,
                    writes,
                )
            )
        except Refused as refused:
            outcomes.append(refused.refusal)
    await _write(unit, writes)
    return outcomes


def basis_of(
    visit: VisitFacts, term: InstitutionTerm, reference: Reference, practice: Practice
) -> Basis:
    """What a line uploaded now is classified by; the kind of care may still be unknown."""
    return Basis(
        visit.scheme,
        visit.care_kind or GENERAL_OUTPATIENT,
        term.level,
        term.area,
        reference.catalogue.version,
        classifying(practice),
    )


async def _write(unit: Unit, writes: _Writes) -> None:
    if writes.opened:
        await store.insert_batches(unit.connection, unit.pool, writes.opened)
    if writes.grown:
        await store.update_sums(unit.connection, unit.pool, writes.grown)
    if writes.records:
        await line_store.insert_uploads(unit.connection, writes.records)


async def _known_lines(
    unit: Unit,
    requests: Sequence[UploadFees],
    batches: Mapping[int, list[ChargeBatch]],
    catalogue: "Catalogue",
) -> dict[int, list[Booked]]:
    """The lines that uploads name, by visit: those sent before, and the originals of returns."""
    standing = [batch for found in batches.values() for batch in found]
    if not standing:
        return {}
    serials = {line.serial for request in requests for line in request.lines}
    serials |= {line.returns for request in requests for line in request.lines if line.returns}
    by_visit: dict[int, list[Booked]] = {}
    for one in await line_store.named_lines(
        unit.connection, unit.pool, standing, serials, catalogue
    ):
        by_visit.setdefault(one.visit, []).append(one)
    return by_visit


async def _finals(
    unit: Unit, visits: Mapping[int, VisitFacts], batches: Mapping[int, list[ChargeBatch]]
) -> dict[int, int]:
    """The final settlements of stays that are settled already."""
    settled = [
        number
        for number, found in batches.items()
        if number in visits
        and visits[number].kind is VisitKind.STAY
        and any(batch.living_settlement is not None for batch in found)
    ]
    if not settled:
        return {}
    return await bill_store.final_settlements(unit.connection, unit.pool, settled)


def _chargeable(
    request: UploadFees, found: VisitFacts | None, finals: Mapping[int, int]
) -> VisitFacts:
    """The visit, if lines sent this way may be added to it."""
    visit = check_own_visit(found, request.institution, request.member, None)
    if not request.lines:
        raise Refused(RefusalCode.BATCH_EMPTY, "没有费用明细", "lines")
    # 2204 names a batch and 2301 none: that is how the two are told apart
    wanted = VisitKind.OUTPATIENT if any(line.batch for line in request.lines) else VisitKind.STAY
    if visit.kind is not wanted:
        raise Refused(
            RefusalCode.VISIT_KIND_DIFFERS,
            f"该就诊ID是{KIND_NAMES[visit.kind]}的，不能上传{KIND_NAMES[wanted]}费用明细",
            "visit",
        )
    if visit.key.number in finals:
        settlement = PoolKey(visit.key.pool, finals[visit.key.number]).text()
        raise Refused(
            RefusalCode.BATCH_SETTLED,
            f"该住院已出院结算（结算ID {settlement}），追加明细请先用 2305 撤销结算",
            "visit",
            settlement=settlement,
        )
    return visit


def _uploaded(
    unit: Unit,
    request: UploadFees,
    visit: VisitFacts,
    batches: list[ChargeBatch],
    known: rules.Known,
    basis: Basis,
    reference: Reference,
    writes: _Writes,
) -> Uploaded:
    _check_serials(request.lines, _scope(visit, request.practice))
    label = _current_label(batches) if visit.kind is VisitKind.STAY else None
    fresh: dict[str, list[Classified]] = {}
    answers: list[LineFacts] = []
    touched: set[int] = set()
    for sent in request.lines:
        rules.check_line(sent, unit.now, request.practice)
        if visit.kind is VisitKind.STAY:
            rules.check_fee_day(sent, visit)
        else:
            rules.check_no_return(sent)
        if earlier := known.find(sent):
            batch, booked = earlier
            _check_equal(sent, booked.facts.line, label)
            answers.append(booked.facts)
            if batch is not None:
                touched.add(batch)
            continue
        line = sent if label is None else replace(sent, batch=label)
        classified = _classified(line, known, basis, request.practice, reference.catalogue)
        if visit.kind is VisitKind.STAY:  # only of these may a later line give something back
            known.add(classified)
        fresh.setdefault(line.batch, []).append(classified)
        answers.append(classified.facts)
    changes = _grow(unit, visit, basis, {batch.label: batch for batch in batches}, fresh)
    for batch_, is_new, lines in changes:
        (writes.opened if is_new else writes.grown).append(batch_)
        first = batch_.next_line - len(lines)
        writes.records.append(
            line_store.upload_record(unit.pool, visit.key.number, batch_.number, first, lines)
        )
        touched.add(batch_.number)
    return Uploaded(tuple(answers), tuple(sorted(touched)))


def _classified(
    line: FeeLine, known: rules.Known, basis: Basis, practice: Practice, catalogue: "Catalogue"
) -> Classified:
    if line.returns is None:
        return rules.classified(line, catalogue, basis)
    original = known.original(line)
    if original is None or original[1].facts.line.returns is not None:
        raise Refused(
            RefusalCode.LINE_UNKNOWN,
            f"明细 {line.serial}：被冲销的明细 {line.returns} 不存在、已撤销或本身是退费明细",
            "returns",
        )
    before = known.returned(line.returns)
    classified = rules.returned(line, original[1], before, catalogue)
    rules.check_return_amount(line, original[1].facts.line, before, practice)
    return classified


def _current_label(batches: Sequence[ChargeBatch]) -> str:
    """The batch of a stay that takes new lines: the latest that is not settled, or a new one."""
    unsettled = [batch.label for batch in batches if batch.living_settlement is None]
    return unsettled[-1] if unsettled else f"stay-{len(batches) + 1}"


def _scope(visit: VisitFacts, practice: Practice) -> SerialScope:
    """Within what serials are counted; 2301 names no batches, so a stay's count in the visit."""
    return SerialScope.VISIT if visit.kind is VisitKind.STAY else practice.serials


def _check_serials(lines: Sequence[FeeLine], scope: SerialScope) -> None:
    """A serial may be sent again, but not twice at once: the caller would add its sums up twice."""
    keys = [rules.serial_key(line, scope) for line in lines]
    if len(set(keys)) == len(keys):
        return
    twice = next(serial for place, (_, serial) in enumerate(keys) if keys[place] in keys[:place])
    raise Refused(RefusalCode.LINE_DUPLICATE, f"同一次上传中费用明细流水号 {twice} 重复", "serial")


def _check_equal(line: FeeLine, earlier: FeeLine, label: str | None) -> None:
    """``label`` is None for outpatients, who name their batches themselves."""
    if label is not None:
        line = replace(line, batch=earlier.batch)
    if line != earlier:
        undo = "2205" if label is None else "2302"
        raise Refused(
            RefusalCode.LINE_DIFFERS,
            f"费用明细流水号 {line.serial} 已上传且内容不同；更改请先用 {undo} 撤销",
            "serial",
        )


def _grow(
    unit: Unit,
    visit: VisitFacts,
    basis: Basis,
    batches: Mapping[str, ChargeBatch],
    fresh: Mapping[str, list[Classified]],
) -> list[tuple[ChargeBatch, bool, list[Classified]]]:
    """The batches that the fresh lines open or grow: (batch as it becomes, is new, its lines)."""
    changes = []
    for label, lines in fresh.items():
        batch = batches.get(label)
        if batch is None:
            changes.append((opened(unit, visit, label, basis, lines), True, lines))
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
            next_line=batch.next_line + len(lines),
            buckets=rules.merged(batch.buckets, rules.bucket_sums(lines)),
            basis=batch.basis if batch.line_count else basis,
        )
        changes.append((grown, False, lines))
    return changes


def opened(
    unit: Unit, visit: VisitFacts, label: str, basis: Basis, lines: Sequence[Classified]
) -> ChargeBatch:
    """A new batch with its first lines."""
    return ChargeBatch(
        unit.numbers.next(unit.now),
        visit.key.number,
        label,
        visit.institution,
        False,
        len(lines),
        len(lines),
        rules.bucket_sums(lines),
        basis,
        None,
    )


def classified_purchase(
    lines: Sequence[FeeLine], unit: Unit, basis: Basis, practice: Practice, catalogue: "Catalogue"
) -> list[Classified]:
    """The lines of a purchase, checked and split as an upload would."""
    if not lines:
        raise Refused(RefusalCode.BATCH_EMPTY, "没有费用明细", "lines")
    _check_serials(lines, SerialScope.VISIT)
    classified = []
    for line in lines:
        rules.check_line(line, unit.now, practice)
        rules.check_no_return(line)
        classified.append(rules.classified(line, catalogue, basis))
    return classified


async def write_batches(
    unit: Unit, batches: Sequence[tuple[ChargeBatch, Sequence[Classified]]]
) -> None:
    """Keep new batches with their lines."""
    await store.insert_batches(unit.connection, unit.pool, [batch for batch, _ in batches])
    await line_store.insert_uploads(
        unit.connection,
        [
            line_store.upload_record(unit.pool, batch.visit, batch.number, 0, lines)
            for batch, lines in batches
        ],
    )


# ----------------------------------------------------------------------------------------- batches


async def batches_by_visit(unit: Unit, visits: Sequence[int]) -> dict[int, list[ChargeBatch]]:
    """The batches of visits that are not withdrawn, in the order they were opened."""
    found: dict[int, list[ChargeBatch]] = {}
    for batch in await store.batches_of(unit.connection, unit.pool, visits):
        found.setdefault(batch.visit, []).append(batch)
    return found


async def set_living_settlement(unit: Unit, slots: Sequence[Slot]) -> None:
    """Fill (settled) or clear (cancelled) the slot of batches."""
    if slots:
        await store.set_living_settlement(unit.connection, unit.pool, slots)


async def fee_days(
    connection: "Connection[Any]", pool: Pool, batches: Sequence[ChargeBatch]
) -> tuple[date, date] | None:
    """The business dates of the first and the last fee of batches, returns apart."""
    found = await line_store.charged_between(connection, pool, batches)
    return None if found is None else (business_date(found[0]), business_date(found[1]))


# ----------------------------------------------------------------------------------------- reading


async def recall_lines(
    connection: "Connection[Any]",
    visit: PoolKey,
    batches: Sequence[int],
    sent: Sequence[FeeLine],
    catalogue: "Catalogue",
) -> tuple[LineFacts, ...]:
    """The lines an upload sent, in that order, from the batches it named."""
    found = await line_store.lines_with_serials(
        connection,
        visit.pool,
        visit.number,
        batches,
        {line.serial for line in sent},
        catalogue,
    )
    by_batch = {(facts.line.batch, facts.line.serial): facts for facts in found}
    by_serial = {facts.line.serial: facts for facts in found}
    # a stay's lines were sent without the label of the batch that took them in
    return tuple(by_batch.get((line.batch, line.serial)) or by_serial[line.serial] for line in sent)


async def lines(
    connection: "Connection[Any]",
    visit: PoolKey,
    batch: int | None,
    catalogue: "Catalogue",
) -> list[tuple[LineFacts, PoolKey | None]]:
    """A visit's lines as the reader may see them, with their batch's living settlement."""
    found = await line_store.lines_of_visit(connection, visit.pool, visit.number, batch, catalogue)
    return [
        (facts, None if living is None else PoolKey(visit.pool, living)) for facts, living in found
    ]
