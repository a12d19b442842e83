"""A whole load is taken back by two clerks."""

from pathlib import Path

import pytest

from tests.bureau.builders import Bureau
from tests.loading import builders
from tests.loading.builders import person
from tests.settlement.builders import Town, laws_of_beijing
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.registry.service import ReferenceCache


async def test_two_clerks_take_a_load_back(bureau: Bureau, town: Town, tmp_path: Path) -> None:
    references = ReferenceCache(town.vault, laws_of_beijing())
    office = builders.Bureau(town.database, town.vault, references, town.clock, tmp_path)
    report = await office.load("persons", [person(1), person(2)])
    result = await bureau.carry_out("loading.undo", run=str(report.run))
    assert result == {"run": report.run, "kind": "persons", "taken_back": 2}
    assert await office.count("registry.membership") == 0
    with pytest.raises(Refused, match="已撤销"):
        await bureau.carry_out("loading.undo", run=str(report.run))


async def test_a_load_that_never_was_is_not_taken_back(bureau: Bureau) -> None:
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("loading.undo", run="7")
    assert refused.value.refusal.code is RefusalCode.FIELD_INVALID
