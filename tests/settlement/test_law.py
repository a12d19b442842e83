"""Bills under the law in force: releases, the facts a law asks for, the days it takes them from."""

from datetime import date, timedelta
from decimal import Decimal
from typing import Any

import pytest

from tests.policy.builders import dated, payer
from tests.settlement.builders import (
    CLINIC,
    EMPLOYEE,
    NOON,
    POOL,
    Town,
    key_of,
    laws_of_beijing,
    line,
)
from tests.settlement.laws import (
    CLAIM_FREE,
    SPENT,
    TODAY,
    by_class,
    capped,
    claim_free,
    law,
    let_count,
    withdraw,
)
from yibao.kernel.frozen import replace
from yibao.kernel.periods import Period
from yibao.kernel.refusals import RefusalCode
from yibao.policy.load import load_law_book
from yibao.policy.model import ReportedAs
from yibao.policy.terms import CareKind, EntitlementExtent, IdentityKind, PersonType, Scheme
from yibao.registry.filings import service as filings
from yibao.registry.people import service as people
from yibao.registry.people.model import Entitlement, SpecialIdentity, Trait
from yibao.settlement import service as settlement
from yibao.settlement.bills import snapshot
from yibao.settlement.bills.decision import claimed_as
from yibao.settlement.model import SettlementFacts, SettlementKind

ALL = Period(date(2020, 1, 1))


async def test_a_release_counts_from_the_next_bill_on_and_its_withdrawal_too(town: Town) -> None:
    member, new = await town.insure(), law()
    before = await town.bill(member, "100")
    assert before.law == laws_of_beijing().law_on("110000", EMPLOYEE, TODAY).fingerprint
    number = await let_count(town, new)
    under = await town.bill(member, "100")
    assert (under.law, under.funds) == (new.fingerprint, 5000)
    await withdraw(town, number)
    assert (await town.bill(member, "100")).law == before.law


async def test_a_release_counts_by_the_day_of_the_bill(town: Town) -> None:
    member = await town.insure()
    await let_count(town, law(), TODAY + timedelta(days=1))
    assert (await town.bill(member, "100")).funds == 0
    town.clock.set(NOON + timedelta(days=1))
    assert (await town.bill(member, "100")).funds == 5000


async def test_the_trial_is_the_settlement_under_a_release(town: Town) -> None:
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure(account="10")
    visit = await town.open_visit(member)
    await town.charge(visit, "200")
    request = town.settlement(visit, "200")
    trial = await town.trial(request)
    settled = await town.do(request)
    assert settled.funds == 6000
    assert replace(trial, key=settled.key, message_id=settled.message_id) == settled


TRAITS = {"signed": {"fact": "trait", "order": ["yes"], "otherwise": "no", "yes": ["signed"]}}
BESIDE = {"aid": {"fact": "enrolment", "order": ["yes"], "otherwise": "no", "yes": ["320"]}}
RETIRED = {
    "old": {
        "fact": "retired_on",
        "order": ["yes"],
        "otherwise": "no",
        "yes": {"below": date(2001, 1, 1)},
    }
}
YEARS = {
    "loyal": {"fact": "enrolled_years", "order": ["yes"], "otherwise": "no", "yes": {"from": 5}}
}
POOR = {"poor": {"fact": "identity", "order": ["yes"], "otherwise": "no", "yes": ["2303"]}}


async def _sign(town: Town, member: str) -> None:
    async with town.database.writer() as connection, connection.transaction():
        await filings.note_trait(connection, POOL, member, Trait("signed", ALL), now=NOON)


async def _serve(town: Town, member: str) -> None:
    async with town.database.writer() as connection, connection.transaction():
        known = (await people.load_members(connection, town.vault, POOL, [member]))[member]
        served = replace(known.enrolments[0], civil_servant=True)
        await people.enrol(connection, POOL, member, served, now=NOON)


async def _retire(town: Town, member: str) -> None:
    async with town.database.writer() as connection, connection.transaction():
        await people.change_person_type(
            connection, POOL, member, EMPLOYEE, PersonType("1201"), date(2000, 5, 1),
            retired_on=date(2000, 5, 1), now=NOON,
        )  # fmt: skip


async def _help(town: Town, member: str) -> None:
    async with town.database.writer() as connection, connection.transaction():
        known = (await people.load_members(connection, town.vault, POOL, [member]))[member]
        poor = SpecialIdentity(IdentityKind("2303"), None, ALL)
        await people.grant_special_identity(connection, known.identity.id, poor, now=NOON)


async def _nothing(town: Town, member: str) -> None:
    pass


@pytest.mark.parametrize(
    ("classes", "become", "stored"),
    [
        (TRAITS, _sign, {"traits": ["signed"]}),
        (BESIDE, _serve, {"enrolments": ["320"]}),
        (RETIRED, _retire, {"retired_on": "2000-05-01"}),
        (POOR, _help, {"identities": ["2303"]}),
        (YEARS, _nothing, {"enrolled_years": 6}),
    ],
)
async def test_what_a_law_asks_of_a_person_decides_and_is_kept(
    town: Town, classes: dict[str, Any], become: Any, stored: dict[str, Any]
) -> None:
    (dimension,) = classes
    await let_count(town, law(by_class(dimension, yes="0.9", no="0.1"), classes=classes))
    member = await town.insure(period=Period(date(2020, 3, 1)))
    await become(town, member)
    settled = await town.bill(member, "100")
    assert settled.funds == 9000
    assert {name: settled.snapshot[name] for name in stored} == stored
    await _comes_out_again(town, settled)


async def test_a_snapshot_of_before_these_facts_reads_as_what_the_law_saw_then(town: Town) -> None:
    settled = await town.bill(await town.insure(account="50"), "2500")
    plain = {"birth", "gender", "counters", "account", "catalogue"}
    assert set(settled.snapshot) == plain, "facts at their default are not kept"
    await _comes_out_again(town, settled)


async def test_a_snapshot_that_told_what_its_row_tells_comes_out_again(town: Town) -> None:
    settled = await town.bill(await town.insure(account="50"), "2500")
    told = {
        "identities": [],
        "entitlement": "full",
        "disease": None,
        "use_account": True,
        "buckets": {"general": snapshot.stored_sums(settled.sums)},
        "account": [[f"account:{settled.member}:2026:current", "current", 5000]],
    }
    assert settled.snapshot["account"] == [["2026:current", 5000]]
    async with town.database.owner() as connection:
        await connection.execute("UPDATE settlement.settlement SET snapshot = snapshot || $1", told)
    await _comes_out_again(town, settled)


async def test_the_mirror_of_a_bill_tells_its_sums_as_they_were(town: Town) -> None:
    settled = await town.bill(await town.insure(), "2500")
    mirror = replace(settled, kind=SettlementKind.CANCELLATION, sums=-settled.sums)
    assert "buckets" not in settled.snapshot
    assert snapshot.buckets_of(mirror) == snapshot.buckets_of(settled) == {"general": settled.sums}


async def test_a_settlement_of_before_payers_were_kept_comes_out_again(town: Town) -> None:
    settled = await town.bill(await town.insure("1201"), "2500")
    assert settled.payments[0].payer != ""
    async with town.database.owner() as connection:
        await connection.execute("UPDATE settlement.settlement SET payments = payments #- '{0,6}'")
    async with town.database.reader(None) as connection:
        stored = await settlement.settlement(connection, key_of(settled))
    assert stored is not None
    assert replace(stored.payments[0], payer=settled.payments[0].payer) == settled.payments[0]
    await _comes_out_again(town, settled)


async def test_a_fixed_price_leaves_the_excess_to_the_hospital(town: Town) -> None:
    price = {"fixed_price": {"amount": [dated(80, unit="yuan")]}}
    await let_count(town, law(benefit=price))
    visit = await town.open_visit(await town.insure(account="10"))
    await town.charge(visit, "100")
    settled = await town.do(replace(town.settlement(visit, "100"), way="02"))
    assert (settled.hospital_part, settled.funds, settled.personal) == (2000, 4000, 4000)
    assert settled.snapshot["fixed_price"] is True
    claimed = await _ledger(town, settled)
    assert claimed["institution"] == settled.funds + settled.personal
    assert await town.faults() == []
    await _comes_out_again(town, settled)


async def test_a_fixed_price_that_the_law_lacks_is_refused_by_name(town: Town) -> None:
    await let_count(town, law())
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "100")
    refusal = await town.refused(replace(town.settlement(visit, "100"), way="02"))
    assert refusal.code is RefusalCode.PARAMETER_MISSING
    assert refusal.facts["parameter"] == "benefits.outpatient.fixed_price.amount"
    assert refusal.facts["day"] == TODAY.isoformat()


@pytest.mark.parametrize(("basis", "day"), [("visit", 15), ("fee", 16), ("settlement", 17)])
async def test_the_law_says_which_day_decides(town: Town, basis: str, day: int) -> None:
    on_day = [dated(basis)]
    basis_of = {"date_basis": {"law": on_day, "entitlement": on_day}}
    await let_count(town, law(benefit=basis_of))
    member = await town.insure()
    visit = await town.open_visit(member)
    async with town.database.writer() as connection, connection.transaction():
        ended = Period(date(2026, 7, day), date(2026, 7, day + 1))
        nothing = Entitlement(EMPLOYEE, EntitlementExtent.NONE, ended, "欠费")
        await people.set_entitlement(connection, POOL, member, nothing, now=NOON)
    town.clock.set(NOON + timedelta(days=2))
    await town.do(town.upload(visit, line("1", "100", time=NOON + timedelta(days=1))))
    settled = await town.do(town.settlement(visit, "100"))
    assert settled.day == date(2026, 7, day)
    assert settled.funds == 0


async def test_a_law_may_want_later_bills_cancelled_first(town: Town) -> None:
    order = {"out_of_order": [dated("refuse")]}
    await let_count(town, law(capped("60"), counters=SPENT, benefit=order))
    member = await town.insure()
    first, second = await town.bill(member, "100"), await town.bill(member, "100")
    refusal = await town.refused(town.cancellation(first))
    assert refusal.code is RefusalCode.NOT_REVERSIBLE
    assert refusal.facts["later"] == key_of(second).text()
    await town.do(town.cancellation(second))
    await town.do(town.cancellation(first))
    assert await town.counters(member) == {}


async def test_a_bill_after_the_law_has_ended_is_refused_by_name(town: Town) -> None:
    ended = law()
    await let_count(town, ended)
    async with town.database.owner() as connection:
        ending = ended.canonical.replace('"scheme":"310",', '"scheme":"310","until":"2026-07-01",')
        assert ending != ended.canonical
        await connection.execute("UPDATE registry.law SET text = $1 WHERE text = $2", ending,
                                 ended.canonical)  # fmt: skip
        await connection.execute("UPDATE registry.version SET number = number + 1")
    visit = await town.open_visit(await town.insure(), CLINIC)
    await town.charge(visit, "100")
    refusal = await town.refused(town.settlement(visit, "100"))
    assert refusal.code is RefusalCode.PARAMETER_MISSING
    assert (refusal.facts["parameter"], refusal.facts["day"]) == ("law.until", "2026-07-15")


async def test_a_kind_of_care_that_no_law_knows_is_refused_by_name(town: Town) -> None:
    visit = await town.open_visit(await town.insure())
    await town.charge(visit, "100")
    unknown = replace(town.settlement(visit, "100"), care_kind=CareKind("9999"))
    refusal = await town.refused(unknown)
    assert (refusal.code, refusal.field) == (RefusalCode.PARAMETER_MISSING, "care_kind")
    assert refusal.facts == {"parameter": "benefits.*.care_kinds.9999", "day": "2026-07-15"}


async def test_a_negative_accumulator_is_refused_by_name(town: Town) -> None:
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure()
    async with town.database.owner() as connection:
        await connection.execute(
            "INSERT INTO settlement.accumulator VALUES ($1, $2, 'spent', '2026', -1)", POOL, member
        )
    visit = await town.open_visit(member)
    await town.charge(visit, "100")
    refusal = await town.refused(town.settlement(visit, "100"))
    assert refusal.code is RefusalCode.AMOUNT_OUT_OF_RANGE
    assert refusal.facts["counter"] == "spent"


async def test_a_visit_in_the_future_is_refused_with_its_day(town: Town) -> None:
    begin = NOON + timedelta(days=3)
    refusal = await town.refused(replace(town.registration(await town.insure()), begin=begin))
    assert (refusal.code, refusal.field) == (RefusalCode.DATE_NOT_ALLOWED, "begin")
    assert refusal.facts == {"day": "2026-07-18"}


async def test_years_without_a_claim_end_with_a_claim_that_stands(town: Town) -> None:
    await let_count(town, CLAIM_FREE)
    member = await town.insure(period=Period(date(2020, 3, 1)))
    first = await town.bill(member, "100")
    town.clock.set(NOON + timedelta(days=1))
    second = await town.bill(member, "100")
    assert (first.funds, second.funds) == (9000, 1000)
    assert (first.snapshot["claim_free_years"], second.snapshot["claim_free_years"]) == (6, 0)
    await town.do(town.cancellation(second))
    await town.do(town.cancellation(first))
    assert (await town.bill(member, "100")).funds == 9000


async def test_a_claim_is_what_the_laws_own_fund_paid_by_whatever_field(town: Town) -> None:
    await let_count(town, claim_free("hifob"))
    member = await town.insure(period=Period(date(2020, 3, 1)))
    await town.bill(member, "100")
    town.clock.set(NOON + timedelta(days=1))
    assert (await town.bill(member, "100")).snapshot["claim_free_years"] == 0


def test_the_laws_say_as_what_a_claim_on_critical_illness_is_paid() -> None:
    book = load_law_book()
    nanchang = book.law_on("360100", Scheme("390"), date(2026, 7, 1))
    assert {one.amount_field for one in claimed_as(nanchang)} == {"hifmi"}
    assert claimed_as(claim_free("hifob")) == {ReportedAs("330100", "hifob")}
    silent = law(
        {"pool": payer(Decimal("0.5"), reported_as=[dated({"fund": "9", "amount_field": "hifmi"})])}
    )
    assert claimed_as(silent) == {ReportedAs("9", "hifmi")}, "the interface's own field for it"


async def _comes_out_again(town: Town, settled: SettlementFacts) -> None:
    async with town.database.reader(None) as connection:
        stored = await settlement.settlement(connection, key_of(settled))
        assert stored is not None
        again = await settlement.explained(connection, stored)
    assert again.differences == ()


async def _ledger(town: Town, settled: SettlementFacts) -> dict[str, int]:
    async with town.database.reader(None) as connection:
        rows = await connection.fetch(
            "SELECT split_part(account, ':', 1), sum(amount)::bigint FROM ledger.entry"
            " WHERE posting = $1 GROUP BY 1",
            key_of(settled).number,
        )
    return dict(rows)
