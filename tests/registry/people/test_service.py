"""People are found whole, change by date, and what was recorded stays."""

import asyncio
from datetime import date

import asyncpg
import pytest

from tests.registry.builders import (
    BEIJING,
    CHANGSHA,
    LONG_AGO,
    NEW_YEAR,
    enrolment,
    instant,
    membership,
    person,
)
from yibao.kernel.areas import Division
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.crypto import Unsealable, Vault
from yibao.platform.database import Database
from yibao.policy.terms import (
    EMPLOYEE,
    RESIDENT,
    EntitlementExtent,
    IdentityKind,
    PersonType,
    Scheme,
)
from yibao.registry.people import service as people
from yibao.registry.people.model import Entitlement, Insured, SpecialIdentity

FULL, ACCOUNT_ONLY, NONE = (
    EntitlementExtent.FULL,
    EntitlementExtent.ACCOUNT_ONLY,
    EntitlementExtent.NONE,
)
POOR = IdentityKind("2303")
TODAY = date(2026, 5, 1)
MOVE = date(2026, 7, 1)


async def admit_one(writer: asyncpg.Connection, vault: Vault, **changes: object) -> str:
    """Admit one person in Beijing's pool; answers the member's number."""
    (admitted,) = await people.admit(writer, vault, [person(**changes)], now=instant(1))
    return admitted.memberships[0].number


async def load(writer: asyncpg.Connection, vault: Vault, number: str) -> Insured:
    found = await people.load_members(writer, vault, BEIJING, [number])
    return found[number]


async def test_a_member_is_loaded_with_everything_that_is_known(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    special = SpecialIdentity(POOR, "1", Period(NEW_YEAR, date(2027, 1, 1)), "低保")
    own = enrolment(employer="测试公司", civil_servant=True)
    admitted = await people.admit(
        writer,
        vault,
        [person(membership(BEIJING, own), special_identities=(special,))],
        now=instant(1),
    )
    number = admitted[0].memberships[0].number
    insured = await load(writer, vault, number)
    assert number.startswith(BEIJING)
    assert insured.identity.name == "测试甲"
    assert insured.identity.document_number == "990000198001010010"
    assert insured.identity.birth_date == date(1980, 1, 1)
    assert insured.membership == admitted[0].memberships[0]
    assert insured.enrolments == (own,)
    assert insured.special_identities == (special,)
    assert insured.identities_on(TODAY) == (POOR,)
    assert insured.entitlement_on(EMPLOYEE, TODAY) is FULL


async def test_unknown_members_are_missing_from_what_is_loaded(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    found = await people.load_members(writer, vault, BEIJING, [number, "110000x"])
    assert list(found) == [number]
    assert await people.load_members(writer, vault, CHANGSHA, [number]) == {}


async def test_many_members_are_loaded_in_one_round_trip(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    everyone = [person(document_number=f"9900001980010100{n:02d}") for n in range(32)]
    admitted = await people.admit(writer, vault, everyone, now=instant(1))
    numbers = [one.memberships[0].number for one in admitted]
    statements: list[str] = []
    with writer.query_logger(lambda record: statements.append(record.query)):
        found = await people.load_members(writer, vault, BEIJING, numbers)
        await asyncio.sleep(0)  # the driver tells its loggers in the next turn of the loop
    assert len(found) == 32
    assert len(statements) == 1


async def test_a_person_who_moved_between_two_pools_is_found_whole_by_the_document(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    there = enrolment(division=Division("430181"), period=Period(MOVE))
    arrived = await people.move_to_pool(
        writer, BEIJING, number, membership(CHANGSHA, there, period=Period(MOVE)), now=instant(6)
    )
    left, came = await people.find_by_document(writer, vault, "01", "990000198001010010")
    assert left.identity == came.identity
    assert left.membership.number == number
    assert left.membership.period == Period(date(2020, 1, 1), MOVE)
    assert left.enrolments == (enrolment(period=Period(date(2020, 1, 1), MOVE)),)
    assert left.entitlement_on(EMPLOYEE, date(2026, 6, 30)) is FULL
    assert left.entitlement_on(EMPLOYEE, MOVE) is NONE
    assert came.membership == arrived
    assert came.membership.number.startswith(CHANGSHA)
    assert came.enrolments == (there,)
    assert came.entitlement_on(EMPLOYEE, date(2026, 6, 30)) is NONE
    assert came.entitlement_on(EMPLOYEE, MOVE) is FULL


async def test_a_person_with_two_enrolments_has_both(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    both = membership(BEIJING, enrolment(), enrolment(Scheme("320")))
    await people.admit(writer, vault, [person(both)], now=instant(1))
    (insured,) = await people.find_by_document(writer, vault, "01", "990000198001010010")
    assert [row.scheme for row in insured.enrolments] == ["310", "320"]
    assert insured.entitlement_on(EMPLOYEE, TODAY) is FULL
    assert insured.entitlement_on(Scheme("320"), TODAY) is FULL
    assert insured.entitlement_on(RESIDENT, TODAY) is NONE


async def test_the_check_character_may_be_typed_in_lower_case(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    await people.admit(
        writer, vault, [person(document_number="99000019800101001X")], now=instant(1)
    )
    assert await people.find_by_document(writer, vault, "01", "99000019800101001x")
    assert not await people.find_by_document(writer, vault, "02", "99000019800101001X")


async def test_a_known_human_gets_the_new_membership_and_stays_one_identity(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    first = await people.admit(writer, vault, [person()], now=instant(1))
    second = await people.admit(
        writer, vault, [person(membership(CHANGSHA, enrolment(RESIDENT)))], now=instant(2)
    )
    assert first[0].identity == second[0].identity
    found = await people.find_by_document(writer, vault, "01", "990000198001010010")
    assert [insured.membership.pool for insured in found] == [BEIJING, CHANGSHA]


@pytest.mark.parametrize(
    ("changes", "code", "field"),
    [
        ({"name": "测试乙"}, RefusalCode.PERSON_DIFFERS, "name"),
        ({}, RefusalCode.FIELD_INVALID, "memberships"),
    ],
)
async def test_a_contradicting_admission_is_refused(
    writer: asyncpg.Connection,
    vault: Vault,
    changes: dict[str, str],
    code: RefusalCode,
    field: str,
) -> None:
    await admit_one(writer, vault)
    with pytest.raises(Refused) as refused:
        await people.admit(writer, vault, [person(**changes)], now=instant(2))
    assert (refused.value.refusal.code, refused.value.refusal.field) == (code, field)


async def test_overlapping_enrolments_of_one_scheme_are_refused(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    twice = membership(BEIJING, enrolment(), enrolment(period=Period(NEW_YEAR)))
    with pytest.raises(Refused) as refused:
        await people.admit(writer, vault, [person(twice)], now=instant(1))
    assert refused.value.refusal.field == "enrolments"
    assert EMPLOYEE in refused.value.refusal.message


async def test_a_document_twice_in_one_admission_is_refused(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    with pytest.raises(Refused):
        await people.admit(writer, vault, [person(), person()], now=instant(1))


async def test_a_number_of_the_old_system_is_kept_but_must_begin_with_the_pool(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    (admitted,) = await people.admit(
        writer, vault, [person(membership(number="11000000001234"))], now=instant(1)
    )
    assert admitted.memberships[0].number == "11000000001234"
    strange = person(membership(number="43010000001234"), document_number="990000198001010029")
    with pytest.raises(Refused) as refused:
        await people.admit(writer, vault, [strange], now=instant(1))
    assert refused.value.refusal.field == "number"


async def test_a_person_type_changes_from_its_day_on(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    retired = PersonType("1201")
    await people.change_person_type(
        writer, BEIJING, number, EMPLOYEE, retired, MOVE, now=instant(7)
    )
    insured = await load(writer, vault, number)
    before = insured.enrolment_on(EMPLOYEE, date(2026, 6, 30))
    after = insured.enrolment_on(EMPLOYEE, MOVE)
    assert before is not None
    assert after is not None
    assert (before.person_type, after.person_type) == ("1101", "1201")
    assert after.period == Period(MOVE)


async def test_a_retroactive_correction_leaves_what_was_recorded_before(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    await people.end_entitlement(
        writer, BEIJING, number, EMPLOYEE, date(2026, 3, 1), "欠费", now=instant(5)
    )
    now = await load(writer, vault, number)
    assert now.entitlement_on(EMPLOYEE, date(2026, 4, 1)) is NONE
    assert now.entitlement_on(EMPLOYEE, date(2026, 2, 28)) is FULL
    for month, extent in ((4, FULL), (5, NONE)):
        then = await people.load_members_as_recorded(
            writer, vault, BEIJING, [number], instant(month)
        )
        assert then[number].entitlement_on(EMPLOYEE, date(2026, 4, 1)) is extent


async def test_no_row_is_ever_overwritten_but_for_its_stamp(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    facts = "SELECT to_jsonb(row) - 'superseded_at' AS fact FROM registry.{} AS row"
    tables = ("identity", "membership", "enrolment", "entitlement")
    before = {table: await writer.fetch(facts.format(table)) for table in tables}
    identity = (await load(writer, vault, number)).identity.id
    await people.enrol(
        writer, BEIJING, number, enrolment(person_type=PersonType("1103")), now=instant(2)
    )
    await people.move_to_pool(
        writer, BEIJING, number, membership(CHANGSHA, period=Period(MOVE)), now=instant(6)
    )
    await people.record_death(writer, identity, date(2026, 8, 1), now=instant(8))
    for table in tables:
        after = await writer.fetch(facts.format(table))
        assert len(after) > len(before[table])
        assert all(row in after for row in before[table])


async def test_the_writer_may_not_change_a_recorded_fact(writer: asyncpg.Connection) -> None:
    for table, column in (("enrolment", "person_type"), ("identity", "sealed")):
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await writer.execute(f"UPDATE registry.{table} SET {column} = NULL")
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await writer.execute(f"DELETE FROM registry.{table}")


async def test_an_entitlement_may_be_cut_in_the_middle(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    march = Period(date(2026, 3, 1), date(2026, 4, 1))
    paused = Entitlement(EMPLOYEE, ACCOUNT_ONLY, march, "中断缴费")
    await people.set_entitlement(writer, BEIJING, number, paused, now=instant(4))
    insured = await load(writer, vault, number)
    extents = [insured.entitlement_on(EMPLOYEE, date(2026, month, 1)) for month in (2, 3, 4)]
    assert extents == [FULL, ACCOUNT_ONLY, FULL]


async def test_a_special_identity_is_granted_and_ended_by_date(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    identity = (await load(writer, vault, number)).identity.id
    granted = SpecialIdentity(POOR, None, Period(date(2026, 2, 1)))
    await people.grant_special_identity(writer, identity, granted, now=instant(2))
    await people.end_special_identity(writer, identity, POOR, date(2026, 6, 1), now=instant(5))
    insured = await load(writer, vault, number)
    held = [bool(insured.identities_on(date(2026, month, 1))) for month in (1, 2, 5, 6)]
    assert held == [False, True, True, False]


async def test_a_death_ends_every_entitlement_after_its_day_in_every_pool(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    both = person(membership(), membership(CHANGSHA, enrolment(RESIDENT)))
    (admitted,) = await people.admit(writer, vault, [both], now=instant(1))
    await people.record_death(writer, admitted.identity, TODAY, now=instant(5))
    for insured in await people.find_by_document(writer, vault, "01", "990000198001010010"):
        scheme = insured.enrolments[0].scheme
        assert insured.identity.died_on == TODAY
        assert insured.identity.name == "测试甲"
        assert insured.entitlement_on(scheme, TODAY) is FULL
        assert insured.entitlement_on(scheme, date(2026, 5, 2)) is NONE


async def test_who_came_back_to_a_pool_is_loaded_with_the_latest_membership(
    writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    away = await people.move_to_pool(
        writer, BEIJING, number, membership(CHANGSHA, period=Period(MOVE)), now=instant(6)
    )
    back = membership(
        BEIJING,
        enrolment(period=Period(date(2026, 9, 1))),
        period=Period(date(2026, 9, 1)),
        number=number,
    )
    await people.move_to_pool(writer, CHANGSHA, away.number, back, now=instant(8))
    insured = await load(writer, vault, number)
    assert insured.membership.period == Period(date(2026, 9, 1))
    covered = [insured.enrolment_on(EMPLOYEE, date(2026, month, 1)) for month in (6, 8, 10)]
    assert [row is not None for row in covered] == [True, False, True]


@pytest.mark.parametrize(("pool", "number"), [(BEIJING, "110000x"), (CHANGSHA, "430100x")])
async def test_changes_of_an_unknown_member_are_refused(
    writer: asyncpg.Connection, pool: str, number: str
) -> None:
    with pytest.raises(Refused) as refused:
        await people.end_entitlement(
            writer,
            pool,  # type: ignore[arg-type]
            number,
            EMPLOYEE,
            TODAY,
            "停保",
            now=instant(5),
        )
    assert refused.value.refusal.code is RefusalCode.PERSON_UNKNOWN


async def test_names_and_numbers_never_lie_in_the_clear(
    database: Database, writer: asyncpg.Connection, vault: Vault
) -> None:
    await admit_one(writer, vault)
    async with database.owner() as owner:
        tables = await owner.fetch(
            "SELECT tablename FROM pg_tables WHERE schemaname = 'registry' ORDER BY 1"
        )
        texts = [
            row[0]
            for (table,) in tables
            for row in await owner.fetch(f"SELECT t::text FROM registry.{table} AS t")
        ]
        sealed = await owner.fetchval("SELECT sealed FROM registry.identity")
    everything = "\n".join(texts)
    for secret in ("测试甲", "990000198001010010"):
        assert secret not in everything
        assert secret.encode().hex() not in everything
    with pytest.raises(Unsealable):
        Vault(b"x" * 32).open(sealed)


async def test_a_reader_may_read_people_but_not_write(
    database: Database, writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    async with database.reader(["H11010599001"]) as reader:
        assert await people.load_members(reader, vault, BEIJING, [number])
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await people.admit(
                reader, vault, [person(document_number="990000198001010037")], now=instant(1)
            )


async def test_two_changes_of_one_member_happen_one_after_the_other(
    database: Database, writer: asyncpg.Connection, vault: Vault
) -> None:
    number = await admit_one(writer, vault)
    async with database.writer() as other:
        change = writer.transaction()
        await change.start()
        await people.end_entitlement(
            writer, BEIJING, number, EMPLOYEE, TODAY, "欠费", now=instant(5)
        )
        await other.execute("SET lock_timeout = '50ms'")
        with pytest.raises(asyncpg.LockNotAvailableError):
            await people.end_entitlement(
                other, BEIJING, number, EMPLOYEE, LONG_AGO.start, "停保", now=instant(5)
            )
        await other.execute("RESET lock_timeout")
        await change.commit()
        await people.end_entitlement(
            other, BEIJING, number, EMPLOYEE, LONG_AGO.start, "停保", now=instant(5, 2)
        )
    insured = await load(writer, vault, number)
    assert [row.reason for row in insured.entitlements] == ["停保"]
