"""Loading a file: all or nothing, once, and on from where it stopped."""

from datetime import date
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as parquet
import pytest

from tests.loading.builders import (
    POOL,
    SOURCE,
    Bureau,
    cells_of,
    enrolment,
    person,
    write_csv,
)
from yibao.loading.model import Progress
from yibao.loading.reading import UnreadableFile
from yibao.policy.terms import EMPLOYEE


async def test_a_person_is_admitted_as_the_file_says(bureau: Bureau) -> None:
    report = await bureau.load("persons", [person(1, number="A0001", until="2030-12-31")])
    assert (report.loaded, report.counts.written, bureau.told) == (True, 1, [])
    found = await bureau.insured(1)
    assert (found.identity.name, found.membership.number) == ("测试人1", "A0001")
    assert found.membership.period.end == date(2031, 1, 1)


async def test_the_same_file_again_changes_nothing(bureau: Bureau) -> None:
    rows = [person(number) for number in range(1, 6)]
    await bureau.load("persons", rows)
    again = await bureau.load("persons", rows)
    assert (again.counts.written, again.counts.unchanged) == (0, 5)
    assert await bureau.count("registry.identity") == 5
    assert await bureau.count("loading.loaded") == 5


async def test_every_bad_cell_is_named_and_nothing_is_written(bureau: Bureau) -> None:
    rows = [
        person(1),
        person(2, birth_date="1980-02-30"),
        person(3, document_number="990101198001010011"),
        person(4, name=""),
        person(5, gender="男"),
        person(6, **{"from": "2020-01-01", "until": "2019-12-31"}),
        person(7, birth_date="1980-01-02"),
        person(8, pool="999999"),
    ]
    report = await bureau.load("persons", rows)
    assert cells_of(bureau.told) == [
        (3, "birth_date"),
        (4, "document_number"),
        (5, "name"),
        (6, "gender"),
        (7, "until"),
        (8, "birth_date"),
        (9, "pool"),
    ]
    assert (report.loaded, report.counts.bad) == (False, 7)
    assert await bureau.count("registry.identity") == 0
    assert all(fault.chinese and fault.english for fault in bureau.told)


async def test_a_fault_never_repeats_who_somebody_is(bureau: Bureau) -> None:
    await bureau.load("persons", [person(1, document_number="990101198001010011", name="测" * 60)])
    assert [fault.value for fault in bureau.told] == [""]
    await bureau.load("persons", [person(1, document_number="990101198001010011")])
    assert [(f.column, f.value) for f in bureau.told] == [("document_number", "")]


async def test_what_is_right_is_loaded_if_the_rest_is_to_be_skipped(bureau: Bureau) -> None:
    rows = [person(1), person(2, gender="x"), person(3)]
    report = await bureau.load("persons", rows, skip_bad=True)
    assert (report.counts.written, report.counts.bad, report.counts.rows) == (2, 1, 3)
    assert await bureau.count("registry.identity") == 2


async def test_a_dry_run_writes_nothing(bureau: Bureau) -> None:
    report = await bureau.load("persons", [person(1)], dry_run=True)
    assert (report.loaded, report.counts.written) == (False, 1)
    assert await bureau.count("registry.identity") == 0


async def test_two_rows_of_one_human_are_told_apart(bureau: Bureau) -> None:
    rows = [person(1), person(2, source_key="P1"), person(1, source_key="P3")]
    await bureau.load("persons", rows)
    assert cells_of(bureau.told) == [(3, "source_key"), (4, "source_key")]
    assert "2" in bureau.told[0].chinese


async def test_a_human_of_another_name_is_refused(bureau: Bureau) -> None:
    await bureau.load("persons", [person(1)])
    await bureau.load("persons", [person(1, source_key="other", name="测试别人")])
    assert cells_of(bureau.told) == [(2, "name")]


async def test_a_human_is_not_twice_in_a_pool(bureau: Bureau) -> None:
    await bureau.load("persons", [person(1)])
    await bureau.load("persons", [person(1, source_key="other")])
    assert cells_of(bureau.told) == [(2, "document_number")]


async def test_a_number_belongs_to_one(bureau: Bureau) -> None:
    await bureau.load("persons", [person(1, number="A0001")])
    await bureau.load("persons", [person(2, number="A0001")])
    assert cells_of(bureau.told) == [(2, "number")]


async def test_a_loaded_person_is_not_changed_by_a_file(bureau: Bureau) -> None:
    await bureau.load("persons", [person(1)])
    report = await bureau.load("persons", [person(1, name="测试改名")])
    assert (report.loaded, cells_of(bureau.told)) == (False, [(2, "source_key")])


async def test_enrolments_find_their_person_by_key_or_number(bureau: Bureau) -> None:
    await bureau.load("persons", [person(1), person(2, number="A0002")])
    await bureau.load("enrolments", [enrolment(1), enrolment(2, person="A0002")])
    for number in (1, 2):
        found = await bureau.insured(number)
        assert found.enrolment_on(EMPLOYEE, date(2026, 5, 1)) is not None
        assert found.entitlement_on(EMPLOYEE, date(2026, 5, 1)) == "full"


async def test_an_unknown_person_is_named(bureau: Bureau) -> None:
    report = await bureau.load("enrolments", [enrolment(7)])
    assert (report.loaded, cells_of(bureau.told)) == (False, [(2, "person")])


async def test_a_changed_enrolment_holds_instead_of_the_first(bureau: Bureau) -> None:
    await bureau.registered(1)
    report = await bureau.load("enrolments", [enrolment(1, **{"from": "2021-07-01"})])
    assert (report.counts.changed, report.counts.written) == (1, 0)
    found = await bureau.insured(1)
    assert found.enrolment_on(EMPLOYEE, date(2021, 6, 30)) is None
    assert found.entitlement_on(EMPLOYEE, date(2021, 6, 30)) == "none"
    assert found.enrolment_on(EMPLOYEE, date(2021, 7, 1)) is not None
    assert await bureau.count("loading.loaded") == 2


async def test_a_killed_load_goes_on_where_it_was(bureau: Bureau) -> None:
    rows = [person(number) for number in range(1, 26)]

    def kill(progress: Progress) -> None:
        if progress.stage == "writing" and progress.rows == 20:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        await bureau.load("persons", rows, batch=10, progress=kill)
    assert await bureau.count("registry.identity") == 20
    report = await bureau.load("persons", rows, batch=10)
    assert (report.resumed_at, report.counts.rows, report.counts.written) == (20, 25, 25)
    assert await bureau.count("registry.identity") == 25
    assert await bureau.count("loading.loaded") == 25


async def test_files_may_be_of_gb18030_or_have_chinese_headers(
    bureau: Bureau, tmp_path: Path
) -> None:
    titled = {"人员编号": "A0001", **person(1)}
    titled["姓名"] = titled.pop("name")
    file = write_csv(tmp_path / "gb.csv", [titled], "gb18030")
    report = await bureau.load("persons", file)
    assert report.counts.written == 1
    assert (await bureau.insured(1)).identity.name == "测试人1"


async def test_parquet_is_the_same_as_csv(bureau: Bureau, tmp_path: Path) -> None:
    rows = [person(1), person(2)]
    await bureau.load("persons", rows)
    typed = [
        {**row, "birth_date": date(1980, 1, 1), "from": date(2020, 1, 1), "until": None}
        for row in rows
    ]
    parquet.write_table(pa.Table.from_pylist(typed), tmp_path / "p.parquet")
    report = await bureau.load("persons", tmp_path / "p.parquet")
    assert (report.counts.unchanged, bureau.told) == (2, [])


@pytest.mark.parametrize(
    ("content", "told"),
    [
        (b"", "empty"),
        (b"PAR1 but no more", "Parquet"),
        ("source,姓名".encode("utf-16"), "UTF-16"),
        (b"source,\xff\xff\xff", "neither"),
        (b"source,source,pool\n", "twice"),
        (b"source,shoe_size\n", "shoe_size"),
        (b"source,source_key\n", "'pool' is missing"),
    ],
)
async def test_a_file_that_is_no_table_is_refused(
    bureau: Bureau, tmp_path: Path, content: bytes, told: str
) -> None:
    file = tmp_path / "bad"
    file.write_bytes(content)
    with pytest.raises(UnreadableFile, match=told):
        await bureau.load("persons", file)


async def test_source_and_pool_may_be_said_for_the_whole_file(bureau: Bureau) -> None:
    row = {k: v for k, v in person(1).items() if k not in ("source", "pool")}
    report = await bureau.load("persons", [row], source=SOURCE, pool=POOL)
    assert report.counts.written == 1
    again = await bureau.load("persons", [person(1)])
    assert again.counts.unchanged == 1
