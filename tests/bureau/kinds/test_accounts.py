"""Accounts and links by clerks: what is proposed and agreed to is done, to the fen."""

import json

import pytest

from tests.accounts.builders import balance_of, parts_of
from tests.bureau.builders import Bureau
from tests.settlement.builders import EMPLOYEE, POOL, Town
from yibao.accounts.events import service as events
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.model import Credit


async def linked(bureau: Bureau, town: Town) -> tuple[str, str, str]:
    """An owner with 100 yuan, a child, and the number of the link between them."""
    owner, child = await town.insure(account="100"), await town.insure()
    made = await bureau.carry_out(
        "accounts.let_pay",
        pool=POOL,
        owner=owner,
        relative=child,
        relation="child",
        owner_agreed="1",
        consent="柜台签字",
        year_limit="70",
    )
    return owner, child, str(made["link"])


async def test_a_link_is_made_by_consent_and_withdrawn(bureau: Bureau, town: Town) -> None:
    owner, child, link = await linked(bureau, town)
    assert (await town.bill(child, "50")).family == 5_000
    await bureau.carry_out("accounts.withdraw", pool=POOL, link=link)
    assert (await town.bill(child, "50")).family == 0
    assert await town.balance(owner) == 5_000


async def test_without_consent_nothing_is_linked(bureau: Bureau, town: Town) -> None:
    owner, child = await town.insure(account="100"), await town.insure()
    with pytest.raises(Refused) as refused:
        await bureau.carry_out(
            "accounts.let_pay",
            pool=POOL,
            owner=owner,
            relative=child,
            relation="child",
            owner_agreed="0",
            consent="无",
        )
    assert refused.value.refusal.code is RefusalCode.CONSENT_MISSING


async def test_an_account_is_frozen_corrected_released_and_closed(
    bureau: Bureau, town: Town
) -> None:
    member = await town.insure(account="100")
    account = {"pool": POOL, "member": member}
    await bureau.carry_out("accounts.freeze", **account)
    assert (await town.bill(member, "10")).account == 0
    await bureau.carry_out("accounts.correct", **account, part="2026:current", amount="-1.50")
    await bureau.carry_out("accounts.release", **account)
    assert (await town.bill(member, "10")).account == 1_000
    closed = await bureau.carry_out("accounts.close", **account, pay_out="1")
    assert closed["owed"] == "88.50"
    assert await balance_of(town, f"person:{member}:owed") == 8_850
    assert await parts_of(town, member) == {"2026:current": 0}
    assert await town.faults() == []


async def test_a_balance_moves_by_two_proposals(bureau: Bureau, town: Town) -> None:
    here, there = await town.insure_twice()
    async with bureau.unit(POOL) as unit:
        await ledger.credit(unit, [Credit(here, EMPLOYEE, 2026, "current", 700)])
    sent = await bureau.carry_out(
        "accounts.move_out", pool=POOL, member=here, to_pool="430100", to_member=there
    )
    arrived = await bureau.carry_out("accounts.move_in", pool="430100", transfer=sent["transfer"])
    assert arrived == {"transfer": sent["transfer"], "member": there, "amount": "7.00"}
    assert await balance_of(town, f"account:{there}:2026:current") == 700
    assert await town.faults() == []


async def test_a_balance_that_nobody_takes_in_is_sent_back(bureau: Bureau, town: Town) -> None:
    member = await town.insure(account="7")
    sent = await bureau.carry_out(
        "accounts.move_out", pool=POOL, member=member, to_pool="430100", to_member="43019"
    )
    with pytest.raises(Refused, match="不在转入统筹区"):
        await bureau.carry_out("accounts.move_in", pool="430100", transfer=sent["transfer"])
    told = await bureau.carry_out("accounts.move_back", pool="430100", transfer=sent["transfer"])
    assert told == {"transfer": sent["transfer"], "amount": "7.00", "back_to_pool": POOL}
    async with town.database.reader(None) as connection:
        ((origin, coming),) = await events.coming_back(connection)
    assert (origin, coming.id, coming.member) == (POOL, sent["transfer"], member)


async def test_heirs_are_rows_and_a_living_person_has_none(bureau: Bureau, town: Town) -> None:
    member, heir = await town.insure(account="100"), await town.insure()
    heirs = json.dumps([{"member": heir, "amount": "100"}])
    with pytest.raises(Refused, match="未登记死亡"):
        await bureau.carry_out("accounts.inherit", pool=POOL, member=member, heirs=heirs)


async def test_somebody_is_let_act_for_another_and_stopped(bureau: Bureau, town: Town) -> None:
    mother, daughter = await town.insure(), await town.insure()
    made = await bureau.carry_out(
        "accounts.represent",
        pool=POOL,
        represented=mother,
        representative=daughter,
        role="relative",
        acts="inquire,file",
        consented_by=mother,
        consent="柜台签字",
    )
    number = str(made["representation"])
    stopped = await bureau.carry_out("accounts.stop_acting", pool=POOL, representation=number)
    assert stopped["until"] == "2026-07-15"
