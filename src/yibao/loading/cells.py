"""How the text of a cell becomes a value. What cannot be read is told in Chinese and English."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal, InvalidOperation
from typing import Any

from yibao.kernel.areas import is_pool
from yibao.kernel.money import AMOUNT_LIMIT, FEN_SCALE, PRICE_SCALE, scaled
from yibao.kernel.periods import instant_of

_RATE_SCALE = 4
_EARLIEST, _LATEST = date(1880, 1, 1), date(2199, 12, 31)
_EXCEL_BEGAN = date(1899, 12, 30)


class BadCell(Exception):  # noqa: N818 - reads as a fact
    """A cell that cannot be taken."""

    def __init__(self, chinese: str, english: str, column: str = "") -> None:
        super().__init__(english)
        self.chinese = chinese
        self.english = english
        self.column = column
        """Where a whole row shows what is wrong with one of its cells."""


@dataclass(frozen=True, slots=True)
class Cell:
    """A type of cell."""

    told: str
    """How it is written, for the documentation."""
    parse: Callable[[str], Any]
    """The value of a text that is not empty; raises BadCell."""


def _text(longest: int) -> Callable[[str], str]:
    def parse(text: str) -> str:
        if len(text) > longest:
            raise BadCell(f"超过 {longest} 个字符", f"longer than {longest} characters")
        if any(ord(sign) < ord(" ") for sign in text):
            raise BadCell("含有不可见的控制字符", "it contains control characters")
        return text

    return parse


def text(longest: int = 100) -> Cell:
    """Any text up to a length."""
    return Cell(f"text, at most {longest} characters", _text(longest))


def pattern(expression: str, told: str, chinese: str) -> Cell:
    """A code of a certain form."""
    compiled = re.compile(expression, re.ASCII)

    def parse(text: str) -> str:
        if not compiled.fullmatch(text):
            raise BadCell(f"应为{chinese}", f"must be {told}")
        return text

    return Cell(told, parse)


def choice(**meanings: str) -> Cell:
    """One of some words."""

    def parse(text: str) -> str:
        if text not in meanings:
            known = ", ".join(meanings)
            raise BadCell(f"只能是 {known}", f"must be one of {known}")
        return text

    told = ", ".join(f"`{word}` ({meaning})" for word, meaning in meanings.items())
    return Cell(told, parse)


def words(known: Iterable[str], told: str) -> Cell:
    """One of the codes of a list."""
    codes = frozenset(known)

    def parse(text: str) -> str:
        if text not in codes:
            raise BadCell("代码不在代码表中", "the code is not in the list of codes")
        return text

    return Cell(told, parse)


def _date(text: str) -> date:
    day = _plain_date(text)
    if not _EARLIEST <= day <= _LATEST:
        raise BadCell("日期超出合理范围", "the date is out of all reason")
    return day


def _plain_date(text: str) -> date:
    try:
        if len(text) == len("20260101") and text.isdigit():
            return date(int(text[:4]), int(text[4:6]), int(text[6:]))
        if text[4:5] in ("-", "/"):
            year, month, day = text[:10].replace("/", "-").split("-")
            if text[10:] not in ("", " 00:00:00", "T00:00:00"):
                raise ValueError(text)
            return date(int(year), int(month), int(day))
        if text.isdigit() and len(text) == len("46000"):
            return _EXCEL_BEGAN + timedelta(days=int(text))
    except ValueError:
        pass
    raise BadCell("应为日期，如 2026-05-01", "must be a date such as 2026-05-01")


def _month(text: str) -> date:
    digits = text.replace("-", "").replace("/", "")
    try:
        if len(digits) == len("202605") and digits.isdigit():
            return date(int(digits[:4]), int(digits[4:]), 1)
    except ValueError:
        pass
    raise BadCell("应为年月，如 2026-05", "must be a month such as 2026-05")


def _time(text: str) -> datetime:
    try:
        told = datetime.fromisoformat(text)
        return instant_of(told) if told.tzinfo is None else told.astimezone(UTC)
    except ValueError:
        raise BadCell(
            "应为时间，如 2026-05-01 08:30:00", "must be a time such as 2026-05-01 08:30:00"
        ) from None


def _number(scale: int, *, negative: bool, told: str) -> Callable[[str], int]:
    def parse(text: str) -> int:
        try:
            value = scaled(text, scale)
        except ValueError:
            raise BadCell(
                f"应为数字，至多 {scale} 位小数" if scale else "应为整数",
                f"must be {told}",
            ) from None
        if value < 0 and not negative:
            raise BadCell("不得为负", "must not be negative")
        if abs(value) > AMOUNT_LIMIT * 10 ** max(0, scale - FEN_SCALE):
            raise BadCell("数值过大", "is too large")
        return value

    return parse


def _rate(text: str) -> int:
    try:
        value = Decimal(text[:-1]) / 100 if text.endswith("%") else Decimal(text)
        rate = scaled(value, _RATE_SCALE)
    except (InvalidOperation, ValueError):
        raise BadCell(
            "应为比例，如 0.1 或 10%，至多四位小数", "must be a ratio such as 0.1 or 10%"
        ) from None
    if not 0 <= rate <= 10**_RATE_SCALE:
        raise BadCell("比例应在 0 至 1 之间", "must lie between 0 and 1")
    return rate


_YES = frozenset({"1", "true", "yes", "y", "是"})
_NO = frozenset({"0", "false", "no", "n", "否"})


def _flag(text: str) -> bool:
    if text.lower() in _YES:
        return True
    if text.lower() in _NO:
        return False
    raise BadCell("应为 1（是）或 0（否）", "must be 1 (yes) or 0 (no)")


def _pool(text: str) -> str:
    if not is_pool(text):
        raise BadCell("统筹区编号应为六位", "a pool has six letters or digits")
    return text


DATE = Cell("date: 2026-05-01 or 20260501", _date)
MONTH = Cell("month: 2026-05 or 202605", _month)
TIME = Cell("time of Beijing: 2026-05-01 08:30:00", _time)
YUAN = Cell("yuan, at most 2 decimals", _number(FEN_SCALE, negative=False, told="yuan and fen"))
PRICE = Cell(
    "yuan, at most 6 decimals", _number(PRICE_SCALE, negative=False, told="a price in yuan")
)
WHOLE = Cell("whole number", _number(0, negative=False, told="a whole number"))
RATE = Cell("ratio: 0.1 or 10%", _rate)
FLAG = Cell("`1` yes, `0` no", _flag)
POOL = Cell("pool, six characters", _pool)
DIVISION = pattern(r"\d{6}", "a division, six digits", "六位区划代码")
