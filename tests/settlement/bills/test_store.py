"""A bill is loaded with what was done to it since, by whoever may see it."""

import pytest

from tests.settlement.builders import OTHER_TERTIARY, POOL, TERTIARY, Town, key_of
from tests.settlement.corrections.test_chains import resettle
from tests.settlement.laws import SPENT, capped, law, let_count
from yibao.settlement.bills import store

pytestmark = pytest.mark.database

Told = dict[int, tuple[int | None, list[int]]]
"""What undid a bill, and what supplements it."""


async def loaded(town: Town, institution: str, numbers: list[int]) -> Told:
    """As it is loaded for an institution; the view says the same."""
    async with town.database.reader([institution]) as connection:
        found = await store.load(connection, POOL, numbers)
        rows = await connection.fetch(
            """SELECT id, cancelled_by, supplements FROM settlement.visible_settlement
               WHERE pool = $1 AND id = ANY ($2::bigint[])""",
            POOL,
            numbers,
        )
    told = {
        number: (
            None if facts.cancelled_by is None else facts.cancelled_by.number,
            list(facts.supplements),
        )
        for number, (facts, _) in found.items()
    }
    assert told == {row["id"]: (row["cancelled_by"], row["supplements"] or []) for row in rows}
    return told


async def test_what_was_done_to_a_bill_is_told_to_whoever_may_see_it(town: Town) -> None:
    """A supplement is the bureau's; its number is told to the hospital whose bill it is of."""
    await let_count(town, law(capped("60"), counters=SPENT))
    member = await town.insure()
    first, second, third = [await town.bill(member, "100") for _ in range(3)]
    numbers = [key_of(bill).number for bill in (first, second, third)]
    assert await loaded(town, TERTIARY, numbers) == dict.fromkeys(numbers, (None, []))

    undone = key_of(await town.do(town.cancellation(first))).number
    await resettle(town, member)
    told = await loaded(town, TERTIARY, numbers)
    assert told[numbers[0]] == (undone, [])
    assert [len(told[number][1]) for number in numbers[1:]] == [1, 1]
    assert await loaded(town, OTHER_TERTIARY, numbers) == {}

    mirror = await town.do(town.cancellation(second))
    all_there_are = [*numbers, undone, key_of(mirror).number, *told[numbers[1]][1]]
    told = await loaded(town, TERTIARY, all_there_are)
    assert told[numbers[1]] == (key_of(mirror).number, [])

    await town.do(town.reversal(mirror, "2208"))
    told = await loaded(town, TERTIARY, all_there_are)
    assert told[numbers[1]] == (None, []), "it stands again, as it was first settled"
