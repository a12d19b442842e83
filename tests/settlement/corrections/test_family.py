"""What relatives' accounts paid too much goes back where it came from, and frees the year."""

from typing import Any

from tests.accounts.builders import let_pay, unit
from tests.bureau.kinds.test_corrections import set_extent
from tests.settlement.builders import Town, laws_of_beijing
from tests.settlement.test_elsewhere import two_pools
from yibao.accounts.family import service as family
from yibao.kernel.identifiers import PoolKey
from yibao.policy.terms import EntitlementExtent
from yibao.registry.family.model import FamilyLink
from yibao.registry.service import ReferenceCache
from yibao.settlement.corrections import service
from yibao.settlement.corrections.model import Renewal, Resettle, Resettled

FEE = "3000"
"""Of it the deductible is 1800, and the fund pays 840 of the rest where it pays at all."""


async def resettled(town: Town, member: str) -> Resettled:
    """Settle a member's bills again by what is known now."""
    async with unit(town) as u:
        reference = await ReferenceCache(town.vault, laws_of_beijing()).current(u.connection)
        by = PoolKey(u.pool, town.numbers.next(u.now))
        return await service.resettle(u, Resettle(member, Renewal.FACTS), reference, town.vault, by)


async def used(town: Town, link: FamilyLink) -> int:
    """What counts against a link's year."""
    async with town.database.reader(None) as connection:
        found: dict[int, int] = await family.used(connection, link.pool, [link.number], 2026)
    return found.get(link.number, 0)


async def test_a_correction_frees_the_year_and_a_cancellation_after_it_all(town: Town) -> None:
    parent, child = await town.insure(account="5000"), await town.insure()
    link = await let_pay(town, parent, child, year_limit="4000")
    await set_extent(town, child, EntitlementExtent.ACCOUNT_ONLY)
    bill = await town.bill(child, FEE)
    assert bill.family == 300_000
    await set_extent(town, child, EntitlementExtent.FULL)
    corrected = await resettled(town, child)
    assert corrected.to_accounts == 84_000
    assert await town.balance(parent) == 284_000
    assert await used(town, link) == 216_000
    await town.do(town.cancellation(bill))
    assert await town.balance(parent) == 500_000
    assert await used(town, link) == 0
    assert await town.faults() == []


async def test_a_correction_gives_back_to_an_account_in_another_pool(town: Town) -> None:
    pools = await two_pools(town, account="5000", carried="10")
    pools.child = await town.insure()
    link = await pools.link(year_limit=400_000)
    await set_extent(town, pools.child, EntitlementExtent.ACCOUNT_ONLY)
    visit = await town.open_visit(pools.child)
    await town.charge(visit, FEE)
    done: Any = await pools.across().submit(town.command(town.settlement(visit, FEE)))
    assert done.result.family == 300_000
    await set_extent(town, pools.child, EntitlementExtent.FULL)
    await resettled(town, pools.child)
    assert await pools.faults() != [], "the refund is on the way"
    await pools.job()
    assert sum(amount for amount, _ in (await pools.parts()).values()) == 501_000 - 216_000
    assert await used(town, link) == 216_000
    assert await pools.faults() == []
    await pools.across().submit(town.command(town.cancellation(done.result)))
    assert await pools.parts() == {"2025:carried": (1_000, 0), "2026:current": (500_000, 0)}
    assert await used(town, link) == 0
    assert await pools.faults() == []
