"""The living settlements of a database as a population."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tests.settlement.builders import BEIJING, CLASS_B, CLINIC, Town, laws_of_beijing
from yibao.adjudication.columns.rows import bill_at
from yibao.analysis.blocks import BlockReader
from yibao.analysis.database import export
from yibao.analysis.model import PopulationError
from yibao.analysis.reading import blocks, open_file, scan, tasks
from yibao.analysis.whatif import compare
from yibao.kernel.periods import business_date
from yibao.policy.model import Law
from yibao.policy.terms import EMPLOYEE, RESIDENT
from yibao.settlement.bills import snapshot


def laws(town: Town) -> tuple[Law, Law]:
    book = laws_of_beijing()
    day = business_date(town.clock.now())
    return book.law_on(BEIJING, EMPLOYEE, day), book.law_on(BEIJING, RESIDENT, day)


async def test_deciding_them_again_gives_what_was_settled(tmp_path: Path, town: Town) -> None:
    law, _ = laws(town)
    first, second = await town.insure(), await town.insure("1201")
    settled = [
        await town.bill(first, "2000"),
        await town.bill(second, "1500", CLINIC),
        await town.bill(first, "600"),
    ]
    visit = await town.open_visit(second)
    await town.charge(visit, "333.33", item=CLASS_B)
    settled.append(await town.do(town.settlement(visit, "333.33")))
    cancelled = await town.bill(first, "70")
    await town.do(town.cancellation(cancelled))

    path = tmp_path / "p.parquet"
    await export(town.database, law, path)
    found = scan(path)
    assert (found.facts.bills, found.facts.persons) == (4, 2)
    assert found.fault is None
    result = compare(found, law, law, today=business_date(town.clock.now()), workers=1)
    assert result.compared.funds_before == sum(one.funds for one in settled)
    assert result.compared.personal_before == sum(one.personal for one in settled)


async def test_every_fact_of_a_settlement_arrives(tmp_path: Path, town: Town) -> None:
    law, _ = laws(town)
    settled = await town.bill(await town.insure("1201"), "2000")
    path = tmp_path / "p.parquet"
    await export(town.database, law, path)
    found = scan(path)
    file = open_file(path, found.names)
    (table,) = blocks(file, tasks(found.groups, 10)[0], found.names, 10)
    again = bill_at(BlockReader("p", found.names).bills(table), 0, EMPLOYEE)
    kept = snapshot.read(settled).bill
    for name in ("care_kind", "day", "person", "provider", "sums", "disease", "place", "filing"):
        assert getattr(again, name) == getattr(kept, name), name


async def test_no_name_and_no_number_of_a_person_is_written(tmp_path: Path, town: Town) -> None:
    member = await town.insure()
    await town.bill(member, "100")
    path = tmp_path / "p.parquet"
    await export(town.database, laws(town)[0], path)
    written = repr(pq.read_table(path).to_pylist())
    assert member not in written
    assert town.documents[member] not in written


async def test_a_scheme_without_settlements_is_refused(tmp_path: Path, town: Town) -> None:
    await town.bill(await town.insure(), "100")
    with pytest.raises(PopulationError, match="no living settlement of area 110000, scheme 390"):
        await export(town.database, laws(town)[1], tmp_path / "p.parquet")
