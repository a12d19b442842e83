"""Which living bills a retroactive law or fact touches, replayed with their counters."""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any

from tests.policy.builders import dated
from tests.settlement.builders import (
    CLASS_B,
    EMPLOYEE,
    NOON,
    POOL,
    TERTIARY,
    Town,
    key_of,
    laws_of_beijing,
    set_terms,
)
from tests.settlement.laws import SPENT, by_class, capped, law, let_count
from tests.settlement.test_law import RETIRED, TRAITS
from yibao.kernel.periods import Period
from yibao.policy.model import Law
from yibao.policy.terms import EntitlementExtent, Level, PersonType
from yibao.registry.filings import service as filings
from yibao.registry.institutions import service as institutions
from yibao.registry.laws import service as laws
from yibao.registry.people import service as people
from yibao.registry.people.model import Entitlement, Trait
from yibao.registry.service import ReferenceCache
from yibao.settlement import service as settlement
from yibao.settlement.affected.model import Affected
from yibao.settlement.model import SettlementFacts

ALL = Period(date(2020, 1, 1))


async def by_law(town: Town, new: Law, **span: Any) -> list[Affected]:
    """The bills that a law would touch."""
    async with town.database.reader(None) as connection:
        in_force = await laws.load_laws(connection, laws_of_beijing())
        return await settlement.affected_by_law(connection, new, in_force, **span)


async def by_facts(town: Town, **span: Any) -> list[Affected]:
    """The bills that what is known now touches."""
    async with town.database.reader(None) as connection:
        cache = ReferenceCache(town.vault, laws_of_beijing())
        reference = await cache.current(connection)
        return await settlement.affected_by_facts(connection, town.vault, reference, **span)


def changes(found: Sequence[Affected], settled: SettlementFacts) -> dict[str, int]:
    """What one bill would change by; empty when it is not touched."""
    for one in found:
        if one.settlement == key_of(settled):
            return one.differences
    return {}


# ------------------------------------------------------------------------------------------- a law


async def test_a_better_rate_touches_every_bill_with_its_difference(town: Town) -> None:
    await let_count(town, law(capped("1000"), counters=SPENT))
    member = await town.insure()
    settled = await town.bill(member, "100")
    (one,) = await by_law(town, law(capped("1000", "0.8"), counters=SPENT))
    assert (one.settlement, one.member, one.causes) == (key_of(settled), member, ("law",))
    assert one.differences == {"funds": 3000, "personal": -3000, "cash": -3000, "fund 310100": 3000}


async def test_later_bills_follow_with_their_counters(town: Town) -> None:
    await let_count(town, law(capped("100"), counters=SPENT))
    member = await town.insure()
    bills = [await town.bill(member, "100") for _ in range(3)]
    assert [bill.funds for bill in bills] == [5000, 5000, 0]
    found = await by_law(town, law(capped("100", "0.9"), counters=SPENT))
    assert [changes(found, bill).get("funds", 0) for bill in bills] == [4000, -4000, 0]


async def test_a_bill_before_the_day_stays_and_a_later_one_finds_what_it_spent(town: Town) -> None:
    await let_count(town, law(capped("100"), counters=SPENT))
    member = await town.insure()
    first = await town.bill(member, "100")
    town.clock.set(NOON + timedelta(days=1))
    second = await town.bill(member, "100")
    third = await town.bill(member, "100")
    new = law(capped("120", "0.9"), counters=SPENT)
    found = await by_law(town, new, since=date(2026, 7, 16))
    assert changes(found, first) == {}
    assert (changes(found, second)["funds"], changes(found, third)) == (2000, {})
    assert await by_law(town, new, since=date(2026, 7, 17)) == []
    until = await by_law(town, new, until=date(2026, 7, 16))
    assert changes(until, first)["funds"] == 4000
    assert next(one.causes for one in until if one.settlement == key_of(second)) == ("counters",)


async def test_a_law_with_counters_of_its_own_counts_what_bills_had_added(town: Town) -> None:
    await let_count(town, law(capped("100"), counters=SPENT))
    member = await town.insure()
    await town.bill(member, "100")
    await let_count(town, law())  # counts nothing
    town.clock.set(NOON + timedelta(days=1))
    second = await town.bill(member, "200")
    found = await by_law(town, law(capped("100"), counters=SPENT), since=date(2026, 7, 16))
    assert changes(found, second)["funds"] == -5000, "the first bill's 50 yuan are spent"


async def test_cancelled_bills_are_not_looked_at_and_nothing_is_changed(town: Town) -> None:
    await let_count(town, law(capped("1000"), counters=SPENT))
    member = await town.insure()
    await town.do(town.cancellation(await town.bill(member, "100")))
    kept = await town.bill(member, "10")
    tables = ("settlement.visible_settlement", "ledger.entry", "settlement.accumulator")
    before = [await town.rows(table) for table in tables]
    found = await by_law(town, law(capped("1000", "0.8"), counters=SPENT))
    assert [one.settlement for one in found] == [key_of(kept)]
    assert [await town.rows(table) for table in tables] == before


async def test_the_account_follows(town: Town) -> None:
    await let_count(town, law(capped("1000"), counters=SPENT))
    member = await town.insure(account="60")
    first, second = await town.bill(member, "100"), await town.bill(member, "100")
    assert (first.account, second.account) == (5000, 1000)
    found = await by_law(town, law(capped("1000", "0.8"), counters=SPENT))
    assert changes(found, first)["account"] == -3000
    assert changes(found, second)["account"] == 1000


async def test_the_law_that_decided_a_bill_does_not_touch_it(town: Town) -> None:
    same = law(capped("1000"), counters=SPENT)
    await let_count(town, same)
    await town.bill(await town.insure(), "100")
    assert await by_law(town, same) == []


async def test_a_bill_that_a_law_refuses_is_told_with_the_parameter(town: Town) -> None:
    await town.bill(await town.insure(), "100")
    silent = law(benefit={"places": [dated(["l3"], date(2027, 1, 1))]})
    (one,) = await by_law(town, silent)
    assert one.refusal is not None
    assert one.refusal.facts["parameter"] == "benefits.outpatient.places"
    assert one.differences == {}


async def test_the_list_is_what_settling_anew_would_have_given(town: Town) -> None:
    old, new = law(capped("120"), counters=SPENT), law(capped("150", "0.7"), counters=SPENT)
    amounts = ("60", "100", "33.33", "250", "10")
    totals: list[list[tuple[int, int, int]]] = []
    listed: list[Affected] = []
    for counting in (old, new):
        await let_count(town, counting)
        member = await town.insure(account="45.67")
        bills = [await town.bill(member, amount) for amount in amounts]
        totals.append([(bill.funds, bill.account, bill.cash) for bill in bills])
        if counting is old:
            listed = await by_law(town, new)
            again = {one.settlement: one.again for one in listed}
            expected = [again.get(key_of(bill)) for bill in bills]
    assert totals[0] != totals[1]
    for before, after, told in zip(*totals, expected, strict=True):
        if told is None:
            assert before == after
        else:
            assert after == (told["funds"], told["account"], told["cash"])


# ----------------------------------------------------------------------------------------- facts


async def test_nothing_is_touched_while_nothing_new_is_known(town: Town) -> None:
    await town.bill(await town.insure(account="30"), "2500")
    assert await by_facts(town) == []


async def test_a_retirement_recorded_late_touches_the_bills_since(town: Town) -> None:
    rates = by_class("old", yes="0.9", no="0.5")
    await let_count(town, law(rates, classes=RETIRED))
    member = await town.insure()
    settled = await town.bill(member, "100")
    async with town.database.writer() as connection, connection.transaction():
        await people.change_person_type(
            connection, POOL, member, EMPLOYEE, PersonType("1201"), date(2000, 5, 1), now=NOON
        )
        await people.change_person_type(
            connection, POOL, member, EMPLOYEE, PersonType("1201"), date(2026, 7, 1),
            retired_on=date(2000, 5, 1), now=NOON,
        )  # fmt: skip
    (one,) = await by_facts(town)
    assert one.settlement == key_of(settled)
    assert one.causes == ("person_type", "retired_on")
    assert one.differences["fund 310100"] == 4000
    assert await by_facts(town, since=date(2026, 7, 16)) == []


async def test_a_trait_an_entitlement_and_a_level_touch_too(town: Town) -> None:
    await let_count(town, law(by_class("signed", yes="0.9", no="0.5"), classes=TRAITS))
    signed, owing, other = [await town.insure() for _ in range(3)]
    bills = [await town.bill(member, "100") for member in (signed, owing)]
    await town.bill(other, "100")
    async with town.database.writer() as connection, connection.transaction():
        await filings.note_trait(connection, POOL, signed, Trait("signed", ALL), now=NOON)
        ended = Entitlement(EMPLOYEE, EntitlementExtent.ACCOUNT_ONLY, ALL, "欠费")
        await people.set_entitlement(connection, POOL, owing, ended, now=NOON)
        institution = (await institutions.load_directory(connection, town.vault)).institution(
            TERTIARY
        )
        assert institution is not None
        lower = replace_level(institution.terms[0])
        await institutions.change_term(connection, TERTIARY, lower, now=NOON)
    found = await by_facts(town)
    assert [one.causes for one in found] == [("traits", "level"), ("entitlement", "level")]
    assert [changes(found, bill)["funds"] for bill in bills] == [4000, -5000]


def replace_level(term: Any) -> Any:
    """The same terms of an institution of the second level."""
    return type(term)(
        term.period, term.name, Level.SECOND, term.grade, term.division, term.area, term.contract
    )


async def test_terms_of_an_item_corrected_for_the_past_touch_its_bills(town: Town) -> None:
    await let_count(town, law())
    member = await town.insure()
    visit = await town.open_visit(member)
    await town.charge(visit, "100", item=CLASS_B)
    settled = await town.do(town.settlement(visit, "100"))
    await town.bill(member, "100")  # of an item whose terms stay
    async with town.database.writer() as connection, connection.transaction():
        await set_terms(connection, NOON, CLASS_B, "01", 0)
        await connection.execute("UPDATE registry.version SET number = number + 1")
    (one,) = await by_facts(town)
    assert one.settlement == key_of(settled)
    assert one.causes == ("catalogue",)
    assert one.differences["first_pay"] == -1000
    assert one.differences["funds"] == 500


async def test_who_is_no_longer_enrolled_on_the_day_is_told(town: Town) -> None:
    member = await town.insure()
    await town.bill(member, "100")
    async with town.database.owner() as connection:
        await connection.execute("UPDATE registry.enrolment SET superseded_at = now()")
    (one,) = await by_facts(town)
    assert one.causes == ("enrolment",)
    assert one.refusal is not None
    assert one.refusal.facts == {"day": "2026-07-15"}
