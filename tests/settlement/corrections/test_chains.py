"""After a chain is settled again, counters and sums are those of a serial replay."""

from collections.abc import Sequence
from datetime import timedelta

from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as some

from tests.settlement.builders import POOL, Town, key_of, laws_of_beijing
from yibao.adjudication.benefit import benefit, needed_counters
from yibao.adjudication.model import CounterKey
from yibao.kernel.identifiers import NumberSource, PoolKey
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.clock import SettableClock
from yibao.platform.commands.model import Done, Unit
from yibao.platform.commands.service import Commands
from yibao.registry.service import ReferenceCache
from yibao.settlement import service as settlements
from yibao.settlement.bills import snapshot, store
from yibao.settlement.bills.standing import as_it_stands
from yibao.settlement.corrections import service
from yibao.settlement.corrections.model import Resettle
from yibao.settlement.model import SettlementFacts
from yibao.settlement.service import REQUESTS

AMOUNTS = ("30", "500", "1234.56", "1800", "9999.99")


async def resettle(town: Town, member: str) -> None:
    """Settle a member's bills again; nothing to correct is as good."""
    async with town.database.writer() as connection:
        reference = await ReferenceCache(town.vault, laws_of_beijing()).current(connection)
        async with connection.transaction():
            unit = Unit(POOL, connection, town.clock.now(), town.numbers)
            by = PoolKey(POOL, town.numbers.next(unit.now))
            try:
                await service.resettle(unit, Resettle(member), reference, town.vault, by)
            except Refused as refused:
                nothing = (RefusalCode.NOTHING_TO_CORRECT, RefusalCode.SETTLEMENT_UNKNOWN)
                assert refused.refusal.code in nothing  # noqa: PT017 - either end is right


async def standing(town: Town, bills: Sequence[SettlementFacts]) -> list[SettlementFacts]:
    """The bills that stand, each with its supplements in it, in the order they were settled."""
    numbers = [bill.key.number for bill in bills if bill.key is not None]
    async with town.database.reader(None) as connection:
        found = await store.load(connection, POOL, numbers)
        more = [one for facts, _ in found.values() for one in facts.supplements]
        supplements = await store.load(connection, POOL, more)
    return [
        as_it_stands(facts, [supplements[one][0] for one in facts.supplements])
        for facts, _ in (found[number] for number in sorted(numbers))
        if facts.cancelled_by is None
    ]


@settings(
    max_examples=5, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    amounts=some.lists(some.sampled_from(AMOUNTS), min_size=2, max_size=5),
    cancelled=some.lists(some.integers(0, 4), max_size=3, unique=True),
    twice=some.booleans(),
)
@example(amounts=["1800", "500", "1234.56", "9999.99"], cancelled=[0], twice=False)
@example(amounts=["500", "1234.56", "1800", "9999.99"], cancelled=[1, 0], twice=True)
async def test_a_chain_is_the_serial_replay(
    town: Town, amounts: list[str], cancelled: list[int], twice: bool
) -> None:
    member = await town.insure("1201")
    bills = [await town.bill(member, amount) for amount in amounts]
    for place in cancelled:
        if place < len(bills):
            await town.do(town.cancellation(bills[place]))
            if twice:
                await resettle(town, member)
    await resettle(town, member)
    running: dict[CounterKey, int] = {}
    (law,) = {bill.law for bill in bills}
    own = next(one for one in laws_of_beijing().laws.values() if one.fingerprint == law)
    for bill in await standing(town, bills):
        stood = snapshot.read(bill)
        history = {key: running.get(key, 0) for key in needed_counters(stood.bill, own)}
        again = benefit(stood.bill, own, history, stood.account)
        assert (bill.funds, bill.personal, bill.deductible) == (
            again.funds,
            again.personal,
            again.deductible,
        )
        assert bill.personal == bill.account + bill.family + bill.cash
        for key, delta in again.counters:
            running[key] = running.get(key, 0) + delta
    expected = {f"{key.name}@{key.scope}": value for key, value in running.items() if value}
    assert await town.counters(member) == expected
    assert await town.faults() == []


async def test_a_bill_that_began_earlier_and_waited_comes_after_the_one_it_waited_for(
    town: Town,
) -> None:
    """Its number is lower, for it began earlier; what was decided first is what counts."""
    early = Commands(
        town.database.writer,
        SettableClock(town.clock.now() - timedelta(seconds=20)),
        NumberSource(200),
        dict.fromkeys(REQUESTS, town.room.handle),
    )
    member = await town.insure()
    first, second = [await town.open_visit(member) for _ in range(2)]
    for visit in (first, second):
        await town.charge(visit, "3000")
    paid_first = await town.do(town.settlement(first, "3000"))
    done = await early.submit(town.command(town.settlement(second, "3000")))
    assert isinstance(done, Done)
    waited = done.result
    assert key_of(waited) < key_of(paid_first)
    assert waited.deductible < paid_first.deductible
    await town.do(town.cancellation(paid_first))
    async with town.database.reader(None) as connection:
        stored = await settlements.settlement(connection, key_of(waited))
    assert stored is not None
    assert stored.needs_resettlement
    await resettle(town, member)
    async with town.database.reader(None) as connection:
        stored = await settlements.settlement(connection, key_of(waited))
    assert stored is not None
    assert not stored.needs_resettlement
    assert len(stored.supplements) == 1
