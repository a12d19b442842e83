"""Bills of stays under small laws: the days they ask for, chains, the year's end, diseases."""

from datetime import date, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from tests.policy.builders import counter, dated, limit, payer
from tests.settlement.archiving.builders import years_over
from tests.settlement.builders import (
    ALWAYS,
    CEILED,
    CLASS_A,
    EMPLOYEE,
    LIMITED,
    NOON,
    OTHER_TERTIARY,
    POOL,
    TERTIARY,
    Town,
    return_of,
    stay_line,
)
from tests.settlement.laws import law, let_count
from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode as Code
from yibao.kernel.refusals import Refused
from yibao.platform.commands.model import Unit
from yibao.policy.model import OverLimit
from yibao.policy.terms import CareKind, EntitlementExtent, Filing
from yibao.registry.filings import service as filings
from yibao.registry.merging import service as files
from yibao.registry.people import service as people
from yibao.registry.people.model import (
    Entitlement,
    FiledCare,
    FiledDisease,
    Identity,
    Insured,
    Membership,
)
from yibao.settlement.bills.rules import further_diseases
from yibao.settlement.merging import service as bills
from yibao.settlement.model import Practice, SettlementFacts, VisitFacts, WithdrawLines

INPATIENT = {"care_kinds": [dated(["11", "13", "21"])]}


def _law(**parts: Any) -> Any:
    return law(parts.pop("payers", None), benefit=INPATIENT | parts.pop("benefit", {}), **parts)


async def _stay(town: Town, member: str, begin: datetime, end: datetime, at: str = TERTIARY) -> Any:
    town.clock.set(end)
    stay = await town.do(town.admission(member, at, begin=begin))
    await town.do(town.upload(stay, stay_line("1", "100", time=begin)))
    await town.do(town.discharge(stay, end))
    return stay


async def _billed(
    town: Town, member: str, begin: datetime, end: datetime, at: str = TERTIARY
) -> SettlementFacts:
    stay = await _stay(town, member, begin, end, at)
    settled: SettlementFacts = await town.do(town.stay_settlement(stay, "100"))
    return settled


# -------------------------------------------------------------------------------------------- days


async def test_a_stay_is_decided_by_the_day_of_its_discharge(town: Town) -> None:
    await let_count(town, _law(payers={"pool": payer(Decimal("0.2"))}))
    await let_count(town, _law(), date(2026, 7, 10))
    member = await town.insure()
    settled = await _billed(town, member, NOON - timedelta(days=9), NOON)
    assert (settled.day, settled.funds) == (NOON.date(), 5000)


async def test_a_law_may_take_a_stay_by_its_admission(town: Town) -> None:
    basis = {"date_basis": {"law": [dated("admission")]}}
    await let_count(town, _law(payers={"pool": payer(Decimal("0.2"))}, benefit=basis))
    await let_count(town, _law(benefit=basis), date(2026, 7, 10))
    member = await town.insure()
    settled = await _billed(town, member, NOON - timedelta(days=9), NOON)
    assert (settled.day, settled.funds) == (date(2026, 7, 6), 2000)


async def test_an_entitlement_that_ended_before_the_discharge_pays_nothing(town: Town) -> None:
    await let_count(town, _law())
    member = await town.insure()
    stay = await _stay(town, member, NOON - timedelta(days=9), NOON)
    none = Entitlement(EMPLOYEE, EntitlementExtent.NONE, Period(date(2026, 7, 10)), "停保")
    async with town.database.writer() as connection, connection.transaction():
        await people.set_entitlement(connection, POOL, member, none, now=town.clock.now())
    assert (await town.do(town.stay_settlement(stay, "100"))).funds == 0


async def test_the_year_is_cut_where_the_law_cuts_it(town: Town) -> None:
    await let_count(town, _law(benefit={"across_year": [dated("cut")]}))
    member = await town.insure()
    christmas = datetime.fromisoformat("2026-12-20T04:00:00+00:00")
    town.clock.set(christmas + timedelta(days=14))
    stay = await town.do(town.admission(member, begin=christmas))
    await town.do(town.upload(stay, stay_line("1", "100", time=christmas)))
    late = stay_line("2", "40", time=christmas + timedelta(days=13))
    await town.do(town.upload(stay, late))
    await town.do(town.discharge(stay))
    refusal = await town.refused(town.stay_settlement(stay, "140"))
    assert (refusal.code, refusal.facts["day"]) == (Code.DATE_NOT_ALLOWED, "2026-12-31")
    # the hospital settles up to the year's end, then the rest
    await town.do(_withdrawn(stay, "2"))
    old = await town.do(town.stay_settlement(stay, "100", interim=True))
    await town.do(town.upload(stay, late))
    new = await town.do(town.stay_settlement(stay, "40"))
    assert (old.day.year, new.day.year) == (2026, 2027)


def _withdrawn(stay: VisitFacts, serial: str) -> WithdrawLines:
    return WithdrawLines(stay.institution, stay.member, stay.key, (serial,))


async def test_further_days_raise_the_deductible_once(town: Town) -> None:
    every = {
        "per_stay": limit("stay_deductible", Decimal("10"), every_days=[dated(30, unit="days")])
    }
    await let_count(
        town,
        _law(
            payers={"pool": payer(Decimal("0.5"))},
            benefit={"deductible": every},
            counters={"stay_deductible": counter("visit", "deductible")},
        ),
    )
    member = await town.insure()
    stay = await town.admit(member, days_ago=20)
    await town.do(town.upload(stay, stay_line("1", "100")))
    first = await town.do(town.stay_settlement(stay, "100", interim=True))
    town.clock.set(NOON + timedelta(days=20))
    await town.do(town.upload(stay, stay_line("2", "100")))
    await town.do(town.discharge(stay))
    second = await town.do(town.stay_settlement(stay, "100"))
    assert (first.deductible, second.deductible) == (1000, 1000)
    assert second.snapshot["days"] == 40


# ------------------------------------------------------------------------------------------ chains

CHAINS = {
    "referral_days": [dated(3, unit="days")],
    "readmission_days": [dated(7, unit="days")],
    "emergency_days": [dated(2, unit="days")],
}


async def let_chains_count(town: Town) -> None:
    limits = {"per_chain": limit("chain_deductible", Decimal("80"))}
    await let_count(
        town,
        _law(
            payers={"pool": payer(Decimal("0.5"))},
            benefit={"deductible": limits},
            counters={"chain_deductible": counter("chain", "deductible")},
            rest={"stays": CHAINS},
        ),
    )


@pytest.mark.parametrize(("gap", "again"), [(7, 0), (8, 8000)])
async def test_a_readmission_within_the_days_pays_no_deductible_anew(
    town: Town, gap: int, again: int
) -> None:
    await let_chains_count(town)
    member = await town.insure()
    first = await _billed(town, member, NOON, NOON + timedelta(days=2))
    begin = NOON + timedelta(days=2 + gap)
    second = await _billed(town, member, begin, begin + timedelta(days=1))
    assert (first.deductible, second.deductible) == (8000, again)
    async with town.database.reader(None) as connection:
        chains = await connection.fetch("SELECT chain FROM settlement.visible_visit ORDER BY id")
    assert (chains[1]["chain"] == first.visit.text()) is (again == 0)


@pytest.mark.parametrize(("gap", "again"), [(2, 0), (3, 8000)])
async def test_emergency_care_within_the_days_begins_the_chain_of_the_stay(
    town: Town, gap: int, again: int
) -> None:
    await let_chains_count(town)
    member = await town.insure()
    visit = await town.do(town.registration(member))
    care = replace(town.description(visit), care_kind=CareKind("13"))
    visit = await town.do(care)
    await town.charge(visit, "100")
    request = replace(town.settlement(visit, "100"), care_kind=CareKind("13"))
    emergency = await town.do(request)
    begin = NOON + timedelta(days=gap)
    stay = await _billed(town, member, begin, begin + timedelta(days=1))
    assert (emergency.deductible, stay.deductible) == (8000, again)


async def test_a_readmission_is_found_when_the_stay_before_it_was_put_away(
    town: Town, tmp_path: Path
) -> None:
    await let_chains_count(town)
    member = await town.insure()
    last_of_july, first_of_august = NOON + timedelta(days=15), NOON + timedelta(days=18)
    first = await _billed(town, member, last_of_july - timedelta(days=1), last_of_july)
    second = await _stay(town, member, first_of_august, first_of_august + timedelta(days=1))
    async with years_over(town, tmp_path, hot_months=1) as years:
        town.clock.set(NOON + timedelta(days=62))
        await years.archive.put_away(town.clock.now())
        async with town.database.reader(None) as connection:
            (row,) = await connection.fetch("SELECT id FROM settlement.visible_visit")
        assert row["id"] == second.key.number
        settled = await town.do(town.stay_settlement(second, "100"))
    assert (first.deductible, settled.deductible) == (8000, 0)


async def test_a_merged_persons_stay_is_found_when_it_was_put_away(
    town: Town, tmp_path: Path
) -> None:
    """It lies in the archive under the number that ended."""
    await let_chains_count(town)
    kept, gone = await town.insure(), await town.insure()
    last_of_july, first_of_august = NOON + timedelta(days=15), NOON + timedelta(days=18)
    first = await _billed(town, gone, last_of_july - timedelta(days=1), last_of_july)
    second = await _stay(town, kept, first_of_august, first_of_august + timedelta(days=1))
    await _merge(town, kept, gone)
    async with years_over(town, tmp_path, hot_months=1) as years:
        town.clock.set(NOON + timedelta(days=62))
        await years.archive.put_away(town.clock.now())
        async with town.database.reader(None) as connection:
            (row,) = await connection.fetch("SELECT id FROM settlement.visible_visit")
        assert row["id"] == second.key.number
        settled = await town.do(town.stay_settlement(second, "100"))
    assert (first.deductible, settled.deductible) == (8000, 0)


async def _merge(town: Town, kept: str, gone: str) -> None:
    """Two files are one human's, as a clerk finds out."""
    async with town.database.writer() as connection, connection.transaction():
        unit = Unit(POOL, connection, town.clock.now(), town.numbers)
        known = await people.load_members(connection, town.vault, POOL, [kept, gone])
        merged = await files.merge(
            connection, known[kept], known[gone], reason="同一人", today=unit.day, now=unit.now
        )
        await bills.hand_over(unit, merged, kept, "同一人")


@pytest.mark.parametrize("filed", [True, False])
async def test_a_transfer_continues_the_chain_when_it_is_on_file(town: Town, filed: bool) -> None:
    await let_chains_count(town)
    member = await town.insure()
    if filed:
        transfer = FiledCare(Filing.TRANSFER, Period(date(2026, 7, 1)))
        async with town.database.writer() as connection, connection.transaction():
            await filings.file_care(connection, POOL, member, transfer, now=town.clock.now())
    await _billed(town, member, NOON, NOON + timedelta(days=2))
    begin = NOON + timedelta(days=3)
    second = await _billed(town, member, begin, begin + timedelta(days=1), OTHER_TERTIARY)
    assert second.deductible == (0 if filed else 8000)


# ---------------------------------------------------------------------------------- lines, practice


async def test_the_hospitals_part_of_a_price_above_the_ceiling_survives(town: Town) -> None:
    await let_count(town, _law())
    stay = await town.admit(await town.insure(), days_ago=5)
    practice = Practice(over_limit=OverLimit.HOSPITAL)
    sent = stay_line("1", "80", item=CEILED, quantity="10", price="8")
    (line,) = await town.do(replace(town.upload(stay, sent), practice=practice))
    assert (line.over_limit, line.hospital) == (3000, 3000)
    back = replace(town.upload(stay, return_of(sent, "2", "4", "32")), practice=practice)
    (line,) = await town.do(back)
    assert (line.over_limit, line.hospital) == (-1200, -1200)
    request = replace(town.stay_settlement(stay, "48", interim=True), practice=practice)
    settled = await town.do(request)
    assert (settled.hospital_part, settled.sums.over_limit) == (1800, 1800)
    assert (settled.funds, settled.personal) == (1500, 1500)
    async with town.database.reader([TERTIARY]) as connection:
        kept = await connection.fetchval("SELECT sum(hospital) FROM settlement.visible_line")
    assert kept == 1800


async def test_another_practice_at_the_settlement_splits_the_lines_anew(town: Town) -> None:
    await let_count(town, _law())
    stay = await town.admit(await town.insure(), days_ago=5)
    flagged = stay_line("1", "10", item=LIMITED, approval="Y")
    practice = Practice(approvals={"": None, "Y": True, "N": False})
    assert (await town.refused(town.upload(stay, flagged))).code is Code.FIELD_INVALID
    (line,) = await town.do(replace(town.upload(stay, flagged), practice=practice))
    assert line.in_scope == 1000
    request = town.stay_settlement(stay, "10", interim=True)
    assert (await town.trial(replace(request, practice=practice))).sums.own == 0
    other = Practice(approvals={"Y": False})
    assert (await town.trial(replace(request, practice=other))).sums.own == 1000


async def test_a_province_may_be_less_exact_about_price_times_count(town: Town) -> None:
    stay = await town.admit(await town.insure(), days_ago=5)
    upload = town.upload(stay, stay_line("1", "10.05", quantity="3", price="3.34", item=CLASS_A))
    assert (await town.refused(upload)).code is Code.LINE_AMOUNT_DIFFERS
    await town.do(replace(upload, practice=Practice(line_tolerance=3)))


# ----------------------------------------------------------------------------------------- diseases


def _insured(*diseases: FiledDisease) -> Insured:
    identity = Identity(1, "01", "990101198001010001", "测试", "1", date(1980, 1, 1), "01")
    return Insured(identity, Membership(POOL, "1", 1, ALWAYS), (), (), (), diseases=diseases)


KIDNEY = FiledDisease("M07800", "肾透析", ALWAYS, TERTIARY)
SUGAR = FiledDisease("M01600", "糖尿病", ALWAYS)
OLD = FiledDisease("M03900", "高血压", Period(date(2020, 1, 1), date(2021, 1, 1)))


def _further(insured: Insured, disease: str | None, at: str = TERTIARY, kind: str = "1401") -> int:
    return further_diseases(insured, CareKind(kind), disease, at, NOON.date())


def test_diseases_on_file_beside_the_one_treated_are_counted() -> None:
    assert _further(_insured(KIDNEY, SUGAR, OLD), "M07800") == 1


def test_who_has_nothing_on_file_is_asked_nothing() -> None:
    assert _further(_insured(), None) == 0
    assert _further(_insured(KIDNEY), None, kind="11") == 0


@pytest.mark.parametrize(
    ("disease", "at", "code"),
    [
        ("M03900", TERTIARY, Code.FILING_UNKNOWN),
        (None, TERTIARY, Code.FILING_UNKNOWN),
        ("M07800", OTHER_TERTIARY, Code.CARE_NOT_OFFERED),
    ],
)
def test_a_disease_must_be_on_file_where_it_is_treated(
    disease: str | None, at: str, code: Code
) -> None:
    with pytest.raises(Refused) as refused:
        _further(_insured(KIDNEY, SUGAR, OLD), disease, at)
    assert refused.value.refusal.code is code
