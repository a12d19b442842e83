"""Whom a piece of work saw: its own task's sight, and nobody else's."""

import asyncio

from yibao.kernel.areas import Pool
from yibao.platform.access.model import Seen
from yibao.platform.access.sight import LIMIT, saw, watching

POOL = Pool("110000")


async def test_a_human_is_told_once() -> None:
    with watching() as sight:
        saw(1, POOL, "a")
        saw(1, Pool("430100"), "b")
        saw(2, POOL, "c")
    saw(3, POOL, "d")
    assert sight.people == [Seen(1, "a", POOL), Seen(2, "c", POOL)]


async def test_what_another_task_sees_for_others_is_not_mine() -> None:
    async def batch() -> None:
        saw(1, POOL, "a")

    with watching() as sight:
        await asyncio.create_task(batch())
    assert sight.people == []


async def test_a_very_long_list_ends() -> None:
    with watching() as sight:
        for number in range(LIMIT + 5):
            saw(number, POOL, str(number))
    assert len(sight.people) == LIMIT + 1
    assert sight.people[-1] == Seen()
