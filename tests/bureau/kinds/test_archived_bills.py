"""Clerks' business with bills that were put away: nothing is overlooked, and what is, is said."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from tests.bureau.builders import Bureau
from tests.bureau.kinds.test_manual_claims import line, paper, refusal
from tests.settlement.archiving.builders import Years, years_over
from tests.settlement.builders import POOL, TERTIARY, key_of
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.kernel.refusals import RefusalCode

pytestmark = pytest.mark.database


@pytest.fixture
async def years(bureau: Bureau, tmp_path: Path) -> AsyncIterator[Years]:
    """A bureau whose law pays half, and whose bills of July 2026 can be put away."""
    await let_count(bureau.town, law(capped("1000"), counters=SPENT))
    async with years_over(bureau.town, tmp_path) as built:
        yield built


async def test_an_invoice_of_years_ago_is_not_paid_again(bureau: Bureau, years: Years) -> None:
    member, other = await bureau.town.insure(), await bureau.town.insure()
    await bureau.carry_out("manual_claims.enter", **paper(member))
    await years.pass_by()
    new = {"first_day": "2028-09-10"}
    for claimant in (other, member):
        content = paper(claimant, line("70", day="2028-09-10"), **new)
        found = await refusal(bureau, content, "已核对")
        assert found.refusal.code is RefusalCode.CLAIM_DOUBLE


async def test_bills_of_two_files_are_told_when_they_become_one(
    bureau: Bureau, years: Years
) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    bills = [await town.bill(one, "10") for one in (kept, gone)]
    await years.pass_by()
    told = await bureau.carry_out("files.merge", pool=POOL, kept=kept, gone=gone)
    assert [one["settlement"] for one in told["affected"]] == [key_of(b).text() for b in bills]
    assert await bureau.faults() == []


async def test_what_a_change_for_all_does_not_look_at_is_said(bureau: Bureau, years: Years) -> None:
    await bureau.town.bill(await bureau.town.insure(), "100")
    await years.pass_by()
    told = await bureau.carry_out(
        "institutions.change",
        pool=POOL,
        institution=TERTIARY,
        **{"from": "2026-07-01", "until": "2026-12-31", "level": "l1"},
    )
    assert told == {"affected": [], "affected_since": "2026-09-01"}
