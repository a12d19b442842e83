"""Bills settled again in a chain, supplemented, cancelled after a closed period: by two clerks."""

from datetime import date, timedelta

import pytest

from tests.bureau.builders import Bureau
from tests.settlement.builders import (
    CLINIC,
    EMPLOYEE,
    POOL,
    TERTIARY,
    Town,
    key_of,
    laws_of_beijing,
)
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.bureau import fields
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.policy.terms import EntitlementExtent, IdentityKind
from yibao.registry.people import service as people
from yibao.registry.people.model import Entitlement, SpecialIdentity
from yibao.registry.service import ReferenceCache
from yibao.settlement import service as settlement
from yibao.settlement.affected.model import Affected
from yibao.settlement.clearing.model import clearing_class
from yibao.settlement.model import Origin, Payee, SettlementFacts, SettlementKind


async def told(town: Town, member: str) -> list[SettlementFacts]:
    """Everything settled of a member, oldest first."""
    async with town.database.reader(None) as connection:
        rows = await connection.fetch(
            "SELECT id FROM settlement.visible_settlement WHERE member = $1 ORDER BY id", member
        )
        found = []
        for row in rows:
            facts = await settlement.settlement(connection, PoolKey(POOL, row["id"]))
            assert facts is not None
            found.append(facts)
    return found


async def owed(town: Town, member: str) -> int:
    """What the ledger says that a person is owed."""
    async with town.database.owner() as connection:
        amount: int = await connection.fetchval(
            "SELECT coalesce(sum(amount), 0)::bigint FROM ledger.entry WHERE account = $1",
            f"person:{member}:owed",
        )
    return amount


def period(member: str) -> dict[str, str]:
    """What names a member's bills of July."""
    return {"pool": POOL, "member": member, "first_day": "2026-07-01", "last_day": "2026-07-31"}


async def affected_now(town: Town) -> list[Affected]:
    """The bills that come out otherwise by what is known now."""
    async with town.database.reader(None) as connection:
        reference = await ReferenceCache(town.vault, laws_of_beijing()).current(connection)
        return await settlement.affected_by_facts(connection, town.vault, reference)


async def set_extent(town: Town, member: str, extent: EntitlementExtent) -> None:
    """Say, after the fact, what a member may use."""
    entitlement = Entitlement(EMPLOYEE, extent, Period(date(2020, 1, 1)), "测试")
    async with town.database.writer() as connection, connection.transaction():
        await people.set_entitlement(connection, POOL, member, entitlement, now=town.clock.now())


# ------------------------------------------------------------------------------------------ chains


async def test_a_chain_is_settled_again_after_a_cancellation_out_of_order(bureau: Bureau) -> None:
    """The yearly cap was used by the first bill; cancelled, it pays the second."""
    town = bureau.town
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure()
    first = await town.bill(member, "100", TERTIARY)
    second = await town.bill(member, "100", CLINIC)
    assert (first.funds, second.funds) == (5000, 1000)
    await town.do(town.cancellation(first))
    result = await bureau.carry_out("corrections.resettle", pool=POOL, member=member)
    (bill,) = result["bills"]
    assert bill["settlement"] == key_of(second).text()
    assert bill["differences"]["funds"] == "40.00"
    assert (result["owed_to_person"], result["flags_resolved"]) == ("40.00", 1)
    supplement = (await told(town, member))[-1]
    assert (supplement.kind, supplement.origin) == (SettlementKind.SUPPLEMENT, Origin.CORRECTION)
    assert (supplement.payee, supplement.mirrors) == (Payee.PERSON, key_of(second))
    assert (supplement.sums.total, supplement.funds, supplement.cash) == (0, 4000, -4000)
    assert await owed(town, member) == 4000
    assert await town.counters(member) == {"spent@2026": 5000}
    async with town.database.reader(None) as connection:
        again = await settlement.settlement(connection, key_of(second))
        explained = await settlement.explained(connection, supplement)
    assert again is not None
    assert not again.needs_resettlement
    assert again.funds == 1000, "the hospital's bill is as it was"
    assert explained.differences == (), "it is explained as the whole bill"
    assert explained.decision.statement.funds == 5000
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("corrections.resettle", pool=POOL, member=member)
    assert refused.value.refusal.code is RefusalCode.NOTHING_TO_CORRECT
    assert await bureau.faults() == []


async def test_cancelling_a_supplemented_bill_leaves_nothing_behind(bureau: Bureau) -> None:
    town = bureau.town
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure()
    first = await town.bill(member, "100")
    second = await town.bill(member, "100")
    await town.do(town.cancellation(first))
    await bureau.carry_out("corrections.resettle", pool=POOL, member=member)
    await town.do(town.cancellation(second))
    assert await owed(town, member) == 0
    assert await town.counters(member) == {}
    assert sum(row.funds for row in await told(town, member)) == 0
    assert await bureau.faults() == []


async def test_what_the_funds_paid_too_much_is_owed_by_the_person(bureau: Bureau) -> None:
    """A fact that is known later takes the entitlement away."""
    town = bureau.town
    await let_count(town, law(capped("1000"), counters=SPENT))
    member = await town.insure()
    await town.bill(member, "100")
    await set_extent(town, member, EntitlementExtent.NONE)
    result = await bureau.carry_out("corrections.resettle", pool=POOL, member=member, by="facts")
    assert result["owed_to_person"] == "-50.00"
    assert await owed(town, member) == -5000
    assert await town.counters(member) == {}
    await set_extent(town, member, EntitlementExtent.FULL)
    back = await bureau.carry_out("corrections.resettle", pool=POOL, member=member, by="facts")
    assert back["owed_to_person"] == "50.00"
    assert await owed(town, member) == 0
    assert await town.counters(member) == {"spent@2026": 5000}


async def test_a_law_that_reaches_back_pays_the_difference_to_the_person(bureau: Bureau) -> None:
    town = bureau.town
    await let_count(town, law(capped("1000"), counters=SPENT))
    member = await town.insure()
    await town.bill(member, "100")
    await let_count(town, law(capped("1000", "0.8"), counters=SPENT))
    result = await bureau.carry_out("corrections.resettle", pool=POOL, member=member, by="law")
    assert result["owed_to_person"] == "30.00"
    with pytest.raises(Refused):
        await bureau.carry_out("corrections.resettle", pool=POOL, member=member, by="counters")


async def test_what_an_account_paid_too_much_goes_back_into_it(bureau: Bureau) -> None:
    town = bureau.town
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure(account="500")
    first = await town.bill(member, "100")
    second = await town.bill(member, "100")
    before = await town.balance(member)
    await town.do(town.cancellation(first))
    between = await town.balance(member)
    result = await bureau.carry_out("corrections.resettle", pool=POOL, member=member)
    assert second.account > 0
    assert await town.balance(member) == between + 4000
    assert (result["back_to_accounts"], result["owed_to_person"]) == ("40.00", "0.00")
    assert before < between
    assert await bureau.faults() == []


async def test_no_institution_sees_a_supplement(bureau: Bureau) -> None:
    town = bureau.town
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure()
    first = await town.bill(member, "100", TERTIARY)
    second = await town.bill(member, "100", CLINIC)
    await town.do(town.cancellation(first))
    await bureau.carry_out("corrections.resettle", pool=POOL, member=member)
    async with town.database.reader([CLINIC, TERTIARY]) as connection:
        seen = await settlement.settlements_of_visit(connection, member, second.visit)
    assert [facts.key for facts in seen] == [second.key]


# ------------------------------------------------------------------------------------- supplements


async def test_assistance_granted_afterwards_pays_beside_the_others(bureau: Bureau) -> None:
    town = bureau.town
    member = await town.insure()
    settled = [await town.bill(member, "3000") for _ in range(2)]
    poor = SpecialIdentity(IdentityKind("2303"), None, Period(date(2026, 1, 1)))
    async with town.database.writer() as connection, connection.transaction():
        found = (await people.load_members(connection, town.vault, POOL, [member]))[member]
        await people.grant_special_identity(
            connection, found.identity.id, poor, now=town.clock.now()
        )
    result = await bureau.carry_out("corrections.supplement", **period(member))
    supplements = [row for row in await told(town, member) if row.origin is Origin.SUPPLEMENT]
    assert [row.mirrors for row in supplements] == [key_of(bill) for bill in settled]
    for row in supplements:
        assert (row.sums.total, row.deductible, row.hospital_part) == (0, 0, 0)
        assert {payment.fund for payment in row.payments} == {"610100"}
        assert row.funds > 0
        assert row.personal == row.cash == -row.funds
    assert await owed(town, member) == sum(row.funds for row in supplements)
    assert fields.fen(result["owed_to_person"]) == await owed(town, member)
    assert await affected_now(town) == [], "nothing is left to correct"
    assert await bureau.faults() == []


async def test_a_supplement_refuses_where_more_than_a_payer_changes(bureau: Bureau) -> None:
    town = bureau.town
    await let_count(town, law(capped("1000"), counters=SPENT))
    member = await town.insure()
    await town.bill(member, "100")
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("corrections.supplement", **period(member))
    assert refused.value.refusal.code is RefusalCode.NOTHING_TO_CORRECT
    await set_extent(town, member, EntitlementExtent.NONE)
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("corrections.supplement", **period(member))
    assert refused.value.refusal.code is RefusalCode.FIELD_CONTRADICTS


async def test_a_cancellation_that_is_reversed_flags_a_bill_that_was_supplemented(
    bureau: Bureau,
) -> None:
    """It stands again as it was first settled, and is settled again by the bureau."""
    town = bureau.town
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure()
    first = await town.bill(member, "100")
    second = await town.bill(member, "100")
    await town.do(town.cancellation(first))
    await bureau.carry_out("corrections.resettle", pool=POOL, member=member)
    cancelled = await town.do(town.cancellation(second))
    await town.do(town.reversal(cancelled, "2208"))
    assert await town.counters(member) == {"spent@2026": 1000}
    again = await bureau.carry_out("corrections.resettle", pool=POOL, member=member)
    assert (again["owed_to_person"], again["flags_resolved"]) == ("40.00", 1)
    assert await town.counters(member) == {"spent@2026": 5000}
    assert await bureau.faults() == []


# ---------------------------------------------------------------------------------- closed periods


async def clear_july(town: Town, settled: SettlementFacts) -> None:
    """July's bills of the settlement's institution and class are cleared."""
    async with town.database.writer() as connection:
        await connection.execute(
            """INSERT INTO settlement.clearing_application (pool, number, institution,
                   clearing_class, month, first_day, last_day, visits, total, in_scope, funds,
                   account, cash, state, applied_at)
               VALUES ($1, 1, $2, $3, '202607', '2026-07-01', '2026-07-31', 1, 10000, 10000, 0,
                       0, 10000, 'approved', $4)""",
            POOL,
            settled.institution,
            clearing_class(settled.care_kind),
            town.clock.now(),
        )


async def test_a_cleared_month_is_cancelled_by_the_bureau_alone(bureau: Bureau) -> None:
    town = bureau.town
    settled = await town.bill(await town.insure(), "100")
    await clear_july(town, settled)
    town.clock.set(town.clock.now() + timedelta(days=20))
    refusal = await town.refused(town.cancellation(settled))
    assert refusal.code is RefusalCode.BUREAU_ALONE
    assert "2026-07 已清算" in refusal.message
    await bureau.carry_out("corrections.cancel", settlement=key_of(settled).text())
    assert await bureau.faults() == []


async def test_what_is_cleared_is_not_reversed_either(bureau: Bureau) -> None:
    town = bureau.town
    settled = await town.bill(await town.insure(), "100")
    await clear_july(town, settled)
    refusal = await town.refused(town.reversal(settled))
    assert refusal.code is RefusalCode.BUREAU_ALONE
    assert await bureau.faults() == []


async def test_a_closed_year_is_cancelled_by_the_bureau_alone(bureau: Bureau) -> None:
    town = bureau.town
    member = await town.insure()
    settled = await town.bill(member, "100")
    town.clock.set(town.clock.now() + timedelta(days=3))
    year = {"pool": POOL, "scheme": EMPLOYEE, "until": settled.day.isoformat()}
    await bureau.carry_out("corrections.close_year", **year)
    refusal = await town.refused(town.cancellation(settled))
    assert refusal.code is RefusalCode.BUREAU_ALONE
    result = await bureau.carry_out("corrections.cancel", settlement=key_of(settled).text())
    assert result["total"] == "-100.00"
    mirror = (await told(town, member))[-1]
    assert mirror.settled_at == town.clock.now(), "it is booked now"
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("corrections.cancel", settlement=key_of(settled).text())
    assert refused.value.refusal.code is RefusalCode.SETTLEMENT_CANCELLED
    assert await bureau.faults() == []


async def test_a_day_that_is_not_over_is_not_closed(bureau: Bureau) -> None:
    with pytest.raises(Refused) as refused:
        await bureau.carry_out(
            "corrections.close_year", pool=POOL, scheme=EMPLOYEE, until="2026-12-31"
        )
    assert refused.value.refusal.code is RefusalCode.DATE_NOT_ALLOWED
