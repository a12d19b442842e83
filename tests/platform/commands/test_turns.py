"""Whose turn it is: pools one after the other, and none of them behind one that is held up."""

import asyncio
from collections import deque

import pytest

from yibao.kernel.areas import Pool
from yibao.platform.commands import turns
from yibao.platform.commands.turns import Turns

FIRST, SECOND, THIRD = Pool("110000"), Pool("310000"), Pool("430100")


class Work:
    """Takes up to two at a time and remembers what it did; some pools are held up."""

    def __init__(self) -> None:
        self.done: list[tuple[Pool, list[int]]] = []
        self.under_way = 0
        self.most = 0
        self.held: dict[Pool, asyncio.Event] = {}
        self.ended = asyncio.Event()

    async def run(self, pool: Pool, waiting: deque[int]) -> int:
        """One batch."""
        batch = [waiting.popleft() for _ in range(min(2, len(waiting)))]
        self.under_way += 1
        self.most = max(self.most, self.under_way)
        await asyncio.sleep(0.01)
        if pool in self.held:
            await self.held[pool].wait()
        self.under_way -= 1
        self.done.append((pool, batch))
        self.ended.set()
        return len(batch)


async def test_pools_take_turns_and_one_batch_runs_at_a_time() -> None:
    work = Work()
    row: Turns[int] = Turns(work.run)
    for number in range(4):
        row.add(FIRST, number)
    row.add(SECOND, 10)
    row.add(THIRD, 20)
    assert row.waiting() == 6
    assert row.waiting(FIRST) == 4
    await row.drain()
    assert work.done == [(FIRST, [0, 1]), (SECOND, [10]), (THIRD, [20]), (FIRST, [2, 3])]
    assert work.most == 1
    assert row.waiting() == 0


async def test_who_comes_while_a_batch_runs_is_in_the_next() -> None:
    work = Work()
    row: Turns[int] = Turns(work.run)
    row.add(FIRST, 0)
    await asyncio.sleep(0.005)
    row.add(FIRST, 1)
    row.add(FIRST, 2)
    await row.drain()
    row.add(FIRST, 3)
    await row.drain()
    assert [batch for _, batch in work.done] == [[0], [1, 2], [3]]


async def test_who_comes_in_the_instant_in_which_a_batch_ends_is_served_at_once() -> None:
    done: list[int] = []

    async def run(_pool: Pool, waiting: deque[int]) -> int:
        done.append(waiting.popleft())
        if len(done) == 1:  # as a caller does who has just got an answer
            asyncio.get_running_loop().call_soon(row.add, FIRST, 1)
        return 1

    row: Turns[int] = Turns(run)
    row.add(FIRST, 0)
    await asyncio.sleep(0.05)
    assert done == [0, 1]


async def test_a_pool_that_is_held_up_holds_up_no_other(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "HELD_UP_SECONDS", 0.05)
    work = Work()
    work.held[FIRST] = asyncio.Event()
    row: Turns[int] = Turns(work.run)
    row.add(FIRST, 0)
    await asyncio.sleep(0.06)
    row.add(FIRST, 1)
    row.add(SECOND, 10)
    await asyncio.sleep(0.05)
    assert work.done == [(SECOND, [10])]
    work.held[FIRST].set()
    await row.drain()
    assert work.done == [(SECOND, [10]), (FIRST, [0]), (FIRST, [1])]


async def test_who_waits_behind_one_that_is_held_up_needs_nobody_to_come(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "HELD_UP_SECONDS", 0.05)
    work = Work()
    work.held[FIRST] = asyncio.Event()
    row: Turns[int] = Turns(work.run)
    row.add(FIRST, 0)
    await asyncio.sleep(0.01)
    row.add(SECOND, 10)
    row.add(THIRD, 20)
    await asyncio.sleep(0.2)
    assert work.done == [(SECOND, [10]), (THIRD, [20])]
    work.held[FIRST].set()
    await row.drain()
    assert work.done[-1] == (FIRST, [0])


async def test_work_that_fails_leaves_the_others_their_turn() -> None:
    done: list[Pool] = []

    async def run(pool: Pool, waiting: deque[int]) -> int:
        waiting.popleft()
        if pool == FIRST and not done:
            done.append(pool)
            raise RuntimeError("a fault of ours")
        done.append(pool)
        return 1

    row: Turns[int] = Turns(run)
    row.add(FIRST, 0)
    row.add(FIRST, 1)
    row.add(SECOND, 10)
    await row.drain()
    row.add(THIRD, 20)  # whoever comes next sets it going again
    await row.drain()
    assert done == [FIRST, SECOND, FIRST, THIRD]


async def after_two(row: "Turns[int]", work: Work) -> None:
    """A batch of two has just ended."""
    row.add(FIRST, 0)
    row.add(FIRST, 1)
    await work.ended.wait()


async def test_where_many_call_those_who_come_one_by_one_share_a_batch() -> None:
    work = Work()
    row: Turns[int] = Turns(work.run)
    await after_two(row, work)
    row.add(FIRST, 2)
    await asyncio.sleep(0.002)
    assert work.under_way == 0
    row.add(FIRST, 3)
    await asyncio.sleep(0.1)
    assert [batch for _, batch in work.done] == [[0, 1], [2, 3]]


async def test_who_calls_alone_never_waits() -> None:
    work = Work()
    row: Turns[int] = Turns(work.run)
    row.add(FIRST, 0)
    await work.ended.wait()
    row.add(FIRST, 1)
    await asyncio.sleep(0)
    assert work.under_way == 1
    await row.drain()


@pytest.mark.parametrize("others", [(FIRST, FIRST), (SECOND, THIRD)], ids=["one pool", "three"])
async def test_a_rest_ends_when_enough_wait_in_whatever_pools(
    monkeypatch: pytest.MonkeyPatch, others: tuple[Pool, Pool]
) -> None:
    monkeypatch.setattr(turns, "LONGEST_REST", 30.0)
    monkeypatch.setattr(turns, "PLENTY", 3)
    work = Work()
    row: Turns[int] = Turns(work.run)
    await after_two(row, work)
    row.add(FIRST, 2)
    row.add(others[0], 3)
    await asyncio.sleep(0)
    assert work.under_way == 0
    row.add(others[1], 4)
    await asyncio.sleep(0)
    assert work.under_way == 1
    await row.drain()


async def test_draining_waits_for_nobody_to_come(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LONGEST_REST", 30.0)
    work = Work()
    row: Turns[int] = Turns(work.run)
    await after_two(row, work)
    row.add(FIRST, 2)
    await row.drain()
    assert [batch for _, batch in work.done] == [[0, 1], [2]]
