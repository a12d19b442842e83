"""Who may act for whom (亲情账户): by consent, for what was agreed, until it is withdrawn."""

from datetime import UTC, date, datetime
from typing import Any

import pytest

from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.platform.database import Database
from yibao.registry.representatives import service as representatives
from yibao.registry.representatives.model import Act, NewRepresentation, RepresentativeKind

NOW = datetime(2026, 7, 1, tzinfo=UTC)
TODAY = date(2026, 7, 1)
GRANDMOTHER, DAUGHTER, CHILD, STRANGER = 1, 2, 3, 4
BY_CONSENT = NewRepresentation(
    represented=GRANDMOTHER,
    representative=DAUGHTER,
    kind=RepresentativeKind.RELATIVE,
    acts=(Act.SHOW_CODE, Act.INQUIRE),
    period=Period(TODAY),
    consented_by=GRANDMOTHER,
    consent={"how": "测试柜台"},
)


async def name(database: Database, new: NewRepresentation) -> int:
    """Let somebody act; the number of the representation."""
    async with database.writer() as connection, connection.transaction():
        return (await representatives.name(connection, new, now=NOW)).number


async def may(database: Database, *asked: Any) -> bool:
    """Whether somebody may do something."""
    async with database.reader(None) as connection:
        return await representatives.may_act_for(connection, *asked)


async def test_a_daughter_does_what_her_mother_agreed_to(database: Database) -> None:
    await name(database, BY_CONSENT)
    assert await may(database, DAUGHTER, GRANDMOTHER, Act.INQUIRE, TODAY)
    assert not await may(database, DAUGHTER, GRANDMOTHER, Act.FILE, TODAY)
    assert not await may(database, GRANDMOTHER, DAUGHTER, Act.INQUIRE, TODAY)
    assert not await may(database, DAUGHTER, GRANDMOTHER, Act.INQUIRE, date(2026, 6, 30))
    assert await may(database, STRANGER, STRANGER, Act.FILE, TODAY), "for oneself always"


async def test_nobody_acts_without_consent(database: Database) -> None:
    with pytest.raises(Refused) as refused:
        await name(database, replace(BY_CONSENT, consented_by=DAUGHTER))
    assert refused.value.refusal.code is RefusalCode.CONSENT_MISSING
    assert not await may(database, DAUGHTER, GRANDMOTHER, Act.INQUIRE, TODAY)


async def test_a_guardian_consents_for_a_child(database: Database) -> None:
    of_child = replace(BY_CONSENT, represented=CHILD, consented_by=DAUGHTER)
    guardian = replace(of_child, kind=RepresentativeKind.GUARDIAN, acts=tuple(Act))
    await name(database, guardian)
    await name(database, replace(of_child, representative=GRANDMOTHER))
    assert await may(database, GRANDMOTHER, CHILD, Act.SHOW_CODE, TODAY)
    with pytest.raises(Refused):
        await name(database, replace(of_child, representative=STRANGER, consented_by=STRANGER))


async def test_two_are_linked_once(database: Database) -> None:
    number = await name(database, BY_CONSENT)
    with pytest.raises(Refused, match=str(number)) as refused:
        await name(database, BY_CONSENT)
    assert refused.value.refusal.code is RefusalCode.LINK_EXISTS
    with pytest.raises(Refused, match="本人"):
        await name(database, replace(BY_CONSENT, representative=GRANDMOTHER))


async def test_withdrawal_ends_it_that_day_and_only_once(database: Database) -> None:
    number = await name(database, replace(BY_CONSENT, period=Period(date(2026, 1, 1))))
    async with database.writer() as connection, connection.transaction():
        await representatives.end(connection, number, TODAY, {"reason": "测试"}, NOW)
    assert not await may(database, DAUGHTER, GRANDMOTHER, Act.INQUIRE, TODAY)
    assert await may(database, DAUGHTER, GRANDMOTHER, Act.INQUIRE, date(2026, 6, 30))
    async with database.writer() as connection, connection.transaction():
        with pytest.raises(Refused) as refused:
            await representatives.end(connection, number, TODAY, {}, NOW)
        assert refused.value.refusal.code is RefusalCode.LINK_ENDED
