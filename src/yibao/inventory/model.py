"""Goods that institutions buy, keep and hand out (进销存): records as sent, what came of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import date, datetime
from enum import StrEnum
from typing import Any, NamedTuple

from yibao.kernel.areas import Pool
from yibao.kernel.identifiers import PoolKey
from yibao.kernel.money import Quantity
from yibao.kernel.refusals import Refusal


class MovementKind(StrEnum):
    """What a record says happened (3501 to 3506)."""

    STOCK_TAKING = "stock_taking"
    """Counted (盘存): the opening stock of its day."""
    CHANGE = "change"
    """Moved in or out otherwise (库存变更): lost, transferred, destroyed."""
    PURCHASE = "purchase"
    PURCHASE_RETURN = "purchase_return"
    SALE = "sale"
    SALE_RETURN = "sale_return"


@dataclass(frozen=True, slots=True)
class Reference:
    """Whom and which settlement a sale names, so that it can be checked."""

    pool: Pool
    member: str | None = None
    settlement: PoolKey | None = None


@dataclass(frozen=True, slots=True)
class Movement:
    """One record of goods (商品信息) as sent."""

    kind: MovementKind
    serial: str
    """The institution's number of the record (``fixmedins_bchno``)."""
    item: str
    """National code (``med_list_codg``)."""
    institution_item: str
    """The institution's own code (``fixmedins_hilist_id``): stock is kept by it."""
    quantity: Quantity
    """What the stock gains (loses: negative); of a stock-taking what was counted."""
    moved_at: datetime
    day: date
    codes: tuple[str, ...] = ()
    """Traceability codes (药品追溯码) of the boxes."""
    split: bool = False
    """A part of an opened box was sold (拆零)."""
    reference: Reference | None = None
    details: Mapping[str, Any] = field(default_factory=dict)
    """All other fields as sent, but those that name people."""
    people: Mapping[str, Any] = field(default_factory=dict)
    """Fields that name people; kept sealed."""


@dataclass(frozen=True, slots=True)
class RecordGoods:
    """Record what moved; each record for itself, or one that is refused as a whole."""

    institution: str
    rows: tuple[Movement | Refusal, ...]
    """A refusal stands for a row that the door could not accept."""
    by_row: bool
    """Bad rows are answered beside the good ones; else the only row's refusal is the answer."""


@dataclass(frozen=True, slots=True)
class DeleteGoods:
    """Delete the living records with a serial number, of some kinds (3507)."""

    institution: str
    serial: str
    kinds: tuple[MovementKind, ...]


@dataclass(frozen=True, slots=True)
class GoodsRecorded:
    """What came of each row, in order."""

    refused: Mapping[int, str]
    """Why a row was not recorded, by its place from 0."""
    warnings: tuple[str, ...] = ()


class CodeState(StrEnum):
    """What holds of a traceability code."""

    FREE = "free"
    """Never sold, or given back."""
    SOLD = "sold"
    OPENED = "opened"
    """Sold in parts; the institution that opened the box may sell on from it."""


class CodeStep(NamedTuple):
    """A record as the life of a code sees it."""

    number: int
    kind: MovementKind
    institution: str
    serial: str
    split: bool
    bill: str | None = None
    """The settlement that the box was told with (2207A); None of a record of goods."""
    named: str | None = None
    """The settlement that a record of goods names."""


@dataclass(frozen=True, slots=True)
class CodeTurn:
    """The latest turn in a code's life."""

    code: str
    turn: int
    state: CodeState
    institution: str
    movement: int
    """The sale."""
    serial: str
    """The sale's serial number; the settlement's number as long as a bill alone told of it."""
    recorded_at: datetime
    bill: str | None = None
    """The settlement that the sale was told with."""
    named: str | None = None
    """The settlement that the sale's record of goods names."""

    @property
    def told_twice(self) -> bool:
        """Whether both the bill and a record of goods have told of the one sale."""
        return self.bill is not None and self.serial != self.bill


@dataclass(frozen=True, slots=True)
class LivingMovement:
    """A record that was not deleted, as a deletion needs it."""

    key: PoolKey
    kind: MovementKind
    codes: tuple[str, ...]
