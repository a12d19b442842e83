"""Makes a failing plan smaller: fewer breakages, fewer people, fewer bills, as long as it fails.

Interleavings differ from run to run, so each smaller plan is tried once and kept only if it fails;
a failure that needs luck stays as large as luck makes it.
"""

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from tests.world.plan import Plan, only
from tests.world.run import Lived, live
from tests.world.server import Pristine

Thing = TypeVar("Thing")


async def shrunk(
    failed: Lived, work: Path, pristine: Pristine, reruns: int, tell: Callable[[str], None]
) -> Lived:
    """The smallest failing run that ``reruns`` tries find; ``failed`` itself at worst."""
    smallest, left = failed, reruns

    async def fails(plan: Plan) -> bool:
        nonlocal smallest, left
        left -= 1
        lived = await live(plan, work / f"smaller-{left}", pristine)
        tell(f"  {len(plan.occasions)} occasions, {len(plan.breaks)} breakages, "
             f"{len(plan.errands)} errands: {len(lived.verdict.faults)} faults")  # fmt: skip
        if lived.verdict.faults:
            smallest = lived
        return bool(lived.verdict.faults)

    plan = failed.plan
    people = failed.verdict.people
    about = [one for one in plan.occasions if one.bills[0].person in _persons(failed, people)]
    if about and len(about) < len(plan.occasions) and left:
        await fails(only(plan, about, plan.breaks))
    plan = smallest.plan
    breaks = await fewer(
        plan.breaks, lambda kept: fails(only(plan, plan.occasions, kept)), lambda: left > 0
    )
    plan = only(plan, plan.occasions, breaks)
    errands = await fewer(
        plan.errands, lambda kept: fails(replace(plan, errands=tuple(kept))), lambda: left > 0
    )
    plan = replace(plan, errands=errands)
    await fewer(plan.occasions, lambda kept: fails(only(plan, kept, plan.breaks)), lambda: left > 0)
    return smallest


async def fewer(
    things: Sequence[Thing],
    fails: Callable[[Sequence[Thing]], Awaitable[bool]],
    may_go_on: Callable[[], bool],
) -> tuple[Thing, ...]:
    """Delta debugging: leave out halves, quarters, … as long as what is left still fails."""
    kept, parts = tuple(things), 2
    while kept and may_go_on():
        size = max(1, len(kept) // parts)
        for start in range(0, len(kept), size):
            rest = kept[:start] + kept[start + size :]
            if not may_go_on():
                return kept
            if await fails(rest):
                kept, parts = rest, max(2, parts - 1)
                break
        else:
            if size == 1:
                return kept
            parts = min(len(kept), parts * 2)
    return kept


def _persons(failed: Lived, numbers: set[str]) -> set[int]:
    """The plan's persons behind members' numbers, by the bills that the history tells of."""
    bills = {event.bill for event in failed.chronicle.events if event.person in numbers}
    return {
        bill.person
        for occasion in failed.plan.occasions
        for bill in occasion.bills
        if bill.number in bills
    }
