"""The door of the room: record goods, delete records, tell the stock."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.inventory import rules, store
from yibao.inventory.model import (
    CodeStep,
    CodeTurn,
    DeleteGoods,
    GoodsRecorded,
    LivingMovement,
    Movement,
    RecordGoods,
    Reference,
)
from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey, parse_pool_key
from yibao.kernel.money import QUANTITY_SCALE, Quantity, unscaled
from yibao.kernel.refusals import Refusal, RefusalCode, Refused
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry.people.service import load_members
from yibao.registry.service import ReferenceCache
from yibao.settlement.service import settlement

if TYPE_CHECKING:
    from asyncpg import Connection


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:  # noqa: ARG001
    """The handler of each kind of request of this room."""

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        return [await _outcome(unit, vault, command.request) for command in commands]

    return {RecordGoods: handle, DeleteGoods: handle}


async def _outcome(unit: Unit, vault: Vault, request: RecordGoods | DeleteGoods) -> Outcome:
    try:
        if isinstance(request, DeleteGoods):
            await delete(unit, request)
            return Done(None, {})
        facts = await record(unit, vault, request)
    except Refused as refused:
        return refused.refusal
    return Done(facts, stored(facts))


def stored(facts: GoodsRecorded) -> dict[str, Any]:
    """What is remembered with the message, so that a repeat gets the same answer."""
    return {
        "refused": {str(place): text for place, text in facts.refused.items()},
        "warnings": list(facts.warnings),
    }


def recalled(reference: Mapping[str, Any]) -> GoodsRecorded:
    """The facts of a message that is answered again."""
    refused = {int(place): text for place, text in reference["refused"].items()}
    return GoodsRecorded(refused, tuple(reference["warnings"]))


# ------------------------------------------------------------------------------------------ record


@dataclass
class Codes:
    """The turns of the codes that one request touches, and those it adds."""

    held: dict[str, CodeTurn]
    added: list[CodeTurn] = field(default_factory=list)

    def take(self, new: Sequence[CodeTurn]) -> None:
        """Go on from these turns."""
        self.held |= {turn.code: turn for turn in new}
        self.added += new


async def record(unit: Unit, vault: Vault, request: RecordGoods) -> GoodsRecorded:
    """Record goods (商品信息上传); Refused when the only row is refused and nothing goes by row."""
    known = [row for row in request.rows if isinstance(row, Movement)]
    references = await _references(unit, vault, request.institution, known)
    listed = [code for row in known for code in row.codes]
    codes = Codes(await standing_turns(unit.connection, unit.pool, listed) if listed else {})
    refused: dict[int, str] = {}
    accepted: list[store.Recorded] = []
    for place, row in enumerate(request.rows):
        try:
            if isinstance(row, Refusal):
                raise Refused.of(row)
            rules.check_movement(row, unit.now)
            if row.reference is not None and (fault := references[row.reference]):
                raise Refused.of(fault)
            key = PoolKey(unit.pool, unit.numbers.next(unit.now))
            codes.take(_turns(unit, request.institution, row, key, codes.held))
        except Refused as refusal:
            if not request.by_row:
                raise
            refused[place] = refusal.refusal.message
        else:
            accepted.append((key, request.institution, row, _sealed(vault, row)))
    if accepted:
        await store.insert(unit.connection, accepted, unit.now)
        await store.insert_turns(unit.connection, unit.pool, codes.added)
    return GoodsRecorded(refused, await _shortages(unit, request.institution, accepted))


def _turns(
    unit: Unit, institution: str, row: Movement, key: PoolKey, held: Mapping[str, CodeTurn]
) -> list[CodeTurn]:
    """What the row brings its codes to; all of them or, Refused, none."""
    named = row.reference.settlement.text() if row.reference and row.reference.settlement else None
    step = CodeStep(key.number, row.kind, institution, row.serial, row.split, named=named)
    turns = (rules.next_turn(step, code, held.get(code), unit.now) for code in row.codes)
    return [turn for turn in turns if turn is not None]


async def standing_turns(
    connection: "Connection[Any]", pool: Pool, codes: Collection[str]
) -> dict[str, CodeTurn]:
    """The latest turn of each code, without what bills that were cancelled since have told."""
    held = await store.last_turns(connection, pool, codes)
    undone = await _undone(
        connection, {bill for turn in held.values() for bill in (turn.bill, turn.named)}
    )
    return {code: rules.as_it_stands(turn, undone) for code, turn in held.items()}


async def _undone(connection: "Connection[Any]", bills: Collection[str | None]) -> set[str]:
    """Which of the bills were cancelled, in whatever way; a bill is asked, nobody has to tell."""
    undone = set()
    for bill in sorted(bill for bill in bills if bill):
        key = parse_pool_key(bill)
        facts = key and await settlement(connection, key)
        if facts and facts.cancelled_by is not None:
            undone.add(bill)
    return undone


def _sealed(vault: Vault, row: Movement) -> bytes | None:
    return vault.seal(msgspec.json.encode(row.people).decode()) if row.people else None


async def _references(
    unit: Unit, vault: Vault, institution: str, rows: Sequence[Movement]
) -> dict[Reference, Refusal | None]:
    """What is wrong with the person and settlement that sales name; None: nothing."""
    wanted = {row.reference for row in rows if row.reference is not None}
    return {one: await _fault_of(unit, vault, institution, one) for one in wanted}


async def _fault_of(
    unit: Unit, vault: Vault, institution: str, reference: Reference
) -> Refusal | None:
    if reference.member is not None:
        found = await load_members(unit.connection, vault, reference.pool, [reference.member])
        if reference.member not in found:
            return Refusal(
                RefusalCode.PERSON_UNKNOWN, f"人员编号 {reference.member} 不存在", "member"
            )
    if reference.settlement is not None:
        facts = await settlement(unit.connection, reference.settlement)
        text = reference.settlement.text()
        if facts is None or facts.institution != institution:
            return Refusal(
                RefusalCode.SETTLEMENT_UNKNOWN,
                f"结算ID {text} 不存在或不属于本机构",
                "settlement",
            )
        if reference.member not in (None, facts.member):
            return Refusal(
                RefusalCode.PERSON_DIFFERS, f"人员编号与结算 {text} 的人员不一致", "member"
            )
    return None


async def _shortages(
    unit: Unit, institution: str, accepted: Sequence[store.Recorded]
) -> tuple[str, ...]:
    """Warnings of stock below zero: allowed, because goods may be recorded late."""
    items = sorted({row.institution_item for _, _, row, _ in accepted if row.quantity < 0})
    if not items:
        return ()
    left = await store.stock(unit.connection, institution, items)
    return tuple(
        f"机构目录 {item} 库存为 {unscaled(left[item], QUANTITY_SCALE)}，请核对盘存与采购记录"
        for item in items
        if left.get(item, 0) < 0
    )


# ------------------------------------------------------------------------------------------ delete


async def delete(unit: Unit, request: DeleteGoods) -> None:
    """Let records count no more (商品信息删除); a deleted sale frees its boxes."""
    found = await store.living(
        unit.connection, unit.pool, request.institution, request.serial, request.kinds
    )
    if not found:
        raise Refused(
            RefusalCode.GOODS_UNKNOWN,
            f"批次流水号 {request.serial} 没有该类型的有效记录",
            "goods_serial",
        )
    listed = {code for movement in found for code in movement.codes}
    turns = await _turns_after_deletion(unit, listed, found) if listed else []
    await store.delete(unit.connection, [movement.key for movement in found], unit.now)
    await store.insert_turns(unit.connection, unit.pool, turns)


async def _turns_after_deletion(
    unit: Unit, codes: Collection[str], deleted: Sequence[LivingMovement]
) -> list[CodeTurn]:
    gone = {movement.key.number for movement in deleted}
    held = await store.last_turns(unit.connection, unit.pool, codes)
    steps = await store.living_steps(unit.connection, unit.pool, codes)
    undone = await _undone(
        unit.connection,
        {bill for found in steps.values() for step in found for bill in (step.bill, step.named)},
    )
    turns = (
        rules.turn_after_deletion(
            code,
            [
                step._replace(named=None if step.named in undone else step.named)
                for step in steps.get(code, ())
                if step.number not in gone and step.bill not in undone
            ],
            held.get(code),
            unit.now,
        )
        for code in sorted(codes)
    )
    return [turn for turn in turns if turn is not None]


# ------------------------------------------------------------------------------------------- stock


async def stock(connection: "Connection[Any]", institution: str, item: str) -> Quantity | None:
    """What an institution has of one of its own items (库存), in 1/10,000; None: no record of it.

    The counts of the newest stock-taking day are the opening; what moved from that day on is added.
    Below zero when more was sold than was ever recorded as bought.
    """
    return (await store.stock(connection, institution, [item])).get(item)
