"""Exact money: whole fen, scaled unit prices and quantities, rates as fractions.

Units: an amount (``Fen``) is an int of 1/100 yuan; a unit price is an int of 1/1,000,000 yuan
(``PRICE_SCALE``); a quantity an int of 1/10,000 (``QUANTITY_SCALE``). No float ever enters.
Rounding is half-up on the magnitude, so that the mirror of an amount is exactly its negative.
"""

from decimal import Decimal, InvalidOperation
from math import gcd
from typing import NamedTuple

Fen = int
"""Whole fen (分), 1/100 yuan."""

Price = int
"""Unit price (单价) in 1/1,000,000 yuan."""

Quantity = int
"""Quantity (数量) in 1/10,000 of the charged unit."""

FEN_SCALE = 2
PRICE_SCALE = 6
QUANTITY_SCALE = 4
_PRODUCT_PER_FEN = 10 ** (PRICE_SCALE + QUANTITY_SCALE - FEN_SCALE)

NO_CEILING: Price = 999_999 * 10**PRICE_SCALE
"""The interface writes 999999 where an item has no price ceiling (``pric_uplmt_amt``)."""

AMOUNT_LIMIT: Fen = 100_000_000 * 100
"""A line above 100,000,000 yuan is refused: beyond it scaled products overflow 64 bits."""


class Rate(NamedTuple):
    """An exact ratio (比例), by default in 1/10,000; 2/3 is ``Rate(2, 3)``."""

    numerator: int
    denominator: int = 10_000

    def complement(self) -> "Rate":
        """1 − rate: the own share that belongs to a fund's share."""
        return Rate(self.denominator - self.numerator, self.denominator)

    def times(self, other: "Rate") -> "Rate":
        """The product, kept exact (an own share × 0.6 of a retired person)."""
        return Rate(self.numerator * other.numerator, self.denominator * other.denominator)

    def plus(self, other: "Rate") -> "Rate":
        """The sum, kept exact (points added for the retired)."""
        if self.denominator == other.denominator:
            return Rate(self.numerator + other.numerator, self.denominator)
        return Rate(
            self.numerator * other.denominator + other.numerator * self.denominator,
            self.denominator * other.denominator,
        )

    def text(self) -> str:
        """Decimal text without trailing zeros when exact, else the fraction: 0.7, 2/3."""
        reduced = self.denominator // gcd(self.numerator, self.denominator)
        for factor in (2, 5):
            while reduced % factor == 0:
                reduced //= factor
        if reduced != 1:  # no decimal ends
            return f"{self.numerator}/{self.denominator}"
        return format((Decimal(self.numerator) / self.denominator).normalize(), "f")


ZERO_RATE = Rate(0)
FULL_RATE = Rate(10_000)


def round_half_up(numerator: int, denominator: int) -> int:
    """``numerator / denominator`` to a whole number, halves away from zero (四舍五入).

    ``denominator`` must be positive.
    """
    if numerator >= 0:
        return (2 * numerator + denominator) // (2 * denominator)
    return -((-2 * numerator + denominator) // (2 * denominator))


def share(amount: int, rate: Rate) -> Fen:
    """``amount × rate``, rounded half-up to whole fen."""
    return round_half_up(amount * rate.numerator, rate.denominator)


def line_amount(price: int, quantity: int) -> Fen:
    """Price × quantity in fen, rounded half-up (``det_item_fee_sumamt``)."""
    return round_half_up(price * quantity, _PRODUCT_PER_FEN)


def scaled(text: str | int | Decimal, scale: int) -> int:
    """An exact int of ``10**-scale`` from decimal text; ValueError when digits would be lost."""
    try:
        value = Decimal(text)
    except (InvalidOperation, ValueError, TypeError):
        raise ValueError(f"not a decimal number: {text!r}") from None
    if not value.is_finite():
        raise ValueError(f"not a finite number: {text!r}")
    moved = value.scaleb(scale)
    whole = int(moved)
    if moved != whole:
        raise ValueError(f"more than {scale} decimals: {text!r}")
    return whole


def fen_from_yuan(text: str | int | Decimal) -> Fen:
    """Fen from decimal yuan text ("12.30" → 1230); ValueError beyond two decimals."""
    return scaled(text, FEN_SCALE)


def rate_from_text(text: str | int | Decimal) -> Rate:
    """A rate from decimal text or a fraction ("0.7", "2/3")."""
    if isinstance(text, str) and "/" in text:
        numerator, denominator = text.split("/", 1)
        return Rate(int(numerator), int(denominator))
    value = Decimal(text)
    exponent = max(4, -int(value.as_tuple().exponent))
    return Rate(int(value.scaleb(exponent)), 10**exponent)


def unscaled(value: int, scale: int) -> str:
    """Decimal text with ``scale`` decimals: ``unscaled(1230, 2)`` is "12.30"."""
    sign = "-" if value < 0 else ""
    whole, rest = divmod(abs(value), 10**scale)
    return f"{sign}{whole}.{rest:0{scale}d}"


def yuan(amount: int) -> str:
    """Fen as yuan text with two decimals."""
    return unscaled(amount, FEN_SCALE)
