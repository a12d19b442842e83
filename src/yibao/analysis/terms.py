"""What a word of ``line_terms`` says of a fee line: JSON with the keys of a bill document's lines.

``{"class":"B","first_pay":"0.1","ceiling":"120.5","kind":"drug","approved":true}``; what is left
out is left to the law's ``[lines]``.
"""

import json
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

from yibao.adjudication.lines import RawTerms
from yibao.analysis.model import PopulationError
from yibao.kernel.money import NO_CEILING, PRICE_SCALE, rate_from_text, scaled
from yibao.policy.model import OverLimit
from yibao.policy.terms import ItemClass

_CLASSES = {"A": ItemClass.A, "B": ItemClass.B, "C": ItemClass.C}
_TEXTS = ("class", "kind", "bucket", "over_limit")
_FLAGS = ("restricted", "approved")
_NUMBERS = ("first_pay", "ceiling")
_KEYS = (*_TEXTS, *_NUMBERS, *_FLAGS)


def terms_of(file: str, word: str | None) -> tuple[RawTerms, bool | None]:
    """The terms and approval of a word. Raises PopulationError naming the word."""
    try:
        said = _checked(json.loads(word or "", parse_float=Decimal))
        first_pay, ceiling, over_limit = (
            said.get(key) for key in ("first_pay", "ceiling", "over_limit")
        )
        terms = RawTerms(
            item_class=_CLASSES[said["class"]],
            kind=said.get("kind"),
            first_pay=None if first_pay is None else rate_from_text(str(first_pay)),
            ceiling=NO_CEILING if ceiling is None else scaled(str(ceiling), PRICE_SCALE),
            restricted=said.get("restricted", False),
            bucket=said.get("bucket"),
            over_limit=None if over_limit is None else OverLimit(over_limit),
        )
    except (ValueError, KeyError, TypeError, ArithmeticError) as error:
        raise PopulationError(file, "line_terms", f"{word!r} cannot be read: {error}") from None
    if terms.first_pay is not None and not 0 <= terms.first_pay.numerator <= (
        terms.first_pay.denominator
    ):
        raise PopulationError(file, "line_terms", f"{word!r}: first_pay must lie within 0..1")
    return terms, said.get("approved")


def _checked(said: Any) -> Mapping[str, Any]:
    if not isinstance(said, dict):
        raise TypeError("must be a JSON object")
    for key, value in said.items():
        if key not in _KEYS:
            raise ValueError(f"unknown key {key!r}; known are {', '.join(_KEYS)}")
        wanted = str if key in _TEXTS else bool if key in _FLAGS else (str, int, Decimal)
        if not isinstance(value, wanted) or (key in _NUMBERS and isinstance(value, bool)):
            raise ValueError(f"{key}: {value!r} is not what it must be")
    return said
