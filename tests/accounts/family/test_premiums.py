"""A relative's premium out of an owner's account: account, premium and entitlement together."""

from datetime import date

import pytest

from tests.accounts.builders import balance_of, let_pay, unit, withdraw
from tests.settlement.builders import POOL, RESIDENT, Town, laws_of_beijing
from yibao.accounts.family import service as family
from yibao.accounts.family.model import PaidPremium, PremiumFromFamily
from yibao.kernel.money import fen_from_yuan
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import Scheme
from yibao.registry.family.model import FamilyLink
from yibao.registry.premiums import service as premiums

YEAR = Period(date(2026, 1, 1), date(2027, 1, 1))


async def pay(
    town: Town, link: FamilyLink, relative: str, amount: str, scheme: Scheme = RESIDENT
) -> PaidPremium:
    """Pay a relative's premium of the year."""
    wanted = PremiumFromFamily(link.number, relative, scheme, YEAR, fen_from_yuan(amount))
    async with unit(town) as u:
        return await family.pay_premium(u, town.vault, laws_of_beijing(), wanted)


async def linked(town: Town, **more: str) -> tuple[str, str, FamilyLink]:
    """An owner with 400 yuan, 100 of them of earlier years, who pays for a child."""
    owner = await town.insure(account="300", carried="100")
    child = await town.insure("1501", RESIDENT, period=Period(date(2026, 1, 1)))
    return owner, child, await let_pay(town, owner, child, **more)


async def test_the_account_pays_and_the_premium_is_booked(town: Town) -> None:
    owner, child, link = await linked(town)
    paid = await pay(town, link, child, "380")
    assert paid.parts == (("2025:carried", 10_000), ("2026:current", 28_000))
    assert await town.balance(owner) == 2_000
    assert await balance_of(town, "contributions:390") == 38_000
    async with town.database.reader(None) as connection:
        (booked,) = await premiums.premiums(connection, POOL, child, RESIDENT)
    assert (booked.amount, booked.period) == (38_000, YEAR)
    assert await town.faults() == []


async def test_a_premium_is_paid_whole_or_not_at_all(town: Town) -> None:
    owner, child, link = await linked(town)
    with pytest.raises(Refused, match=r"400\.00") as refused:
        await pay(town, link, child, "400.01")
    assert refused.value.refusal.code is RefusalCode.BALANCE_SHORT
    assert await town.balance(owner) == 40_000
    await pay(town, link, child, "400")
    assert await town.balance(owner) == 0


async def test_the_year_s_limit_of_the_link_counts_premiums_too(town: Town) -> None:
    _, child, link = await linked(town, year_limit="390")
    assert (await town.bill(child, "20", scheme=RESIDENT)).family == 2_000
    with pytest.raises(Refused, match=r"370\.00"):
        await pay(town, link, child, "380")
    await pay(town, link, child, "370")
    assert (await town.bill(child, "20", scheme=RESIDENT)).family == 0


async def test_only_for_the_relative_of_a_link_that_holds_and_a_scheme_the_law_names(
    town: Town,
) -> None:
    _, child, link = await linked(town)
    other = await town.insure("1501", RESIDENT)
    with pytest.raises(Refused) as refused:
        await pay(town, link, other, "10")
    assert refused.value.refusal.code is RefusalCode.LINK_UNKNOWN
    with pytest.raises(Refused) as refused:
        await pay(town, link, child, "10", Scheme("310"))
    assert refused.value.refusal.code is RefusalCode.RELATION_NOT_ALLOWED
    await withdraw(town, link)
    with pytest.raises(Refused) as refused:
        await pay(town, link, child, "10")
    assert refused.value.refusal.code in {RefusalCode.LINK_UNKNOWN, RefusalCode.LINK_ENDED}


async def test_a_relative_who_is_insured_in_another_pool_pays_there(town: Town) -> None:
    owner = await town.insure(account="300")
    child, there = await town.insure_twice()
    link = await let_pay(town, owner, child)
    with pytest.raises(Refused, match=r"在统筹区 430100 参保.*请在其参保地缴纳") as refused:
        await pay(town, link, there, "10")
    assert refused.value.refusal.code is RefusalCode.AREA_DIFFERS
    assert await town.balance(owner) == 30_000
