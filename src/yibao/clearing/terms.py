"""The terms of clearing as dated data: ``data/terms.toml``."""

import tomllib
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from functools import cache
from importlib.resources import files

from yibao.kernel.areas import Pool
from yibao.kernel.money import Rate, rate_from_text

_COUNTRY = "000000"
_KEYS = {"area", "from", "value", "unit", "reference", "confidence"}


@dataclass(frozen=True, slots=True)
class Term:
    """A value with the area and day it begins to count."""

    area: str
    start: date
    value: Rate
    reference: str
    confidence: str


@cache
def retention_terms() -> tuple[Term, ...]:
    """The retention rates on file, oldest first. ValueError names what is wrong in the file."""
    text = (files("yibao.clearing") / "data" / "terms.toml").read_text("utf-8")
    rows = tomllib.loads(text, parse_float=Decimal)["retention_rate"]
    return tuple(sorted((_term(row) for row in rows), key=lambda term: term.start))


def _term(row: dict[str, object]) -> Term:
    if set(row) != _KEYS:
        raise ValueError(f"terms.toml: retention_rate must have {sorted(_KEYS)}, not {sorted(row)}")
    value = rate_from_text(str(row["value"]))
    check_rate(value)
    start = row["from"]
    if not isinstance(start, date):
        raise TypeError(f"terms.toml: from must be a date, not {start!r}")  # pragma: no cover
    return Term(str(row["area"]), start, value, str(row["reference"]), str(row["confidence"]))


def check_rate(rate: Rate) -> None:
    """ValueError unless a rate lies in 0..1."""
    if not 0 <= rate.numerator <= rate.denominator:
        raise ValueError(f"比例应在0与1之间：{rate.text()}")


def retention_rate(pool: Pool, day: date) -> Rate:
    """The share of the granted funds that a pool keeps back for a month that ends on ``day``."""
    for area in (pool, pool[:2] + "0000", _COUNTRY):
        values = [t.value for t in retention_terms() if t.area == area and t.start <= day]
        if values:
            return values[-1]
    return Rate(0)
