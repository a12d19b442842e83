"""Orders of the mobile-payment centre (移动支付): what was registered, paid, refunded.

An order is a fact, and so is each thing that happens to it; its standing is their sum. No money
moves here yet: an order's state is kept, and the whole total counts as cash.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, NamedTuple

from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Fen, Price, Quantity


class Split(NamedTuple):
    """Who pays how much, in fen: funds, personal account, cash."""

    fund: Fen = 0
    account: Fen = 0
    cash: Fen = 0

    @property
    def total(self) -> Fen:
        """All of it."""
        return self.fund + self.account + self.cash

    @property
    def insurance(self) -> Fen:
        """Funds and personal account: all but cash."""
        return self.fund + self.account

    def less(self, other: "Split") -> "Split":
        """What is left when ``other`` is taken away."""
        return Split(self.fund - other.fund, self.account - other.account, self.cash - other.cash)


class OrderState(StrEnum):
    """What an order has come to (订单状态)."""

    REGISTERED = "registered"
    PAID = "paid"
    CASH_PARTLY_REFUNDED = "cash_partly_refunded"
    CASH_REFUNDED = "cash_refunded"
    INSURANCE_REFUNDED = "insurance_refunded"
    INSURANCE_AND_CASH_PARTLY_REFUNDED = "insurance_and_cash_partly_refunded"
    REFUNDED = "refunded"
    WITHDRAWN = "withdrawn"


class OrderEventKind(StrEnum):
    """What may happen to an order."""

    PAID = "paid"
    REFUNDED = "refunded"
    WITHDRAWN = "withdrawn"


class RefundPart(StrEnum):
    """Which part is refunded (``refdType``)."""

    ALL = "ALL"
    CASH = "CASH"
    INSURANCE = "HI"


@dataclass(frozen=True, slots=True)
class OrderEvent:
    """One thing that happened to an order."""

    kind: OrderEventKind
    serial: str
    """The institution's number of it (``orgBizSer``, ``appRefdSn``)."""
    split: Split
    part: str
    """Of a refund (``RefundPart``), else ""."""
    recorded_at: datetime


@dataclass(frozen=True, slots=True)
class Standing:
    """An order's events, summed up."""

    total: Fen
    events: tuple[OrderEvent, ...] = ()

    @property
    def paid(self) -> Split:
        """What was paid, before refunds."""
        return next((e.split for e in self.events if e.kind is OrderEventKind.PAID), Split())

    @property
    def remaining(self) -> Split:
        """What was paid and not refunded."""
        left = self.paid
        for event in self.events:
            if event.kind is OrderEventKind.REFUNDED:
                left = left.less(event.split)
        return left

    @property
    def state(self) -> OrderState:
        """What the order has come to."""
        kinds = {event.kind for event in self.events}
        if OrderEventKind.WITHDRAWN in kinds:
            return OrderState.WITHDRAWN
        if OrderEventKind.PAID not in kinds:
            return OrderState.REGISTERED
        if OrderEventKind.REFUNDED not in kinds:
            return OrderState.PAID
        return self._refunded_state()

    def _refunded_state(self) -> OrderState:
        paid, left = self.paid, self.remaining
        if left.total == 0:
            return OrderState.REFUNDED
        if left.insurance == 0 and paid.insurance:
            untouched = left.cash == paid.cash
            return (
                OrderState.INSURANCE_REFUNDED
                if untouched
                else OrderState.INSURANCE_AND_CASH_PARTLY_REFUNDED
            )
        return OrderState.CASH_PARTLY_REFUNDED if left.cash else OrderState.CASH_REFUNDED


@dataclass(frozen=True, slots=True)
class OrderFacts:
    """An order as it stands."""

    key: PoolKey
    """Its text is the ``payOrdId``."""
    institution: str
    member: str
    hospital_order: str
    """``medOrgOrd``."""
    edition: int
    batch: str
    fee_kind: str
    visit: str | None
    standing: Standing
    digest: bytes
    recorded_at: datetime


class OrderLine(NamedTuple):
    """A priced line; price and quantity may not be sent."""

    amount: Fen
    price: Price | None
    quantity: Quantity | None


@dataclass(frozen=True, slots=True)
class RegisterOrder:
    """Register an order with its priced lines (费用明细上传, 6201)."""

    institution: str
    member: str
    hospital_order: str
    batch: str
    fee_kind: str
    visit: PoolKey | None
    total: Fen
    lines: tuple[OrderLine, ...]
    document_type: str
    document_number: str
    name: str
    digest: bytes
    content: Mapping[str, Any]
    """All that was sent; kept sealed."""


@dataclass(frozen=True, slots=True)
class PayOrder:
    """Pay an order (支付下单, 6202)."""

    institution: str
    order: PoolKey
    serial: str
    batch: str | None
    fee_kind: str | None
    visit: str | None


@dataclass(frozen=True, slots=True)
class RefundOrder:
    """Give back what was paid, all or a part (医保退费, 6203)."""

    institution: str
    order: PoolKey
    serial: str
    part: RefundPart
    split: Split


@dataclass(frozen=True, slots=True)
class WithdrawOrder:
    """Withdraw an order that was not paid (费用明细上传撤销, 6401)."""

    institution: str
    order: PoolKey
