"""Traits and filings: dated, never overwritten, seen with the member."""

from datetime import date

import asyncpg
import pytest

from tests.registry.builders import BEIJING, instant, person
from yibao.kernel.areas import Division
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Vault
from yibao.policy.terms import EMPLOYEE, Filing, PersonType
from yibao.registry.filings import service as filings
from yibao.registry.people import service as people
from yibao.registry.people.model import FiledCare, Insured, Trait

JUNE, JULY = date(2026, 6, 15), date(2026, 7, 15)
SINCE_JULY = Period(date(2026, 7, 1))


async def admitted(writer: asyncpg.Connection, vault: Vault) -> str:
    """A member's number."""
    (one,) = await people.admit(writer, vault, [person()], now=instant(1))
    return one.memberships[0].number


async def seen(writer: asyncpg.Connection, vault: Vault, number: str) -> Insured:
    """The member as known now."""
    return (await people.load_members(writer, vault, BEIJING, [number]))[number]


async def test_a_trait_holds_in_its_period(writer: asyncpg.Connection, vault: Vault) -> None:
    number = await admitted(writer, vault)
    for word in ("section_rank", "signed"):
        await filings.note_trait(writer, BEIJING, number, Trait(word, SINCE_JULY), now=instant(5))
    await filings.end_trait(
        writer, BEIJING, number, "signed", Period(date(2026, 8, 1)), now=instant(6)
    )
    known = await seen(writer, vault, number)
    assert known.traits_on(JUNE) == ()
    assert known.traits_on(JULY) == ("section_rank", "signed")
    assert known.traits_on(date(2026, 8, 1)) == ("section_rank",)


async def test_what_was_recorded_before_a_correction_stays_readable(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admitted(writer, vault)
    trait = Trait("signed", SINCE_JULY)
    await filings.note_trait(writer, BEIJING, number, trait, now=instant(5))
    await filings.end_trait(writer, BEIJING, number, "signed", SINCE_JULY, now=instant(6))
    then = await people.load_members_as_recorded(writer, vault, BEIJING, [number], instant(5, 2))
    assert then[number].traits == (trait,)
    assert (await seen(writer, vault, number)).traits == ()


@pytest.mark.parametrize(
    ("place", "care", "on_file"),
    [
        (None, "430181", Filing.TRANSFER),
        ("430000", "430181", Filing.TRANSFER),
        ("430100", "430181", Filing.TRANSFER),
        ("430100", "430200", Filing.NONE),
        ("430181", "430100", Filing.NONE),
    ],
)
async def test_a_filing_is_for_its_place_and_all_within(
    writer: asyncpg.Connection, vault: Vault, place: str | None, care: str, on_file: Filing
) -> None:
    number = await admitted(writer, vault)
    filed = FiledCare(Filing.TRANSFER, SINCE_JULY, None if place is None else Division(place))
    await filings.file_care(writer, BEIJING, number, filed, now=instant(5))
    known = await seen(writer, vault, number)
    assert known.filing_on(care, JULY) is on_file
    assert known.filing_on(care, JUNE) is Filing.NONE


async def test_who_was_sent_to_a_place_is_referred_at_every_hospital_of_it(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admitted(writer, vault)
    for kind, place in ((Filing.TRANSFER, "430100"), (Filing.LONG_TERM, "310000")):
        filed = FiledCare(kind, SINCE_JULY, Division(place))
        await filings.file_care(writer, BEIJING, number, filed, now=instant(5))
    known = await seen(writer, vault, number)
    assert known.circumstances_at("H43010200001", "430102", JULY) == ("referred",)
    assert known.circumstances_at("H43010200001", "430102", JUNE) == ()
    assert known.circumstances_at("H31010000001", "310100", JULY) == ()


async def test_a_withdrawn_filing_is_none(writer: asyncpg.Connection, vault: Vault) -> None:
    number = await admitted(writer, vault)
    filed = FiledCare(Filing.LONG_TERM, SINCE_JULY, Division("310000"))
    await filings.file_care(writer, BEIJING, number, filed, now=instant(5))
    await filings.withdraw_filing(writer, BEIJING, number, filed, now=instant(6))
    assert (await seen(writer, vault, number)).filings == ()


async def test_an_unknown_member_and_an_empty_fact_are_refused(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    with pytest.raises(Refused) as refused:
        await filings.note_trait(
            writer, BEIJING, "110000nobody", Trait("signed", SINCE_JULY), now=instant(5)
        )
    assert refused.value.refusal.code is RefusalCode.PERSON_UNKNOWN
    number = await admitted(writer, vault)
    with pytest.raises(Refused):
        await filings.note_trait(writer, BEIJING, number, Trait(" ", SINCE_JULY), now=instant(5))
    none = FiledCare(Filing.NONE, SINCE_JULY)
    with pytest.raises(Refused):
        await filings.file_care(writer, BEIJING, number, none, now=instant(5))


@pytest.mark.parametrize(("told", "known"), [(None, date(2026, 7, 1)), (JUNE, JUNE)])
async def test_retirement_is_known_by_its_day(
    writer: asyncpg.Connection, vault: Vault, told: date | None, known: date
) -> None:
    number = await admitted(writer, vault)
    await people.change_person_type(
        writer, BEIJING, number, EMPLOYEE, PersonType("1201"), date(2026, 7, 1),
        retired_on=told, now=instant(6),
    )  # fmt: skip
    now = await seen(writer, vault, number)
    before, after = now.enrolment_on(EMPLOYEE, JUNE), now.enrolment_on(EMPLOYEE, JULY)
    assert before is not None
    assert after is not None
    assert (before.retired_on, after.retired_on) == (None, known)
