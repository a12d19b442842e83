"""Clinical records over the interface: kept sealed, versions of one record, found by visit."""

from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY
from yibao.gateway.clinical import DECLARED
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.uploads.documents.model import Document
from yibao.uploads.service import documents_of_own_visit, documents_of_visit


def key(visit: str) -> PoolKey:
    """The key of a visit's number."""
    found = parse_pool_key(visit)
    assert found is not None
    return found


async def kept(counter: Counter, visit: str) -> list[Document]:
    """What stands of a visit's documents, as the counter's institution sees them."""
    async with counter.town.database.reader([counter.institution]) as connection:
        return await documents_of_visit(connection, counter.town.vault, key(visit))


async def test_a_record_is_kept_whole_and_sealed(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    info = {
        "mdtrt_sn": "S1",
        "mdtrt_id": visit,
        "psn_no": member,
        "psn_name": "测试",
        "vali_flag": "1",
    }
    content: Json = {"rgstinfo": info, "caseinfo": {"chfcomp": "咳嗽三天", "own": {"x": 1}}}
    assert await counter.done("4301", content) is None
    (document,) = await kept(counter, visit)
    assert document.transaction == "4301"
    assert document.content == content
    assert document.expires_on.year == 2031
    async with counter.town.database.owner() as connection:
        text = await connection.fetchval("SELECT d::text FROM uploads.document AS d")
    assert "咳嗽" not in text
    assert "测试" not in text


async def test_a_later_upload_of_the_same_record_stands_for_the_earlier(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)

    def report(number: str, text: str) -> Json:
        return {"data": {"mdtrt_id": visit, "psn_no": member, "rpotc_no": number, "rslt": text}}

    for number, text in (("R1", "a"), ("R2", "b"), ("R1", "c")):
        await counter.done("4503", report(number, text))
    found = [one.content["data"]["rslt"] for one in await kept(counter, visit)]
    assert found == ["b", "c"]


async def test_a_repeated_message_is_kept_once_and_another_content_refused(
    counter: Counter,
) -> None:
    message = counter.message_id()
    content = {"data": {"mdtrt_sn": "S1", "local_field": "a"}}
    await counter.done("4602", content, message=message)
    await counter.done("4602", content, message=message)
    other = {"data": {"mdtrt_sn": "S1", "local_field": "b"}}
    assert (await counter.refused("4602", other, message=message))[0] == 1020
    async with counter.town.database.owner() as connection:
        assert await connection.fetchval("SELECT count(*) FROM uploads.document") == 1


async def test_an_own_visit_number_is_enough_and_is_the_institutions_own(counter: Counter) -> None:
    await counter.done("4402", {"data": [{"mdtrt_sn": "S1", "drord_no": "1"}]})
    async with counter.town.database.reader([counter.institution]) as connection:
        vault = counter.town.vault
        found = await documents_of_own_visit(connection, vault, counter.institution, "S1")
        assert [one.transaction for one in found] == ["4402"]
        assert await documents_of_own_visit(connection, vault, OTHER_TERTIARY, "S1") == []


async def test_nobody_else_sees_a_document(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    await counter.done("4701", {"adminfo": {"mdtrt_id": visit}})
    assert len(await kept(counter, visit)) == 1
    counter.institution = OTHER_TERTIARY
    assert await kept(counter, visit) == []


@pytest.mark.parametrize("number", [one.number for one in DECLARED if one.number != "4401"])
async def test_every_kind_of_record_is_kept_or_refused_by_name(
    counter: Counter, number: str
) -> None:
    await counter.done(number, {"anynode": [{"mdtrt_sn": "S1", "anything": ["x"]}]})
    bad: list[tuple[Any, int, str]] = [
        ({"data": {}}, 1010, "mdtrt_sn"),
        ({}, 1010, "mdtrt_sn"),
        ({"data": {"mdtrt_sn": "S" * 31}}, 1011, "mdtrt_sn"),
        ({"data": {"mdtrt_sn": "S1", "brdy": "x"}}, 1012, "brdy"),
        ({"data": [{"mdtrt_sn": "S1"}, {"mdtrt_sn": "S2"}]}, 1012, "mdtrt_sn"),
        ({"data": {"mdtrt_sn": "S1", "fixmedins_code": OTHER_TERTIARY}}, 2011, "fixmedins_code"),
        ({"data": {"mdtrt_id": "x"}}, 4001, "mdtrt_id"),
        ({"data": {"mdtrt_id": "110000" + "1" * 19}}, 4001, "mdtrt_id"),
        ({"data": {"mdtrt_sn": "S1", "psn_no": "11000099"}}, 3001, "psn_no"),
        ("text", 1012, "input"),
    ]
    for content, code, word in bad:
        refused, text = await counter.refused(number, content)
        assert refused == code, (content, text)
        assert word in text
    async with counter.town.database.owner() as connection:
        assert await connection.fetchval("SELECT count(*) FROM uploads.document") == 1


async def test_a_visit_must_be_the_institutions_and_the_persons(counter: Counter) -> None:
    member, other = await counter.town.insure(), await counter.town.insure()
    visit = await counter.open_visit(member)
    whose = {"mdtrt_id": visit, "psn_no": other}
    assert (await counter.refused("4501", {"examinfo": whose}))[0] == 3004
    counter.institution = OTHER_TERTIARY
    assert (await counter.refused("4501", {"examinfo": {"mdtrt_id": visit}}))[0] == 4001


async def test_the_front_page_has_a_table_and_is_checked_by_it(counter: Counter) -> None:
    page = {
        "mdtrt_sn": "S1",
        "medcasno": "M1",
        "psn_name": "测试",
        "medfee_sumamt": "100",
        "vali_flag": "1",
        "fixmedins_code": counter.institution,
    }
    content: Json = {"baseinfo": page, "diseinfo": [], "oprninfo": [], "icuinfo": []}
    await counter.done("4401", content)
    for name in ("mdtrt_sn", "psn_name", "vali_flag"):
        code, text = await counter.refused("4401", content | {"baseinfo": page | {name: ""}})
        assert code == 1010
        assert name in text
    code, text = await counter.refused("4401", content | {"diseinfo": [{"diag_code": "A"}]})
    assert code == 1010
    assert "diseinfo[1]" in text
