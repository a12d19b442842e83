"""However many months there are, a bill looks into one partition of each table: shown by plans."""

import json
import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Any

import pytest

from tests.settlement.builders import POOL, Town, key_of, line, return_of, stay_line
from tests.settlement.test_law_of_stays import let_chains_count
from yibao.platform.commands.model import Unit
from yibao.platform.months import service as months
from yibao.platform.months.model import Month
from yibao.settlement.bills import service as bills
from yibao.settlement.bills import store
from yibao.settlement.model import (
    ALL_BATCHES,
    CancelAdmission,
    CancelRegistration,
    ChangeAdmission,
    ReopenStay,
    WithdrawFees,
    WithdrawLines,
)

JULY = Month(2026, 7)
YEAR = [JULY.later(ahead) for ahead in range(-10, 4)]
"""Fourteen months, the town's own among them."""
_PARTITION = re.compile(r"(.+)_(?:\d{4}_\d\d|default)")


@pytest.fixture
async def old_town(town: Town) -> Town:
    """A town whose tables hold many months."""
    async with town.database.owner() as connection:
        await months.make(connection, YEAR)
    return town


@asynccontextmanager
async def statements(town: Town) -> AsyncIterator[set[str]]:
    """Everything that is asked of the database meanwhile."""
    asked: set[str] = set()

    def note(query: Any) -> None:
        asked.add(query.query)

    writers = town.database._writers
    held = [await writers.acquire() for _ in range(writers.get_max_size())]
    for connection in held:
        connection.add_query_logger(note)
        await writers.release(connection)
    yield asked
    held = [await writers.acquire() for _ in range(writers.get_max_size())]
    for connection in held:
        connection.remove_query_logger(note)
        await writers.release(connection)


def partitions(plan: Any) -> Counter[str]:
    """How many partitions of each table a plan may look into."""
    found: set[str] = set()
    left = [plan]
    while left:
        node = left.pop()
        if isinstance(node, dict):
            found |= {node["Relation Name"]} if "Relation Name" in node else set()
            left += node.values()
        elif isinstance(node, list):
            left += node
    named = (_PARTITION.fullmatch(name) for name in found)
    return Counter(match[1] for match in named if match)


async def looked_into(town: Town, asked: set[str]) -> dict[str, Counter[str]]:
    """Each statement with the partitions that its kept plan, made for any parameters, names."""
    found = {}
    async with town.database.writer() as connection, connection.transaction():
        await connection.execute("SET LOCAL plan_cache_mode = force_generic_plan")
        for query in asked:
            if not re.match(r"\s*(SELECT|INSERT|UPDATE|WITH)", query):
                continue
            await connection.execute(f"PREPARE asked AS {query}")
            values = max((int(number) for number in re.findall(r"\$(\d+)", query)), default=0)
            given = f"({', '.join(['NULL'] * values)})" if values else ""
            ((told,),) = await connection.fetch(f"EXPLAIN (FORMAT JSON) EXECUTE asked{given}")
            await connection.execute("DEALLOCATE asked")
            found[query] = partitions(json.loads(told))
    return found


async def test_an_outpatient_visit_looks_into_one_month(old_town: Town) -> None:
    member = await old_town.insure(account="300")
    async with statements(old_town) as asked:
        visit = await old_town.open_visit(member)
        await old_town.do(old_town.upload(visit, *(line(str(n), "10") for n in range(20))))
        await old_town.do(old_town.upload(visit, line("later", "10")))
        await old_town.trial(old_town.settlement(visit, "210"))
        await old_town.do(old_town.settlement(visit, "210"))
    looked = await looked_into(old_town, asked)
    assert {
        query: seen for query, seen in looked.items() if max(seen.values(), default=0) > 1
    } == {}
    tables = set().union(*looked.values())
    assert tables >= {"visit", "charge_batch"}, "nothing was looked at"


def too_many(looked: dict[str, Counter[str]]) -> dict[str, Counter[str]]:
    """The statements that look into more than they have to.

    What was done to a bill is looked for from its month on: also in those that were made ahead.
    """
    later = sum(month >= JULY for month in YEAR) + 1  # the rest, too
    return {
        query: seen
        for query, seen in looked.items()
        if any(count > (later if table == "settlement" else 1) for table, count in seen.items())
    }


async def test_undoing_looks_for_the_bill_in_its_own_month(old_town: Town) -> None:
    member = await old_town.insure(account="300")
    settled, later, last = [await old_town.bill(member, "2500") for _ in range(3)]
    async with statements(old_town) as asked:
        mirror = await old_town.do(old_town.cancellation(settled))
        await old_town.do(old_town.reversal(later))
        await old_town.do(old_town.reversal(mirror, "2208"))
        async with old_town.database.writer() as connection, connection.transaction():
            unit = Unit(POOL, connection, old_town.clock.now(), old_town.numbers)
            await bills.cancel_for_bureau(unit, key_of(last), "")
    looked = await looked_into(old_town, asked)
    assert too_many(looked) == {}
    tables: set[str] = set().union(*looked.values())
    assert tables >= {"visit", "charge_batch", "settlement", "entry"}, "nothing was looked at"


async def test_a_purchase_and_its_cancellation_look_into_one_month(old_town: Town) -> None:
    member = await old_town.insure(account="300")
    async with statements(old_town) as asked:
        bought = await old_town.do(old_town.purchase(member))
        await old_town.do(old_town.cancellation(bought))
    assert too_many(await looked_into(old_town, asked)) == {}


async def test_a_stay_and_its_cancellation_look_into_one_month(old_town: Town) -> None:
    member = await old_town.insure()
    async with statements(old_town) as asked:
        stay = await old_town.admit(member, days_ago=5)
        await old_town.do(old_town.upload(stay, stay_line("1", "5000")))
        interim = await old_town.do(old_town.stay_settlement(stay, "5000", interim=True))
        await old_town.do(old_town.cancellation(interim))
        await old_town.do(old_town.discharge(stay))
        await old_town.trial(old_town.stay_settlement(stay, "5000"))
        settled = await old_town.do(old_town.stay_settlement(stay, "5000"))
        await old_town.do(old_town.cancellation(settled))
    assert too_many(await looked_into(old_town, asked)) == {}


async def test_what_is_taken_back_or_corrected_before_it_is_settled_looks_into_one_month(
    old_town: Town,
) -> None:
    member = await old_town.insure()
    async with statements(old_town) as asked:
        visit = await old_town.open_visit(member)
        await old_town.do(old_town.upload(visit, line("1", "10"), line("2", "10")))
        named = visit.institution, member, visit.key
        await old_town.do(WithdrawFees(*named, ALL_BATCHES))
        await old_town.do(CancelRegistration(*named, "MZ1"))
        stay = await old_town.admit(member, days_ago=5)
        named = stay.institution, member, stay.key
        sent = stay_line("1", "80", quantity="10", price="8")
        await old_town.do(old_town.upload(stay, sent))
        await old_town.do(old_town.upload(stay, return_of(sent, "2", "10", "80")))
        earlier = old_town.admission(member, begin=stay.begin - timedelta(days=1))
        await old_town.do(ChangeAdmission(*named, earlier))
        await old_town.do(old_town.discharge(stay))
        await old_town.do(ReopenStay(*named))
        await old_town.do(WithdrawLines(*named, ("2", "1")))
        await old_town.do(CancelAdmission(*named))
    assert too_many(await looked_into(old_town, asked)) == {}


async def test_what_a_stay_may_continue_is_looked_for_from_the_month_of_the_days_before_it_on(
    old_town: Town,
) -> None:
    await let_chains_count(old_town)
    member = await old_town.insure()
    stay = await old_town.admit(member, days_ago=2)
    await old_town.do(old_town.upload(stay, stay_line("1", "100")))
    await old_town.do(old_town.discharge(stay))
    async with statements(old_town) as asked:
        settled = await old_town.do(old_town.stay_settlement(stay, "100"))
    assert settled.snapshot["chain"] == stay.key.text()
    looked = await looked_into(old_town, asked)
    (before,) = [seen for query, seen in looked.items() if "care_kind = $5" in query]
    assert before == {"visit": sum(month >= JULY for month in YEAR) + 1}


async def test_a_bill_of_a_stay_over_a_months_end_looks_for_its_batch_in_the_stays_month(
    old_town: Town,
) -> None:
    stay = await old_town.admit(await old_town.insure())
    await old_town.do(old_town.upload(stay, stay_line("1", "5000", time=stay.begin)))
    old_town.clock.move(timedelta(days=40))
    await old_town.do(old_town.discharge(stay))
    settled = await old_town.do(old_town.stay_settlement(stay, "5000"))
    async with statements(old_town) as asked, old_town.database.writer() as connection:
        ((found, _),) = (await store.load(connection, POOL, [key_of(settled).number])).values()
    assert (found.key, found.batch) == (settled.key, settled.batch)
    looked = await looked_into(old_town, asked)
    assert too_many(looked) == {}
    assert any(seen["charge_batch"] for seen in looked.values())


async def test_a_bill_whose_batch_is_gone_is_found(old_town: Town) -> None:
    settled = await old_town.bill(await old_town.insure(), "2500")
    async with old_town.database.owner() as connection:
        await connection.execute("DELETE FROM settlement.charge_batch")
    async with old_town.database.writer() as connection:
        number = key_of(settled).number
        assert set(await store.load(connection, POOL, [number, number + 1])) == {number}


async def test_bills_of_months_far_apart_are_found_together(old_town: Town) -> None:
    """No condition names their months then: they are looked for everywhere."""
    member = await old_town.insure()
    first = await old_town.bill(member, "2500")
    old_town.clock.move(timedelta(days=150))
    second = await old_town.bill(member, "2500")
    async with old_town.database.reader(None) as connection:
        numbers = [key_of(first).number, key_of(second).number]
        assert set(await store.load(connection, POOL, numbers)) == set(numbers)
        rows = await connection.fetch("SELECT tableoid::regclass::text FROM ledger.entry")
    assert {row[0] for row in rows} == {"ledger.entry_2026_07", "ledger.entry_default"}
    assert await old_town.faults() == []
