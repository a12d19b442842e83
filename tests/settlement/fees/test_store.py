"""Batches come out of their rows as they went in."""

from tests.settlement.builders import Town
from yibao.kernel.frozen import replace
from yibao.settlement.fees import store
from yibao.settlement.fees.model import ChargeBatch
from yibao.settlement.model import Practice, UnknownItems, VisitFacts

PRACTICE = Practice(unknown_items=UnknownItems.REFUSE, own_expense_codes=frozenset({"X1"}))


async def _batch(town: Town, visit: VisitFacts) -> ChargeBatch:
    async with town.database.writer() as connection:
        (batch,) = await store.batches_of(connection, visit.key.pool, [visit.key.number])
    return batch


async def test_what_a_batch_was_classified_by_is_kept_with_its_practice(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "100")
    batch = await _batch(town, visit)
    other = replace(batch, basis=replace(batch.basis, catalogue=7, practice=PRACTICE))
    async with town.database.writer() as connection, connection.transaction():
        await store.update_sums(connection, visit.key.pool, [other])
    assert await _batch(town, visit) == other


async def test_a_batch_that_named_what_it_was_classified_by_is_the_same(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "100")
    batch = await _batch(town, visit)
    async with town.database.owner() as connection:
        await connection.execute(
            """UPDATE settlement.charge_batch SET basis = jsonb_build_object(
                   'scheme', basis -> 0, 'care_kind', basis -> 1, 'level', basis -> 2,
                   'area', basis -> 3, 'catalogue', basis -> 4)"""
        )
    assert await _batch(town, visit) == batch
