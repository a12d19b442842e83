"""Settlements and ledger say the same; a settlement or a posting that was changed is named."""

from datetime import date
from typing import Any

import pytest

from tests.settlement.builders import POOL, Town, key_of
from yibao.kernel.areas import Pool
from yibao.ledger import service as ledger
from yibao.ledger.model import Entry, Posting, bank_account, fund_account
from yibao.ledger.verification.model import Fault, Findings
from yibao.platform.commands.model import Unit
from yibao.settlement.books import service as books
from yibao.settlement.books.rules import Settled, differences
from yibao.settlement.model import Payee


async def examined(town: Town, **more: Any) -> Findings:
    """What settlements and ledger show together."""
    findings = Findings()
    async with (
        town.database.reader(None) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        await books.examine(connection, findings, **more)
    return findings


async def faults(town: Town) -> list[Fault]:
    """What is wrong."""
    return (await examined(town)).faults


async def tamper(town: Town, statement: str, *arguments: Any) -> None:
    """Change rows as somebody could who has the database."""
    async with town.database.owner() as connection:
        await connection.execute(statement, *arguments)


async def test_bills_stays_purchases_and_their_cancellations_agree(town: Town) -> None:
    member = await town.insure(account="300", carried="20")
    await town.bill(member, "2500")
    cancelled = await town.bill(member, "77.77", batch="B2")
    await town.do(town.cancellation(cancelled))
    await town.do(town.purchase(member))
    await town.stayed(await town.insure(), "30000")
    findings = await examined(town)
    assert findings.faults == []
    assert findings.figures == {"settlements": 5}
    assert await town.faults() == []


async def test_a_settlement_that_was_changed_is_named(town: Town) -> None:
    settled = await town.bill(await town.insure(), "2500")
    await tamper(town, "UPDATE settlement.settlement SET cash = cash + 1, account = account - 1")
    found = await faults(town)
    assert {fault.posting for fault in found} == {key_of(settled).number}
    assert "the person's own" in " ".join(fault.text for fault in found)


async def test_a_fund_that_was_exchanged_is_named(town: Town) -> None:
    await town.bill(await town.insure(), "25000")
    await tamper(
        town, "UPDATE ledger.entry SET account = 'fund:999997' WHERE account = 'fund:330100'"
    )
    texts = [fault.text for fault in await faults(town)]
    assert len(texts) == 2
    assert "fund:330100" in texts[0]
    assert "fund:999997" in texts[1]


async def test_a_settlement_without_its_posting_is_named(town: Town) -> None:
    settled = await town.bill(await town.insure(), "2500")
    await tamper(town, "DELETE FROM ledger.entry")
    assert {fault.posting for fault in await faults(town)} == {key_of(settled).number}


async def test_a_posting_that_nothing_asked_for_is_named(town: Town) -> None:
    async with town.database.writer() as connection, connection.transaction():
        unit = Unit(POOL, connection, town.clock.now(), town.numbers)
        number = town.numbers.next(unit.now)
        entries = (Entry(fund_account("310100"), -5), Entry(bank_account("x"), 5))
        await ledger.post(unit, [Posting(number, unit.day, entries)])
    (fault,) = await faults(town)
    assert (fault.posting, "nothing says" in fault.text) == (number, True)


async def test_a_bill_whose_batch_or_visit_is_gone_is_named(town: Town) -> None:
    settled = await town.bill(await town.insure(), "2500")
    await tamper(town, "UPDATE settlement.charge_batch SET id = id + 1")
    (fault,) = await faults(town)
    assert (fault.posting, "batch" in fault.text) == (key_of(settled).number, True)
    await tamper(town, "UPDATE settlement.charge_batch SET id = id - 1")
    await tamper(town, "DELETE FROM settlement.visit")
    (fault,) = await faults(town)
    assert f"visit {settled.visit.number} is gone" in fault.text


async def test_a_stay_that_its_visit_does_not_tell_is_named(town: Town) -> None:
    settled = await town.stayed(await town.insure(), "30000")
    assert await faults(town) == []
    await tamper(town, "UPDATE settlement.stay SET end_at = NULL")
    (fault,) = await faults(town)
    assert (fault.posting, "in hospital" in fault.text) == (settled.visit.number, True)
    await tamper(town, "DELETE FROM settlement.stay")
    assert len(await faults(town)) == 1


async def test_pool_and_day_bound_what_is_looked_at(town: Town) -> None:
    await town.bill(await town.insure(), "2500")
    await tamper(town, "UPDATE settlement.settlement SET cash = cash + 1, account = account - 1")
    assert (await examined(town, pool=Pool("430100"))).count == 0
    assert (await examined(town, since=date(2026, 7, 16))).count == 0
    assert (await examined(town, pool=POOL, since=date(2026, 7, 15))).count > 0


BILL = Settled(POOL, 1, "H1", "M1", Payee.INSTITUTION, [("310100", 60)], 30, 7, 10)
ENTRIES = [
    Entry("fund:310100", -60),
    Entry("account:M1:2025:carried", -10),
    Entry("account:M1:2026:current", -20),
    Entry("account:M2:2026:current", -7),
    Entry("institution:H1:claimed", 97),
    Entry("cash:H1", -10),
    Entry("institution:H1:collected", 10),
]


def test_a_posting_is_what_its_settlement_says() -> None:
    assert differences(BILL, ENTRIES) == []


def test_a_relative_of_another_pool_pays_through_the_areas_account() -> None:
    elsewhere = [replace_account(entry, "account:M2", "area:430100") for entry in ENTRIES]
    assert differences(BILL, elsewhere) == []


def test_what_is_paid_to_a_person_is_owed_and_no_cash_is_booked() -> None:
    claim = BILL._replace(payee=Payee.PERSON, account=0, family=0, cash=37)
    owed = [Entry("fund:310100", -60), Entry("person:M1:owed", 60)]
    assert differences(claim, owed) == []


def test_what_comes_back_to_a_closed_account_is_owed_to_its_owner() -> None:
    cancelled = BILL._replace(payments=[("310100", -60)], account=-30, family=-7, cash=-10)
    mirror = [Entry(entry.account, -entry.amount) for entry in ENTRIES]
    assert differences(cancelled, mirror) == []
    for begin, owed in (("account:M1", "person:M1:owed"), ("account:M2", "person:M2:owed")):
        mirror = [replace_account(entry, begin, owed) for entry in mirror]
    assert differences(cancelled, mirror) == []


@pytest.mark.parametrize("place", range(len(ENTRIES)))
def test_every_entry_counts(place: int) -> None:
    changed = list(ENTRIES)
    changed[place] = Entry(changed[place].account, changed[place].amount + 1)
    assert len(differences(BILL, changed)) == 1


def replace_account(entry: Entry, begin: str, by: str) -> Entry:
    """The entry, on another account where its account begins so."""
    return Entry(by, entry.amount) if entry.account.startswith(begin) else entry


def test_money_on_another_members_account_is_not_the_persons_own() -> None:
    other = replace_member(BILL)
    assert differences(other, ENTRIES)


def replace_member(settled: Settled) -> Settled:
    """The same bill of somebody else."""
    return settled._replace(member="M2", account=settled.family + 1, family=0)
