"""What is booked: every settlement and cancellation but what a reversal undid."""

from datetime import date

import pytest

from tests.settlement.builders import TERTIARY, Town
from yibao.kernel.frozen import replace
from yibao.settlement.reconciliation import service as reconciliation


async def booked(town: Town) -> list[int]:
    """The sums of the hospital's bookings, in order."""
    async with town.database.reader([TERTIARY]) as connection:
        rows = await reconciliation.bookings(
            connection, TERTIARY, date(2026, 7, 1), date(2026, 7, 31)
        )
    return [row.total for row in rows]


async def test_what_was_reversed_was_never_there(town: Town) -> None:
    bill = await town.bill(await town.insure(), "100")
    await town.do(town.reversal(bill))
    assert await booked(town) == []


@pytest.mark.parametrize("reversal_first", [True, False])
async def test_a_cancellation_is_booked_though_a_reversal_bears_its_number(
    town: Town, reversal_first: bool
) -> None:
    bill = await town.bill(await town.insure(), "100")
    never_came = replace(town.reversal(bill), original_message="never-came")
    requests = [never_came, town.cancellation(bill)]
    for request in requests if reversal_first else reversed(requests):
        await town.do(request, message="the-same-number")
    assert await booked(town) == [10_000, -10_000]


async def test_a_cancellation_that_was_reversed_under_its_own_number_is_not(town: Town) -> None:
    bill = await town.bill(await town.insure(), "100")
    cancelled = await town.do(town.cancellation(bill), message="the-same-number")
    await town.do(town.reversal(cancelled, "2208"), message="the-same-number")
    assert await booked(town) == [10_000]


async def test_a_reversal_is_none_though_another_cancellation_bears_its_number(town: Town) -> None:
    bill, other = [await town.bill(await town.insure(), amount) for amount in ("100", "70")]
    await town.do(town.cancellation(other), message="the-same-number")
    await town.do(town.reversal(bill), message="the-same-number")
    assert await booked(town) == [7_000, -7_000]
