"""Lines classified again: what they are worth by another kind of care, level or catalogue."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from yibao.adjudication.model import Sums
from yibao.kernel.areas import Pool
from yibao.kernel.frozen import replace
from yibao.platform.commands.model import Unit
from yibao.settlement.fees import rules, store
from yibao.settlement.fees.lines import store as line_store
from yibao.settlement.fees.model import Basis, Booked, ChargeBatch, Classified

if TYPE_CHECKING:
    from asyncpg import Connection

    from yibao.registry.catalogue.model import Catalogue


def together(batches: Sequence[ChargeBatch]) -> ChargeBatch:
    """Batches that are settled in one as one: number, label and place are the first's."""
    first = batches[0]
    if len(batches) == 1:
        return first
    buckets: dict[str, Sums] = {}
    for batch in batches:
        buckets = rules.merged(buckets, batch.buckets)
    return replace(first, line_count=sum(b.line_count for b in batches), buckets=buckets)


async def reclassified(
    connection: "Connection[Any]",
    pool: Pool,
    batches: Sequence[ChargeBatch],
    basis: Basis,
    catalogue: "Catalogue",
) -> tuple[list[ChargeBatch], list[Booked]]:
    """The batches with their lines classified by another basis, and the lines that this changes."""
    found = await line_store.lines_of_batches(connection, pool, batches, catalogue)
    known = await _originals_elsewhere(connection, pool, batches, found, catalogue)
    changed: list[Booked] = []
    again: list[ChargeBatch] = []
    for batch in batches:
        lines: list[Classified] = []
        for booked in found.get(batch.number, []):
            line = _again(booked.line, known, basis, catalogue)
            known.add(line)
            lines.append(line)
            if line != booked.line:
                changed.append(booked._replace(line=line))
        again.append(replace(batch, buckets=rules.bucket_sums(lines), basis=basis))
    return again, changed


def _again(
    line: Classified, known: rules.Known, basis: Basis, catalogue: "Catalogue"
) -> Classified:
    sent = line.facts.line
    if sent.returns is None:
        return rules.classified(sent, catalogue, basis)
    original = known.original(sent)
    assert original is not None, f"the original of return {sent.serial} is gone"
    return rules.returned(sent, original[1], known.returned(sent.returns), catalogue)


async def _originals_elsewhere(
    connection: "Connection[Any]",
    pool: Pool,
    batches: Sequence[ChargeBatch],
    found: Mapping[int, Sequence[Booked]],
    catalogue: "Catalogue",
) -> rules.Known:
    """Originals, in earlier batches of the visit, of returns in these, as they were settled."""
    lines = [booked.line.facts.line for own in found.values() for booked in own]
    here = {line.serial for line in lines}
    elsewhere = {line.returns for line in lines if line.returns is not None} - here
    if not elsewhere:
        return rules.Known()
    earlier = await line_store.earlier_lines(
        connection, pool, batches[0].visit, min(b.number for b in batches), elsewhere, catalogue
    )
    return rules.Known(earlier)


async def write_reclassified(
    unit: Unit, batches: Sequence[ChargeBatch], lines: Sequence[Booked]
) -> None:
    """Store what ``reclassified`` found."""
    await store.update_sums(unit.connection, unit.pool, batches)
    if lines:
        await line_store.reclassify_lines(unit.connection, unit.pool, lines)
