"""What a patient and an auditor read of a settled bill, and what is named when it differs."""

from decimal import Decimal

import pytest

from tests.policy.builders import limit, payer
from tests.settlement.builders import CLASS_B, CLASS_C, Town, key_of
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.settlement import service as settlement
from yibao.settlement.model import SettlementFacts
from yibao.settlement.service import Recomputed

DUE = {"due": {"title": "起付线", "scope": "year", "counts": "deductible", "schemes": ["310"],
               "benefits": ["outpatient"], "unit": "yuan"}}  # fmt: skip
WITH_DEDUCTIBLE = {"deductible": {"year": limit("due", Decimal(100))}}


async def read_back(town: Town, settled: SettlementFacts) -> tuple[SettlementFacts, Recomputed]:
    """A settlement as stored, and decided again."""
    async with town.database.reader(None) as connection:
        stored = await settlement.settlement(connection, key_of(settled))
        assert stored is not None
        return stored, await settlement.explained(connection, stored)


async def bill(town: Town, amount: str = "300", item: str = CLASS_B) -> SettlementFacts:
    """A bill over a deductible of 100 yuan under a fund that pays 70 %."""
    made = law({"pool": payer(Decimal("0.7"))}, benefit=WITH_DEDUCTIBLE, counters=DUE)
    await let_count(town, made)
    visit = await town.open_visit(await town.insure(account="20"))
    await town.charge(visit, amount, item=item)
    settled: SettlementFacts = await town.do(town.settlement(visit, amount))
    return settled


async def test_a_patient_reads_first_who_paid_what_and_why(town: Town) -> None:
    stored, again = await read_back(town, await bill(town))
    summary = settlement.told(stored, again, "en").split("\n\n")[0]
    assert summary == (
        "Of 300.00 yuan on 2026-07-15, 270.00 yuan are in the insurance's scope.\n"
        "The funds paid 119.00 yuan, after a deductible of 100.00 yuan:\n"
        "  · The fund 119.00 yuan, 70% of 170.00 yuan\n"
        "The patient bears 181.00 yuan, among it: first self-pay 30.00, deductible 100.00.\n"
        "Of that the personal account paid 20.00 yuan, cash 161.00 yuan."
    )


async def test_the_summary_is_told_in_chinese_too(town: Town) -> None:
    stored, again = await read_back(town, await bill(town))
    told = settlement.told(stored, again)
    assert "基金支付 119.00 元（先由个人负担起付线 100.00 元）：" in told
    assert "  · 基金 119.00 元，170.00 元的 70%" in told
    assert "先行自付 30.00 元，起付线 100.00 元" in told


@pytest.mark.parametrize(
    ("amount", "item", "because"),
    [
        ("80", CLASS_B, "The funds paid nothing: the deductible took 72.00 yuan of this bill."),
        ("80", CLASS_C, "items outside the insurance 80.00"),
    ],
)
async def test_where_no_fund_paid_the_reason_is_told(
    town: Town, amount: str, item: str, because: str
) -> None:
    stored, again = await read_back(town, await bill(town, amount, item))
    assert because in settlement.told(stored, again, "en")


async def test_an_auditor_reads_every_step_with_its_rule_and_the_facts(town: Town) -> None:
    stored, again = await read_back(town, await bill(town))
    patient = settlement.told(stored, again, "en")
    auditor = settlement.told(stored, again, "en", auditor=True)
    assert "110000/employee.toml: benefits.outpatient.payers.pool.bands" in auditor
    assert stored.law in auditor
    assert "Facts the settlement used:\n  person_type 1101, level l3" in auditor
    assert "due@2026" in auditor
    assert "Facts the settlement used" not in patient


async def test_a_cancelled_settlement_is_told_as_such(town: Town) -> None:
    settled = await bill(town)
    await town.do(town.cancellation(settled))
    stored, again = await read_back(town, settled)
    assert again.differences == ()
    assert "This settlement was cancelled." in settlement.told(stored, again, "en")


async def test_amounts_that_do_not_come_out_again_are_named(town: Town) -> None:
    settled = await bill(town)
    async with town.database.owner() as connection:
        await connection.execute(
            """UPDATE settlement.settlement SET funds = funds + 100, personal = personal - 100,
                   cash = cash - 100, payments = jsonb_set(payments, '{0,3}', '12000')"""
        )
    stored, again = await read_back(town, settled)
    assert [(one.name, one.settled, one.again) for one in again.differences] == [
        ("funds", 12000, 11900),
        ("personal", 18000, 18100),
        ("cash", 16000, 16100),
        ("fund 310100", 12000, 11900),
    ]
    told = settlement.told(stored, again, "en")
    assert "  cash: 160.00 → 161.00" in told


async def test_a_law_whose_text_was_not_kept_is_refused_by_name(town: Town) -> None:
    settled = await town.bill(await town.insure(), "10")
    async with town.database.owner() as connection:
        await connection.execute("DELETE FROM registry.law")
    with pytest.raises(Refused) as refused:
        await read_back(town, settled)
    assert refused.value.refusal.code is RefusalCode.PARAMETER_MISSING
    assert refused.value.refusal.facts == {"law": settled.law}


async def test_a_cap_that_was_met_is_in_the_steps(town: Town) -> None:
    await let_count(town, law(capped("60"), counters=SPENT))
    stored, again = await read_back(town, await town.bill(await town.insure(), "200"))
    assert again.differences == ()
    assert "60.00" in settlement.told(stored, again, "en")
