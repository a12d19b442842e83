"""A stay's way over the interface, from admission to the settlement's cancellation."""

from decimal import Decimal

import pytest

from tests.gateway.amounts import AMOUNTS, assert_identities
from tests.gateway.builders import Counter, Json
from tests.gateway.stays import ADMITTED, Stay, admission, admitted
from tests.settlement.builders import OTHER_TERTIARY


@pytest.fixture
async def stay(counter: Counter) -> Stay:
    """A person in hospital with three lines."""
    stay = await admitted(counter)
    await stay.charge(
        stay.fee("1", "3000"),
        stay.fee("2", "100", "2", med_list_codg="XB01", medins_list_codg="H-XB01"),
        stay.fee("3", "33.33", med_list_codg="XC01", medins_list_codg="H-XC01"),
    )
    return stay


async def test_a_stay_is_priced_tried_and_settled(counter: Counter, stay: Stay) -> None:
    await counter.done("2402", stay.discharge())
    tried = await counter.done("2303", stay.settlement())
    done = await counter.done("2304", stay.settlement())
    assert_identities(tried)
    assert_identities(done)
    info = done["setlinfo"]
    assert info["medfee_sumamt"] == Decimal("3233.33")
    assert info["fund_pay_sumamt"] > 0
    assert info["med_type"] == "21"
    assert info["clr_type"] == "21"
    assert info["psn_name"] == "测试"
    assert "setl_id" not in tried["setlinfo"]
    different = {name for name in tried["setlinfo"] if tried["setlinfo"][name] != info[name]}
    assert different <= {"medins_setl_id", "setl_time"}


async def test_a_settlement_needs_no_sums(counter: Counter, stay: Stay) -> None:
    await counter.done("2402", stay.discharge())
    output = await counter.done("2304", stay.settlement(with_sums=False))
    assert output["setlinfo"]["inscp_scp_amt"] > 0


async def test_sums_are_handed_back_together_or_not_at_all(counter: Counter, stay: Stay) -> None:
    await counter.done("2402", stay.discharge())
    content = stay.settlement()
    del content["data"]["preselfpay_amt"]
    code, text = await counter.refused("2304", content)
    assert (code, "data.preselfpay_amt" in text) == (1010, True)


async def test_a_repeated_settlement_is_answered_as_at_first(counter: Counter, stay: Stay) -> None:
    await counter.done("2402", stay.discharge())
    message = counter.message_id()
    first = await counter.done("2304", stay.settlement(), message=message)
    assert await counter.done("2304", stay.settlement(), message=message) == first


async def test_a_cancelled_settlement_is_mirrored_and_the_stay_open_again(
    counter: Counter, stay: Stay
) -> None:
    settled = await stay.settled()
    named = {"data": stay.whose | {"setl_id": settled["setlinfo"]["setl_id"]}}
    mirror = await counter.done("2305", named)
    for name in AMOUNTS:
        assert mirror["setlinfo"][name] == -settled["setlinfo"][name], name
    assert mirror["setlinfo"]["setl_id"] != settled["setlinfo"]["setl_id"]
    assert_identities(mirror)
    await counter.done("2405", {"data": stay.whose})
    await counter.done("2302", {"data": [stay.whose | {"feedetl_sn": "0000"}]})
    await counter.done("2404", {"data": stay.whose})


async def test_goods_are_given_back_against_their_line(counter: Counter, stay: Stay) -> None:
    back = stay.fee("4", "100", "-1", med_list_codg="XB01", medins_list_codg="H-XB01")
    (priced,) = await stay.charge(back | {"init_feedetl_sn": "2"})
    assert priced["det_item_fee_sumamt"] == Decimal("-100.00")
    assert priced["preselfpay_amt"] == Decimal("-10.00")
    output = await stay.settled()
    assert output["setlinfo"]["medfee_sumamt"] == Decimal("3133.33")


async def test_lines_are_withdrawn_by_serial(counter: Counter, stay: Stay) -> None:
    await counter.done("2302", {"data": [stay.whose | {"feedetl_sn": "1"}]})
    stay.priced = stay.priced[1:]
    output = await stay.settled()
    assert output["setlinfo"]["medfee_sumamt"] == Decimal("233.33")


async def test_a_line_of_another_kind_of_care_is_refused(counter: Counter, stay: Stay) -> None:
    row = stay.fee("9", "1", med_type="11")
    code, text = await counter.refused("2301", {"feedetail": [row]})
    assert (code, "feedetail[1].med_type" in text) == (1012, True)


async def test_an_interim_settlement_leaves_the_stay_open(counter: Counter, stay: Stay) -> None:
    interim = await counter.done("2304", stay.settlement(mid_setl_flag="1"))
    first = interim["setlinfo"]
    stay.priced = []
    await stay.charge(stay.fee("5", "500"))
    last = (await stay.settled())["setlinfo"]
    assert last["medfee_sumamt"] == Decimal("500.00")
    assert last["act_pay_dedc"] == 0  # the stay's deductible is paid once
    assert first["act_pay_dedc"] > 0
    shown = await counter.done("5203", {"data": stay.whose | {"setl_id": first["setl_id"]}})
    assert shown["setlinfo"]["begndate"] == "2026-07-10"
    assert shown["setlinfo"]["enddate"] == "2026-07-15"


async def test_an_admission_is_corrected(counter: Counter, stay: Stay) -> None:
    info = admission(counter, stay.member)["mdtrtinfo"] | stay.whose
    info |= {"ipt_otp_no": "ZY0002", "adm_bed": "13", "begntime": "2026-07-09 08:00:00"}
    content = {"adminfo": info, "diseinfo": admission(counter, stay.member)["diseinfo"]}
    await counter.done("2403", content)
    (shown,) = (await counter.done("5201", span(stay)))["mdtrtinfo"]
    assert (shown["ipt_otp_no"], shown["adm_bed"]) == ("ZY0002", "13")
    assert shown["begntime"] == "2026-07-09 08:00:00"


async def test_a_second_admission_learns_the_day_of_the_first_alone(
    counter: Counter, stay: Stay
) -> None:
    counter.institution = OTHER_TERTIARY
    code, text = await counter.refused("2401", admission(counter, stay.member))
    assert "2026-07-10" in text
    assert "H110" not in text
    assert "J06" not in text
    assert 4000 < code < 5000


async def test_a_stay_is_not_an_outpatients_visit(counter: Counter, stay: Stay) -> None:
    outpatient = counter.fee(stay.member, stay.visit, "7", "1")
    assert 4000 < (await counter.refused("2204", {"feedetail": [outpatient]}))[0] < 5000
    whose = {"data": stay.whose | {"ipt_otp_no": "ZY0001"}}
    assert 4000 < (await counter.refused("2202", whose))[0] < 5000


async def test_diagnoses_of_both_ends_are_listed(counter: Counter, stay: Stay) -> None:
    await counter.done("2402", stay.discharge())
    rows = (await counter.done("5202", {"data": stay.whose}))["diseinfo"]
    assert [(row["inout_diag_type"], row["diag_name"]) for row in rows] == [
        ("1", "感冒"),
        ("2", "感冒痊愈"),
    ]
    assert rows[0]["adm_cond"] == "有"
    assert len({row["diag_info_id"] for row in rows}) == 2


async def test_a_stay_is_listed_with_both_ends(counter: Counter, stay: Stay) -> None:
    (inside,) = (await counter.done("5201", span(stay)))["mdtrtinfo"]
    assert (inside["begntime"], inside["endtime"], inside["inhosp_stas"]) == (ADMITTED, None, "1")
    await counter.done("2402", stay.discharge())
    (over,) = (await counter.done("5201", span(stay)))["mdtrtinfo"]
    assert (over["inhosp_stas"], over["ipt_days"]) == ("0", 4)
    assert over["dscg_way"] == "1"
    assert over["tel"] == "00000000000"


async def test_lines_of_a_stay_are_listed(counter: Counter, stay: Stay) -> None:
    settled = await stay.settled()
    named = stay.whose | {"setl_id": settled["setlinfo"]["setl_id"]}
    rows = await counter.done("5204", {"data": named})
    assert {row["feedetl_sn"] for row in rows} == {"1", "2", "3"}
    assert {row["setl_id"] for row in rows} == {named["setl_id"]}


def span(stay: Stay) -> Json:
    """``input`` of 5201."""
    when = {"begntime": "2026-07-01 00:00:00", "endtime": "2026-07-31 00:00:00"}
    return {"data": {"psn_no": stay.member, "med_type": "21"} | when}


# ------------------------------------------------------------------------------------ in hospital


def in_hospital(**more: str) -> Json:
    """``input`` of 5303."""
    when = {"begntime": "2026-07-01 00:00:00", "endtime": "2026-07-31 00:00:00"}
    return {"data": when | more}


async def test_who_is_in_hospital_is_listed_until_discharge(counter: Counter, stay: Stay) -> None:
    (row,) = (await counter.done("5303", in_hospital()))["data"]
    assert (row["mdtrt_id"], row["psn_no"]) == (stay.visit, stay.member)
    assert (row["begndate"], row["ipt_otp_no"], row["out_flag"]) == ("2026-07-10", "ZY0001", "0")
    await counter.done("2402", stay.discharge())
    assert (await counter.done("5303", in_hospital()))["data"] == []


async def test_anothers_stay_shows_its_first_day_to_whom_the_person_came(
    counter: Counter, stay: Stay
) -> None:
    counter.institution = OTHER_TERTIARY
    assert (await counter.done("5303", in_hospital()))["data"] == []
    (row,) = (await counter.done("5303", in_hospital(psn_no=stay.member)))["data"]
    told = {name: value for name, value in row.items() if value is not None}
    assert told == {"psn_no": stay.member, "begndate": "2026-07-10"}
