"""What a merged number's bills give back later goes to the number that goes on, to the fen."""

import asyncio
from typing import Any

import pytest

from tests.accounts.builders import let_pay, parts_of
from tests.bureau.builders import Bureau
from tests.bureau.kinds.test_corrections import owed, told
from tests.bureau.kinds.test_manual_claims import line, paper
from tests.bureau.meeting import every_book_is_right, unit, waiting
from tests.settlement.builders import EMPLOYEE, POOL, RESIDENT, key_of
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.kernel.areas import Pool
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.ledger import service as ledger
from yibao.ledger.holds import service as holds
from yibao.ledger.holds.model import Reservation
from yibao.ledger.model import (
    Entry,
    Occasion,
    OccasionKind,
    Posting,
    contributions_account,
    owed_account,
)
from yibao.platform.commands.model import Done


@pytest.fixture(autouse=True)
async def half(bureau: Bureau) -> None:
    """The law pays half, up to 60 yuan a year."""
    await let_count(bureau.town, law(capped("60"), counters=SPENT))


async def merge(bureau: Bureau, kept: str, gone: str) -> Any:
    """Make two files one."""
    return await bureau.carry_out("files.merge", pool=POOL, kept=kept, gone=gone)


async def test_a_merged_numbers_bill_gives_its_counters_to_the_one_that_goes_on(
    bureau: Bureau,
) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    bill = await town.bill(gone, "50")
    await merge(bureau, kept, gone)
    assert await town.counters(kept) == {"spent@2026": 2_500}
    await town.do(town.cancellation(bill))
    assert await town.counters(kept) == {}
    assert await town.counters(gone) == {}
    assert (await town.bill(kept, "200")).funds == 6_000, "the whole of the year is free again"
    await every_book_is_right(town)


async def test_its_account_gets_the_refund_too(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(account="5"), await town.insure(account="30", carried="10")
    bill = await town.bill(gone, "50")
    assert bill.account == 2_500
    await merge(bureau, kept, gone)
    assert await town.balance(kept) == 2_000
    mirror = await town.do(town.cancellation(bill))
    assert mirror.account == -2_500
    assert await parts_of(town, kept) == {"2025:carried": 1_000, "2026:current": 3_500}
    assert (await town.balance(gone), await owed(town, gone)) == (0, 0)
    await every_book_is_right(town)


async def test_a_cancellation_before_the_merger_is_not_reversed_after_it(bureau: Bureau) -> None:
    """To stand again, the bill would have to take what the other number has now."""
    town = bureau.town
    kept, gone = await town.insure(), await town.insure(account="30")
    mirror = await town.do(town.cancellation(await town.bill(gone, "50")))
    await merge(bureau, kept, gone)
    refusal = await town.refused(town.reversal(mirror, "2208"))
    assert refusal.code is RefusalCode.BALANCE_SHORT
    assert await town.balance(kept) == 3_000
    await every_book_is_right(town)


async def test_a_cancellation_is_reversed_into_the_counters_of_the_one_that_goes_on(
    bureau: Bureau,
) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    mirror = await town.do(town.cancellation(await town.bill(gone, "50")))
    await merge(bureau, kept, gone)
    await town.do(town.reversal(mirror, "2208"))
    assert await town.counters(kept) == {"spent@2026": 2_500}
    await every_book_is_right(town)


async def test_files_merged_one_into_the_other_hand_everything_to_the_last(bureau: Bureau) -> None:
    town = bureau.town
    one, two, three = [await town.insure(account="10") for _ in range(3)]
    bills = [await town.bill(who, "20") for who in (one, two)]
    await merge(bureau, two, one)
    await merge(bureau, three, two)
    for bill in bills:
        await town.do(town.cancellation(bill))
    assert await town.counters(three) == {}
    assert await town.balance(three) == 3_000
    await every_book_is_right(town)


async def test_a_merged_numbers_chain_is_settled_again_from_what_it_stood_upon(
    bureau: Bureau,
) -> None:
    """Merging took the counters away; the bills were settled with them all the same."""
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    first, second = await town.bill(gone, "80"), await town.bill(gone, "80")
    assert (first.funds, second.funds) == (4_000, 2_000)
    await merge(bureau, kept, gone)
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("corrections.resettle", pool=POOL, member=gone)
    assert refused.value.refusal.code is RefusalCode.NOTHING_TO_CORRECT
    await town.do(town.cancellation(first))
    result = await bureau.carry_out("corrections.resettle", pool=POOL, member=gone)
    assert result["owed_to_person"] == "20.00"
    assert await town.counters(kept) == {"spent@2026": 4_000}
    await every_book_is_right(town)


async def test_a_supplement_of_a_merged_numbers_bill_goes_with_it(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure(account="300")
    first, second = await town.bill(gone, "100"), await town.bill(gone, "100")
    await town.do(town.cancellation(first))
    await bureau.carry_out("corrections.resettle", pool=POOL, member=gone)
    await merge(bureau, kept, gone)
    await town.do(town.cancellation(second))
    assert sum(row.funds for row in await told(town, gone)) == 0
    assert await town.counters(kept) == {}
    assert await town.balance(kept) == 30_000
    await every_book_is_right(town)


async def test_the_kept_chain_finds_what_the_other_number_had_used(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    await town.bill(gone, "80")
    await town.bill(kept, "80")
    await merge(bureau, kept, gone)
    result = await bureau.carry_out("corrections.resettle", pool=POOL, member=kept)
    assert result["owed_to_person"] == "-20.00", "together they are paid 60 yuan"
    assert await town.counters(kept) == {"spent@2026": 6_000}
    await every_book_is_right(town)


# ------------------------------------------------------------------------------- bills at the time


async def test_a_bill_that_is_settled_while_its_file_is_merged_is_counted(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    await town.bill(gone, "2")
    visit = await town.open_visit(gone)
    await town.charge(visit, "100")
    key = await bureau.propose("files.merge", pool=POOL, kept=kept, gone=gone)
    async with unit(town) as held:
        await held.connection.execute(
            "SELECT FROM settlement.accumulator WHERE member = $1 FOR UPDATE", gone
        )
        settling = asyncio.create_task(town.send(town.settlement(visit, "100")))
        await waiting(town, 1)  # it has read the member and waits for the counters
        merging = asyncio.create_task(bureau.approve(key))
        await waiting(town, 2)
    assert isinstance(await settling, Done)
    assert isinstance(await merging, Done)
    assert await town.counters(kept) == {"spent@2026": 5_100}
    await every_book_is_right(town)


async def test_a_bill_of_a_number_that_is_being_merged_away_is_refused(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    await town.bill(gone, "100")
    visit = await town.open_visit(gone)
    await town.charge(visit, "100")
    key = await bureau.propose("files.merge", pool=POOL, kept=kept, gone=gone)
    async with unit(town) as held:
        await held.connection.execute(
            "SELECT FROM settlement.accumulator WHERE member = $1 FOR UPDATE", gone
        )
        merging = asyncio.create_task(bureau.approve(key))
        await waiting(town, 1)
        settling = asyncio.create_task(town.send(town.settlement(visit, "100")))
        await waiting(town, 2)
    assert isinstance(await merging, Done)
    refused = await settling
    assert isinstance(refused, Refusal)
    assert refused.code is RefusalCode.NOT_ENROLLED
    await every_book_is_right(town)


async def test_a_purchase_while_its_file_is_merged_is_counted_or_refused(bureau: Bureau) -> None:
    town = bureau.town
    for first in ("purchase", "merger"):
        kept, gone = await town.insure(), await town.insure(account="50")
        await town.bill(gone, "2")
        key = await bureau.propose("files.merge", pool=POOL, kept=kept, gone=gone)
        async with unit(town) as held:
            await held.connection.execute(
                "SELECT FROM settlement.accumulator WHERE member = $1 FOR UPDATE", gone
            )
            await held.connection.execute(
                "SELECT FROM ledger.account_part WHERE member = $1 FOR UPDATE", gone
            )
            buying = asyncio.create_task(town.send(town.purchase(gone)))
            if first == "merger":
                buying.cancel()
            else:
                await waiting(town, 1)
            merging = asyncio.create_task(bureau.approve(key))
            await waiting(town, 1 if first == "merger" else 2)
            if first == "merger":
                buying = asyncio.create_task(town.send(town.purchase(gone)))
                await waiting(town, 2)
        assert isinstance(await merging, Done)
        bought = await buying
        assert isinstance(bought, Done if first == "purchase" else Refusal), bought
        assert await town.balance(gone) == 0
        assert await town.counters(gone) == {}
        await every_book_is_right(town)


# --------------------------------------------------------------------------- accounts and families


async def test_an_owner_goes_on_paying_from_the_account_that_goes_on(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure(account="100")
    child = await town.insure("1501", RESIDENT)
    await let_pay(town, gone, child)
    await merge(bureau, kept, gone)
    bill = await town.bill(child, "30", scheme=RESIDENT)
    assert bill.family == 3_000
    assert await town.balance(kept) == 7_000
    await town.do(town.cancellation(bill))
    assert await town.balance(kept) == 10_000
    await every_book_is_right(town)


async def test_two_links_that_become_one_spend_the_account_once(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(account="20"), await town.insure(account="20")
    child = await town.insure("1501", RESIDENT)
    await let_pay(town, kept, child)
    await let_pay(town, gone, child)
    await merge(bureau, kept, gone)
    bill = await town.bill(child, "90", scheme=RESIDENT)
    assert (bill.family, bill.cash) == (4_000, 5_000)
    await every_book_is_right(town)


async def test_a_refund_of_a_childs_bill_finds_the_merged_parent(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure(account="100")
    child = await town.insure("1501", RESIDENT)
    await let_pay(town, gone, child)
    bill = await town.bill(child, "30", scheme=RESIDENT)
    await merge(bureau, kept, gone)
    mirror = await town.do(town.cancellation(bill))
    assert mirror.family == -3_000
    assert await town.balance(kept) == 10_000
    await every_book_is_right(town)


async def test_debts_go_along(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    async with unit(town) as u:
        entries = (Entry(owed_account(gone), -700), Entry(contributions_account(EMPLOYEE), 700))
        number = u.numbers.next(u.now)
        occasion = Occasion(OccasionKind.CREDIT)
        await ledger.post(u, [Posting(number, u.day, entries, occasion)])
        await u.connection.execute(
            "INSERT INTO accounts.shortfall VALUES ($1, $2, 700)", POOL, gone
        )
    await merge(bureau, kept, gone)
    assert (await owed(town, gone), await owed(town, kept)) == (0, -700)
    async with town.database.owner() as connection:
        rows = dict(await connection.fetch("SELECT member, amount FROM accounts.shortfall"))
    assert rows == {gone: 0, kept: 700}
    await every_book_is_right(town)


@pytest.mark.parametrize("state", ["frozen", "held", "closed"])
async def test_an_account_that_cannot_go_over_keeps_the_files_apart(
    bureau: Bureau, state: str
) -> None:
    town = bureau.town
    kept, gone = await town.insure(account="10"), await town.insure(account="10")
    if state == "frozen":
        await bureau.carry_out("accounts.freeze", pool=POOL, member=gone)
    elif state == "closed":
        await bureau.carry_out("accounts.close", pool=POOL, member=kept, pay_out="yes")
    else:
        async with unit(town) as u:
            until = u.now.replace(year=2027)
            wanted = Reservation("h1", gone, 400, ("2026:current",), "测试", until)
            await holds.reserve(u, wanted)
    with pytest.raises(Refused) as refused:
        await merge(bureau, kept, gone)
    assert refused.value.refusal.code is RefusalCode.ACCOUNT_STATE
    assert await town.balance(gone) == 1_000
    assert (await town.bill(gone, "10")).funds == 500, "nothing has changed"
    await every_book_is_right(town)


# ------------------------------------------------------------------------------- two pools at once


async def test_what_lies_in_another_pool_is_named_and_handed_over_there(bureau: Bureau) -> None:
    town = bureau.town
    changsha = Pool("430100")
    kept, kept_there = await town.insure_twice()
    gone, gone_there = await town.insure_twice()
    async with bureau.unit(changsha) as u:
        await u.connection.execute(
            """INSERT INTO settlement.accumulator (pool, member, counter, scope, amount)
               VALUES ($1, $2, 'spent', '2026', 500)""",
            changsha,
            gone_there,
        )
        await u.connection.execute(
            """INSERT INTO settlement.accumulator_entry
                   (pool, settlement, counter, scope, member, kind, delta)
               VALUES ($1, $2, 'spent', '2026', $3, 'brought_in', 500)""",
            changsha,
            u.numbers.next(u.now),
            gone_there,
        )
    content = {"pool": changsha, "kept": kept_there, "gone": gone_there}
    with pytest.raises(Refused):
        await bureau.carry_out("files.hand_over", **content)
    result = await merge(bureau, kept, gone)
    assert result["left_in_other_pools"] == [gone_there]
    await bureau.carry_out("files.hand_over", **content)
    assert await town.counters(kept_there) == {"spent@2026": 500}
    assert await town.counters(gone_there) == {}
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("files.hand_over", **content)
    assert refused.value.refusal.code is RefusalCode.FILES_DIFFER
    await every_book_is_right(town)


# ------------------------------------------------------------------------------------ paper bills


async def test_costs_that_the_merged_number_settled_are_not_claimed_again(bureau: Bureau) -> None:
    town = bureau.town
    kept, gone = await town.insure(), await town.insure()
    settled = await town.bill(gone, "100")
    await merge(bureau, kept, gone)
    day = settled.day.isoformat()
    content = paper(kept, line("100", day=day), first_day=day)
    with pytest.raises(Refused) as refused:
        await bureau.carry_out("manual_claims.enter", "已核对", **content)
    assert refused.value.refusal.code is RefusalCode.CLAIM_DOUBLE
    assert key_of(settled).text() in refused.value.refusal.message
