"""Invented fee items, and bills drawn from them: amounts, sums and fee lines of a population."""

from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.random import Generator
from numpy.typing import NDArray

Ints = NDArray[np.int64]

_ITEMS = 2_000
_FIRST_PAY = (5, 10, 15, 20, 30)
"""First self-pay ratios of class B in percent."""

_FEN = 10**8
"""Price × quantity of one fen: prices have six decimals, quantities four."""


class FeeCatalogue(NamedTuple):
    """Invented items, a place each in every array."""

    price: Ints
    """In 1/1,000,000 yuan."""
    ceiling: Ints
    """The same; the greatest int64 where there is none."""
    own: NDArray[np.bool_]
    percent: Ints
    """First self-pay ratio in percent."""
    terms: NDArray[np.int16]
    """Place in ``words``."""
    words: tuple[str, ...]


def catalogue(seed: int) -> FeeCatalogue:
    """The items of a seed: classes A, B and C, some with a price ceiling."""
    rng = np.random.default_rng([seed, 2_000_000_000])
    item_class = rng.choice(3, _ITEMS, p=(0.5, 0.4, 0.1))
    price = (np.exp(rng.normal(2.6, 1.1, _ITEMS)) * 100 + 10).astype(np.int64) * 10_000
    capped = (rng.random(_ITEMS) < 0.1) & (item_class < 2)
    steps = rng.integers(0, 4, _ITEMS)
    ceiling = price * (80 + 5 * steps) // 100 // 10_000 * 10_000
    percent = np.where(item_class == 1, np.array(_FIRST_PAY)[rng.integers(0, 5, _ITEMS)], 0)
    said = [
        _word("ABC"[kind], int(share), int(top) if has_top else None)
        for kind, share, top, has_top in zip(item_class, percent, ceiling, capped, strict=True)
    ]
    words = tuple(sorted(set(said)))
    places = {word: place for place, word in enumerate(words)}
    return FeeCatalogue(
        price,
        np.where(capped, ceiling, np.iinfo(np.int64).max),
        item_class == 2,
        percent,
        np.array([places[word] for word in said], np.int16),
        words,
    )


def drawn_lines(
    rng: Generator, fees: FeeCatalogue, stay: NDArray[np.bool_], lines: int
) -> tuple[dict[str, Any], dict[str, Any]]:
    """The sums of each bill, and the list columns of its fee lines."""
    number = len(stay) * lines
    item = rng.integers(0, len(fees.price), number)
    severity = rng.lognormal(0.0, 0.9, len(stay))  # few stays cost many times the usual
    most = np.clip(np.where(stay, 30 * severity, 1 + 2 * severity), 1, 2_000)
    quantity = 1 + (rng.random(number) * np.repeat(most, lines)).astype(np.int64)
    price = fees.price[item]
    amount = (price * quantity * 10_000 + _FEN // 2) // _FEN
    excess = np.maximum(price - fees.ceiling[item], 0) * quantity * 10_000
    own_line = fees.own[item]
    over_limit = np.minimum((excess + _FEN // 2) // _FEN, amount)
    payable = amount - over_limit
    first_pay = (payable * fees.percent[item] + 50) // 100
    own = np.where(own_line, amount, 0)
    in_scope = payable - first_pay - own
    sums = {
        name: parts.reshape(-1, lines).sum(axis=1)
        for name, parts in (
            ("own", own),
            ("over_limit", over_limit),
            ("first_pay", first_pay),
            ("in_scope", in_scope),
        )
    }
    first = pa.array(np.arange(0, number + 1, lines, dtype=np.int32))
    terms = pa.DictionaryArray.from_arrays(pa.array(fees.terms[item]), pa.array(fees.words))
    columns = {
        "line_amount": pa.array(amount.astype(np.int32)),
        "line_price": pa.array(price),
        "line_quantity": pa.array((quantity * 10_000).astype(np.int32)),
        "line_terms": terms,
    }
    return sums, {name: pa.ListArray.from_arrays(first, values) for name, values in columns.items()}


def _word(item_class: str, percent: int, ceiling: int | None) -> str:
    said = f'{{"class":"{item_class}"'
    if percent:
        said += f',"first_pay":"{percent / 100:g}"'
    if ceiling is not None:
        said += f',"ceiling":"{ceiling // 1_000_000}.{ceiling % 1_000_000 // 10_000:02d}"'
    return said + "}"
