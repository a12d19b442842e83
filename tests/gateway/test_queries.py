"""What was written is read again by its institution, and by no other."""

from decimal import Decimal

import pytest

from tests.gateway.builders import Counter, Json
from tests.settlement.builders import OTHER_TERTIARY


@pytest.fixture
async def bill(counter: Counter) -> Json:
    """A settled bill: member, visit, priced lines, settlement output."""
    member = await counter.town.insure(account="500")
    visit = await counter.open_visit(member)
    priced = await counter.charge(member, visit, ("XA01", "2000"), ("XB01", "10"))
    output = await counter.done("2207", counter.settlement(member, visit, priced))
    return {
        "member": member,
        "visit": visit,
        "priced": priced,
        "output": output,
        "settlement": output["setlinfo"]["setl_id"],
    }


def of_visit(bill: Json, **more: str) -> Json:
    """``input`` that names the bill's visit."""
    return {"data": {"psn_no": bill["member"], "mdtrt_id": bill["visit"]} | more}


def visits_of(bill: Json, **more: str) -> Json:
    """``input`` of 5201 for the day."""
    data = {
        "psn_no": bill["member"],
        "begntime": "2026-07-15 00:00:00",
        "endtime": "2026-07-15 23:59:59",
        "med_type": "11",
    }
    return {"data": data | more}


async def test_visits_are_listed(counter: Counter, bill: Json) -> None:
    (visit,) = (await counter.done("5201", visits_of(bill)))["mdtrtinfo"]
    assert visit["mdtrt_id"] == bill["visit"]
    assert visit["ipt_otp_no"] == "MZ0001"
    assert visit["otp_diag_info"] == "感冒"
    assert visit["psn_type"] == "1101"
    assert visit["begntime"] == "2026-07-15 12:00:00"
    assert (await counter.done("5201", visits_of(bill, med_type="14")))["mdtrtinfo"] == []


async def test_diagnoses_are_listed(counter: Counter, bill: Json) -> None:
    (diagnosis,) = (await counter.done("5202", of_visit(bill)))["diseinfo"]
    assert diagnosis["diag_code"] == "J06.900"
    assert diagnosis["maindiag_flag"] == "1"
    assert diagnosis["diag_time"] == "2026-07-15 12:05:00"
    assert len(diagnosis["diag_info_id"]) <= 30


async def test_a_settlement_is_shown_as_it_was_answered(counter: Counter, bill: Json) -> None:
    shown = await counter.done("5203", of_visit(bill, setl_id=bill["settlement"]))
    answered = bill["output"]["setlinfo"]
    common = set(shown["setlinfo"]) & set(answered)
    assert {name: shown["setlinfo"][name] for name in common} == {
        name: answered[name] for name in common
    }
    assert shown["setldetail"] == bill["output"]["setldetail"]
    info = shown["setlinfo"]
    assert info["psn_pay"] == answered["psn_part_amt"]
    assert info["cash_payamt"] == answered["psn_cash_pay"]
    assert info["year"] == "2026"
    assert info["refd_setl_flag"] == "0"
    assert info["hosp_lv"] == "02"
    assert info["fixmedins_code"] == counter.institution


async def test_a_cancellation_is_shown_with_its_flag(counter: Counter, bill: Json) -> None:
    mirror = await counter.done("2208", of_visit(bill, setl_id=bill["settlement"]))
    shown = await counter.done("5203", of_visit(bill, setl_id=mirror["setlinfo"]["setl_id"]))
    assert shown["setlinfo"]["refd_setl_flag"] == "1"
    assert shown["setlinfo"]["medfee_sumamt"] == Decimal("-2010.00")


async def test_lines_are_a_list_directly_under_output(counter: Counter, bill: Json) -> None:
    lines = await counter.done("5204", of_visit(bill))
    assert lines == await counter.done("5204", of_visit(bill, setl_id=bill["settlement"]))
    assert [line["det_item_fee_sumamt"] for line in lines] == [Decimal("2000.00"), Decimal("10.00")]
    assert all(line["setl_id"] == bill["settlement"] for line in lines)
    assert lines[1]["preselfpay_amt"] == Decimal("1.00")
    assert lines[1]["hilist_name"] == "乙类药"
    assert lines[0]["bilg_dept_name"] == "内科", "what the hospital sent comes back"


async def test_an_unsettled_visit_has_lines_without_a_settlement(counter: Counter) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    await counter.charge(member, visit, ("XA01", "1"))
    (line,) = await counter.done("5204", {"data": {"psn_no": member, "mdtrt_id": visit}})
    assert line["setl_id"] is None


async def test_accumulators_are_told_by_fund_and_year(counter: Counter, bill: Json) -> None:
    rows = (await counter.done("5206", {"data": {"psn_no": bill["member"]}}))["cuminfo"]
    by_code = {row["cum_type_code"]: row for row in rows}
    info = bill["output"]["setlinfo"]
    assert by_code["Q330100"]["cum"] == info["act_pay_dedc"]
    assert by_code["D330100"]["cum"] == info["hifob_pay"]
    assert {row["year"] for row in rows} == {"2026"}
    assert {row["insutype"] for row in rows} == {"310"}
    past = {"data": {"psn_no": bill["member"], "cum_ym": "202501"}}
    assert (await counter.done("5206", past))["cuminfo"] == []


async def test_care_that_is_not_chronic_leaves_no_medication_record(
    counter: Counter, bill: Json
) -> None:
    content = {"data": {"psn_no": bill["member"], "begntime": "2026-01-01 00:00:00"}}
    assert (await counter.done("5205", content))["feedetail"] == []


async def test_another_institution_sees_nothing_of_it(counter: Counter, bill: Json) -> None:
    counter.institution = OTHER_TERTIARY
    assert (await counter.done("5201", visits_of(bill)))["mdtrtinfo"] == []
    for number, content in (
        ("5202", of_visit(bill)),
        ("5203", of_visit(bill, setl_id=bill["settlement"])),
        ("5204", of_visit(bill)),
        ("5204", of_visit(bill, setl_id=bill["settlement"])),
        ("2208", of_visit(bill, setl_id=bill["settlement"])),
        ("2205", of_visit(bill, chrg_bchno="B1")),
        ("2202", of_visit(bill, ipt_otp_no="MZ0001")),
    ):
        code, _ = await counter.refused(number, content)
        assert code in (4001, 4040), number


async def test_the_accumulators_are_the_persons_own(counter: Counter, bill: Json) -> None:
    counter.institution = OTHER_TERTIARY
    assert (await counter.done("5206", {"data": {"psn_no": bill["member"]}}))["cuminfo"]


async def test_a_foreign_persons_visit_is_not_found(counter: Counter, bill: Json) -> None:
    other = await counter.town.insure()
    code, _ = await counter.refused("5202", of_visit(bill | {"member": other}))
    assert code == 4001


async def test_what_was_charged_for_a_chronic_disease_is_its_medication_record(
    counter: Counter,
) -> None:
    member = await counter.town.insure()
    visit = await counter.open_visit(member)
    described = counter.description(member, visit)
    described["mdtrtinfo"] |= {"med_type": "14", "dise_codg": "M03900", "dise_name": "高血压"}
    await counter.done("2203", described)
    await counter.charge(member, visit, ("XA01", "7.5"))
    content = {"data": {"psn_no": member, "begntime": "2026-01-01 00:00:00"}}
    (row,) = (await counter.done("5205", content))["feedetail"]
    assert (row["psn_no"], row["med_type"]) == (member, "14")
    assert (row["med_list_codg"], row["pric"]) == ("XA01", Decimal("7.500000"))
    assert row["fixmedins_code"] == counter.institution


async def test_nobodys_medication_record_is_refused(counter: Counter) -> None:
    nobody = {"psn_no": "110000" + "9" * 19, "begntime": "2026-01-01"}
    assert (await counter.refused("5205", {"data": nobody}))[0] == 3001
