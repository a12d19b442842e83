"""The catalogue is downloaded by version: first whole, then what changed, then nothing."""

from datetime import timedelta
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import CLASS_A, CLASS_B, OTHER_TERTIARY, list_item
from yibao.gateway.catalogue_columns import FILES, SEEN_BY_CLIENTS
from yibao.gateway.tables import tables
from yibao.registry.catalogue.model import CodeList

WITHOUT_DATA = sorted(number for number, file in FILES.items() if file.source is None)


async def ask(counter: Counter, number: str, version: Any = "0") -> Json:
    """The answer of a catalogue download."""
    output: Json = await counter.done(number, {"data": {"ver": version}})
    assert len(output["file_qury_no"]) <= 30
    return output


def column(number: str, name: str) -> int:
    """The place of a column in a file."""
    return [field for field, _ in FILES[number].columns].index(name)


async def change_catalogue(counter: Counter, *statements: str) -> None:
    """Change rows of the catalogue, an hour later."""
    counter.town.clock.move(timedelta(hours=1))
    now = counter.town.clock.now()
    async with counter.town.database.owner() as connection:
        for statement in statements:
            await connection.execute(statement, now)


# --------------------------------------------------------------------------------------- the files


async def test_the_first_download_is_the_whole_list(counter: Counter) -> None:
    output = await ask(counter, "1301")
    assert output["data_cnt"] == 6
    assert output["filename"].startswith("1301_")
    assert output["dld_end_time"] == "2026-07-22"
    assert output["dld_endtime"] == "2026-07-22 12:00:00"
    rows = await counter.table(output["file_qury_no"])
    assert len(rows) == 6
    assert {len(row) for row in rows} == {97}
    row = next(row for row in rows if row[0] == CLASS_A)
    assert row[column("1301", "drug_genname")] == "甲类药"
    assert row[column("1301", "vali_flag")] == "1"
    assert row[79].isdigit(), "the row's id"
    assert len(row[82]) == 20, "the version"
    assert row[column("1301", "drug_spec")] == "null"


async def test_the_highest_version_asks_for_what_is_newer(counter: Counter) -> None:
    first = await counter.table((await ask(counter, "1301"))["file_qury_no"])
    version = max(row[82] for row in first)
    assert (await ask(counter, "1301", version))["data_cnt"] == 0
    await change_catalogue(
        counter,
        f"UPDATE registry.item SET superseded_at = $1 WHERE code IN ('{CLASS_A}', '{CLASS_B}')",
    )
    async with counter.town.database.owner() as connection:
        await list_item(connection, counter.town.clock.now(), CLASS_A, "甲类药改名")
    output = await ask(counter, "1301", version)
    assert output["data_cnt"] == 2
    changed = {row[0]: row for row in await counter.table(output["file_qury_no"])}
    assert changed[CLASS_A][column("1301", "drug_genname")] == "甲类药改名"
    assert changed[CLASS_A][column("1301", "vali_flag")] == "1"
    assert changed[CLASS_B][column("1301", "vali_flag")] == "0"
    assert all(row[82] > version for row in changed.values())


async def test_a_number_gives_the_same_rows_for_good(counter: Counter) -> None:
    output = await ask(counter, "1301")
    before = await counter.download(output["file_qury_no"])
    async with counter.town.database.owner() as connection:
        await list_item(connection, counter.town.clock.now(), "XNEW", "新药")
    assert await counter.download(output["file_qury_no"]) == before
    assert (await ask(counter, "1301"))["data_cnt"] == 7


@pytest.mark.parametrize("version", ["", None, "0", "000"])
async def test_no_version_is_the_first_download(counter: Counter, version: Any) -> None:
    answer = await counter.call("1301", {"data": {"ver": version}})
    assert answer["output"]["data_cnt"] == 6
    assert answer["warn_msg"] is None


@pytest.mark.parametrize("version", ["F001_20240101_A", "20261399000000000000", "7", "９"])
async def test_another_platforms_version_gets_the_whole_list(
    counter: Counter, version: str
) -> None:
    answer = await counter.call("1301", {"data": {"ver": version}})
    assert answer["output"]["data_cnt"] == 6
    assert "全量" in answer["warn_msg"]


async def test_diagnoses_have_their_category(counter: Counter) -> None:
    ((*row,),) = await counter.table((await ask(counter, "1307"))["file_qury_no"])
    named = {field: row[place] for place, (field, _) in enumerate(FILES["1307"].columns)}
    assert (named["diag_code"], named["diag_name"]) == ("J06.900", "感冒")
    assert (named["cgy_code"], named["sor_code"]) == ("J06", "J06.9")


@pytest.mark.parametrize("number", WITHOUT_DATA)
async def test_a_list_without_data_says_so(counter: Counter, number: str) -> None:
    answer = await counter.call(number, {"data": {"ver": "0"}})
    assert answer["output"]["data_cnt"] == 0
    assert "没有" in answer["warn_msg"]
    assert await counter.table(answer["output"]["file_qury_no"]) == []


async def test_a_tab_in_a_name_does_not_break_the_table(counter: Counter) -> None:
    async with counter.town.database.owner() as connection:
        await list_item(connection, counter.town.clock.now(), "XTAB", "一\t二\n三")
    rows = await counter.table((await ask(counter, "1301"))["file_qury_no"])
    assert {len(row) for row in rows} == {97}
    assert "一 二 三" in next(row for row in rows if row[0] == "XTAB")


def test_the_columns_are_those_that_clients_count_on() -> None:
    for number, many in SEEN_BY_CLIENTS.items():
        assert len(FILES[number].columns) == many
    assert [column("1301", name) for name in ("rid", "ver")] == [79, 82]
    for number, file in FILES.items():
        names = [name for name, _ in file.columns]
        assert len(names) == len(set(names)), number
        assert file.source is None or {"ver", "rid", "vali_flag"} <= set(names), number


def test_every_list_with_data_has_a_source_of_its_own() -> None:
    sources = [file.source for file in FILES.values() if file.source]
    assert len(sources) == len(set(sources))
    assert CodeList.DRUGS in sources


# ------------------------------------------------------------------------------------------- pages

PAGE = {"updt_time": "2026-01-01", "page_num": 1, "page_size": 4}
QUERIES = ("1304", "1312", "1316", "1317", "1318", "1319", "1320")


async def query(counter: Counter, number: str, **changes: Any) -> Json:
    """The output of a query by page."""
    output: Json = await counter.done(number, {"data": PAGE | changes})
    return output


async def test_pages_make_up_the_whole(counter: Counter) -> None:
    first, second, third = [await query(counter, "1312", page_num=page) for page in (1, 2, 3)]
    codes = [row["hilist_code"] for page in (first, second, third) for row in page["data"]]
    assert codes == sorted(codes)
    assert len(set(codes)) == 6
    paging = ("firstPage", "lastPage", "size", "startRow", "endRow", "pageSize", "pageNum")
    assert [first[name] for name in paging] == [True, False, 4, 1, 4, 4, 1]
    assert [second[name] for name in paging] == [False, True, 2, 5, 6, 4, 2]
    assert [third[name] for name in paging] == [False, True, 0, 0, 0, 4, 3]
    assert all((page["recordCounts"], page["pages"]) == (6, 2) for page in (first, second, third))


async def test_the_insurance_list_tells_class_and_use(counter: Counter) -> None:
    (row,) = (await query(counter, "1312", hilist_code="XB01"))["data"]
    assert (row["hilist_name"], row["chrgitm_lv"], row["list_type"]) == ("乙类药", "02", "101")
    assert (row["insu_admdvs"], row["begndate"], row["enddate"]) == ("110000", "2020-01-01", None)
    assert (row["lmt_used_flag"], row["vali_flag"], row["med_chrgitm_type"]) == ("0", "1", "09")
    assert (await query(counter, "1312", lmt_used_flag="1"))["recordCounts"] == 1
    for changes, many in (
        ({"updt_time": "2026-07-16"}, 0),
        ({"hilist_name": "药"}, 5),
        ({"list_type": "201"}, 0),
        ({"chrgitm_lv": "03"}, 1),
        ({"query_date": "2019-12-31"}, 0),
        ({"vali_flag": "0"}, 0),
        ({"begndate": "2020-01-01"}, 6),
        ({"med_chrgitm_type": "11"}, 0),
    ):
        assert (await query(counter, "1312", **changes))["recordCounts"] == many, changes


async def test_an_areas_own_terms_stand_before_those_for_any(counter: Counter) -> None:
    await change_catalogue(
        counter,
        """INSERT INTO registry.item_terms (item, area, item_class, first_pay, restricted, bucket,
               demo_class, demo_terms, valid_from, recorded_at)
           VALUES ('XB01', '430000', '02', 2500, false, 'general', true, true, '2026-01-01', $1)""",
    )
    for asked, ratio, begin, area in (
        ("110000", "0.1000", "2020-01-01", "110000"),
        ("430102", "0.2500", "2026-01-01", "430000"),
    ):
        (row,) = (await query(counter, "1319", hilist_code="XB01", insu_admdvs=asked))["data"]
        assert str(row["selfpay_prop"]) == ratio
        assert (row["begndate"], row["insu_admdvs"]) == (begin, area)


async def test_ceilings_and_ratios_are_those_of_the_terms(counter: Counter) -> None:
    (ceiling,) = (await query(counter, "1318"))["data"]
    assert (ceiling["hilist_code"], str(ceiling["hilist_pric_uplmt_amt"])) == ("XD01", "5.00")
    (ratio,) = (await query(counter, "1319"))["data"]
    assert (ratio["hilist_code"], str(ratio["selfpay_prop"])) == ("XB01", "0.1000")
    assert (await query(counter, "1319", rid=ratio["rid"]))["recordCounts"] == 1
    assert (await query(counter, "1319", selfpay_prop_type="20"))["recordCounts"] == 0


async def test_the_insurance_code_is_the_national_one(counter: Counter) -> None:
    rows = (await query(counter, "1316", page_size=9))["data"]
    assert len(rows) == 6
    assert all(row["med_list_codg"] == row["hilist_code"] for row in rows)
    assert (await query(counter, "1316", medins_list_codg="UNMAPPED"))["recordCounts"] == 0


async def test_a_list_of_drugs_can_be_paged(counter: Counter) -> None:
    assert (await query(counter, "1320"))["data"] == []
    await change_catalogue(
        counter,
        """INSERT INTO registry.item (code, name, list_type, charge_type, reference_price,
               demo_price, demo_class, recorded_at)
           VALUES ('T1', '颗粒', '106', '10', 1, true, true, $1),
                  ('N1', '民族药', '104', '11', 1, true, true, $1)""",
    )
    (granules,) = (await query(counter, "1320"))["data"]
    assert (granules["med_list_codg"], granules["drug_prodname"]) == ("T1", "颗粒")
    (ethnic,) = (await query(counter, "1304"))["data"]
    assert (ethnic["med_list_codg"], ethnic["vali_flag"]) == ("N1", "1")
    for changes, many in (
        ({"med_list_codg": "N1"}, 1),
        ({"med_list_codg": "T1"}, 0),
        ({"drug_genname": "民族"}, 1),
        ({"drug_prodname": "颗粒"}, 0),
        ({"vali_flag": "0"}, 0),
        ({"updt_time": "2026-07-15"}, 1),
        ({"updt_time": "2026-07-16"}, 0),
    ):
        assert (await query(counter, "1304", **changes))["recordCounts"] == many, changes


async def test_an_institution_finds_its_own_items_by_either_code(counter: Counter) -> None:
    own = {
        "fixmedins_hilist_id": "YP01",
        "fixmedins_hilist_name": "院内药",
        "list_type": "101",
        "med_list_codg": CLASS_A,
        "begndate": "2026-07-01",
        "enddate": "2026-12-31",
    }
    await counter.done("3301", {"data": [own]})
    (row,) = (await query(counter, "1317"))["data"]
    assert (row["medins_list_codg"], row["medins_list_name"]) == ("YP01", "院内药")
    assert (row["med_list_codg"], row["hilist_code"]) == (CLASS_A, CLASS_A)
    assert (row["begndate"], row["enddate"]) == ("2026-07-01", "2026-12-31")
    for changes, many in (
        ({"medins_list_codg": "YP01"}, 1),
        ({"medins_list_codg": "YP02"}, 0),
        ({"med_list_codg": CLASS_B}, 0),
        ({"query_date": "2026-06-30"}, 0),
        ({"vali_flag": "1"}, 1),
        ({"updt_time": "2026-07-16"}, 0),
    ):
        assert (await query(counter, "1317", **changes))["recordCounts"] == many, changes
    (national,) = (await query(counter, "1316", medins_list_codg="YP01"))["data"]
    assert national["med_list_codg"] == CLASS_A
    counter.institution = OTHER_TERTIARY
    assert (await query(counter, "1317"))["data"] == []


async def test_every_required_field_of_a_row_is_filled(counter: Counter) -> None:
    await change_catalogue(
        counter,
        """INSERT INTO registry.item (code, name, list_type, charge_type, reference_price,
               demo_price, demo_class, recorded_at)
           VALUES ('N1', '民族药', '104', '11', 1, true, true, $1)""",
    )
    for number in ("1304", "1312", "1316", "1318", "1319"):
        row = (await query(counter, number))["data"][0]
        (node,) = tables().transactions[number].output
        required = {field.name for field in node.fields if field.required == "Y"}
        assert not {name for name in required if row[name] is None}, number


@pytest.mark.parametrize("number", QUERIES)
async def test_bad_pages_are_refused(counter: Counter, number: str) -> None:
    for changes, codes, word in (
        ({"page_num": 0}, {1012}, "page_num（当前页数）应从1起"),
        ({"page_num": -1}, {1012}, "page_num"),
        ({"page_num": "x"}, {1012}, "page_num"),
        ({"page_num": 10000}, {1011}, "page_num"),
        ({"page_num": None}, {1010}, "page_num"),
        ({"page_size": 0}, {1012}, "page_size（本页数据量）应为1至"),
        ({"page_size": 9999}, {1012}, "page_size"),
        ({"page_size": None}, {1010}, "page_size"),
        ({"updt_time": None}, {1010}, "updt_time"),
        ({"updt_time": "2026-02-30"}, {1012}, "updt_time"),
    ):
        code, text = await counter.refused(number, {"data": PAGE | changes})
        assert code in codes, (changes, text)
        assert word in text, (changes, text)


async def test_another_institutions_mappings_are_refused(counter: Counter) -> None:
    code, text = await counter.refused("1317", {"data": PAGE | {"fixmedins_code": "H1"}})
    assert (code, "fixmedins_code" in text) == (2011, True)
