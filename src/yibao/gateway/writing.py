"""How values are written in answers: exact decimal digits, civil dates and times of China.

Amounts are JSON numbers with two decimals, quantities with four, unit prices with six, made from
whole numbers of their scale, so no float rounds them on the way.
"""

from datetime import date, datetime
from functools import lru_cache

from msgspec import Raw

from yibao.kernel.money import (
    FEN_SCALE,
    PRICE_SCALE,
    QUANTITY_SCALE,
    Fen,
    Price,
    Quantity,
    Rate,
    round_half_up,
    unscaled,
)
from yibao.kernel.periods import local_time

RATIO_SCALE = 4

_remembered = lru_cache(maxsize=8192)
"""Bills repeat their figures: zeros, prices of common items, counts of one."""


@_remembered
def amount(fen: Fen) -> Raw:
    """Yuan with two decimals: 1230 fen is ``12.30``."""
    return Raw(unscaled(fen, FEN_SCALE))


@_remembered
def quantity(value: Quantity) -> Raw:
    """A quantity (数量) with four decimals."""
    return Raw(unscaled(value, QUANTITY_SCALE))


@_remembered
def price(value: Price) -> Raw:
    """A unit price or ceiling (单价、限价) with six decimals."""
    return Raw(unscaled(value, PRICE_SCALE))


@_remembered
def ratio(rate: Rate) -> Raw:
    """A ratio (比例) with four decimals, rounded half-up."""
    scaled = round_half_up(rate.numerator * 10**RATIO_SCALE, rate.denominator)
    return Raw(unscaled(scaled, RATIO_SCALE))


def moment(instant: datetime) -> str:
    """An instant as civil time ``yyyy-MM-dd HH:mm:ss``."""
    return local_time(instant).isoformat(" ", "seconds")


def day(value: date | None) -> str | None:
    """A civil date ``yyyy-MM-dd``; null where it is open."""
    return None if value is None else value.isoformat()


def day_start(value: date | None) -> str | None:
    """A civil date where the interface wants a time: its midnight."""
    return None if value is None else f"{value.isoformat()} 00:00:00"


def flag(value: bool) -> str:
    """``1`` for yes, ``0`` for no."""
    return "1" if value else "0"
