"""Premiums booked and taken back, with the entitlement rewritten in the same transaction."""

from datetime import date

import asyncpg
import pytest

from tests.policy.builders import dated, document, law_of
from tests.registry.builders import BEIJING, instant, person
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.policy.model import Law
from yibao.policy.terms import EMPLOYEE, EntitlementExtent
from yibao.registry.people import service as people
from yibao.registry.people.model import Insured
from yibao.registry.premiums import service as premiums
from yibao.registry.premiums.model import Premium


def law() -> Law:
    """A law with terms of entitlement: no grace, half a year of waiting."""
    content = document()
    content["entitlement"] = {
        "waiting_months": [dated(6)],
        "gap_months": [dated(3)],
        "grace_months": [dated("none")],
        "repay_months": [dated(3)],
        "newborn_days": [dated(90)],
        "arrears": [dated("account_only")],
    }
    return law_of(content)


LAW = law()


def paid(first: date, until: date, paid_on: date | None = None) -> Premium:
    """A payment, made on its first day unless said otherwise."""
    return Premium(EMPLOYEE, Period(first, until), paid_on or first, 100_00)


HALF_YEAR = paid(date(2026, 1, 1), date(2026, 7, 1))
AUTUMN = paid(date(2026, 7, 1), date(2026, 10, 1), date(2026, 9, 20))


async def admitted(writer: asyncpg.Connection, vault: Vault) -> str:
    """A member's number; enrolled since 2020."""
    (one,) = await people.admit(writer, vault, [person()], now=instant(1))
    return one.memberships[0].number


async def seen(writer: asyncpg.Connection, vault: Vault, number: str) -> Insured:
    """The member as known now."""
    return (await people.load_members(writer, vault, BEIJING, [number]))[number]


async def test_booking_makes_the_entitlement(writer: asyncpg.Connection, vault: Vault) -> None:
    number = await admitted(writer, vault)
    await premiums.book(writer, vault, BEIJING, number, [HALF_YEAR], LAW, now=instant(2))
    known = await seen(writer, vault, number)
    assert known.entitlement_on(EMPLOYEE, date(2025, 12, 31)) is EntitlementExtent.ACCOUNT_ONLY
    assert known.entitlement_on(EMPLOYEE, date(2026, 6, 30)) is EntitlementExtent.FULL
    assert known.entitlement_on(EMPLOYEE, date(2026, 7, 1)) is EntitlementExtent.ACCOUNT_ONLY
    assert {row.reason for row in known.entitlements} == {"参保缴费", "欠费"}


async def test_arrears_paid_back_reach_back_and_what_was_known_stays_readable(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admitted(writer, vault)
    await premiums.book(writer, vault, BEIJING, number, [HALF_YEAR], LAW, now=instant(2))
    await premiums.book(writer, vault, BEIJING, number, [AUTUMN], LAW, now=instant(9, 20))
    august = date(2026, 8, 1)
    now = await seen(writer, vault, number)
    assert now.entitlement_on(EMPLOYEE, august) is EntitlementExtent.FULL
    then = await people.load_members_as_recorded(writer, vault, BEIJING, [number], instant(9, 1))
    assert then[number].entitlement_on(EMPLOYEE, august) is EntitlementExtent.ACCOUNT_ONLY


async def test_a_payment_taken_back_takes_its_entitlement_along(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admitted(writer, vault)
    await premiums.book(writer, vault, BEIJING, number, [HALF_YEAR, AUTUMN], LAW, now=instant(2))
    before = await premiums.book(writer, vault, BEIJING, number, [], LAW, now=instant(2, 2))
    await premiums.take_back(
        writer, vault, BEIJING, number, AUTUMN.period.start, LAW, now=instant(3)
    )
    assert await premiums.premiums(writer, BEIJING, number, EMPLOYEE) == [HALF_YEAR]
    now = await seen(writer, vault, number)
    assert now.entitlement_on(EMPLOYEE, date(2026, 8, 1)) is EntitlementExtent.ACCOUNT_ONLY
    await premiums.book(writer, vault, BEIJING, number, [AUTUMN], LAW, now=instant(4))
    assert set((await seen(writer, vault, number)).entitlements) == set(before)


async def test_deriving_again_changes_nothing_that_stays(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admitted(writer, vault)
    await premiums.book(writer, vault, BEIJING, number, [HALF_YEAR], LAW, now=instant(2))
    count = "SELECT count(*) FROM registry.entitlement"
    before = await writer.fetchval(count)
    await premiums.derive_again(writer, vault, BEIJING, number, LAW, now=instant(3))
    assert await writer.fetchval(count) == before


async def test_death_ends_the_derived_entitlement(writer: asyncpg.Connection, vault: Vault) -> None:
    number = await admitted(writer, vault)
    await premiums.book(writer, vault, BEIJING, number, [HALF_YEAR], LAW, now=instant(2))
    identity = (await seen(writer, vault, number)).identity.id
    await people.record_death(writer, identity, date(2026, 3, 9), now=instant(3, 10))
    await premiums.derive_again(writer, vault, BEIJING, number, LAW, now=instant(3, 11))
    known = await seen(writer, vault, number)
    assert known.entitlement_on(EMPLOYEE, date(2026, 3, 9)) is EntitlementExtent.FULL
    assert known.entitlement_on(EMPLOYEE, date(2026, 3, 10)) is EntitlementExtent.NONE


async def test_a_refused_payment_changes_nothing(writer: asyncpg.Connection, vault: Vault) -> None:
    number = await admitted(writer, vault)
    await premiums.book(writer, vault, BEIJING, number, [HALF_YEAR], LAW, now=instant(2))
    before = (await seen(writer, vault, number)).entitlements
    overlapping = paid(date(2026, 6, 1), date(2026, 8, 1))
    open_ended = Premium(EMPLOYEE, Period(date(2027, 1, 1)), date(2027, 1, 1), 1)
    for wrong in (overlapping, open_ended):
        with pytest.raises(Refused) as refused:
            await premiums.book(writer, vault, BEIJING, number, [wrong], LAW, now=instant(3))
        assert refused.value.refusal.field == "period"
    with pytest.raises(Refused):
        await premiums.take_back(
            writer, vault, BEIJING, number, date(2027, 1, 1), LAW, now=instant(3)
        )
    assert (await seen(writer, vault, number)).entitlements == before


async def test_a_law_without_terms_is_named(writer: asyncpg.Connection, vault: Vault) -> None:
    number = await admitted(writer, vault)
    with pytest.raises(Refused) as refused:
        await premiums.book(
            writer, vault, BEIJING, number, [HALF_YEAR], law_of(document()), now=instant(2)
        )
    assert refused.value.refusal.code is RefusalCode.PARAMETER_MISSING
    assert refused.value.refusal.facts["parameter"] == "entitlement"
