"""A paper bill is settled with the person, once, by two clerks, under the same law and counters."""

import json
from typing import Any

import pytest

from tests.bureau.builders import FIRST, Bureau
from tests.settlement.builders import CLASS_A, CLASS_B, CLINIC, EMPLOYEE, POOL, TERTIARY, key_of
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.bureau import service
from yibao.kernel.identifiers import parse_pool_key
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement import service as settlement

DAY = "2026-07-10"


def line(amount: str, item: str | None = CLASS_A, day: str = DAY) -> dict[str, str]:
    """One line of a paper bill."""
    told = {"day": day, "name": "测试项目", "amount": amount}
    return told if item is None else {**told, "item": item}


def paper(member: str, *lines: dict[str, str], **changes: Any) -> dict[str, Any]:
    """A paper bill of an institution elsewhere; every field may be replaced."""
    lines = lines or (line("100"),)
    content = {
        "pool": POOL,
        "member": member,
        "scheme": EMPLOYEE,
        "care_kind": "11",
        "institution_name": "测试外地医院",
        "division": "110105",
        "level": "l3",
        "first_day": DAY,
        "invoice": "F0001",
        "total": str(sum(float(one["amount"]) for one in lines)),
        "diagnosis": "J06.900",
        "lines": json.dumps(lines),
        **changes,
    }
    return {name: value for name, value in content.items() if value is not None}


async def refusal(bureau: Bureau, content: dict[str, Any], remark: str | None = None) -> Refused:
    """What entering a claim is refused with."""
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("manual_claims.enter", remark, **content)
    return refused.value


async def owed(bureau: Bureau, member: str) -> int:
    """What the ledger says that a person is owed."""
    async with bureau.town.database.owner() as connection:
        amount: int = await connection.fetchval(
            "SELECT coalesce(sum(amount), 0)::bigint FROM ledger.entry WHERE account = $1",
            f"person:{member}:owed",
        )
    return amount


@pytest.fixture(autouse=True)
async def half(bureau: Bureau) -> None:
    """The law pays half, up to 1,000 yuan a year."""
    await let_count(bureau.town, law(capped("1000"), counters=SPENT))


async def test_what_the_funds_pay_of_a_paper_bill_is_owed_to_the_person(bureau: Bureau) -> None:
    town = bureau.town
    member = await town.insure(account="500")
    lines = (line("100"), line("100", CLASS_B), line("30", None))
    result = await bureau.carry_out("manual_claims.enter", **paper(member, *lines))
    assert (result["total"], result["own"], result["in_scope"]) == ("230.00", "30.00", "190.00")
    assert result["owed_to_person"] == "95.00"
    assert await owed(bureau, member) == 9500
    assert await town.counters(member) == {"spent@2026": 9500}
    assert await town.balance(member) == 50000, "the account does not pay what was paid in cash"
    assert await bureau.faults() == []
    key = parse_pool_key(result["settlement"])
    assert key is not None
    async with town.database.reader([TERTIARY, CLINIC]) as connection:
        assert await settlement.settlement(connection, key) is None, "no institution sees it"


async def test_the_trial_tells_the_same_and_writes_nothing(bureau: Bureau) -> None:
    member = await bureau.town.insure()
    key = await bureau.propose("manual_claims.enter", **paper(member))
    async with bureau.unit(POOL) as unit:
        tried = await service.tried(unit, bureau.office, key, FIRST)
    assert tried["owed_to_person"] == "50.00"
    assert await owed(bureau, member) == 0
    assert await bureau.town.counters(member) == {}


async def test_later_bills_find_the_counters_of_a_paper_bill(bureau: Bureau) -> None:
    member = await bureau.town.insure()
    await bureau.carry_out("manual_claims.enter", **paper(member, line("1900")))
    assert (await bureau.town.bill(member, "200")).funds == 5000


async def test_a_cancelled_claim_leaves_nothing_and_may_be_entered_again(bureau: Bureau) -> None:
    member = await bureau.town.insure()
    stay = paper(member, care_kind="11", first_day="2026-07-05", discharged=DAY)
    result = await bureau.carry_out("manual_claims.enter", **stay)
    await bureau.carry_out("manual_claims.cancel", settlement=result["settlement"])
    assert await owed(bureau, member) == 0
    assert await bureau.town.counters(member) == {}
    again = await bureau.carry_out("manual_claims.enter", **stay)
    assert again["owed_to_person"] == result["owed_to_person"]
    assert await bureau.faults() == []


async def test_an_online_settlement_is_not_cancelled_as_a_claim(bureau: Bureau) -> None:
    settled = await bureau.town.bill(await bureau.town.insure(), "100")
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("manual_claims.cancel", settlement=key_of(settled).text())
    assert refused.value.refusal.code is RefusalCode.SETTLEMENT_UNKNOWN


# ----------------------------------------------------------------------------------- double claims


async def test_the_same_invoice_is_not_paid_twice(bureau: Bureau) -> None:
    member, other = await bureau.town.insure(), await bureau.town.insure()
    await bureau.carry_out("manual_claims.enter", **paper(member))
    for claimant in (member, other):
        content = paper(claimant, line("70", day="2026-07-12"), first_day="2026-07-12")
        found = await refusal(bureau, content, "已核对")
        assert found.refusal.code is RefusalCode.CLAIM_DOUBLE
    assert await owed(bureau, member) == 5000


async def test_the_same_day_and_total_as_an_online_bill_is_refused(bureau: Bureau) -> None:
    member = await bureau.town.insure()
    settled = await bureau.town.bill(member, "100")
    day = settled.day.isoformat()
    found = await refusal(bureau, paper(member, line("100", day=day), first_day=day), "已核对")
    assert found.refusal.code is RefusalCode.CLAIM_DOUBLE
    assert key_of(settled).text() in found.refusal.message


async def test_a_similar_bill_needs_the_approvers_word(bureau: Bureau) -> None:
    member = await bureau.town.insure()
    settled = await bureau.town.bill(member, "100")
    day = settled.day.isoformat()
    content = paper(member, line("70", day=day), first_day=day)
    assert (await refusal(bureau, content)).refusal.code is RefusalCode.CLAIM_SIMILAR
    result = await bureau.carry_out("manual_claims.enter", "另一科室的票据，已核对原件", **content)
    assert result["owed_to_person"] == "35.00"


async def test_outpatient_care_within_a_stay_is_refused(bureau: Bureau) -> None:
    member = await bureau.town.insure()
    stay = paper(member, first_day="2026-07-05", discharged=DAY)
    await bureau.carry_out("manual_claims.enter", **stay)
    within = paper(member, line("9", day="2026-07-07"), first_day="2026-07-07", invoice="F0002")
    found = await refusal(bureau, within, "已核对")
    assert found.refusal.code is RefusalCode.CLAIM_DOUBLE


# --------------------------------------------------------------------------------------- bad input


@pytest.mark.parametrize(
    ("changes", "code"),
    [
        ({"total": "99"}, RefusalCode.TOTAL_DIFFERS),
        ({"first_day": "2026-07-11"}, RefusalCode.DATE_NOT_ALLOWED),
        ({"first_day": "2027-01-01"}, RefusalCode.DATE_NOT_ALLOWED),
        ({"institution": "H99999999999"}, RefusalCode.INSTITUTION_UNKNOWN),
        ({"institution_name": ""}, RefusalCode.FIELD_MISSING),
        ({"diagnosis": "X99"}, RefusalCode.CODE_UNKNOWN),
        ({"scheme": "390"}, RefusalCode.NOT_ENROLLED),
        ({"member": "11000000000000000009"}, RefusalCode.PERSON_UNKNOWN),
        ({"care_kind": "99"}, RefusalCode.PARAMETER_MISSING),
        ({"lines": json.dumps([line("100", "X-NO")])}, RefusalCode.CODE_UNKNOWN),
        ({"lines": "[{}]"}, RefusalCode.FIELD_INVALID),
        ({"lines": "100"}, RefusalCode.FIELD_INVALID),
    ],
)
async def test_what_is_wrong_with_a_claim_is_named(
    bureau: Bureau, changes: dict[str, Any], code: RefusalCode
) -> None:
    member = await bureau.town.insure()
    found = await refusal(bureau, {**paper(member), **changes})
    assert found.refusal.code is code
    assert await bureau.town.rows("settlement.visible_settlement") == 0
