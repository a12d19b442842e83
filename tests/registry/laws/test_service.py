"""Releases of laws: two persons, one pointer, exact caches, and never a contradiction."""

from datetime import date
from decimal import Decimal
from typing import Any

import asyncpg
import pytest

from tests.policy.builders import AREA, counter, document, law_of, payer, toml_text
from tests.registry.builders import instant
from yibao.kernel.areas import Division
from yibao.kernel.refusals import Refused
from yibao.platform.crypto import Vault
from yibao.platform.database import Database
from yibao.policy.law_book import LawBook
from yibao.policy.load import law_book_of
from yibao.policy.model import Law
from yibao.policy.parameters import LawError
from yibao.policy.terms import EMPLOYEE, RESIDENT, Scheme
from yibao.registry.laws import service as laws
from yibao.registry.laws.model import LawsInForce, ReleaseState
from yibao.registry.service import ReferenceCache

NEW_YEAR, MAY, JULY = date(2026, 1, 1), date(2026, 5, 1), date(2026, 7, 1)


def paying(rate: str, scheme: str = "310", **changes: Any) -> Law:
    """A law whose one fund pays a rate."""
    content = document({"pool": payer(Decimal(rate))}, **changes)
    content["law"]["scheme"] = scheme
    name = "employee" if scheme == "310" else "resident"
    book = law_book_of({f"{AREA}/{name}.toml": toml_text(content)})
    return book.law_on(AREA, Scheme(scheme), NEW_YEAR)


def book(*packaged: Law) -> LawBook:
    """A law book of laws."""
    return LawBook({(law.area, law.scheme): law for law in packaged})


OLD = paying("0.7")
PACKAGED = book(OLD)


async def proposed(writer: asyncpg.Connection, law: Law, start: date = MAY, by: str = "甲") -> int:
    """The number of a proposal."""
    (release,) = await laws.propose(
        writer, [law], effective_from=start, cases=3, by=by, reason="文件", now=instant(4)
    )
    return release.number


async def released(writer: asyncpg.Connection, law: Law, start: date = MAY) -> int:
    """The number of a release that counts."""
    number = await proposed(writer, law, start)
    await laws.release(writer, [number], PACKAGED, by="乙", now=instant(4, 2))
    return number


async def law_on(
    writer: asyncpg.Connection, day: date, division: str = AREA, packaged: LawBook = PACKAGED
) -> str:
    """The fingerprint of the law that counts on a day."""
    in_force = await laws.load_laws(writer, packaged)
    return in_force.law_on(division, EMPLOYEE, day).fingerprint


async def test_a_released_law_counts_from_its_day_on(writer: asyncpg.Connection) -> None:
    new = paying("0.8")
    await released(writer, new)
    assert await law_on(writer, date(2026, 4, 30)) == OLD.fingerprint
    assert await law_on(writer, MAY) == new.fingerprint


async def test_a_division_within_the_area_follows(writer: asyncpg.Connection) -> None:
    new = paying("0.8")
    await released(writer, new)
    assert await law_on(writer, MAY, "990100") == new.fingerprint


async def test_a_proposal_does_not_count(writer: asyncpg.Connection) -> None:
    await proposed(writer, paying("0.8"))
    assert await law_on(writer, MAY) == OLD.fingerprint


@pytest.mark.parametrize("same", ["Li Na", " li na ", "ＬＩ　ＮＡ"])
async def test_nobody_releases_what_they_proposed(writer: asyncpg.Connection, same: str) -> None:
    number = await proposed(writer, paying("0.8"), by="Li Na")
    with pytest.raises(Refused) as refused:
        await laws.release(writer, [number], PACKAGED, by=same, now=instant(4, 2))
    assert refused.value.refusal.field == "by"


async def test_the_release_that_began_last_counts(writer: asyncpg.Connection) -> None:
    later, earlier = paying("0.9"), paying("0.8")
    await released(writer, later, JULY)
    await released(writer, earlier, MAY)  # released last, yet July's goes on counting
    assert await law_on(writer, MAY) == earlier.fingerprint
    assert await law_on(writer, JULY) == later.fingerprint


async def test_of_one_day_the_last_released_counts_and_its_withdrawal_gives_way(
    writer: asyncpg.Connection,
) -> None:
    first, second = paying("0.8"), paying("0.9")
    await released(writer, first)
    number = await proposed(writer, second)
    await laws.release(writer, [number], PACKAGED, by="乙", now=instant(4, 3))
    assert await law_on(writer, MAY) == second.fingerprint
    (withdrawn,) = await laws.withdraw(
        writer, [number], PACKAGED, by="丙", reason="比例有误", now=instant(4, 4)
    )
    assert withdrawn.state is ReleaseState.WITHDRAWN
    assert await law_on(writer, MAY) == first.fingerprint


async def test_withdrawing_the_only_release_leaves_the_packaged_law(
    writer: asyncpg.Connection,
) -> None:
    number = await released(writer, paying("0.8"))
    await laws.withdraw(writer, [number], PACKAGED, by="乙", reason="x", now=instant(5))
    assert await law_on(writer, MAY) == OLD.fingerprint


async def test_only_a_proposal_is_released_and_nothing_is_withdrawn_twice(
    writer: asyncpg.Connection,
) -> None:
    number = await released(writer, paying("0.8"))
    with pytest.raises(Refused, match="released"):
        await laws.release(writer, [number], PACKAGED, by="丙", now=instant(5))
    await laws.withdraw(writer, [number], PACKAGED, by="丙", reason="x", now=instant(5))
    with pytest.raises(Refused, match="已撤回"):
        await laws.withdraw(writer, [number], PACKAGED, by="丙", reason="x", now=instant(5))
    with pytest.raises(Refused, match="99"):
        await laws.withdraw(writer, [99], PACKAGED, by="丙", reason="x", now=instant(5))


async def test_nobody_and_no_reason_are_refused(writer: asyncpg.Connection) -> None:
    with pytest.raises(Refused, match="经办人"):
        await proposed(writer, paying("0.8"), by="  ")
    number = await released(writer, paying("0.8"))
    with pytest.raises(Refused, match="原因"):
        await laws.withdraw(writer, [number], PACKAGED, by="乙", reason=" ", now=instant(5))


@pytest.mark.parametrize(
    ("until", "start", "named"),
    [(date(2026, 5, 1), MAY, "law.until"), (None, date(1999, 12, 31), "benefit_year")],
)
async def test_a_law_that_does_not_hold_on_the_day_is_refused_by_name(
    writer: asyncpg.Connection, until: date | None, start: date, named: str
) -> None:
    content = document()
    if until is not None:
        content["law"]["until"] = until
    with pytest.raises(Refused) as refused:
        await proposed(writer, law_of(content), start)
    assert refused.value.refusal.facts == {"parameter": named, "day": start.isoformat()}


async def test_a_law_that_contradicts_another_of_its_area_never_takes_effect(
    database: Database, writer: asyncpg.Connection
) -> None:
    shared = {"schemes": ["310", "390"]}
    packaged = book(
        paying("0.7", counters={"spent": counter("year", "fund", "pool", **shared)}),
        paying("0.6", "390", counters={"spent": counter("year", "fund", "pool", **shared)}),
    )
    monthly = {"spent": counter("month", "fund", "pool", **shared)}
    employee, resident = paying("0.8", counters=monthly), paying("0.5", "390", counters=monthly)
    numbers = [await proposed(writer, employee), await proposed(writer, resident)]
    with pytest.raises(LawError, match=r"counters\.spent"):
        async with writer.transaction():
            await laws.release(writer, numbers[:1], packaged, by="乙", now=instant(4, 2))
    assert await law_on(writer, MAY, packaged=packaged) != employee.fingerprint
    await laws.release(writer, numbers, packaged, by="乙", now=instant(4, 2))
    in_force = await laws.load_laws(writer, packaged)
    assert in_force.law_on(AREA, EMPLOYEE, MAY).fingerprint == employee.fingerprint
    assert in_force.law_on(AREA, RESIDENT, MAY).fingerprint == resident.fingerprint
    with pytest.raises(LawError, match=r"counters\.spent"):
        async with writer.transaction():
            await laws.withdraw(writer, numbers[:1], packaged, by="丙", reason="x", now=instant(5))
    assert await law_on(writer, MAY, packaged=packaged) == employee.fingerprint


async def test_every_cache_sees_a_release_with_its_commit(
    database: Database, writer: asyncpg.Connection, vault: Vault
) -> None:
    caches = [ReferenceCache(vault, PACKAGED) for _ in range(2)]
    before = [await cache.current(writer) for cache in caches]
    new = paying("0.8")
    async with database.writer() as other:
        async with other.transaction():
            await released(other, new)
            assert (await caches[0].current(writer)) is before[0], "not committed yet"
        for cache in caches:
            now = await cache.current(writer)
            assert now.laws.law_on(AREA, EMPLOYEE, MAY).fingerprint == new.fingerprint
            assert now.catalogue is before[0].catalogue or now.catalogue == before[0].catalogue


async def test_a_law_is_read_back_from_its_kept_text(writer: asyncpg.Connection) -> None:
    await laws.keep(writer, [OLD], now=instant(4))
    await laws.keep(writer, [OLD], now=instant(5))
    again = await laws.law_by_fingerprint(writer, OLD.fingerprint)
    assert again is not None
    assert again.canonical == OLD.canonical
    assert await laws.law_by_fingerprint(writer, "00" * 32) is None
    assert set(await laws.laws_by_fingerprint(writer, [OLD.fingerprint])) == {OLD.fingerprint}


async def test_the_span_of_a_release_ends_where_the_next_begins(
    writer: asyncpg.Connection,
) -> None:
    new = paying("0.8")
    number = await released(writer, new, MAY)
    law, since, until = await laws.law_of_release(writer, number)
    assert (law.fingerprint, since, until) == (new.fingerprint, MAY, None)
    await released(writer, paying("0.9"), JULY)
    assert (await laws.law_of_release(writer, number))[2] == JULY


def test_an_area_without_a_law_says_so_with_the_day() -> None:
    in_force = LawsInForce(1, PACKAGED, {})
    with pytest.raises(Refused) as refused:
        in_force.law_on(Division("120000"), EMPLOYEE, MAY)
    assert refused.value.refusal.facts == {"parameter": "120000/310", "day": "2026-05-01"}
    assert in_force.by_fingerprint(OLD.fingerprint) is OLD
