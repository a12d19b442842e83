"""Institutions, keys and pools hold by date; operators sign in and out."""

from datetime import date, timedelta

import asyncpg
import pytest

from tests.registry.builders import (
    BEIJING,
    CHANGSHA,
    LONG_AGO,
    NEW_YEAR,
    instant,
    institution,
    term,
)
from yibao.kernel.areas import NO_PERSON_POOL, Division
from yibao.kernel.identifiers import NumberSource, PoolKey
from yibao.kernel.periods import Period
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, MessageKey, Unit
from yibao.platform.crypto import Vault
from yibao.policy.terms import EMPLOYEE, RESIDENT, Level, Scheme
from yibao.registry.institutions import service as bureau
from yibao.registry.institutions.model import (
    HeaderFamily,
    InstitutionTerm,
    PoolDivision,
    Sender,
    SessionFacts,
    SignIn,
    SignOut,
)

HOSPITAL = "H11010599001"
TODAY = date(2026, 5, 1)
JUNE = Period(date(2026, 6, 1), date(2026, 7, 1))


@pytest.fixture
async def designated(writer: asyncpg.Connection) -> asyncpg.Connection:
    """A writer to a registry with one pool and one hospital."""
    await bureau.found_pool(writer, BEIJING, "北京市", now=instant(1))
    await bureau.designate(writer, [institution()], now=instant(1))
    return writer


async def term_on(writer: asyncpg.Connection, vault: Vault, day: date) -> InstitutionTerm:
    hospital = (await bureau.load_directory(writer, vault)).institution(HOSPITAL)
    assert hospital is not None
    found = hospital.term_on(day)
    assert found is not None
    return found


# ---------------------------------------------------------------------------------- designation


async def test_a_designated_institution_is_in_the_directory(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    directory = await bureau.load_directory(designated, vault)
    assert directory.institution(HOSPITAL) == institution()
    assert directory.institution("H11010599002") is None


async def test_a_code_is_designated_once(designated: asyncpg.Connection) -> None:
    with pytest.raises(Refused) as refused:
        await bureau.designate(designated, [institution()], now=instant(2))
    assert HOSPITAL in refused.value.refusal.message


async def test_contracts_that_overlap_are_refused(designated: asyncpg.Connection) -> None:
    twice = institution("H11010599002", term(), term(period=Period(NEW_YEAR)))
    with pytest.raises(Refused) as refused:
        await bureau.designate(designated, [twice], now=instant(2))
    assert refused.value.refusal.field == "terms"


async def test_an_institution_is_suspended_for_its_period_alone(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    await bureau.suspend(designated, HOSPITAL, JUNE, now=instant(5))
    days = [JUNE.start - timedelta(days=1), JUNE.start, date(2026, 6, 30), date(2026, 7, 1)]
    suspended = [(await term_on(designated, vault, day)).suspended for day in days]
    assert suspended == [False, True, True, False]


async def test_an_open_suspension_is_lifted_by_date(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    await bureau.suspend(designated, HOSPITAL, Period(JUNE.start), now=instant(5))
    assert (await term_on(designated, vault, date(2027, 1, 1))).suspended
    await bureau.lift_suspension(designated, HOSPITAL, date(2026, 8, 1), now=instant(7))
    assert (await term_on(designated, vault, date(2026, 7, 31))).suspended
    assert not (await term_on(designated, vault, date(2026, 8, 1))).suspended


async def test_a_new_level_holds_from_its_day_and_keeps_the_old_one_before(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    raised = term(period=Period(NEW_YEAR), level=Level.PROVINCIAL, name="测试省立医院")
    await bureau.change_term(designated, HOSPITAL, raised, now=instant(1))
    assert (await term_on(designated, vault, date(2025, 12, 31))).level is Level.THIRD
    assert await term_on(designated, vault, NEW_YEAR) == raised
    recorded = await designated.fetchval("SELECT count(*) FROM registry.institution_term")
    assert recorded == 3, "the superseded row is still there"


async def test_an_unknown_institution_cannot_be_suspended(
    designated: asyncpg.Connection,
) -> None:
    with pytest.raises(Refused) as refused:
        await bureau.suspend(designated, "H11010599009", JUNE, now=instant(5))
    assert refused.value.refusal.code is RefusalCode.INSTITUTION_UNKNOWN


# ------------------------------------------------------------------------------------------- keys


def sender(secret: str = "secret one", period: Period = LONG_AGO) -> Sender:
    return Sender("paas-1", HeaderFamily.TIF, secret, ((HOSPITAL, period),))


async def test_a_sender_speaks_for_its_institutions_by_date(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    await bureau.give_key(designated, vault, sender(), now=instant(1))
    await bureau.withdraw_key(
        designated, HeaderFamily.TIF, "paas-1", HOSPITAL, JUNE.start, now=instant(5)
    )
    directory = await bureau.load_directory(designated, vault)
    known = directory.sender(HeaderFamily.TIF, "paas-1")
    assert known is not None
    assert known.may_speak_for(HOSPITAL, TODAY)
    assert not known.may_speak_for(HOSPITAL, JUNE.start)
    assert not known.may_speak_for("H11010599002", TODAY)
    assert directory.sender(HeaderFamily.CSB, "paas-1") is None


async def test_a_new_secret_replaces_the_old_one_and_neither_lies_in_the_clear(
    designated: asyncpg.Connection, vault: Vault
) -> None:
    await bureau.give_key(designated, vault, sender(), now=instant(1))
    await bureau.give_key(designated, vault, sender("secret two"), now=instant(2))
    known = (await bureau.load_directory(designated, vault)).sender(HeaderFamily.TIF, "paas-1")
    assert known is not None
    assert known == sender("secret two")
    assert known.secrets(instant(3)) == ("secret two",)
    rows = await designated.fetch("SELECT sealed FROM registry.sender_key")
    assert len(rows) == 2
    assert not any(b"secret" in row[0] for row in rows)


# ------------------------------------------------------------------------------------------ pools


async def test_a_county_lies_in_the_pool_of_its_city_by_date(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    county = Division("430181")
    old = PoolDivision(county, BEIJING, LONG_AGO)
    await bureau.found_pool(writer, BEIJING, "旧统筹区", [old], now=instant(1))
    merged = PoolDivision(county, CHANGSHA, Period(NEW_YEAR))
    await bureau.found_pool(writer, CHANGSHA, "长沙市", [merged], now=instant(1))
    directory = await bureau.load_directory(writer, vault)
    assert directory.pool_of(county, EMPLOYEE, date(2025, 12, 31)) == BEIJING
    assert directory.pool_of(county, EMPLOYEE, NEW_YEAR) == CHANGSHA
    assert directory.pool_of(county, EMPLOYEE, date(2019, 1, 1)) is None
    assert directory.pool_of(Division("430182"), EMPLOYEE, NEW_YEAR) is None


async def test_a_scheme_may_have_a_pool_of_its_own_in_a_division(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    capital = Division("430102")
    provincial = Scheme("310")
    await bureau.found_pool(
        writer, CHANGSHA, "长沙市", [PoolDivision(capital, CHANGSHA, LONG_AGO)], now=instant(1)
    )
    await bureau.found_pool(
        writer,
        BEIJING,
        "省本级",
        [PoolDivision(capital, BEIJING, LONG_AGO, provincial)],
        now=instant(1),
    )
    directory = await bureau.load_directory(writer, vault)
    assert directory.pool_of(capital, provincial, TODAY) == BEIJING
    assert directory.pool_of(capital, RESIDENT, TODAY) == CHANGSHA
    assert directory.pools[CHANGSHA] == "长沙市"


async def test_a_pool_is_founded_once(designated: asyncpg.Connection) -> None:
    with pytest.raises(Refused) as refused:
        await bureau.found_pool(designated, BEIJING, "又一个", now=instant(2))
    assert refused.value.refusal.field == "pool"


async def test_divisions_have_names_and_lie_below_one_another(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    national = [
        ("430000", "湖南省"),
        ("430100", "长沙市"),
        ("430181", "浏阳市"),
        ("110000", "北京市"),
    ]
    await bureau.keep_divisions(writer, national)
    await bureau.keep_divisions(writer, [("430181", "浏阳市(县级)")])
    directory = await bureau.load_directory(writer, vault)
    assert directory.division_name(Division("430181")) == "浏阳市(县级)"
    assert directory.division_name(Division("430199")) is None
    assert directory.divisions_below(Division("430100")) == ("430100", "430181")
    assert len(directory.divisions_below(Division("430000"))) == 3


# --------------------------------------------------------------------------------------- sessions


def unit(connection: asyncpg.Connection, month: int = 5) -> Unit:
    return Unit(NO_PERSON_POOL, connection, instant(month), NumberSource(1))


async def test_an_operator_signs_in_and_out_under_a_number_of_its_own(
    designated: asyncpg.Connection,
) -> None:
    morning = unit(designated)
    first = await bureau.sign_in(morning, SignIn(HOSPITAL, "001", "10.0.0.1", "AA-BB"))
    second = await bureau.sign_in(morning, SignIn(HOSPITAL, "002", "10.0.0.2"))
    assert first.key.text() != second.key.text()
    assert len(first.key.text()) <= 30, "sign_no has 30 characters"
    out = await bureau.sign_out(unit(designated, 6), SignOut(HOSPITAL, "001", first.key))
    assert out == SessionFacts(first.key, HOSPITAL, "001", instant(5), instant(6))


@pytest.mark.parametrize("case", ["unknown number", "another institution", "signed out before"])
async def test_a_sign_out_without_an_open_sign_in_is_refused(
    designated: asyncpg.Connection, case: str
) -> None:
    signed = await bureau.sign_in(unit(designated), SignIn(HOSPITAL, "001", "10.0.0.1"))
    request = SignOut(HOSPITAL, "001", signed.key)
    if case == "unknown number":
        request = SignOut(HOSPITAL, "001", PoolKey(NO_PERSON_POOL, 1))
    elif case == "another institution":
        request = SignOut("H11010599002", "001", signed.key)
    else:
        await bureau.sign_out(unit(designated), request)
    with pytest.raises(Refused) as refused:
        await bureau.sign_out(unit(designated), request)
    assert refused.value.refusal.field == "sign_in_number"


async def test_a_bad_sign_out_fails_alone_in_its_batch_and_a_repeat_recalls_the_first_answer(
    designated: asyncpg.Connection,
) -> None:
    def command(message: str, request: SignIn | SignOut) -> Command:
        key = MessageKey(HOSPITAL, "9001", message)
        return Command(NO_PERSON_POOL, message, key, b"", request)

    unknown = SignOut(HOSPITAL, "001", PoolKey(NO_PERSON_POOL, 1))
    signed, refused = await bureau.handle_sessions(
        unit(designated),
        [command("1", SignIn(HOSPITAL, "001", "10.0.0.1")), command("2", unknown)],
    )
    assert isinstance(signed, Done)
    assert isinstance(refused, Refusal)
    assert await bureau.recall_session(designated, signed.reference) == signed.result
