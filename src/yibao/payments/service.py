"""The door of the room: register, pay, refund and withdraw orders; tell one.

What an order's parts are is decided in ``split_of``: all cash, until the settlement's trial is
asked there. No ledger entry is written and no account is touched.
"""

import hmac
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import msgspec

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.refusals import RefusalCode, Refused
from yibao.payments import rules, store
from yibao.payments.model import (
    OrderEventKind,
    OrderFacts,
    OrderState,
    PayOrder,
    RefundOrder,
    RegisterOrder,
    Split,
    Standing,
    WithdrawOrder,
)
from yibao.platform.commands.model import Command, Done, Handler, Outcome, Unit
from yibao.platform.crypto import Vault
from yibao.registry.people.service import load_members
from yibao.registry.service import ReferenceCache
from yibao.settlement.service import visit

if TYPE_CHECKING:
    from asyncpg import Connection

_TOKEN = "mobile payment token"  # noqa: S105 - the purpose of a keyed hash
_REVERSAL = "mobile payment reversal"


def handlers(references: ReferenceCache, vault: Vault) -> Mapping[type, Handler]:  # noqa: ARG001
    """The handler of each kind of request of this room."""

    async def handle(unit: Unit, commands: Sequence[Command]) -> list[Outcome]:
        return [await _outcome(unit, vault, command.request) for command in commands]

    return dict.fromkeys((RegisterOrder, PayOrder, RefundOrder, WithdrawOrder), handle)


async def _outcome(unit: Unit, vault: Vault, request: Any) -> Outcome:
    try:
        if isinstance(request, RegisterOrder):
            facts = await register(unit, vault, request)
        elif isinstance(request, PayOrder):
            facts = await pay(unit, request)
        elif isinstance(request, RefundOrder):
            facts = await refund(unit, request)
        else:
            facts = await withdraw(unit, request)
    except Refused as refused:
        return refused.refusal
    return Done(facts, {"order": facts.key.text(), "events": len(facts.standing.events)})


# ------------------------------------------------------------------------------------------ tokens


def token_of(vault: Vault, key: PoolKey) -> str:
    """The token (``payToken``) that proves a caller to have registered the order."""
    return vault.fingerprint(_TOKEN, key.text()).hex()


def is_token(vault: Vault, key: PoolKey, shown: str) -> bool:
    """Whether a token is the order's."""
    return hmac.compare_digest(shown.encode(), token_of(vault, key).encode())


def reversal_token_of(vault: Vault, key: PoolKey) -> str:
    """The token of an order's reversal (``revsToken``)."""
    return vault.fingerprint(_REVERSAL, key.text()).hex()


# ---------------------------------------------------------------------------------------- commands


async def register(unit: Unit, vault: Vault, request: RegisterOrder) -> OrderFacts:
    """Register an order; the institution's number again with the same content is the same order."""
    rules.check_lines(request.total, request.lines)
    await _check_person(unit, vault, request)
    await _check_visit(unit, request)
    known = await store.latest_of_number(
        unit.connection, unit.pool, request.institution, request.hospital_order
    )
    if known is not None and known.standing.state is not OrderState.WITHDRAWN:
        if known.digest == request.digest:
            return known
        raise Refused(
            RefusalCode.ORDER_EXISTS,
            f"医疗机构订单号 {request.hospital_order} 已用于内容不同的订单",
            "hospital_order",
        )
    facts = OrderFacts(
        key=PoolKey(unit.pool, unit.numbers.next(unit.now)),
        institution=request.institution,
        member=request.member,
        hospital_order=request.hospital_order,
        edition=1 if known is None else known.edition + 1,
        batch=request.batch,
        fee_kind=request.fee_kind,
        visit=None if request.visit is None else request.visit.text(),
        standing=Standing(request.total),
        digest=request.digest,
        recorded_at=unit.now,
    )
    content = msgspec.json.encode(request.content).decode()
    await store.insert(unit.connection, facts, vault.seal(content))
    return facts


async def _check_person(unit: Unit, vault: Vault, request: RegisterOrder) -> None:
    members = await load_members(unit.connection, vault, unit.pool, [request.member])
    insured = members.get(request.member)
    if insured is None:
        raise Refused(
            RefusalCode.PERSON_UNKNOWN, f"人员编号 {request.member} 不存在", "order_member"
        )
    identity = insured.identity
    if (
        identity.document_number.upper() != request.document_number.upper()
        or identity.document_type != request.document_type.zfill(2)
        or identity.name != request.name
    ):
        raise Refused(
            RefusalCode.PERSON_DIFFERS,
            "证件类别、证件号码、姓名与人员编号不是同一人",
            "order_person",
        )


async def _check_visit(unit: Unit, request: RegisterOrder) -> None:
    if request.visit is None:
        return
    found = await visit(unit.connection, request.visit)
    if found is None or found.institution != request.institution:
        raise Refused(
            RefusalCode.VISIT_UNKNOWN,
            f"就诊ID {request.visit.text()} 不存在或不属于本机构",
            "order_visit",
        )
    if found.member != request.member:
        raise Refused(RefusalCode.PERSON_DIFFERS, "就诊ID与人员编号不是同一人", "order_visit")


def split_of(standing: Standing) -> Split:
    """Who pays an order: all cash, as no settlement is made from here yet."""
    return Split(cash=standing.total)


async def pay(unit: Unit, request: PayOrder) -> OrderFacts:
    """Pay an order; the same serial number again finds it paid."""
    facts = await _own(unit, request.institution, request.order)
    for sent, held, name, label in (
        (request.batch, facts.batch, "order_batch", "收费批次号"),
        (request.fee_kind, facts.fee_kind, "order_fee_kind", "费用类别"),
        (request.visit, facts.visit, "order_visit", "就诊ID"),
    ):
        if sent is not None and held is not None and sent != held:
            raise Refused(
                RefusalCode.FIELD_INVALID, f"{label} {sent} 与订单登记的 {held} 不一致", name
            )
    if any(
        event.kind is OrderEventKind.PAID and event.serial == request.serial
        for event in facts.standing.events
    ):
        return facts
    standing = rules.paid(facts.standing, request.serial, split_of(facts.standing), unit.now)
    return await _advanced(unit, facts, standing)


async def refund(unit: Unit, request: RefundOrder) -> OrderFacts:
    """Refund all or a part; a refund number again with the same amounts is the same refund."""
    facts = await _own(unit, request.institution, request.order)
    for event in facts.standing.events:
        if event.kind is OrderEventKind.REFUNDED and event.serial == request.serial:
            if (event.split, event.part) == (request.split, request.part.value):
                return facts
            raise Refused(
                RefusalCode.ORDER_EXISTS,
                f"应用退款流水号 {request.serial} 已用于内容不同的退费",
                "refund_serial",
            )
    standing = rules.refunded(facts.standing, request.serial, request.part, request.split, unit.now)
    return await _advanced(unit, facts, standing)


async def withdraw(unit: Unit, request: WithdrawOrder) -> OrderFacts:
    """Withdraw an order that was not paid; an order that is withdrawn already stays so."""
    facts = await _own(unit, request.institution, request.order)
    if facts.standing.state is OrderState.WITHDRAWN:
        return facts
    return await _advanced(unit, facts, rules.withdrawn(facts.standing, unit.now))


async def _own(unit: Unit, institution: str, key: PoolKey) -> OrderFacts:
    facts = await store.order(unit.connection, key)
    if facts is None or facts.institution != institution:
        raise unknown(key.text())
    return facts


async def _advanced(unit: Unit, facts: OrderFacts, standing: Standing) -> OrderFacts:
    turn = len(standing.events)
    await store.insert_event(unit.connection, facts.key, turn, standing.events[-1])
    return replace(facts, standing=standing)


def unknown(text: str) -> Refused:
    """Another institution's order is answered as unknown too."""
    return Refused(
        RefusalCode.ORDER_UNKNOWN, f"支付订单号 {text} 不存在或不属于本机构", "payment_order"
    )


# ------------------------------------------------------------------------------------------- reads


async def order(connection: "Connection[Any]", key: PoolKey) -> OrderFacts | None:
    """An order as it stands, as the reader may see it."""
    return await store.order(connection, key)


async def recalled(
    connection: "Connection[Any]", key: PoolKey, reference: Mapping[str, Any]
) -> OrderFacts:
    """The order as it stood when a message was first answered."""
    facts = await store.order(connection, key)
    assert facts is not None, "an order is never deleted"
    events = facts.standing.events[: reference["events"]]
    return replace(facts, standing=replace(facts.standing, events=events))
