"""Whatever a bureau does, in whatever order, its deeds explain every account to the fen."""

import json
from contextlib import suppress
from random import Random

import pytest

from tests.clearing.builders import Month
from tests.clearing.test_differences import Reconciler
from tests.settlement.builders import TERTIARY
from yibao.clearing.differences.model import Books
from yibao.kernel.money import yuan
from yibao.kernel.refusals import Refused


@pytest.mark.parametrize("seed", [1, 2, 3])
async def test_every_history_of_deeds_is_explained(month: Month, seed: int) -> None:
    random = Random(seed)
    books = Reconciler(month)
    await month.name_account()
    for _ in range(3):
        await month.bill(yuan(random.randrange(100, 900_000)))
    month.end()
    application = await month.apply()
    reviewed = False
    for _ in range(14):
        deed = random.choice(("advance", "review", "pay", "confirm", "release"))
        with suppress(Refused):
            if deed == "advance":
                amount = yuan(random.randrange(1, 50_000))
                await month.do("clearing.advance", institution=TERTIARY, amount=amount)
            elif deed == "review":
                cut = yuan(random.randrange(1, 10_000))
                await month.review(
                    application,
                    deductions=json.dumps([{"amount": cut, "reason": "不合规"}]),
                    retention_rate=str(random.randrange(0, 40) / 100),
                    set_off=yuan(random.choice((0, random.randrange(60_000)))),
                )
                reviewed = True
            elif deed == "pay":
                run = await month.pay()
                if random.random() < 0.7:
                    await month.confirm(run, {1: "户名不符"} if random.random() < 0.5 else None)
            elif deed == "release":
                forfeited = yuan(random.randrange(0, 3_000))
                await month.do(
                    "clearing.release_retention",
                    institution=TERTIARY, year="2026", forfeited=forfeited,
                )  # fmt: skip
        assert await books.listed(Books.ACCOUNTS) == []
    assert reviewed, "a history that reviews nothing shows little"
    assert await month.town.faults() == []
