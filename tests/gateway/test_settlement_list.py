"""Settlement lists over the interface: 4101 to 4105."""

import json
from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from tests.gateway.builders import Counter, Json
from tests.gateway.stays import ADMITTED, DISCHARGED, admitted
from tests.settlement.builders import OTHER_TERTIARY
from yibao.gateway.tables import tables

REGISTERED = {"psn_name": "测试", "gend": "1", "brdy": "1980-01-01"}


class Bill:
    """A settled visit, and the list that agrees with it."""

    def __init__(self, counter: Counter, member: str, visit: str, output: Json) -> None:
        self.counter = counter
        self.member = member
        self.visit = visit
        self.info = output["setlinfo"]
        self.rows = output["setldetail"]
        self.settlement: str = self.info["setl_id"]

    def content(self, **changes: Any) -> Json:
        """``input`` of 4101; ``changes`` are of ``setlinfo``, unless they name another node."""
        total = str(self.info["medfee_sumamt"])
        setlinfo = REGISTERED | {
            "mdtrt_id": self.visit,
            "setl_id": self.settlement,
            "fixmedins_name": "测试医院",
            "fixmedins_code": self.counter.institution,
            "naty": "01",
            "certno": self.counter.town.documents[self.member],
            "coner_name": "联系人甲",
            "maindiag_flag": "1",
            "acct_pay": str(self.info["acct_pay"]),
            "psn_cashpay": str(self.info["psn_cash_pay"]),
            "psn_selfpay": str(self.info["psn_part_amt"]),
            "psn_ownpay": "0",
            "setl_begn_date": "2026-07-15",
            "setl_end_date": "2026-07-15",
        }
        nodes: Json = {
            "payinfo": [
                {"fund_pay_type": row["fund_pay_type"], "fund_payamt": str(row["fund_payamt"])}
                for row in self.rows
            ],
            "diseinfo": [
                {
                    "diag_type": "1",
                    "diag_code": "J06.900",
                    "diag_name": "感冒",
                    "maindiag_flag": "1",
                }
            ],
            "iteminfo": [
                {
                    "med_chrgitm": "09",
                    "amt": total,
                    "claa_sumfee": total,
                    "clab_amt": "0",
                    "fulamt_ownpay_amt": "0",
                    "oth_amt": "0",
                }
            ],
        }
        other = {name: value for name, value in changes.items() if name in nodes}
        info = {name: value for name, value in changes.items() if name not in nodes}
        return {"setlinfo": setlinfo | info} | nodes | other

    async def upload(self, number: str = "4101", **changes: Any) -> str:
        """Upload the list; its number."""
        output = await self.counter.done(number, self.content(**changes))
        found: str = output["setl_list_id"]
        return found

    async def show(self) -> Json:
        """The list as it stands."""
        shown: Json = await self.counter.done("4103", {"data": {"setl_id": self.settlement}})
        return shown

    async def findings(self) -> list[Json]:
        """What quality control found."""
        found: list[Json] = await self.counter.done("4104", {"data": {"setl_id": self.settlement}})
        return found

    def state(self, code: str, **changes: Any) -> Json:
        """``input`` of 4102."""
        row = {"psn_no": self.member, "setl_id": self.settlement, "stas_type": code}
        return {"data": {"stastinfo": [row | changes]}}


@pytest.fixture
async def bill(counter: Counter) -> Bill:
    """A settled outpatient visit of 3,000 yuan: fund, account and cash have all paid."""
    return await settled(counter)


async def settled(counter: Counter) -> Bill:
    member = await counter.town.insure(account="100")
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "3000"))
    output = await counter.done("2207", counter.settlement(member, visit, priced))
    bill = Bill(counter, member, visit, output)
    assert bill.info["fund_pay_sumamt"] > 0
    assert bill.info["acct_pay"] == Decimal(100)
    return bill


async def test_a_list_that_agrees_is_taken_without_findings(bill: Bill) -> None:
    assert await bill.upload()
    assert await bill.findings() == []


async def test_the_second_version_needs_only_what_the_platform_does_not_know(bill: Bill) -> None:
    info = {"setl_id": bill.settlement, "mdtrt_id": bill.visit, "psn_no": bill.member}
    content = {"setlinfo": info | {"hi_paymtd": "4"}, "diseinfo": bill.content()["diseinfo"]}
    assert (await bill.counter.done("4101A", content))["setl_list_id"]
    shown = await bill.show()
    assert shown["setlinfo"]["hi_paymtd"] == "4"
    assert shown["setlinfo"]["psn_no"] == bill.member


async def test_the_list_is_shown_as_it_was_sent(bill: Bill) -> None:
    number = await bill.upload(curr_addr="某市某路", local_field={"a": ["x", 1]}, bld_amt="200")
    shown = await bill.show()
    info = shown["setlinfo"]
    assert info["curr_addr"] == "某市某路"
    assert info["local_field"] == {"a": ["x", 1]}
    assert info["bld_amt"] == 200
    assert info["acct_pay"] == Decimal("100.00")
    assert info["brdy"] == "1980-01-01"
    assert info["setl_list_id"] == number
    assert info["stas_type"] == "0"
    assert shown["iteminfo"][0]["amt"] == Decimal("3000.00")
    assert shown["diseinfo"][0]["diag_code"] == "J06.900"


async def test_a_new_upload_replaces_the_list_and_keeps_its_number_and_history(bill: Bill) -> None:
    first = await bill.upload(medcasno="A")
    assert await bill.upload(medcasno="B") == first
    assert (await bill.show())["setlinfo"]["medcasno"] == "B"
    async with bill.counter.town.database.owner() as connection:
        versions = await connection.fetchval("SELECT count(*) FROM uploads.settlement_list")
        kept = await connection.fetchval("SELECT count(*) FROM uploads.document")
    assert (versions, kept) == (2, 2)


async def test_a_repeated_message_uploads_once(bill: Bill) -> None:
    message = bill.counter.message_id()
    first = await bill.counter.done("4101", bill.content(), message=message)
    assert await bill.counter.done("4101", bill.content(), message=message) == first
    code, _ = await bill.counter.refused("4101", bill.content(unknown_field="x"), message=message)
    assert code == 1020


async def test_a_submitted_list_is_opened_before_it_is_replaced(bill: Bill) -> None:
    await bill.upload()
    await bill.counter.done("4102", bill.state("1"))
    assert (await bill.show())["setlinfo"]["stas_type"] == "1"
    code, text = await bill.counter.refused("4101", bill.content())
    assert code == 6602
    assert "4102" in text
    await bill.counter.done("4102", bill.state("0"))
    await bill.counter.done("4102", bill.state("0"))
    await bill.upload(stas_type="1", number="4101A")
    assert (await bill.show())["setlinfo"]["stas_type"] == "1"


async def test_several_states_change_together_or_not_at_all(bill: Bill) -> None:
    other = await settled(bill.counter)
    await bill.upload()
    both = bill.state("1")["data"]["stastinfo"] + other.state("1")["data"]["stastinfo"]
    code, text = await bill.counter.refused("4102", {"data": {"stastinfo": both}})
    assert code == 6601
    assert "第2条" in text
    assert (await bill.show())["setlinfo"]["stas_type"] == "0"
    await other.upload()
    await bill.counter.done("4102", {"data": {"stastinfo": both}})
    assert (await other.show())["setlinfo"]["stas_type"] == "1"


DIFFERENCES: list[tuple[str, Json, int, str]] = [
    ("another account payment", {"acct_pay": "99.99"}, 6603, "acct_pay"),
    ("another cash payment", {"psn_cashpay": "0"}, 6603, "psn_cashpay"),
    ("no fund", {"payinfo": []}, 6603, "fund_payamt"),
    (
        "a fund that paid nothing",
        {"payinfo": [{"fund_pay_type": "610100", "fund_payamt": "1"}]},
        6603,
        "fund_payamt",
    ),
    (
        "another total",
        {"iteminfo": [{"med_chrgitm": "09", "amt": "1", "fulamt_ownpay_amt": "0"}]},
        6603,
        "amt",
    ),
    (
        "days in the wrong order",
        {"setl_begn_date": "2026-07-16"},
        4005,
        "setl_begn_date",
    ),
    ("another visit", {"mdtrt_id": "110000" + "1" * 19}, 4001, "mdtrt_id"),
    ("another institution", {"fixmedins_code": OTHER_TERTIARY}, 2011, "fixmedins_code"),
    ("another person", {"psn_no": "1100000000001"}, 3004, "psn_no"),
    ("an unknown settlement", {"setl_id": "110000" + "1" * 19}, 4040, "setl_id"),
    ("no settlement number at all", {"setl_id": "abc"}, 4040, "setl_id"),
    ("an unknown state", {"stas_type": "7"}, 1012, "stas_type"),
    ("a sex that is none", {"gend": "5"}, 1012, "gend"),
    ("a missing account payment", {"acct_pay": ""}, 1010, "acct_pay"),
    ("more than money's digits", {"psn_cashpay": "1.005"}, 1012, "psn_cashpay"),
    ("a name too long", {"psn_name": "名" * 51}, 1011, "psn_name"),
]


@pytest.mark.parametrize(
    ("changes", "code", "word"),
    [fault[1:] for fault in DIFFERENCES],
    ids=[fault[0] for fault in DIFFERENCES],
)
async def test_a_list_that_differs_is_refused(
    bill: Bill, changes: Json, code: int, word: str
) -> None:
    content = bill.content(**changes)
    number = "4101A" if "stas_type" in changes else "4101"
    refused, text = await bill.counter.refused(number, content)
    assert refused == code, text
    assert word in text
    assert (await bill.counter.refused("4103", {"data": {"setl_id": bill.settlement}}))[0] == 6601


async def test_funds_may_come_in_the_pool_areas_form_and_without_the_account(bill: Bill) -> None:
    rows = [
        {
            "fund_pay_type": row["fund_pay_type"][:-1] + "1",
            "fund_payamt": str(row["fund_payamt"]),
        }
        for row in bill.rows
    ]
    await bill.upload(payinfo=[*rows, {"fund_pay_type": "610100", "fund_payamt": "0"}])
    account = "310200"
    without = [row for row in bill.content()["payinfo"] if row["fund_pay_type"] != account]
    await bill.upload(payinfo=without)
    wrong = [*without, {"fund_pay_type": account, "fund_payamt": "99.99"}]
    code, text = await bill.counter.refused("4101", bill.content(payinfo=wrong))
    assert (code, account in text) == (6603, True)


async def test_the_days_of_a_stay_must_be_the_platforms(counter: Counter) -> None:
    stay = await admitted(counter)
    await stay.charge(stay.fee("1", "5000"))
    bill = Bill(counter, stay.member, stay.visit, await stay.settled())
    days = {
        "adm_time": ADMITTED,
        "dscg_time": DISCHARGED,
        "setl_begn_date": ADMITTED[:10],
        "setl_end_date": DISCHARGED[:10],
    }
    for name in ("adm_time", "dscg_time"):
        code, text = await counter.refused("4101", bill.content(**days | {name: "2026-07-12"}))
        assert code == 6603
        assert name in text
    await bill.upload(**days)
    assert await bill.findings() == []
    await bill.upload(**days | {"setl_end_date": "2026-07-15"})
    assert [row["qltctrl_rslt"] for row in await bill.findings()] == ["Q021"]
    assert await count(counter, medtype_list=["21"]) == (1, 1, 0, 0, 0)


async def test_a_list_may_come_as_json_text(bill: Bill) -> None:
    text = json.dumps(bill.content(curr_addr="某市"), ensure_ascii=False)
    await bill.counter.done("4101", text)
    assert (await bill.show())["setlinfo"]["curr_addr"] == "某市"


async def test_doubtful_figures_are_reported_not_refused(bill: Bill) -> None:
    item = bill.content()["iteminfo"][0] | {"claa_sumfee": "1"}
    await bill.upload(
        iteminfo=[item],
        psn_selfpay="1",
        psn_ownpay="2",
        psn_name="别人",
        setl_begn_date="2026-07-14",
        diseinfo=[
            {"diag_type": "1", "diag_code": code, "diag_name": "某病"}
            for code in ("J06.900", "X99.999")
        ],
    )
    found = await bill.findings()
    assert [row["qltctrl_rslt"] for row in found] == [
        "Q001",
        "Q002",
        "Q003",
        "Q010",
        "Q020",
        "Q031",
        "Q032",
    ]
    assert {row["psn_no"] for row in found} == {bill.member}
    assert found[0]["setl_ym"] == "202607"
    data = {"setl_ym": "202607", "err_lv": "1"}
    errors = await bill.counter.done("4104", {"data": data})
    assert [row["qltctrl_rslt"] for row in errors] == ["Q010", "Q032"]
    second = await bill.counter.done("4104", {"data": data | {"page_num": 2, "page_size": 1}})
    assert [row["qltctrl_rslt"] for row in second] == ["Q032"]
    assert await bill.counter.done("4104", {"data": {"setl_ym": "202606"}}) == []


async def test_a_corrected_list_has_no_findings_any_more(bill: Bill) -> None:
    await bill.upload(diseinfo=[])
    assert [row["qltctrl_rslt"] for row in await bill.findings()] == ["Q030"]
    await bill.upload()
    assert await bill.findings() == []


async def test_a_cancelled_settlement_has_no_list(bill: Bill) -> None:
    await bill.upload()
    whose = {"psn_no": bill.member, "mdtrt_id": bill.visit, "setl_id": bill.settlement}
    mirror = (await bill.counter.done("2208", {"data": whose}))["setlinfo"]["setl_id"]
    assert (await bill.counter.refused("4101", bill.content()))[0] == 4041
    assert (await bill.counter.refused("4101", bill.content(setl_id=mirror)))[0] == 4041
    assert (await bill.counter.refused("4102", bill.state("1")))[0] == 4041


async def test_another_institution_sees_and_changes_nothing(bill: Bill) -> None:
    await bill.upload()
    counter = bill.counter
    counter.institution = OTHER_TERTIARY
    data = {"data": {"setl_id": bill.settlement}}
    assert (await counter.refused("4103", data))[0] == 6601
    assert await counter.done("4104", data) == []
    assert await counter.done("4104", {"data": {"setl_ym": "202607"}}) == []
    assert (await counter.refused("4102", bill.state("1")))[0] == 6601
    assert (await counter.refused("4101", bill.content()))[0] == 4040


async def count(counter: Counter, **data: Any) -> tuple[int, ...]:
    """Settlements, lists, submitted, without a list, with errors."""
    asked = {"fixmedins_code": counter.institution} | data
    row = (await counter.done("4105", {"data": asked}))["data"]
    names = ("setl_cnt", "list_cnt", "sbmt_cnt", "unupld_cnt", "err_cnt")
    return tuple(row[name] for name in names)


async def test_lists_are_counted_against_settlements(bill: Bill) -> None:
    counter = bill.counter
    other = await settled(counter)
    assert await count(counter) == (2, 0, 0, 2, 0)
    await bill.upload(psn_name="别人")
    await counter.done("4102", bill.state("1"))
    assert await count(counter) == (2, 1, 1, 1, 1)
    assert await count(counter, medtype_list=["21"]) == (0, 0, 0, 0, 0)
    assert await count(counter, medtype_list="11,21") == (2, 1, 1, 1, 1)
    assert await count(counter, pay_loc_list=["1"]) == (0, 0, 0, 0, 0)
    assert await count(counter, stt_begntime="2026-07-14 00:00:00") == (2, 1, 1, 1, 1)
    span = {"stt_begntime": "2026-07-01", "stt_endtime": "2026-07-14"}
    assert await count(counter, **span) == (0, 0, 0, 0, 0)
    whose = {"psn_no": other.member, "mdtrt_id": other.visit, "setl_id": other.settlement}
    await counter.done("2208", {"data": whose})
    assert await count(counter) == (1, 1, 1, 0, 1)
    assert await count(counter, refd_setl_flag="1") == (3, 1, 1, 2, 1)


async def test_bad_questions_are_refused(bill: Bill) -> None:
    counter = bill.counter
    cases: list[tuple[str, Json, int]] = [
        ("4102", {}, 1010),
        ("4102", {"stastinfo": [{"setl_id": bill.settlement}]}, 1010),
        ("4102", {"stastinfo": [{"stas_type": "1"}]}, 1010),
        ("4102", {"stastinfo": [{"setl_id": "x", "stas_type": "1"}]}, 4040),
        ("4103", {}, 1010),
        ("4103", {"setl_id": "x"}, 4040),
        ("4104", {}, 1010),
        ("4104", {"setl_ym": "202613"}, 1012),
        ("4104", {"setl_ym": "2026"}, 1012),
        ("4104", {"setl_ym": "000001"}, 1012),
        ("4105", {}, 1010),
        ("4105", {"fixmedins_code": OTHER_TERTIARY}, 2011),
        (
            "4105",
            {"fixmedins_code": counter.institution, "stt_begntime": "2026-06-01"},
            6010,
        ),
    ]
    for number, data, code in cases:
        refused, text = await counter.refused(number, {"data": data})
        assert refused == code, (number, data, text)
    await bill.upload()
    wrong = {"setl_id": bill.settlement, "psn_no": "1100000000001"}
    assert (await counter.refused("4103", {"data": wrong}))[0] == 6601
    assert (await counter.refused("4102", bill.state("1", psn_no="11000001")))[0] == 3004


async def test_no_name_is_kept_in_the_open(bill: Bill) -> None:
    await bill.upload(curr_addr="某市某路")
    async with bill.counter.town.database.owner() as connection:
        text = await connection.fetchval(
            """SELECT string_agg(d::text || l::text, ' ') FROM uploads.document AS d,
                      uploads.settlement_list AS l"""
        )
        expiry = await connection.fetchval("SELECT expires_on FROM uploads.document")
    assert "某市某路" not in text
    assert bill.counter.town.documents[bill.member] not in text
    assert expiry == date(2031, 7, 15)


def test_the_tables_are_the_described_ones() -> None:
    described = tables().transactions
    assert {node.name for node in described["4101"].input} >= {"setlinfo", "payinfo", "iteminfo"}
    assert not any(field.enforced for node in described["4101A"].input for field in node.fields)
