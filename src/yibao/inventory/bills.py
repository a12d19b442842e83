"""Boxes that bills tell of (药品追溯码 in 2207A, 2102A, 2304A): kept with the bill, or neither.

The room of settlement knows nothing of goods: its handler and its trial are called from here once
every box that a bill names may be sold. A bill that is cancelled gives its boxes back without a
word: whether they are still out is asked of the bill (``service.standing_turns``).
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any

from yibao.inventory import rules, store
from yibao.inventory.model import CodeStep, Movement, MovementKind
from yibao.inventory.service import Codes, standing_turns
from yibao.kernel.areas import NO_PERSON_POOL
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.refusals import Refusal, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.registry.service import ReferenceCache
from yibao.settlement.model import Box, FeeLine, Purchase, Settle, SettlementFacts
from yibao.settlement.service import lines as lines_of

if TYPE_CHECKING:
    from asyncpg import Connection

Bill = Settle | Purchase
Try = Callable[[Unit, Sequence[Bill]], Awaitable[Sequence[SettlementFacts | Refusal]]]
_Checked = tuple[int, Sequence[Box], Mapping[str, FeeLine]]
"""Place of the bill, its boxes, its visit's lines by their numbers."""


class Bills:
    """The settlement room's handler and trial, with the boxes of the bills seen to."""

    def __init__(self, settle: Handler, attempt: Try, references: ReferenceCache) -> None:
        self._settle = settle
        self._attempt = attempt
        self._references = references

    async def handle(self, unit: Unit, commands: Sequence[Command]) -> Sequence[Outcome]:
        """Run commands of one pool as settlement does; a box that is out refuses its bill alone."""
        boxes = [_boxes_of(command.request) for command in commands]
        if not any(boxes):
            return await self._settle(unit, commands)
        now, later = _apart(boxes)
        outcomes: dict[int, Outcome] = {}
        checked, refused = await self._check(unit, [commands[i].request for i in now])
        kept = [place for i, place in enumerate(now) if i not in refused]
        outcomes |= {now[i]: refusal for i, refusal in refused.items()}
        if kept:
            done = await self._settle(unit, [commands[i] for i in kept])
            outcomes |= zip(kept, done, strict=True)
        for i, told, lines in checked:
            outcome = outcomes[now[i]]
            if isinstance(outcome, Done):
                await _keep(unit, outcome.result, told, lines)
        if later:
            outcomes |= zip(
                later, await self.handle(unit, [commands[i] for i in later]), strict=True
            )
        return [outcomes[i] for i in range(len(commands))]

    async def try_settlements(
        self, unit: Unit, requests: Sequence[Bill]
    ) -> Sequence[SettlementFacts | Refusal]:
        """Decide as settlements would, write nothing; a box that is out refuses the trial too."""
        if not any(request.boxes for request in requests):
            return await self._attempt(unit, requests)
        _, refused = await self._check(unit, requests)
        kept = [request for i, request in enumerate(requests) if i not in refused]
        tried = iter(await self._attempt(unit, kept) if kept else ())
        return [refused[i] if i in refused else next(tried) for i in range(len(requests))]

    async def _check(
        self, unit: Unit, requests: Sequence[Any]
    ) -> tuple[list[_Checked], dict[int, Refusal]]:
        """The bills whose boxes may all be sold, and why the others may not."""
        checked: list[_Checked] = []
        refused: dict[int, Refusal] = {}
        for i, request in enumerate(requests):
            if not (told := _boxes_of(request)):
                continue
            lines = await self._lines(unit.connection, request)
            boxes = rules.boxes_of(told, lines)
            try:
                held = await standing_turns(
                    unit.connection, NO_PERSON_POOL, {box.code for box in boxes}
                )
                rules.check_sellable(request.institution, boxes, held, unit.now)
            except Refused as refusal:
                refused[i] = refusal.refusal
            else:
                checked.append((i, boxes, lines))
        return checked, refused

    async def _lines(self, connection: "Connection[Any]", request: Bill) -> dict[str, FeeLine]:
        if isinstance(request, Purchase):
            return {line.serial: line for line in request.lines}
        catalogue = (await self._references.current(connection)).catalogue
        found = await lines_of(connection, request.visit, None, catalogue)
        return {facts.line.serial: facts.line for facts, _ in found}


def _boxes_of(request: Any) -> tuple[Box, ...]:
    return request.boxes if isinstance(request, Settle | Purchase) else ()


def _apart(boxes: Sequence[Sequence[Box]]) -> tuple[list[int], list[int]]:
    """Places of the bills to run now, and of those that wait for what becomes of a box of theirs.

    Two bills of one batch may name one box: whether the second may have it is known when the first
    is done or refused.
    """
    now: list[int] = []
    later: list[int] = []
    claimed: set[str] = set()
    for i, told in enumerate(boxes):
        codes = {box.code for box in told}
        (later if codes & claimed else now).append(i)
        claimed |= codes
    return now, later


async def _keep(
    unit: Unit, facts: SettlementFacts, boxes: Sequence[Box], lines: Mapping[str, FeeLine]
) -> None:
    """Write the boxes of a bill that was just settled, a record for each fee line."""
    assert facts.key is not None
    bill = facts.key.text()
    listed = {box.code for box in boxes}
    codes = Codes(await standing_turns(unit.connection, NO_PERSON_POOL, listed))
    records: list[store.Recorded] = []
    by_line = sorted(boxes, key=lambda box: (box.line, box.split))
    for (number, split), found in groupby(by_line, key=lambda box: (box.line, box.split)):
        line = lines[number]
        key = PoolKey(NO_PERSON_POOL, unit.numbers.next(unit.now))
        told = tuple(dict.fromkeys(box.code for box in found))
        step = CodeStep(key.number, MovementKind.SALE, facts.institution, bill, split, bill)
        turns = [rules.next_turn(step, code, codes.held.get(code), unit.now) for code in told]
        codes.take([turn for turn in turns if turn is not None])
        record = _record(unit, bill, line, split=split, codes=told)
        records.append((key, facts.institution, record, None))
    await store.insert(unit.connection, records, unit.now)
    await store.insert_turns(unit.connection, NO_PERSON_POOL, codes.added)


def _record(
    unit: Unit, bill: str, line: FeeLine, *, split: bool, codes: tuple[str, ...]
) -> Movement:
    """A sale of quantity 0: how much left the stock is for records of goods to tell (3505)."""
    return Movement(
        kind=MovementKind.SALE,
        serial=bill,
        item=line.item,
        institution_item=line.institution_item,
        quantity=0,
        moved_at=unit.now,
        day=unit.day,
        codes=codes,
        split=split,
        details={"setl_id": bill, "feedetl_sn": line.serial},
    )
